"""Files of recordings: what belongs together, in the order of time, what was wrong with each."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from whycold.core.content import Json
from whycold.providers.body import MAX_BYTES
from whycold.sources.files import FoundFile, LineFile, Trouble
from whycold.sources.recorded import Seen

__all__ = [
    "Clock",
    "Folder",
    "Told",
    "by_folder",
    "first_time",
    "read_whole",
    "time_of",
]

_YEARS = range(2000, 2200)
"""A time outside of these years is a mistake, and no time is known."""
_MILLISECONDS, _MICROSECONDS = 100_000_000_000, 100_000_000_000_000
_CHUNK = 1 << 20
_LOOKED_AT = 64 << 20
_TICK = timedelta(microseconds=1)
_TOLD = 3
_WORD = 80


@dataclass
class Told:
    """What was wrong with one file, in the end one line of ``troubles``."""

    file: FoundFile
    troubles: list[Trouble]
    skipped: Counter[str] = field(default_factory=Counter[str])
    notes: list[str] = field(default_factory=list[str])

    def skip(self, why: object) -> None:
        """One thing was passed over."""
        self.skipped[" ".join(str(why).split())[:_WORD]] += 1

    def lines(self, lines: LineFile) -> None:
        """What reading its lines came upon."""
        if lines.trouble:
            self.notes.append(lines.trouble)
        if lines.too_long:
            self.skipped["too long"] = lines.too_long

    def done(self) -> None:
        """The file was read as far as it can be."""
        said = [*self.notes]
        said += [f"{count} skipped: {why}" for why, count in self.skipped.most_common(_TOLD)]
        if said:
            self.troubles.append(Trouble(self.file.path, "; ".join(said)))


class Folder:
    """Files whose calls may have read what one of them wrote, in the order of time."""

    def __init__(
        self, files: Iterable[FoundFile], read: Callable[[FoundFile], Iterator[Seen]]
    ) -> None:
        self.files = tuple(files)
        self.size = sum(file.size for file in self.files)
        self._read = read

    def calls(self) -> Iterator[Seen]:
        """Every call, file by file; what cannot be read is passed over and told."""
        for file in self.files:
            yield from self._read(file)


class Clock:
    """When the calls of one file were sent. One without a time is put a microsecond behind the one
    before it, the first where the file begins: at the first time in it, else when it was written.
    """

    def __init__(self, begins: datetime) -> None:
        self._last = begins - _TICK

    def at(self, found: datetime | None) -> datetime:
        """The time of the next call."""
        self._last = found if found is not None else self._last + _TICK
        return self._last


def by_folder(
    files: Sequence[FoundFile],
    read: Callable[[FoundFile], Iterator[Seen]],
    time: re.Pattern[bytes],
) -> list[Folder]:
    """The files of each folder as a group, each in the order of the first ``time`` in it."""
    found: defaultdict[Path, list[FoundFile]] = defaultdict(list)
    for file in files:
        found[file.path.parent].append(file)
    return [
        Folder(sorted(group, key=lambda f: (first_time(f, time), str(f.path))), read)
        for _, group in sorted(found.items(), key=lambda item: str(item[0]))
    ]


def first_time(file: FoundFile, pattern: re.Pattern[bytes]) -> datetime:
    """The first time in a file; when it was last changed where there is none."""
    lines, done, rest = LineFile(file.path, _LOOKED_AT), 0, b""
    for line in lines:
        done += len(line)
        # a name and its value may stand on two lines
        text = rest + line
        for match in pattern.finditer(text):
            word = next((group for group in match.groups() if group), b"")
            if (at := time_of(word.decode("ascii", "replace"))) is not None:
                return at
        rest = line[-200:] + b"\n"
        if done > _LOOKED_AT:
            break
    return datetime.fromtimestamp(file.mtime // 1_000_000_000, UTC)


def time_of(value: Json) -> datetime | None:
    """A time as logs write it: ISO, of HTTP, or a number of seconds, milliseconds or microseconds
    since 1970; None for anything else, and for a year that cannot be.
    """
    try:
        if isinstance(value, str):
            at = _worded(value.strip())
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = value / 1e6 if value > _MICROSECONDS else value
            at = datetime.fromtimestamp(seconds / 1000 if seconds > _MILLISECONDS else seconds, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError, TypeError, IndexError):
        return None
    return at if at is not None and at.year in _YEARS else None


def _worded(text: str) -> datetime | None:
    if not text or len(text) > _WORD:
        return None
    if text.replace(".", "", 1).isdigit():
        return time_of(float(text))
    at = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)


def read_whole(file: FoundFile, told: Told) -> bytes | None:
    """All bytes of a file, unpacked; None, told, of one that is too long or no text.

    Of one that is cut off, what can be had.
    """
    if file.size > MAX_BYTES:
        told.skip(f"longer than {MAX_BYTES >> 20} MB")
        return None
    lines, pieces, size = LineFile(file.path, MAX_BYTES), list[bytes](), 0
    for line in lines:
        pieces.append(line)
        size += len(line) + 1
        if size > MAX_BYTES:
            told.skip(f"unpacks to more than {MAX_BYTES >> 20} MB")
            return None
    if lines.trouble:
        told.notes.append(lines.trouble)
    return b"\n".join(pieces) if pieces else None
