"""From exchanges of the spool to diagnosed calls in the store, a batch at a time."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from whycold.core.call import Call
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import Engine, PriceList
from whycold.ingest.digests import comparable
from whycold.ingest.progress import Progress, position_text
from whycold.ingest.shared_blocks import SharedBlocks
from whycold.providers.registry import rules_for
from whycold.providers.turns import Turns
from whycold.sources.extract import without_prompt
from whycold.sources.proxied import NotACall, Seen, read_proxied
from whycold.sources.served import Served
from whycold.sources.spool import Position
from whycold.sources.spool_reader import Damage, Item
from whycold.sources.spool_record import Capture as Spooled
from whycold.sources.spool_record import Exchange
from whycold.store.answers import Filters
from whycold.store.base import Damaged, Store, Unavailable
from whycold.store.records import Capture, Record, Written

__all__ = ["Batch", "Ingest"]

_log = logging.getLogger("whycold.recorder")

_REMEMBERED = timedelta(hours=24)
"""How far back a predecessor is looked for: past the longest lifetime of an entry."""
_MOST, _LEAST = 4000, 200
"""Calls that are held in memory for that, at most and at least."""
_MOST_BYTES = 256 << 20
"""Text of prompts and replies that is held with them."""
_LOOK = 256
"""Calls after which the bytes are counted anew."""
_SOURCE = "proxy"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Known:
    """A call as it was read, before the engine put together what the server adds to it."""

    call: Call
    capture: Capture
    status: int | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What becomes of some exchanges: records to keep, and how far the recorder is then."""

    token: str
    records: tuple[Record, ...]
    state: Mapping[str, str]
    after: Position


