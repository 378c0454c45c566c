"""From exchanges of the spool to diagnosed calls in the store, a batch at a time."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import PriceList
from whycold.ingest.heard import Heard
from whycold.ingest.joining import PROXY, Twins, joined, others_than
from whycold.ingest.memory import Known, Memory
from whycold.ingest.progress import Progress, position_text
from whycold.ingest.relinking import may_change
from whycold.providers.turns import Turns
from whycold.sources.extract import without_prompt
from whycold.sources.proxied import NotACall, Seen, read_proxied
from whycold.sources.served import Served
from whycold.sources.spool import Position
from whycold.sources.spool_reader import Damage, Item
from whycold.sources.spool_record import Capture as Spooled
from whycold.sources.spool_record import Exchange
from whycold.store.base import Damaged, Store, Unavailable
from whycold.store.records import Capture, Record, Written

__all__ = ["Batch", "Ingest"]

_log = logging.getLogger("whycold.recorder")

_STEP = 32
"""Calls of the store that are taken up between two batches of the spool."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Batch:
    """What becomes of some exchanges: records to keep, and how far the recorder is then.

    ``heard``: what else is known of new calls, by their ids."""

    token: str
    records: tuple[Record, ...]
    state: Mapping[str, str]
    after: Position
    heard: Mapping[str, Heard] = field(default_factory=dict[str, Heard])


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
        self._turns, self._prices = Turns(), prices
        self._memory = Memory(prices)
        self._meanwhile: list[Known] | None = None
        self._twins: Twins | None = None
        self.progress = Progress.read(store.state())

    def warm(self) -> int:
        """Take up the latest calls of the store; how many."""
        self._twins = Twins(self._store, PROXY) if others_than(PROXY, self._store) else None
        return max(self._memory.warm(self._store, self._took), default=0)

    def refresh(self, records: Sequence[Record] | None = None) -> Generator[None, None, bool]:
        """Take in, in small steps, what others have changed in the store: these ``records`` that
        came in, or anything. What is recorded between the steps is known afterwards, too.

        Returns whether all that the records change of other diagnoses is in the store then.
        """
        self._twins = Twins(self._store, PROXY) if others_than(PROXY, self._store) else None
        if records is not None and all(self._memory.reaches(r.call) for r in records):
            yield from self._learnt(records)
            return True
        fresh, self._meanwhile = Memory(self._prices), []
        for count in fresh.warm(self._store, self._took):
            if count % _STEP == 0:
                yield
        fresh.forget()
        for known in sorted(self._meanwhile, key=lambda known: known.call.order):
            self._took(fresh, known)
        self._memory, self._meanwhile = fresh, None
        return False

    def _learnt(self, records: Sequence[Record]) -> Iterator[None]:
        ordered = sorted(records, key=lambda record: record.call.order)
        for at in range(0, len(ordered), _STEP):
            some = ordered[at : at + _STEP]
            known = {record.call.id: record.told for record in some}
            found = {record.call.id: record for one in some for record in self._learn(one)}
            changed = [
                record
                for id, record in found.items()
                if may_change(record) and record.told != known.get(id)
            ]
            if changed:
                token = f"learnt {secrets.token_hex(8)}"
                self._store.write(token, [replace(r, amends=True) for r in changed])
            self._memory.forget()
            yield

    def _learn(self, record: Record) -> Iterator[Record]:
        """A call that is in the store, and those that it changes."""
        for id in record.also:
            self._memory.drop(id)
        call = self._memory.shared(record.call)
        return self._taken(Known.of(replace(record, call=call)), amends=True)

    def read(
        self, items: Sequence[Item], damage: Sequence[Damage] = (), program: str = ""
    ) -> Batch:
        """Diagnose exchanges of the spool, in the order of their requests.

        ``damage`` is what had to be left out before them; ``program`` names the folder they are
        from, where it is not the proxy's.
        """
        records: dict[str, Record] = {}
        heard: dict[str, Heard] = {}
        for item in sorted(items, key=lambda i: (i.exchange.started, i.exchange.id)):
            for place, record in enumerate(self._recorded(item.exchange)):
                if place == 0:
                    heard[record.call.id] = Heard.of(item.exchange)
                records[record.call.id] = record
        for hole in damage:
            self.progress.damaged[hole.fault] += hole.size
        self._memory.forget()
        return replace(self._batch(items, tuple(records.values()), program), heard=heard)

    def without(self, item: Item, why: str, program: str = "") -> Batch:
        """The batch that leaves out an exchange which cannot be taken."""
        self.progress.failed[why] += 1
        return self._batch([item], (), program)

    def _batch(self, items: Sequence[Item], records: tuple[Record, ...], program: str) -> Batch:
        first, after = position_text(items[0].position), position_text(items[-1].after)
        self.progress.reached(program, items[-1].after)
        token = f"spool {program} {first} {after}" if program else f"spool {first} {after}"
        return Batch(token, records, self.progress.state(), items[-1].after)

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
        call, capture = self._memory.shared(seen.call), Capture(exchange.capture)
        if call.project is None and self._project is not None:
            call = replace(call, project=self._project)
        if seen.lacks is not None:
            self.progress.lacking[seen.lacks] += 1
            capture = Capture.usage
        known = Known(call, capture, exchange.status, PROXY)
        twin = self._twins.find(call) if self._twins is not None else None
        if twin is not None:
            known = self._with(known, twin)
        yield from self._taken(known, amends=twin is not None)

    def _taken(self, known: Known, *, amends: bool) -> Iterator[Record]:
        """A call that comes in, with its diagnosis, and those that it changes."""
        late = self._memory.is_late(known.call)
        told = self._engine_took(known)
        if told is None:
            return
        yield known.record(told, amends=amends)
        for other in list(self._memory.affected(known.call)) if late else ():
            if (told := self._engine_took(other)) is not None:
                record = other.record(told, amends=True)
                if may_change(record):
                    yield record

    def _with(self, known: Known, twin: Record) -> Known:
        """A call with what another source knows of it, in the place of both."""
        both = joined(known.record(twin.told, amends=False), twin)
        self._memory.drop(twin.call.id)
        return Known.of(both)

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

    def _engine_took(self, known: Known) -> Diagnosis | None:
        if self._meanwhile is not None:
            self._meanwhile.append(known)
        return self._took(self._memory, known)

    def _took(self, memory: Memory, known: Known) -> Diagnosis | None:
        """The diagnosis of a call, in memory from now on; None when that failed."""
        told = self._guarded("diagnosed", lambda: memory.take(known))
        if told is None:
            # Its counts are known all the same, and what was sent can be diagnosed another day.
            bare = without_prompt(known.call)
            told = self._guarded("counted", lambda: memory.take(known, bare=bare))
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
