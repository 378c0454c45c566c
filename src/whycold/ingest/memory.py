"""What the recorder remembers of the calls so far: enough to diagnose the next ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from whycold.core.call import Call
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import Engine, PriceList
from whycold.ingest.digests import comparable
from whycold.ingest.shared_blocks import SharedBlocks
from whycold.providers.registry import rules_for
from whycold.store.answers import Filters
from whycold.store.base import Store
from whycold.store.records import Capture, Record

__all__ = ["REMEMBERED", "Known", "Memory", "Take"]

REMEMBERED = timedelta(hours=24)
"""How far back a predecessor is looked for: past the longest lifetime of an entry."""
_MOST, _LEAST = 4000, 200
"""Calls that are held in memory for that, at most and at least."""
_MOST_BYTES = 256 << 20
"""Text of prompts and replies that is held with them."""
_AS_NEW = timedelta(hours=1)
"""How much older than the newest a call may be to be diagnosed among those in memory."""
_LOOK = 256
"""Calls after which the bytes are counted anew."""


@dataclass(frozen=True, slots=True)
class Known:
    """A call as it was read, before the engine put together what the server adds to it."""

    call: Call
    capture: Capture
    status: int | None
    source: str | None
    also: tuple[str, ...] = ()

    @classmethod
    def of(cls, record: Record) -> Known:
        """What is known of a call that is kept."""
        return cls(record.call, record.capture, record.status, record.source, record.also)

    def record(self, told: Diagnosis, *, amends: bool) -> Record:
        """The call with its diagnosis, to be kept."""
        return Record(
            self.call, told, self.capture, self.status, self.source, self.also, amends=amends
        )


class Memory:
    """An engine with the calls that it has taken, bounded in time, number and bytes."""

    def __init__(self, prices: PriceList | None) -> None:
        self._engine = Engine(rules_for, prices)
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._blocks, self._most, self._unlooked = SharedBlocks(), _MOST, 0
        self._newest: tuple[datetime, str] | None = None

    def shared(self, call: Call) -> Call:
        """The call with the blocks that are in memory already."""
        return self._blocks.of(call)

    def is_late(self, call: Call) -> bool:
        """Whether calls that were sent after it have been taken."""
        return self._newest is not None and call.order < self._newest

    def take(self, known: Known, *, bare: Call | None = None) -> Diagnosis:
        """Diagnose a call, or what is ``bare`` of it, and remember it."""
        call = bare or known.call
        hashed = bare is None and known.capture is Capture.hash
        told = self._engine.take(comparable(call) if hashed else call)
        self._known[call.id] = known
        if self._newest is None or call.order > self._newest:
            self._newest = call.order
        return told

    def reaches(self, call: Call) -> bool:
        """Whether what a call may have to do with is remembered: it is as new as the others."""
        if self._newest is None:
            return True
        if len(self._known) < self._most:
            return call.at >= self._newest[0] - _AS_NEW
        oldest = min(known.call.at for known in self._known.values())
        return call.at >= max(self._newest[0] - _AS_NEW, oldest + _AS_NEW)

    def holds(self, id: str) -> bool:
        """Whether a call is remembered."""
        return id in self._known

    def drop(self, id: str) -> None:
        """Remember a call no longer: another one stands for it."""
        if self._known.pop(id, None) is not None:
            self._engine.drop(id)

    def affected(self, late: Call) -> Iterator[Known]:
        """What was sent after a late call and may have reused what that left, oldest first."""
        found = (self._known.get(call.id) for call in self._engine.affected(late))
        return (known for known in found if known is not None)

    def forget(self) -> None:
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
            self._engine.forget(self._newest[0] - REMEMBERED, self._most)

    def warm(self, store: Store, take: Take) -> Iterator[int]:
        """Take up the latest calls of a store, one by one; how many are taken by then."""
        latest = store.calls(Filters(), limit=1).items
        since = latest[0].told.at - REMEMBERED if latest else None
        count = 0
        for record in store.history(since, _MOST):
            known = Known.of(replace(record, call=self.shared(record.call)))
            count += take(self, known) is not None
            yield count


Take = Callable[[Memory, Known], Diagnosis | None]
"""How a call is taken into a memory; None when that failed."""
