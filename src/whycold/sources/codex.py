"""Codex CLI's rollouts: every call of every thread, once, with what it goes on from.

A rollout shows the conversation, not tools, system or settings: the instructions that it names are
not what is sent (0.169 leaves out what its tools have no use for), so what comes before the first
item is unseen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from whycold.errors import UserError
from whycold.sources.codex_calls import CallWriter
from whycold.sources.codex_records import Meta, read_line, read_meta
from whycold.sources.codex_threads import Thread, Turn
from whycold.sources.files import FoundFile, LineFile, Trouble, find_files
from whycold.sources.recorded import Seen

__all__ = ["Codex", "Family"]

_SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
_START = "rollout-"
_BURST = timedelta(seconds=1)
"""A fork writes down its copy of another thread at once; the first reply takes longer than that."""
_MOST_LEADING = 64
_NEAR = 3
"""Blocks before a reply that tell it from one with equal counts in another thread."""
_EARLY = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Rollout:
    """A file: what it says of its own thread, and of those that its beginning was copied from."""

    file: FoundFile
    meta: Meta
    copied: tuple[Meta, ...]

    @property
    def ids(self) -> set[str]:
        """Every thread that it names."""
        metas = (self.meta, *self.copied)
        return {id for meta in metas for id in (meta.id, meta.parent) if id is not None}

    @property
    def order(self) -> tuple[datetime, str]:
        """Sorts files so that a thread comes before those that go on from it."""
        return (self.meta.at or _EARLY, str(self.file.path))


class Codex:
    """The rollouts under some folders, or in some files.

    ``groups`` are families of threads: forks and subagents with what they came from. ``troubles``
    grows as they are read.
    """

    name = "codex"

    def __init__(self, roots: Sequence[Path]) -> None:
        self.troubles: list[Trouble] = []
        given = {root for root in roots if root.is_file()}
        found = find_files(roots, _SUFFIXES, self.troubles)
        paths = {file.path for file in found}
        rollouts = [
            _head(file)
            for file in found
            if file.path in given
            or (file.path.name.startswith(_START) and not _is_unpacked(file.path, paths))
        ]
        families = (Family(files, self.troubles) for files in _families(rollouts))
        self.groups = sorted(families, key=lambda family: family.order)


def _is_unpacked(path: Path, paths: set[Path]) -> bool:
    """Whether the same file is there unpacked, too: Codex packs old ones, and unpacks them again
    to go on with them.
    """
    return path.suffix in (".zst", ".gz") and path.with_suffix("") in paths


def _head(file: FoundFile) -> _Rollout:
    """The threads that a file names at its beginning."""
    metas: list[Meta] = []
    for line in LineFile(file.path):
        try:
            read = read_line(line)
        except UserError:
            break
        if read.kind != "session_meta" or len(metas) > _MOST_LEADING:
            break
        metas.append(read_meta(read.payload))
    own = metas[0] if metas else Meta()
    if own.id is None:
        own = Meta(file.path.name.partition(".")[0].removeprefix(_START), own.at, cwd=own.cwd)
    return _Rollout(file, own, tuple(metas[1:]))


def _families(rollouts: Iterable[_Rollout]) -> Iterator[list[_Rollout]]:
    """Files of which one names a thread of the other."""
    names: dict[str, str] = {}

    def root(id: str) -> str:
        while (above := names.setdefault(id, id)) != id:
            names[id] = id = names[above]
        return id

    found: defaultdict[str, list[_Rollout]] = defaultdict(list)
    rollouts = list(rollouts)
    for rollout in rollouts:
        first, *rest = sorted(rollout.ids)
        for id in rest:
            names[root(id)] = root(first)
    for rollout in rollouts:
        found[root(min(rollout.ids))].append(rollout)
    yield from found.values()


class Family:
    """The files of threads that go on from each other. ``size`` in bytes."""

    def __init__(self, rollouts: Iterable[_Rollout], troubles: list[Trouble]) -> None:
        self._rollouts = sorted(rollouts, key=lambda rollout: rollout.order)
        self.files = tuple(rollout.file for rollout in self._rollouts)
        self.size = sum(file.size for file in self.files)
        self.order = self._rollouts[0].order
        self._troubles = troubles

    def calls(self) -> Iterator[Seen]:
        """Every call, each behind the one that it goes on from; what cannot be read is passed over
        and told in ``troubles``, one line per file.
        """
        present = {rollout.meta.id for rollout in self._rollouts}
        branches: dict[tuple[str, int], Thread | None] = {
            (r.meta.parent, r.meta.until): None
            for r in self._rollouts
            if r.meta.parent is not None and r.meta.until is not None
        }
        known: dict[object, Turn] = {}
        for rollout in self._rollouts:
            yield from _Reader(rollout, self._troubles, branches, known, present).calls()


class _Reader:
    """Reads one file. ``branches`` are the places where threads part, ``known`` the calls that were
    told of, ``present`` the threads whose files are there.
    """

    def __init__(
        self,
        rollout: _Rollout,
        troubles: list[Trouble],
        branches: dict[tuple[str, int], Thread | None],
        known: dict[object, Turn],
        present: set[str | None],
    ) -> None:
        self._file, self._meta = rollout.file, rollout.meta
        self._troubles, self._branches, self._known = troubles, branches, known
        self._bad: Counter[str] = Counter()
        self._thread = self._begun(rollout)
        copied = {meta.id for meta in rollout.copied} - {self._meta.id}
        self._orphan = bool(copied) and copied.isdisjoint(present)
        self._waiting = sorted(until for id, until in branches if id == self._meta.id)

    def _begun(self, rollout: _Rollout) -> Thread:
        meta = self._meta
        if meta.until is None:
            return Thread()
        found = self._branches.get((meta.parent or "", meta.until))
        return found.branch() if found is not None else Thread(gap=True)

    def calls(self) -> Iterator[Seen]:
        """The calls of this thread that were not told of before."""
        lines, writer = LineFile(self._file.path), CallWriter(self._meta)
        for turn in self._turns(lines):
            if turn.at is None:
                self._bad["a call without a time"] += 1
            elif self._is_new(turn):
                provider = self._thread.provider or self._meta.provider
                call = writer.call(turn, provider)
                yield Seen(call, self._file.path, turn.begins, turn.ends)
            turn.let_go()
        told = [lines.trouble] if lines.trouble else []
        if lines.too_long:
            self._bad["too long"] = lines.too_long
        told += [f"{count} skipped: {why}" for why, count in self._bad.most_common(3)]
        if told:
            self._troubles.append(Trouble(self._file.path, "; ".join(told)))

    def _turns(self, lines: LineFile) -> Iterator[Turn]:
        thread = self._thread
        for raw in lines:
            try:
                line = read_line(raw)
            except UserError as error:
                # a last line without its end is still being written
                if lines.ended and raw.strip():
                    self._bad[" ".join(str(error).split())[:80]] += 1
                continue
            yield from self._parted(line.ordinal)
            begins = lines.offset - len(raw) - lines.ended
            yield from thread.take(line, begins, lines.offset)
        yield from self._parted(None)
        yield from thread.rest()

    def _parted(self, ordinal: int | None) -> Iterator[Turn]:
        """Keep what the thread held where others part from it."""
        while self._waiting and (ordinal is None or ordinal >= self._waiting[0]):
            yield from self._thread.rest()
            key = (self._meta.id or "", self._waiting.pop(0))
            self._branches[key] = self._thread.branch()

    def _is_new(self, turn: Turn) -> bool:
        near = (*turn.prompt[-_NEAR:], *turn.reply)
        key = turn.response_id or (turn.sum, turn.counts, *(block.content for block in near))
        if (told := self._known.setdefault(key, turn)) is not turn:
            turn.id = told.id
            return False
        start, counted = self._meta.at, turn.counted
        if self._orphan and start is not None and counted is not None and counted < start + _BURST:
            self._bad["a copy of a call of another thread, whose file is not here"] += 1
            return False
        return True
