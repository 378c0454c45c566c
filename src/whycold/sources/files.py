"""Files of lines, read safely: found without loops, bounded in memory, whatever is in them."""

from __future__ import annotations

import io
import os
import stat
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["MAX_LINE", "FoundFile", "LineFile", "Trouble", "find_files"]

MAX_LINE = 64 << 20
"""Bytes of the longest line that is read: no provider takes a request of more than 50 MB."""
_CHUNK = 1 << 20
_PLAUSIBLE_RATIO = 200
_PLAUSIBLE_SIZE = 1 << 30
"""Beyond this size a packed file may not unpack to more than that many times its length: text
packs to a tenth, a bomb to a thousandth.
"""
_DEEPEST = 40
_ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What could not be read, and why, in one line."""

    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file as it was found: ``size`` in bytes, ``mtime`` in nanoseconds."""

    path: Path
    size: int
    mtime: int


def find_files(
    roots: Iterable[Path], suffixes: tuple[str, ...], troubles: list[Trouble]
) -> list[FoundFile]:
    """Every file under ``roots`` whose name ends in one of ``suffixes``, each once, by path.

    A root that is a file is taken whatever its name. Links are followed, loops are not; folders
    and files that cannot be read go to ``troubles``.
    """
    found: dict[tuple[int, int], FoundFile] = {}
    folders: set[tuple[int, int]] = set()
    waiting = [(root, 0) for root in roots]
    while waiting:
        path, depth = waiting.pop()
        try:
            info = path.stat()
            key = (info.st_dev, info.st_ino)
            if stat.S_ISREG(info.st_mode):
                file = FoundFile(path, info.st_size, info.st_mtime_ns)
                # of two names of one file the same is kept, however they were given
                found[key] = min(file, found.get(key, file), key=lambda f: str(f.path))
            elif stat.S_ISDIR(info.st_mode) and key not in folders and depth <= _DEEPEST:
                folders.add(key)
                waiting += [(child, depth + 1) for child in _children(path, suffixes)]
            elif not depth and not stat.S_ISDIR(info.st_mode):
                troubles.append(Trouble(path, "is no file that can be read, skipped"))
        except OSError as error:
            troubles.append(Trouble(path, _reason(error)))
    return sorted(found.values(), key=lambda f: str(f.path))


def _children(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    with os.scandir(folder) as entries:
        return [Path(e.path) for e in entries if e.name.endswith(suffixes) or _may_be_folder(e)]


def _may_be_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _reason(error: OSError) -> str:
    return f"cannot be read ({error.strerror or error}), skipped"


class LineFile:
    """The lines of one file, unpacked when it is gzip or zstd, without their line ends.

    Read it by iterating, once. ``offset`` is then the position in the (unpacked) bytes behind the
    line given last, ``ended`` whether that line had its line end: a file that is being written may
    end within a line. ``too_long`` counts lines beyond ``most`` bytes, which are passed over.
    ``trouble`` says why reading stopped early, None when it did not. No error is raised for what is
    in the file, nor for one that is gone.
    """

    def __init__(self, path: Path, most: int = MAX_LINE) -> None:
        self._path, self._most = path, most
        self.offset = 0
        self.ended = True
        self.too_long = 0
        self.trouble: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            # a pipe would wait for a writer; what is none takes no notice of the flag
            number = os.open(self._path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            with open(number, "rb", buffering=_CHUNK) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    self.trouble = "is no file that can be read, skipped"
                    return
                yield from self._lines(file)
        except OSError as error:
            self.trouble = _reason(error)

    def _lines(self, file: BinaryIO) -> Iterator[bytes]:
        start = file.read(4)
        file.seek(0)
        if start[:2] == b"\x1f\x8b":
            unpacked = _Unpacked(file)
            yield from self._split(io.BufferedReader(unpacked, _CHUNK))
            self.trouble = unpacked.trouble or self.trouble
        elif start == _ZSTD:
            frames = _Frames(file)
            yield from self._split(io.BufferedReader(frames, _CHUNK))
            self.trouble = frames.trouble or self.trouble
        elif b"\0" in start or start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            self.trouble = "is no UTF-8 text, skipped"
        else:
            yield from self._split(file)

    def _split(self, file: BinaryIO | io.BufferedReader) -> Iterator[bytes]:
        most = self._most + 1
        while line := file.readline(most):
            self.offset += len(line)
            if line[-1] == 10:
                yield line[:-1]
            elif len(line) < most:
                self.ended = False
                yield line
            else:
                self.too_long += 1
                self._pass_over(file)

    def _pass_over(self, file: BinaryIO | io.BufferedReader) -> None:
        while rest := file.readline(_CHUNK):
            self.offset += len(rest)
            if rest[-1] == 10:
                return
        self.ended = False


class _Frames(io.RawIOBase):
    """What a zstd file unpacks to; what is cut off or damaged ends it early, with a ``trouble``."""

    def __init__(self, file: BinaryIO) -> None:
        self._packed, self._file, self._size = file, zstd.ZstdFile(file), 0
        self.trouble: str | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer as far as the next bytes reach; 0 at the end."""
        view = memoryview(buffer).cast("B")
        try:
            data = self._file.read(len(view)) if self.trouble is None else b""
        except EOFError:
            data, self.trouble = b"", "is cut off (zstd); what comes before the cut was read"
        except zstd.ZstdError:
            data, self.trouble = b"", "is damaged (zstd); what comes before the damage was read"
        self._size += len(data)
        if self._size > max(_PLAUSIBLE_SIZE, self._packed.tell() * _PLAUSIBLE_RATIO):
            data, self.trouble = (
                b"",
                "unpacks to more than any log would (zstd), skipped from there",
            )
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Let go of it; the file itself is whose it was."""
        self._file.close()
        super().close()


class _Unpacked(io.RawIOBase):
    """What a gzip file unpacks to; what is cut off or damaged ends it early, with a ``trouble``."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._unpack = zlib.decompressobj(wbits=31)
        self._waiting = b""
        self._packed = self._size = 0
        self.trouble: str | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer as far as the next bytes reach; 0 at the end."""
        view = memoryview(buffer).cast("B")
        data = self._next(len(view))
        view[: len(data)] = data
        return len(data)

    def _next(self, most: int) -> bytes:
        while self.trouble is None:
            if not self._waiting:
                self._waiting = self._file.read(_CHUNK)
                self._packed += len(self._waiting)
            if not self._waiting or (self._unpack.eof and not self._waiting.strip(b"\0")):
                if not self._unpack.eof:
                    self.trouble = "is cut off (gzip); what comes before the cut was read"
                break
            if self._unpack.eof:
                self._unpack = zlib.decompressobj(wbits=31)
            if data := self._unpacked(most):
                return data
        return b""

    def _unpacked(self, most: int) -> bytes:
        try:
            data = self._unpack.decompress(self._waiting, most)
        except zlib.error:
            self.trouble = "is damaged (gzip); what comes before the damage was read"
            return b""
        self._waiting = self._unpack.unconsumed_tail or self._unpack.unused_data
        self._size += len(data)
        if self._size > max(_PLAUSIBLE_SIZE, self._packed * _PLAUSIBLE_RATIO):
            self.trouble = "unpacks to more than any log would (gzip); the rest is skipped"
        return data
