"""Calls of a source to diagnosed calls in the store: each once, however often it is imported."""

from __future__ import annotations

import gc
import hashlib
import secrets
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from whycold.core.call import Call
from whycold.diagnose import Engine, PriceList
from whycold.ingest.desk import Refresh
from whycold.ingest.joining import IMPORTED, Twins, joined, others_than
from whycold.ingest.relinking import Relinker, Waiting, links_itself
from whycold.providers.registry import rules_for
from whycold.sources.files import FoundFile
from whycold.sources.recorded import Group, Seen, Source
from whycold.store.base import Store
from whycold.store.records import Capture, Kept, Record

__all__ = ["Imported", "Importer", "Progress", "few_collections"]

_REMEMBERED = 1024
"""Calls of one group in which a predecessor is looked for, however long ago it was."""
_SORTED = 1024
"""Calls of one group that are put in the order of time: files of subagents overlap."""
_BATCH = 256
_SHORT_BATCH = 32
"""Calls that are imported between two batches of what is recorded."""
_FEW = 512
"""Calls that came in which the recorder looks at one by one."""
_BETWEEN_COLLECTIONS = 500_000
_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: bytes of files ``done`` of ``total``, and calls that were ``added``."""

    done: int
    total: int
    added: int


@dataclass(slots=True)
class Imported:
    """What became of an import.

    ``groups`` were read, ``unchanged`` had been before and are the same. ``added`` calls are new,
    ``amended`` had been cut off when they were read, ``joined`` were there from another source,
    and more is known of them now; ``known`` were there already. ``first`` and ``last`` are the
    times between which those that were read were sent.
    """

    groups: int = 0
    unchanged: int = 0
    added: int = 0
    amended: int = 0
    joined: int = 0
    known: int = 0
    first: datetime | None = None
    last: datetime | None = None


class Importer:
    """Brings what a source holds into a store.

    ``capture`` says how much is kept of the calls of a project. The store remembers each file that
    was read to its end: what has not changed since is not read again, and of what has grown only
    new calls are added. An import that was interrupted goes on with the group it was in.

    The calls of a group are diagnosed among themselves; those whose source does not say what they
    go on from are diagnosed again at the end, among all that is in the store.
    """

    def __init__(
        self,
        store: Store,
        capture: Callable[[str | None], Capture] = lambda _: Capture.full,
        prices: PriceList | None = None,
    ) -> None:
        self._store, self._capture, self._prices = store, capture, prices

    def take(self, source: Source, tell: Callable[[Progress], None] = lambda _: None) -> Imported:
        """Import everything; ``tell`` hears of the progress after each batch and group."""
        steps = self.steps(source)
        with few_collections():
            while True:
                try:
                    tell(next(steps))
                except StopIteration as end:
                    return end.value

    def steps(
        self, source: Source, refresh: Refresh | None = None
    ) -> Generator[Progress, None, Imported]:
        """The same bit by bit: whoever drives it may do something else after each step.

        ``refresh`` lets the one who drives it know what came in, see ``Ingest.refresh``.
        """
        total, done = sum(group.size for group in source.groups), 0
        taking = _Taking(self._store, source.name, self._capture, self._prices)
        if refresh is not None:
            taking.batch = _SHORT_BATCH
        found = taking.found
        for group in source.groups:
            if group.files and all(map(taking.known.unchanged, group.files)):
                found.unchanged += 1
            else:
                for read in taking.group(group):
                    yield Progress(done + read, total, found.added)
                found.groups += 1
            done += group.size
            yield Progress(done, total, found.added)
        for _ in self._linked(taking, refresh):
            yield Progress(done, total, found.added)
        return found

    def _linked(self, taking: _Taking, refresh: Refresh | None) -> Iterator[None]:
        """Diagnose again what has to be, among all that is there."""
        relinker, number = Relinker(self._store, self._prices), taking.number
        if refresh is not None and taking.written:
            few = taking.records if taking.written <= _FEW else None
            if (yield from refresh(few)) and number is not None:
                relinker.settle(number)
        for _ in relinker.steps():
            yield


class _Taking:
    """One import of one source; ``found`` is what became of it so far.

    ``written`` calls were written, ``records`` are the first of them. ``number`` is that of
    ``Waiting`` if, when it began, nothing waited from before, ``batch`` how many calls are
    written at once.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        capture: Callable[[str | None], Capture],
        prices: PriceList | None,
    ) -> None:
        self._store, self._name, self._capture, self._prices = store, name, capture, prices
        self.known, self.found = _Files(name, store.state()), Imported()
        self._twins = Twins(store, name) if others_than(name, store) else None
        self._amended: set[str] = set()
        self.records: list[Record] = []
        self.written, self.batch = 0, _BATCH
        self.number: int | None = None
        self._shared: dict[str, bool] = {}

    def group(self, group: Group) -> Iterator[int]:
        """Import one group; how many bytes of it are done, batch by batch."""
        engine, batch, read = Engine(rules_for, self._prices), _Batch(), 0
        for at in _in_order(group.calls()):
            self._call(at, engine, batch)
            engine.forget(_ALWAYS, _REMEMBERED)
            read += max(0, at.ends - at.begins)
            if len(batch.records) >= self.batch:
                self._write(batch, {})
                batch = _Batch()
                yield min(read, group.size)
        self._write(batch, self.known.done(group.files))

    def _call(self, at: Seen, engine: Engine, batch: _Batch) -> None:
        call, found = at.call, self.found
        found.first = min(found.first or call.at, call.at)
        found.last = max(found.last or call.at, call.at)
        cut_off = self.known.was_cut_off(at) and call.id not in self._amended
        amends = at.again or cut_off
        told = engine.take(call)
        record = Record(call, told, self._capture(call.project), source=self._name, amends=amends)
        mine = self._store.find(call.id) if amends or self._twins is not None else None
        if mine is not None and not amends:
            found.known += 1
            return
        if (twin := self._twin(call, mine)) is not None:
            both = joined(record, twin)
            if both.call == twin.call:
                found.known += 1
                return
            if both.call.id == call.id:
                both = replace(both, told=engine.take(both.call))
            record = both
            found.joined += twin.source != self._name
            found.amended += twin.source == self._name
        if record.also or not links_itself(record) or self._is_shared(call):
            batch.times.append(record.call.at)
        if amends:
            self._amended.add(call.id)
        batch.records.append(record)

    def _twin(self, call: Call, mine: Kept | None) -> Record | None:
        """What the store has of the same call, of this source or another one."""
        if mine is not None:
            return self._store.record(mine.told.call)
        return self._twins.find(call) if self._twins is not None else None

    def _is_shared(self, call: Call) -> bool:
        """Whether another source has calls of the same session."""
        if self._twins is None or call.session is None:
            return False
        known = self._shared.get(call.session)
        if known is None:
            there = self._store.session(call.session)
            known = any(kept.source != self._name for kept in there)
            self._shared[call.session] = known
        return known

    def _write(self, batch: _Batch, state: dict[str, str]) -> None:
        if not batch.records and not state:
            return
        if batch.records:
            state |= {IMPORTED + self._name: "1"}
        if batch.times:
            before = Waiting.read(self._store.state())
            waiting = before.with_times(batch.times)
            state |= waiting.state()
            if before.number == self.number or not before.spans:
                self.number = waiting.number
        self.written += len(batch.records)
        self.records += batch.records[: max(0, _FEW - len(self.records))]
        # what is written twice is known the second time; a token would hide what was erased since
        token = f"import {self._name} {secrets.token_hex(8)}"
        written = self._store.write(token, batch.records, state)
        self.found.added += written.added
        self.found.known += written.known