class Ingest:
    """Diagnoses what was recorded and keeps it.

    ``project`` is the project of calls that name none. ``warm`` first takes up where an earlier
    process ended. Each batch is written in one transaction with the position in the spool behind
    it, so that it counts once however often it is read. ``progress`` is what is kept of that.
    """

    def __init__(
        self,
        store: Store,
        served: Served,
        prices: PriceList | None = None,
        project: str | None = None,
    ) -> None:
        self._store, self._served, self._project = store, served, project
        self._turns = Turns()
        self._engine = Engine(rules_for, prices)
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._blocks, self._most, self._unlooked = SharedBlocks(), _MOST, 0
        self._newest: tuple[datetime, str] | None = None
        self.progress = Progress.read(store.state())

    def warm(self) -> int:
        """Take up the latest calls of the store; how many."""
        count = 0
        latest = self._store.calls(Filters(), limit=1).items
        since = latest[0].told.at - _REMEMBERED if latest else None
        for record in self._store.history(since, _MOST):
            call = self._blocks.of(record.call)
            known = _Known(call, record.capture, record.status, record.source)
            if self._engine_took(known) is not None:
                count += 1
        return count

    def read(self, items: Sequence[Item], damage: Sequence[Damage] = ()) -> Batch:
        """Diagnose exchanges of the spool, in the order of their requests.

        ``damage`` is what had to be left out before them.
        """
        records: dict[str, Record] = {}
        for item in sorted(items, key=lambda i: (i.exchange.started, i.exchange.id)):
            for record in self._recorded(item.exchange):
                records[record.call.id] = record
        for hole in damage:
            self.progress.damaged[hole.fault] += hole.size
        self._forget()
        return self._batch(items, tuple(records.values()))

    def _forget(self) -> None:
        """Let go of what is too old, or too much."""
        self._unlooked += 1
        if self._unlooked >= _LOOK or len(self._known) >= self._most:
            self._unlooked = 0
            too_much = self._blocks.size() > _MOST_BYTES
            held = len(self._known)
            self._most = max(_LEAST, held * 3 // 4) if too_much else min(_MOST, self._most * 2)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        if self._newest is not None:
            self._engine.forget(self._newest[0] - _REMEMBERED, self._most)

    def without(self, item: Item, why: str) -> Batch:
        """The batch that leaves out an exchange which cannot be taken."""
        self.progress.failed[why] += 1
        return self._batch([item], ())

    def _batch(self, items: Sequence[Item], records: tuple[Record, ...]) -> Batch:
        first, after = position_text(items[0].position), position_text(items[-1].after)
        self.progress.position = items[-1].after
        return Batch(f"spool {first} {after}", records, self.progress.state(), items[-1].after)

    def keep(self, batch: Batch) -> Written:
        """Put a batch into the store; of one that is there already nothing is done.

        Raises ``Unavailable`` and ``Damaged`` of the store: nothing was kept then, and the batch
        can be given again.
        """

        def write(
            token: str, records: Sequence[Record], state: Mapping[str, str]
        ) -> Written | None:
            return self._guarded("kept", lambda: self._store.write(token, records, state))

        written = write(batch.token, batch.records, batch.state)
        if written is not None:
            return written
        # One of them cannot be kept; which one shows when each is written by itself.
        for number, record in enumerate(batch.records):
            write(f"{batch.token} {number}", [record], {})
        return self._store.write(batch.token, [], self.progress.state())

    def _recorded(self, exchange: Exchange) -> Iterator[Record]:
        """The call of an exchange, and those sent after it that were diagnosed without it."""
        seen = self._seen(exchange)
        if seen is None:
            return
        call, capture = self._blocks.of(seen.call), Capture(exchange.capture)
        if call.project is None and self._project is not None:
            call = replace(call, project=self._project)
        if seen.lacks is not None:
            self.progress.lacking[seen.lacks] += 1
            capture = Capture.usage
        known = _Known(call, capture, exchange.status, _SOURCE)
        late = self._newest is not None and call.order < self._newest
        told = self._engine_took(known)
        if told is None:
            return
        yield Record(call, told, capture, exchange.status, _SOURCE)
        for other in self._engine.affected(call) if late else ():
            again = self._known.get(other.id)
            if again is not None and (told := self._engine_took(again)) is not None:
                yield Record(
                    again.call, told, again.capture, again.status, again.source, amends=True
                )

    def _seen(self, exchange: Exchange) -> Seen | None:
        if exchange.capture is Spooled.none:
            return None
        try:
            seen = self._guarded("read", lambda: read_proxied(exchange, self._served, self._turns))
        except NotACall as why:
            self.progress.skipped[_short(str(why))] += 1
            return None
        if seen is None:
            return None
        if seen.how is not None:
            said = {"provider": seen.call.provider, "known_by": seen.how.value}
            self.progress.providers[exchange.upstream] = said
        return seen

    def _engine_took(self, known: _Known) -> Diagnosis | None:
        """The diagnosis of a call, in the engine from now on; None when that failed."""
        call = known.call
        as_compared = comparable(call) if known.capture is Capture.hash else call
        told = self._guarded("diagnosed", lambda: self._engine.take(as_compared))
        if told is None:
            # Its counts are known all the same, and what was sent can be diagnosed another day.
            bare = without_prompt(call)
            told = self._guarded("counted", lambda: self._engine.take(bare))
        if told is None:
            return None
        self._known[call.id] = known
        if self._newest is None or call.order > self._newest:
            self._newest = call.order
        return told

    def _guarded(self, what: str, work: Callable[[], _T]) -> _T | None:
        """What ``work`` gives; None, counted, when it fails in a way that nobody foresaw."""
        try:
            return work()
        except (NotACall, Unavailable, Damaged):
            raise
        except Exception as fault:  # noqa: BLE001
            # The bytes were chosen by others; whatever they bring about, the next must be read.
            self.progress.failed[f"could not be {what}: {type(fault).__name__}"] += 1
            _log.error("an exchange could not be %s", what, exc_info=fault)
            return None


def _short(why: str) -> str:
    """A reason short enough to count by."""
    return " ".join(why.split())[:120]
