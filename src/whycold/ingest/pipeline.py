"""From exchanges of the spool to diagnosed calls in the store, a batch at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from whycold.core.call import Call
from whycold.diagnose import Engine, PriceList
from whycold.providers.registry import rules_for
from whycold.sources.proxied import NotACall, Served, read_proxied
from whycold.sources.spool import Position
from whycold.sources.spool_reader import Item
from whycold.sources.spool_record import Capture as Spooled
from whycold.store.base import Store
from whycold.store.records import Capture, Record, Written

__all__ = ["Ingest", "position_of", "position_text"]

_REMEMBERED = timedelta(hours=24)
"""How far back a predecessor is looked for: past the longest lifetime of an entry."""
_MOST = 4000
"""Calls that are held in memory for that."""
_POSITION = "spool.position"
_SKIPPED = "spool.skipped"


class Ingest:
    """Diagnoses what was recorded and keeps it.

    ``warm`` first takes up where an earlier process ended. Each batch is written in one
    transaction with the position in the spool behind it, so that it counts once however often it
    is read.
    """

    def __init__(self, store: Store, served: Served, prices: PriceList | None = None) -> None:
        self._store, self._served = store, served
        self._engine = Engine(rules_for, prices)
        self._capture: dict[str, tuple[Capture, int | None]] = {}
        self._newest: datetime | None = None
        self.skipped: Counter[str] = Counter()

    def warm(self, now: datetime) -> int:
        """Take up the latest calls of the store; how many."""
        count = 0
        for record in self._store.history(now - _REMEMBERED, _MOST):
            self._engine.take(record.call)
            self._note(record.call, record.capture, record.status)
            count += 1
        for line in self._store.state().get(_SKIPPED, "").splitlines():
            number, _, why = line.partition(" ")
            self.skipped[why] += int(number)
        return count

    def take(self, items: Sequence[Item]) -> Written:
        """Keep one batch of the spool, in the order of their requests."""
        records: dict[str, Record] = {}
        for item in sorted(items, key=lambda i: i.exchange.started):
            exchange = item.exchange
            if exchange.capture is Spooled.none:
                continue
            try:
                call = read_proxied(exchange, self._served)
            except NotACall as why:
                self.skipped[_kind(str(why))] += 1
                continue
            for record in self._diagnosed(call, Capture(exchange.capture), exchange.status):
                records[record.call.id] = record
        after = items[-1].after
        written = self._store.write(
            f"spool {position_text(items[0].position)} {position_text(after)}",
            list(records.values()),
            {_POSITION: position_text(after), _SKIPPED: self._skipped_text()},
        )
        if self._newest is not None:
            self._engine.forget(self._newest - _REMEMBERED, _MOST)
        return written

    def _diagnosed(self, call: Call, capture: Capture, status: int | None) -> Iterable[Record]:
        """The call, and those sent after it that were diagnosed without it."""
        late = self._newest is not None and call.at < self._newest
        self._note(call, capture, status)
        yield Record(call, self._engine.take(call), capture, status, source="proxy")
        for other in self._engine.affected(call) if late else ():
            kept, code = self._capture.get(other.id, (Capture.full, None))
            told = self._engine.take(other)
            yield Record(other, told, kept, code, source="proxy", amends=True)

    def _note(self, call: Call, capture: Capture, status: int | None) -> None:
        self._capture[call.id] = (capture, status)
        if len(self._capture) > 2 * _MOST:
            self._capture = dict(list(self._capture.items())[-_MOST:])
        if self._newest is None or call.at > self._newest:
            self._newest = call.at

    def _skipped_text(self) -> str:
        return "\n".join(f"{count} {why}" for why, count in self.skipped.most_common(50))


def _kind(why: str) -> str:
    """A reason short enough to count by."""
    return " ".join(why.split())[:120]


def position_text(position: Position) -> str:
    """``SEGMENT:OFFSET``."""
    return f"{position.segment}:{position.offset}"


def position_of(state: dict[str, str]) -> Position | None:
    """Where reading goes on, from the store's state; None at the very first start."""
    segment, _, offset = state.get(_POSITION, "").partition(":")
    return Position(int(segment), int(offset)) if segment.isdigit() and offset.isdigit() else None
