"""What the recorder was at when it died, so that one exchange cannot stop it for ever."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from whycold.ingest.progress import position_text
from whycold.sources.spool import Position

__all__ = ["Attempts"]

_log = logging.getLogger("whycold.recorder")

_FILE = "recorder.at"
_WIDTH = 64
_DEATHS = 5
"""Times that a recorder must have died of one exchange, taken by itself, before it is left out: a
machine that is switched off now and then must not lose one."""


class Attempts:
    """A line on disk: ``POSITION COUNT DEATHS`` while a batch is being taken, nothing otherwise.

    A process that finds a batch of another there takes its exchanges one by one.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self._file = -1
        self._at, count, self._deaths = self._read()
        self._careful = count
        self._deaths += count == 1

    def most(self, usual: int) -> int:
        """How many exchanges the next batch may have."""
        return 1 if self._careful > 0 else usual

    def begin(self, position: Position, count: int) -> bool:
        """A batch is about to be taken; false when it is one exchange that must be left out."""
        at = position_text(position)
        if count > 1 or at != self._at:
            self._deaths = 0
        self._at = at
        if self._deaths >= _DEATHS:
            return False
        self._write(f"{at} {count} {self._deaths}")
        return True

    def done(self) -> None:
        """The batch is in the store."""
        self._careful -= 1
        self._deaths = 0
        self._write("")

    def _read(self) -> tuple[str, int, int]:
        try:
            words = self._path.read_text("ascii").split()
        except (OSError, UnicodeDecodeError):
            return "", 0, 0
        if len(words) != 3 or not words[1].isdecimal() or not words[2].isdecimal():
            return "", 0, 0
        return words[0], int(words[1]), int(words[2])

    def _write(self, line: str) -> None:
        data = line.ljust(_WIDTH).encode("ascii")
        try:
            if self._file < 0:
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, data)
        except OSError as fault:
            # Without it, what kills the recorder is taken again and again; nothing is lost by it.
            _log.warning("cannot write %s: %s", self._path, fault.strerror)

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
