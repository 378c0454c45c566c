"""What one program records: its tapes, its budget, and its own folder of the spool.

A program that forks has two: the child lets go of what is its parent's and begins a folder of its
own with its first call. Threads share one.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from whycold.errors import UserError
from whycold.sources.programs.guard import Guard
from whycold.sources.programs.tape import RECORD_OVERHEAD, Lines, Sent, Tape
from whycold.sources.proxy.tee import Ids
from whycold.sources.redact import Redactor
from whycold.sources.spool import SpoolConfig, SpoolFolder
from whycold.sources.spool_counts import Count
from whycold.sources.spool_writer import Reduce, SpoolWriter

__all__ = ["Book"]

_log = logging.getLogger("whycold.record")

_MOST_PROGRAMS: Final = 1000
_SHARE: Final = 4
"""A program's folder may take this part of what the spool may."""
_END_S: Final = 10.0


class Book:
    """Where calls of this process are written; its methods may be called from any thread.

    ``config.folder`` is the spool of ``serve``; the program gets a folder below it. ``reduce`` is
    given the secret that digests are made with, when something is written for the first time."""

    def __init__(
        self,
        config: SpoolConfig,
        reduce: Callable[[bytes], Reduce | None] = lambda key: None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.body_bytes = config.body_bytes
        self.counts = dict.fromkeys(Count, 0)
        self._config, self._reduce, self.now = config, reduce, clock
        self.guard = Guard(self.failed)
        self._spool = SpoolFolder(config.folder)
        self._begin()
        _books.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._ids = Ids()
        self._taken = 0
        self._open: set[Tape] = set()
        self._writer: SpoolWriter | None = None
        self._redactor: Redactor | None = None
        self._closed = self._told = False

    def id(self, now_ns: int) -> int:
        """A number for a call that begins."""
        with self._lock:
            return self._ids.next(now_ns)

    def start(self, sent: Sent, status: int, headers: Lines) -> Tape | None:
        """A tape for a call whose answer begins; None when there is no room even for its record."""
        if not self.take(RECORD_OVERHEAD):
            self.counts[Count.record_budget] += 1
            return None
        tape = Tape(self, sent, status, headers)
        with self._lock:
            self._open.add(tape)
        return tape

    def take(self, size: int) -> bool:
        """Bytes of the budget; false when there are not so many left."""
        with self._lock:
            written = self._writer.released if self._writer is not None else 0
            if self._taken - written + size > self._config.budget_bytes:
                self.counts[Count.body_budget] += 1
                return False
            self._taken += size
        return True

    def give_back(self, size: int) -> None:
        """Bytes of the budget that are not needed any more."""
        with self._lock:
            self._taken -= size

    def finished(self, tape: Tape) -> None:
        """To the writer; a tape of a parent process is the parent's."""
        with self._lock:
            if tape not in self._open:
                return
            self._open.discard(tape)
            if self._closed:
                return
            self._writing().submit(tape)

    def failed(self, fault: Exception) -> None:
        """Whycold itself did, and the program goes on: counted on disk, where that can be."""
        self.counts[Count.record_failed] += 1
        _log.debug("a call is not recorded", exc_info=fault)
        with Guard(self._tell_once), self._lock:
            if not self._closed:
                self._writing().nudge()

    def _tell_once(self, fault: Exception) -> None:
        if not self._told:
            self._told = True
            _log.warning("calls are not recorded: %s", fault)

    def redactor(self) -> Redactor:
        """For the writer's thread."""
        assert self._redactor is not None
        return self._redactor

    def _writing(self) -> SpoolWriter:
        if self._writer is None:
            self._spool.create()
            # with the spool's own secret, so that an account is the same here and at the proxy
            key = self._config.fingerprint_key or self._spool.fingerprint_key()
            self._redactor = Redactor(key)
            self._writer = self._claimed(key)
            _at_exit_of_children(self)
        return self._writer

    def _claimed(self, key: bytes) -> SpoolWriter:
        """The writer of the first folder that no other process has. Raises UserError."""
        reduce, config = self._reduce(key), self._config
        # where files cannot be locked, no two processes have the same number
        first = os.getpid() if sys.platform == "win32" else 1
        for number in range(first, first + _MOST_PROGRAMS):
            own = replace(
                config,
                folder=str(self._spool.program(number).path),
                total_bytes=config.total_bytes // _SHARE,
                fingerprint_key=key,
            )
            writer = SpoolWriter(own, self.counts, reduce, self.now)
            try:
                writer.start()
            except UserError:
                continue
            return writer
        raise UserError(f"{_MOST_PROGRAMS} programs record into {self._spool.path} already")

    def forked(self) -> None:
        """In a child process: lets go of what is the parent's."""
        writer = self._writer
        for count in self.counts:
            self.counts[count] = 0
        self._begin()
        if writer is not None:
            writer.abandon()

    def close(self) -> None:
        """Writes what there is; of calls under way, what has come. Nothing is recorded after."""
        with self._lock:
            tapes = list(self._open)
        for tape in tapes:
            tape.finish()
        with self._lock:
            self._closed = True
            writer = self._writer
        if writer is not None and not writer.close(_END_S):
            _log.warning("not all calls could be written within %g s", _END_S)


_books: weakref.WeakSet[Book] = weakref.WeakSet()


def _forked() -> None:
    for book in list(_books):
        book.forked()


def _at_exit_of_children(book: Book) -> None:
    """Children of ``multiprocessing`` end without the exit functions of others."""
    util = sys.modules.get("multiprocessing.util")
    process = sys.modules.get("multiprocessing.process")
    if util is not None and process is not None and process.parent_process() is not None:
        util.Finalize(None, book.close, exitpriority=0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
