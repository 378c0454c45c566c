"""Calls of a source to diagnosed calls in the store: each once, however often it is imported."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from whycold.diagnose import Engine, PriceList
from whycold.providers.registry import rules_for
from whycold.sources.files import FoundFile
from whycold.sources.recorded import Group, Seen, Source
from whycold.store.base import Store
from whycold.store.records import Capture, Record

__all__ = ["Imported", "Importer", "Progress", "few_collections"]

_REMEMBERED = 1024
"""Calls of one group in which a predecessor is looked for, however long ago it was."""
_SORTED = 1024
"""Calls of one group that are put in the order of time: files of subagents overlap."""
_BATCH = 256
_BETWEEN_COLLECTIONS = 50_000
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
    ``amended`` had been cut off when they were read, ``known`` were there already. ``first`` and
    ``last`` are the times between which those that were read were sent.
    """

    groups: int = 0
    unchanged: int = 0
    added: int = 0
    amended: int = 0
    known: int = 0
    first: datetime | None = None
    last: datetime | None = None


class Importer:
    """Brings what a source holds into a store.

    ``capture`` says how much is kept of the calls of a project. The store remembers each file that
    was read to its end: what has not changed since is not read again, and of what has grown only
    new calls are added. An import that was interrupted goes on with the group it was in.
    """

    def __init__(
        self,
        store: Store,
        capture: Callable[[str | None], Capture] = lambda _: Capture.full,
        prices: PriceList | None = None,
    ) -> None:
        self._store, self._capture, self._prices = store, capture, prices
        self._alone = True

    def take(self, source: Source, tell: Callable[[Progress], None] = lambda _: None) -> Imported:
        """Import everything; ``tell`` hears of the progress after each batch and group."""
        steps = self.steps(source)
        with few_collections():
            while True:
                try:
                    tell(next(steps))
                except StopIteration as end:
                    return end.value

    def steps(self, source: Source) -> Generator[Progress, None, Imported]:
        """The same bit by bit: whoever drives it may do something else after each step."""
        known = _Files(source.name, self._store.state())
        total, done = sum(group.size for group in source.groups), 0
        found, seen = Imported(), set[str]()
        self._alone = not self._store.contents().calls
        for group in source.groups:
            if all(map(known.unchanged, group.files)):
                found.unchanged += 1
            else:
                for read in self._group(source.name, group, known, seen, found):
                    yield Progress(done + read, total, found.added)
                found.groups += 1
            done += group.size
            yield Progress(done, total, found.added)
        return found

    def _group(
        self, name: str, group: Group, known: _Files, seen: set[str], found: Imported
    ) -> Iterator[int]:
        """Import one group; how many bytes of it are done, batch by batch."""
        engine, records, read = Engine(rules_for, self._prices), list[Record](), 0
        for at in _in_order(group.calls()):
            call = at.call
            told = engine.take(call)
            engine.forget(_ALWAYS, _REMEMBERED)
            found.first = min(found.first or call.at, call.at)
            found.last = max(found.last or call.at, call.at)
            if call.id in seen or self._is_elsewhere(at, name):
                found.known += 1
            else:
                capture, amends = self._capture(call.project), known.was_cut_off(at)
                records.append(Record(call, told, capture, source=name, amends=amends))
            seen.add(call.id)
            read += max(0, at.ends - at.begins)
            if len(records) >= _BATCH:
                self._write(name, records, {}, found)
                records = []
                yield min(read, group.size)
        self._write(name, records, known.done(group.files), found)

    def _is_elsewhere(self, at: Seen, name: str) -> bool:
        """Whether the same call was recorded by something else, such as the proxy."""
        if self._alone:
            return False
        ids = (at.call.request_id, at.call.reply.message_id)
        there = (self._store.find(id) for id in ids if id is not None)
        return any(kept is not None and kept.source != name for kept in there)

    def _write(
        self, name: str, records: Sequence[Record], state: Mapping[str, str], found: Imported
    ) -> None:
        if not records and not state:
            return
        what = [f"{r.call.id} {r.call.usage.output} {r.amends}" for r in records]
        token = f"import {name} {_digest([*what, *state, *state.values()])}"
        written = self._store.write(token, records, state)
        found.added += written.added
        found.amended += written.amended
        found.known += written.known


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