@dataclass(slots=True)
class _Batch:
    """Calls to be written, and the times of those that are to be diagnosed again."""

    records: list[Record] = field(default_factory=list[Record])
    times: list[datetime] = field(default_factory=list[datetime])


class _Files:
    """What the store remembers of the files of a source: how long they were, and when changed."""

    def __init__(self, source: str, state: Mapping[str, str]) -> None:
        self._source, self._state = source, state

    def unchanged(self, file: FoundFile) -> bool:
        """Whether a file was read to its end and is the same."""
        return self._state.get(self._key(file.path)) == _mark(file)

    def was_cut_off(self, seen: Seen) -> bool:
        """Whether a call was still being answered when its file was read before."""
        size = self._state.get(self._key(seen.file), "").partition(" ")[0]
        return size.isdigit() and seen.begins < int(size) < seen.ends

    def done(self, files: Iterable[FoundFile]) -> dict[str, str]:
        """The state that says that files were read to their ends."""
        return {self._key(file.path): _mark(file) for file in files}

    def _key(self, path: Path) -> str:
        return f"import.{self._source}.{_digest([str(path.absolute())])}"


def _mark(file: FoundFile) -> str:
    return f"{file.size} {file.mtime}"


def _digest(words: Iterable[str]) -> str:
    state = hashlib.blake2b(digest_size=12)
    for word in words:
        state.update(word.encode("utf-8", "surrogatepass") + b"\n")
    return state.hexdigest()


def _in_order(calls: Iterator[Seen]) -> Iterator[Seen]:
    """Calls by the time they were sent, as far as they stand near each other."""
    while some := list(islice(calls, _SORTED)):
        yield from sorted(some, key=lambda seen: seen.call.order)


@contextmanager
def few_collections() -> Generator[None]:
    """Most of what is made here lives until a group is done: looking for garbage finds little."""
    before = gc.get_threshold()
    gc.set_threshold(_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
