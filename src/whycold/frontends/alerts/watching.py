"""Looks at the rules again and again, and sends what there is to say; each receiver on its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from whycold.errors import UserError
from whycold.frontends.alert_rules import Condition, Receiver, Rule
from whycold.frontends.alert_state import (
    AlertState,
    Event,
    Message,
    Outbox,
    Post,
    RuleState,
    StateFile,
)
from whycold.frontends.alerts.judging import TOLD_CULPRITS, Judged, dearest, judge
from whycold.frontends.alerts.outboxes import delivered, failed, put, tidied
from whycold.frontends.alerts.posting import NotDelivered, post
from whycold.frontends.alerts.signing import signed
from whycold.frontends.alerts.stepping import Step, begun, step
from whycold.frontends.alerts.wording import payload
from whycold.frontends.web.store_access import StoreAccess
from whycold.query import Query
from whycold.store.base import Missing

__all__ = ["Watch", "Watched", "sent"]

_log = logging.getLogger("whycold.alerts")
_DAMAGED: Final = ".damaged"


@dataclass(frozen=True, slots=True)
class Watched:
    """What a watch is about. ``now`` is the clock, ``dashboard`` the address for links."""

    rules: Sequence[Rule]
    receivers: Mapping[str, Receiver]
    every: timedelta
    dashboard: str
    now: Callable[[], datetime]


class _Found(NamedTuple):
    rule: Rule
    state: RuleState
    message: Message | None


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found when, or why nothing could be asked."""

    at: datetime
    found: tuple[_Found, ...] = ()
    fault: str | None = None


class Watch:
    """The rules over one store; how they stand is kept in ``file``."""

    def __init__(self, about: Watched, access: StoreAccess, file: Path) -> None:
        self._about, self._access, self._file = about, access, StateFile(file)
        self._state = self._read(file)
        tidied(self._state, about.rules, about.receivers)
        self._watching = about.now()
        self._stirred = {name: asyncio.Event() for name in about.receivers}

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; a message that is being sent by then is sent to its end."""
        tasks = [asyncio.create_task(self._look(stop))]
        tasks += [asyncio.create_task(self._send(name, stop)) for name in self._about.receivers]
        await asyncio.gather(*tasks)

    def look(self) -> None:
        """Judge all rules once, and leave what there is to say in the outboxes."""
        self._take(self._looked(self._about.now()))

    def _looked(self, now: datetime) -> _Look:
        """What the rules come to now; changes nothing."""
        try:
            return self._access.ask(lambda query, _: _Look(now, tuple(self._judged(query, now))))
        except Missing:
            return _Look(now, fault="nothing is recorded yet")
        except UserError as error:
            return _Look(now, fault=str(error))

    def _judged(self, query: Query, now: datetime) -> Iterator[_Found]:
        for rule in self._about.rules:
            state = begun(rule, self._state.rules)
            judged = judge(rule, query, now, self._watching, state.known)
            done = step(rule, state, judged, now)
            message = None
            if done.event is not None:
                message = _message(rule, judged, done, done.event, query, state.since)
            yield _Found(rule, done.state, message)

    def _take(self, look: _Look) -> None:
        if look.fault is not None and self._state.fault is None:
            _log.warning("cannot look at the rules: %s", look.fault)
        self._state.fault, self._state.judged = look.fault, look.at
        for found in look.found:
            self._state.rules[found.rule.name] = found.state
            if found.message is not None:
                put(self._state, found.message, found.rule)

    async def _look(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            # only this thread changes the state: the other asks
            self._take(await asyncio.to_thread(self._looked, self._about.now()))
            self._keep()
            self._stir()
            await _pause(stop, self._about.every.total_seconds())
        self._stir()

    def _stir(self) -> None:
        for stirred in self._stirred.values():
            stirred.set()

    async def _send(self, name: str, stop: asyncio.Event) -> None:
        receiver, stirred = self._about.receivers[name], self._stirred[name]
        while not stop.is_set():
            box = self._state.outboxes.get(name) or Outbox()
            first = box.waiting[0] if box.waiting else None
            wait = (first.due - self._about.now()).total_seconds() if first is not None else None
            if first is None or (wait or 0) > 0:
                stirred.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stirred.wait(), wait)
                continue
            await self._try(receiver, box, first)

    async def _try(self, receiver: Receiver, box: Outbox, first: Post) -> None:
        rule = next(rule for rule in self._about.rules if rule.name == first.message.rule)
        try:
            body = await asyncio.to_thread(self._worded, first.message, rule, receiver)
            await sent(receiver, first.id, body, self._about.now())
        except NotDelivered as why:
            failed(box, first, str(why), self._about.now())
            if not first.tries:
                _log.warning("receiver %s: %s", receiver.name, why)
        except UserError as error:
            failed(box, first, str(error), self._about.now())
        else:
            delivered(box, first, self._about.now())
        self._keep()

    def _worded(self, message: Message, rule: Rule, receiver: Receiver) -> bytes:
        def words(query: Query) -> bytes:
            return msgspec.json.encode(
                payload(message, rule, receiver, query, self._about.dashboard)
            )

        return self._access.ask(lambda query, _: words(query))

    def _keep(self) -> None:
        try:
            self._file.write(self._state)
        except OSError as error:
            _log.warning("cannot keep how alerts stand: %s", error.strerror)

    def _read(self, path: Path) -> AlertState:
        state = self._file.read()
        if state is None and self._file.is_there():
            aside = path.with_name(f"{path.name}{_DAMAGED}")
            with contextlib.suppress(OSError):
                path.replace(aside)
            _log.warning("how alerts stood could not be read; it was set aside as %s", aside)
        return state or AlertState()


async def sent(receiver: Receiver, id: str, body: bytes, now: datetime) -> int:
    """Send a message, signed where there is a secret; the receiver's status. Raises
    NotDelivered.
    """
    return (await post(receiver, body, signed(id, body, now, receiver.secret))).status


def _message(
    rule: Rule, judged: Judged, done: Step, event: Event, query: Query, since: datetime | None
) -> Message:
    if rule.condition is Condition.culprit:
        culprits, among = tuple(one.counted for one in done.news), len(done.news)
    elif rule.condition is Condition.no_calls_for or event is Event.recovered:
        culprits, among = (), 0
    else:
        culprits, among = dearest(query, rule, judged.window)
    return Message(
        rule=rule.name,
        event=event,
        at=judged.window.until,
        since=done.state.since or since,
        window=judged.window,
        value=judged.value,
        before=judged.before,
        culprits=culprits[:TOLD_CULPRITS],
        among=among,
    )


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
