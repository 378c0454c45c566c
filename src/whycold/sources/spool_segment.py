"""The segment being written: whole frames or nothing, whatever the disk does."""

from __future__ import annotations

import contextlib
import os
from typing import Final

from whycold.sources.spool import SpoolConfig, SpoolFolder, release_segment, take_segment
from whycold.sources.spool_frame import SEGMENT_MARK, Frame

__all__ = ["SegmentFile"]

# A segment of this size is closed when the disk is full, for only a closed one can be removed.
_WORTH_CLOSING: Final = 65536

# What one writev may be given on every system (POSIX asks for 16, Linux and macOS give 1024).
_MOST_PIECES: Final = 1024


class SegmentFile:
    """Appends frames, begins a new segment when one is full or old, and takes torn frames back.

    One thread only. ``number`` is None while no segment is open."""

    def __init__(self, folder: SpoolFolder, config: SpoolConfig) -> None:
        self.number: int | None = None
        self.size = 0
        self.dirty = False
        self._folder = folder
        self._config = config
        self._descriptor = -1
        self._opened_ns = 0

    def take(self) -> None:
        """Before something is appended: a segment that is being removed, or was, is closed."""
        if self.number is not None and not self._is_ours():
            self.sync()
            self.close()

    def release(self) -> None:
        """After it was appended."""
        if self.number is not None:
            release_segment(self._descriptor)

    def append(self, frames: list[Frame], now_ns: int) -> tuple[int, OSError | None]:
        """Writes ``frames`` in order; how many are on disk now, and the error that ended it."""
        try:
            self._open(now_ns)
        except OSError as error:
            return 0, error
        written, error = self._write([piece for frame in frames for piece in frame.pieces])
        self.dirty = self.dirty or written > 0
        whole = 0
        end = self.size
        for frame in frames:
            if end + frame.size > self.size + written:
                break
            end += frame.size
            whole += 1
        torn = self.size + written > end
        self.size = end
        if torn:
            self._take_back()
        if error is not None and self.size >= _WORTH_CLOSING:
            self.close()
        return whole, error

    def _open(self, now_ns: int) -> None:
        if self.number is None:
            self._folder.create()
            self._begin(now_ns // 1_000_000)
            self._opened_ns = now_ns
        if self.size == 0:
            # Until there is room for its mark a segment stays empty, and still shows the reader
            # that the one before it is complete and can be removed.
            self.size, error = self._write([SEGMENT_MARK])
            if error is not None:
                self.size = 0
                self._take_back()
                raise error

    def _begin(self, now_ms: int) -> None:
        """A new segment, taken before anyone else could take it."""
        while self.number is None:
            number = self._folder.next_number(now_ms)
            self._descriptor = self._folder.open_segment(number)
            self.number = number
            if not self._is_ours() or self._is_gone():
                self.close()

    def _is_ours(self) -> bool:
        """Whether it is ours now, with all that was written: what is removed is emptied first."""
        taken = take_segment(self._descriptor)
        return taken and os.lseek(self._descriptor, 0, os.SEEK_END) == self.size

    def _write(self, pieces: list[bytes]) -> tuple[int, OSError | None]:
        total = 0
        try:
            for start in range(0, len(pieces), _MOST_PIECES):
                group = pieces[start : start + _MOST_PIECES]
                want = sum(map(len, group))
                done = _writev(self._descriptor, group)
                total += done
                if done < want:
                    rest = b"".join(group)[done:]
                    while rest:
                        done = os.write(self._descriptor, rest)
                        total += done
                        rest = rest[done:]
        except OSError as error:
            return total, error
        return total, None

    def _take_back(self) -> None:
        """Cuts the torn frame off; where even that fails, leaves the segment for a new one."""
        try:
            os.ftruncate(self._descriptor, self.size)
        except OSError:
            self.close()

    def rotates_in(self, now_ns: int) -> float | None:
        """Seconds until the open segment is old; None when there is none."""
        if self.number is None:
            return None
        return max(0.0, self._config.segment_s - (now_ns - self._opened_ns) / 1e9)

    def rotate_if_due(self, now_ns: int) -> int:
        """Closes a segment that is full, old, or no longer in its folder; how large it was."""
        if self.number is None:
            return 0
        full = self.size >= self._config.segment_bytes
        if not (full or self.rotates_in(now_ns) == 0 or self._is_gone()):
            return 0
        self.sync()
        size = self.size
        self.close()
        return size

    def _is_gone(self) -> bool:
        try:
            return os.fstat(self._descriptor).st_nlink == 0
        except OSError:
            return True

    def sync(self) -> None:
        """Waits until what was written would survive a power failure."""
        if not self.dirty or self.number is None:
            return
        self.dirty = False
        try:
            getattr(os, "fdatasync", os.fsync)(self._descriptor)
        except OSError:
            # After a failed sync the system may have dropped pages; what comes next goes elsewhere.
            self.close()

    def close(self) -> None:
        """Ends the segment; the next frame begins a new one."""
        if self.number is not None:
            self.number = None
            self.size = 0
            with contextlib.suppress(OSError):
                os.close(self._descriptor)


def _writev(descriptor: int, pieces: list[bytes]) -> int:
    if hasattr(os, "writev"):
        return os.writev(descriptor, pieces)
    return os.write(descriptor, b"".join(pieces))
