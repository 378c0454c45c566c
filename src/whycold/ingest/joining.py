"""The same call, seen by two sources: one call, with the text of the one that saw more of it and
what only the other one knows.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Final, TypeVar

from whycold.core.call import Call, Reply, Said
from whycold.core.diagnosis import Diagnosis
from whycold.store.answers import Filters
from whycold.store.base import Store
from whycold.store.records import Capture, Kept, Record

__all__ = ["IMPORTED", "PROXY", "Twins", "joined", "others_than", "richness"]

PROXY: Final = "proxy"
IMPORTED: Final = "imported."
"""What keys of the store's state begin with that name the sources it was given calls from."""
_RECORDED: Final = "spool.position"
_APART: Final = timedelta(hours=6)
"""How far apart two sources may date one call: some know only what came before or after it."""
_NAMELESS: Final = frozenset({"opencode"})
"""Sources that keep neither request nor message ids."""
_NEAR: Final = timedelta(minutes=10)
_MOST_NEAR: Final = 200
_STRICTNESS: Final = {Capture.full: 0, Capture.hash: 1, Capture.usage: 2, Capture.none: 3}
_T = TypeVar("_T")


def others_than(source: str, store: Store) -> bool:
    """Whether a store may hold calls of another source."""
    state = store.state()
    named = {key for key in state if key.startswith(IMPORTED)}
    if source == PROXY:
        return bool(named)
    recorded = any(key.startswith(_RECORDED) for key in state)
    only_it = named == {IMPORTED + source} and not recorded
    return not only_it and store.contents().calls > 0


class Twins:
    """Finds the calls of a store that are calls of ``source``, seen by another one."""

    def __init__(self, store: Store, source: str) -> None:
        self._store, self._source = store, source
        state = store.state()
        self._has_nameless = any(IMPORTED + name in state for name in _NAMELESS)

    def find(self, call: Call) -> Record | None:
        """The record of the same call; None when there is none, or its own source wrote it."""
        for id in (call.request_id, call.reply.message_id):
            kept = self._store.find(id) if id is not None else None
            if kept is not None and kept.source != self._source and _is_same(call, kept):
                return self._store.record(kept.told.call)
        return self._alike(call)

    def _alike(self, call: Call) -> Record | None:
        """Where a source keeps no ids: the only call of the same session that was sent at about the
        same time and has the same counts.
        """
        nameless = self._source in _NAMELESS
        if call.session is None or not (nameless or self._has_nameless):
            return None
        near = Filters(session=call.session, since=call.at - _NEAR, until=call.at + _NEAR)
        found = [
            kept
            for kept in self._store.calls(near, limit=_MOST_NEAR).items
            if kept.source != self._source
            and (nameless or kept.source in _NAMELESS)
            and _counts_alike(call, kept)
        ]
        return self._store.record(found[0].told.call) if len(found) == 1 else None


def _counts_alike(call: Call, kept: Kept) -> bool:
    """Whether two calls have the same counts, as far as both were told them, and enough of them."""
    one, other = call.usage, kept.told.usage
    if one.input is None or one.output is None:
        return False
    read = one.cache_read is None or other.cache_read in (None, one.cache_read)
    return (one.input, one.output) == (other.input, other.output) and read


def _is_same(call: Call, kept: Kept) -> bool:
    """Whether ids, counts and times of two calls, one id of which is equal, allow them to be one:
    recorded exchanges are played again, and bring the ids of the first time along.
    """
    told, usage = kept.told, call.usage
    pairs: tuple[tuple[object, object], ...] = (
        (call.request_id, told.request_id),
        (call.reply.message_id, told.message_id),
        (usage.input, told.usage.input),
        (usage.cache_read, told.usage.cache_read),
    )
    if any(a != b for a, b in pairs if a is not None and b is not None):
        return False
    return call.prompt.links.undated or abs(call.at - told.at) <= _APART


def richness(record: Record) -> tuple[object, ...]:
    """Sorts records of one call by how much of it they saw; equal for no two sources."""
    call = record.call
    return (
        bool(call.prompt.blocks),
        -len(call.prompt.unseen),
        bool(call.reply.blocks),
        record.source == PROXY,
        call.id,
    )


def joined(one: Record, other: Record) -> Record:
    """Two records of one call as one, to be written in place of what is there of them.

    Prompt, times and counts are those of the richer one; what that does not know is taken from
    the other: the provider's verdict, who asked, ids. Of two modes of capture the stricter holds.
    Its diagnosis is still that of the richer one, but for whose call it is. Of two that saw the
    same ``one`` is taken for the richer, the newer one.
    """
    rich, poor = (one, other) if richness(one) >= richness(other) else (other, one)
    call = _filled(rich.call, poor.call)
    ids = dict.fromkeys((*rich.also, poor.call.id, *poor.also))
    return Record(
        call,
        _named(rich.told, call),
        max(one.capture, other.capture, key=_STRICTNESS.__getitem__),
        rich.status if rich.status is not None else poor.status,
        rich.source,
        tuple(id for id in ids if id != call.id),
        amends=True,
    )


def _filled(rich: Call, poor: Call) -> Call:
    return replace(
        rich,
        reply=_reply(rich.reply, poor.reply),
        began=_either(rich.began, poor.began),
        request_id=_either(rich.request_id, poor.request_id),
        project=_either(rich.project, poor.project),
        session=_either(rich.session, poor.session),
        agent=_either(rich.agent, poor.agent),
        release=_either(rich.release, poor.release),
        account=_either(rich.account, poor.account),
        host=_either(rich.host, poor.host),
    )


def _reply(rich: Reply, poor: Reply) -> Reply:
    verdict = rich.verdict
    if verdict is None or (verdict.said is Said.inconclusive and poor.verdict is not None):
        verdict = poor.verdict
    counts = asdict(rich.usage)
    missing = {n: v for n, v in asdict(poor.usage).items() if v is not None and counts[n] is None}
    return replace(
        rich,
        message_id=_either(rich.message_id, poor.message_id),
        model=_either(rich.model, poor.model),
        host=_either(rich.host, poor.host),
        usage=replace(rich.usage, **missing),
        verdict=verdict,
        blocks=rich.blocks or poor.blocks,
        stop=_either(rich.stop, poor.stop),
    )


def _either(one: _T | None, other: _T | None) -> _T | None:
    return other if one is None else one


def _named(told: Diagnosis, call: Call) -> Diagnosis:
    """A diagnosis with the names that a call is found by."""
    return replace(
        told,
        message_id=call.reply.message_id,
        request_id=call.request_id,
        project=call.project,
        session=call.session,
        agent=call.agent,
        release=call.release,
    )
