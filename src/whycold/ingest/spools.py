"""The folders that the recorder reads: the proxy's, and one for each program on its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from whycold.errors import UserError
from whycold.ingest.attempts import Attempts
from whycold.ingest.progress import Progress
from whycold.sources.spool import START, SpoolFolder
from whycold.sources.spool_reader import SpoolReader

__all__ = ["Spool", "Spools"]

_LONGEST_REST: Final = 16
"""Looks that a program's folder is passed over for, when there was nothing in it for long."""


class Spool:
    """One folder; ``program`` is its name, "" for the proxy's."""

    def __init__(self, folder: SpoolFolder, program: str, progress: Progress) -> None:
        reached = progress.programs.get(program) if program else progress.position
        self.folder, self.program = folder, program
        self.reader = SpoolReader(folder.path, reached or START)
        self.attempts = Attempts(folder.path)
        self.rest = 0
        self.idle = 0

    def drained(self, newest: int) -> Iterator[None]:
        """Waits until all up to this segment is taken, which is held, and removes it."""
        reader, folder = self.reader, self.folder
        reader.sealed = newest
        try:
            while reader.position.segment <= newest:
                yield
            # the numbers of segments have to go on from here, whatever the clock says
            with contextlib.suppress(FileExistsError):
                os.close(folder.open_segment(newest + 1))
            # emptied, so that a writer that has it open knows
            os.truncate(folder.segment(newest), 0)
            reader.remove_before(reader.position)
        finally:
            reader.sealed = None

    def seal_left(self) -> None:
        """What a program left that is gone counts as complete, and is removed once it is read."""
        self.reader.remove_before(self.reader.position)
        newest = self.folder.segments()[-1:]
        if not newest or not self.folder.segment(newest[0]).stat().st_size:
            return
        self.folder.take_lock()
        try:
            os.close(self.folder.open_segment(newest[0] + 1))
        finally:
            self.folder.release_lock()


class Spools:
    """All of them; programs come while the recorder runs."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self._progress = progress
        self._main = Spool(SpoolFolder(folder), "", progress)
        self._programs: dict[str, Spool] = {}
        self._turn = ""

    def all(self) -> list[Spool]:
        """Those that are there now."""
        for folder in self._main.folder.programs():
            name = folder.path.name
            if name not in self._programs:
                self._programs[name] = Spool(folder, name, self._progress)
        return [self._main, *self._programs.values()]

    def in_turn(self, *, patient: bool) -> Iterator[Spool]:
        """All, beginning behind the one that gave something last. ``patient``: without programs
        that have been silent, which are asked less and less often."""
        spools = self.all()
        last = next((at for at, spool in enumerate(spools) if spool.program == self._turn), 0)
        for spool in (*spools[last + 1 :], *spools[: last + 1]):
            if patient and spool.program:
                spool.rest -= 1
                if spool.rest > 0:
                    continue
                spool.idle = min(spool.idle * 2 + 1, _LONGEST_REST)
                spool.rest = spool.idle
            yield spool

    def gave(self, spool: Spool) -> None:
        """There was something in this one."""
        self._turn = spool.program
        spool.idle = spool.rest = 0

    def seal_left(self) -> None:
        """Lets what ended programs left be removed once it is read."""
        for spool in self._programs.values():
            # a program that runs holds its folder; what cannot be sealed now waits
            with contextlib.suppress(UserError, OSError):
                spool.seal_left()

    def close(self) -> None:
        """Let go of what is open."""
        for spool in (self._main, *self._programs.values()):
            spool.attempts.close()
