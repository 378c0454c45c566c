"""The folder between the proxy, which only appends, and the recorder, which reads and removes.

    <milliseconds>.seg      frames, one per exchange (spool_frame); the newest may still grow
    <milliseconds>.corrupt  a segment that was damaged, set aside by the reader
    counts.json             what was recorded, and what was not and why (spool_counts)
    fingerprint.key         the secret under which callers' keys are told apart
    writer.lock             held by the one process that appends
    programs/<number>/      a folder like this one, of a program that records its own calls

A segment itself is locked while something is appended to it, and while it is emptied to be removed:
then what comes next goes to another one.

Files are their owner's alone, and so is a folder that is made here. What a segment holds stays
until it has been read and removed: when the folder has reached its limit, new bodies and then new
records are left out and counted. A record survives the death of the proxy from the moment it is
written, and a power failure from the next sync on (``sync_s``).
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from whycold.errors import UserError

if sys.platform != "win32":
    import fcntl

__all__ = [
    "CORRUPT",
    "START",
    "Position",
    "SpoolConfig",
    "SpoolFolder",
    "release_segment",
    "take_segment",
]

SEGMENT: Final = ".seg"
CORRUPT: Final = ".corrupt"
_COUNTS: Final = "counts.json"
_KEY: Final = "fingerprint.key"
_LOCK: Final = "writer.lock"
_PROGRAMS: Final = "programs"
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolConfig:
    """Where the spool is and how much it may take; sizes in bytes, times in seconds.

    ``budget_bytes`` bounds what waits in memory, bodies in flight included; of it ``base_bytes``
    hold bodies that later ones are compared with. ``body_bytes`` bounds one body, ``total_bytes``
    the folder. A segment is closed at ``segment_bytes`` or ``segment_s``.
    ``fingerprint_key`` replaces the one kept in the folder."""

    folder: str
    segment_bytes: int = 64 << 20
    segment_s: float = 600.0
    total_bytes: int = 1 << 30
    budget_bytes: int = 64 << 20
    base_bytes: int = 16 << 20
    body_bytes: int = 32 << 20
    sync_s: float = 1.0
    gather_s: float = 0.01
    fingerprint_key: bytes | None = None


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place between two frames: a segment's number and the offset of the next frame in it."""

    segment: int = 0
    offset: int = 0


START: Final = Position()


def take_segment(descriptor: int) -> bool:
    """Makes a segment this process's to append to, or to remove; false while another one has it."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def release_segment(descriptor: int) -> None:
    """Lets go of a segment."""
    if sys.platform != "win32":
        fcntl.flock(descriptor, fcntl.LOCK_UN)


class SpoolFolder:
    """The names and permissions of a spool's files."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock: int | None = None

    def create(self) -> None:
        """Makes the folder, for its owner only; one that is there is left as it is. Raises
        OSError."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def counts(self) -> Path:
        """The file of counters."""
        return self.path / _COUNTS

    def segment(self, number: int) -> Path:
        """The file of one segment."""
        return self.path / f"{number:013d}{SEGMENT}"

    def segments(self) -> list[int]:
        """The numbers of all segments, oldest first; none when there is no folder."""
        return sorted(number for number, suffix, _ in self._files() if suffix == SEGMENT)

    def size(self) -> int:
        """Bytes in segments, the corrupt ones included."""
        return sum(size for _, _, size in self._files())

    def _files(self) -> list[tuple[int, str, int]]:
        found: list[tuple[int, str, int]] = []
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    stem, suffix = os.path.splitext(entry.name)
                    if suffix in (SEGMENT, CORRUPT) and stem.isdigit():
                        found.append((int(stem), suffix, entry.stat().st_size))
        except OSError:
            # The folder is not there or not readable, or the reader removed a segment meanwhile.
            return found
        return found

    def program(self, number: int) -> SpoolFolder:
        """The folder of a program that records its own calls."""
        return SpoolFolder(self.path / _PROGRAMS / str(number))

    def programs(self) -> list[SpoolFolder]:
        """The folders of programs that are there, in the order of their numbers."""
        try:
            names = os.listdir(self.path / _PROGRAMS)
        except OSError:
            return []
        return [self.program(number) for number in sorted(int(n) for n in names if n.isdecimal())]

    def next_number(self, now_ms: int) -> int:
        """A number for a new segment: above every other, and by time above those removed."""
        return max([now_ms, *(number + 1 for number, _, _ in self._files())])

    def open_segment(self, number: int) -> int:
        """A descriptor to append to a new segment with. Raises OSError."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        return os.open(self.segment(number), flags, 0o600)

    @contextmanager
    def held(self, number: int) -> Generator[bool]:
        """As long as this is open nothing is appended to a segment: the writer begins another one.

        False when the writer is appending just now. Raises OSError."""
        descriptor = os.open(self.segment(number), os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        try:
            yield take_segment(descriptor)
        finally:
            os.close(descriptor)

    def take_lock(self) -> None:
        """Makes this process the one that appends, until it ends or lets go.

        Raises UserError when another one is, and OSError when the folder cannot be written."""
        if sys.platform == "win32":
            return
        lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise UserError(
                f"another whycold proxy records into {self.path}; stop it or use another folder"
            ) from None
        self._lock = lock

    def release_lock(self) -> None:
        """Lets another process append."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def fingerprint_key(self) -> bytes:
        """The folder's own secret, made on first use; a fresh one where none can be kept."""
        path = self.path / _KEY
        try:
            key = path.read_bytes()
        except OSError:
            key = b""
        if len(key) == _KEY_BYTES:
            return key
        key = secrets.token_bytes(_KEY_BYTES)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
        except OSError:
            return key
        return key
