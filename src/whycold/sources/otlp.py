"""OTLP as collectors and exporters write it to files: calls, whole or as far as they are told.

A file is one document, or a document in each line, as OTLP JSON; packed as gzip, too. The files of
a folder are read side by side, for traces and logs of one call stand in different files.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from whycold.core.content import Json, as_map
from whycold.errors import UserError
from whycold.providers.body import decode
from whycold.sources.files import MAX_LINE, FoundFile, LineFile, Trouble, find_files
from whycold.sources.otlp_joining import Joining
from whycold.sources.otlp_telemetry import Telemetry, is_telemetry, read_telemetry
from whycold.sources.recorded import Seen

__all__ = ["Otlp", "OtlpFolder"]

_SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
_OPENING = 4096
"""Bytes of a first line that may be the beginning of a document over many lines."""
_NEVER = datetime.min.replace(tzinfo=UTC)


class Otlp:
    """The OTLP files under some folders, or some files. ``troubles`` grows as they are read."""

    name = "otlp"

    def __init__(self, roots: Sequence[Path]) -> None:
        self.troubles: list[Trouble] = []
        given = frozenset(root for root in roots if root.is_file())
        folders: defaultdict[Path, list[FoundFile]] = defaultdict(list)
        for file in find_files(roots, _SUFFIXES, self.troubles):
            folders[file.path.parent].append(file)
        self.groups = [OtlpFolder(tuple(files), given, self.troubles) for files in folders.values()]


class OtlpFolder:
    """The files of one folder. ``size`` in bytes; ``given``: files that were named themselves."""

    def __init__(
        self, files: tuple[FoundFile, ...], given: frozenset[Path], troubles: list[Trouble]
    ) -> None:
        self.files = files
        self.size = sum(file.size for file in files)
        self._given, self._troubles = given, troubles

    def calls(self) -> Iterator[Seen]:
        """Every call that is told of, once; in the order of time, as far as the files are."""
        joining = Joining()
        for document in self._documents():
            for record in document.records:
                joining.take(record, document.file, document.begins, document.ends)
            yield from joining.full()
        yield from joining.rest()

    def _documents(self) -> Iterator[_Document]:
        """Documents of all files, the one with the earliest record next."""
        waiting: list[tuple[datetime, int, _Document | None]] = []
        for number, file in enumerate(self.files):
            # a look at the beginning: no file is held open until its time has come
            with closing(self._read(file.path, [])) as documents:
                waiting.append((next((d.at for d in documents), _NEVER), number, None))
        reading = [self._read(file.path, self._troubles) for file in self.files]
        heapq.heapify(waiting)
        while waiting:
            _, number, document = heapq.heappop(waiting)
            if document is not None:
                yield document
            if (following := next(reading[number], None)) is not None:
                heapq.heappush(waiting, (following.at, number, following))

    def _read(self, path: Path, troubles: list[Trouble]) -> Generator[_Document]:
        """The documents of a file; what cannot be read is told in one line."""
        lines, bad = LineFile(path), Counter[str]()
        strange = found = 0
        for value, begins, ends in _values(lines, bad):
            document = as_map(value)
            if document is None or not is_telemetry(document):
                strange += 1
                continue
            found += 1
            records = list(read_telemetry(document, bad))
            at = min((record.start for record in records if record.start), default=_NEVER)
            yield _Document(at, records, path, begins, ends)
        if strange and (found or path in self._given):
            bad["no OTLP"] += strange
        if lines.too_long:
            bad["too long"] += lines.too_long
        told = [lines.trouble] if lines.trouble else []
        told += [f"{count} skipped: {why}" for why, count in bad.most_common(3)]
        if told:
            troubles.append(Trouble(path, "; ".join(told)))


class _Document(NamedTuple):
    """Records of one document, and where it stands in its file."""

    at: datetime
    records: Sequence[Telemetry]
    file: Path
    begins: int
    ends: int


def _values(lines: LineFile, bad: Counter[str]) -> Iterator[tuple[Json, int, int]]:
    """The JSON values of a file with their places: one in each line, or one over many lines."""
    texts, fresh = iter(lines), True
    for line in texts:
        if not line.strip():
            continue
        begins = lines.offset - len(line) - lines.ended
        try:
            value = decode(line)
        except UserError as error:
            if fresh and len(line) < _OPENING:
                yield from _spread(line, texts, lines, bad)
            elif lines.ended:
                # a last line without its end is still being written
                bad[" ".join(str(error).split())[:80]] += 1
            fresh = False
            continue
        fresh = False
        for item in value if isinstance(value, list) else [value]:
            yield item, begins, lines.offset


def _spread(
    first: bytes, texts: Iterator[bytes], lines: LineFile, bad: Counter[str]
) -> Iterator[tuple[Json, int, int]]:
    """One value that is written over many lines; where it is none, what stands in each line."""
    held, size = [first], len(first)
    for line in texts:
        held.append(line)
        size += len(line) + 1
        if size > MAX_LINE:
            break
    try:
        value = decode(b"\n".join(held))
    except UserError as error:
        why = " ".join(str(error).split())[:80]
    else:
        for item in value if isinstance(value, list) else [value]:
            yield item, 0, lines.offset
        return
    unread = 0
    for line in held:
        try:
            yield decode(line), lines.offset - size, lines.offset
        except UserError:
            unread += bool(line.strip())
    bad[why] += 1 if unread == len(held) else unread
