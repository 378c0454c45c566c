"""Calls of this process kept in memory, for the time of a test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from whycold.sources.programs.guard import Guard
from whycold.sources.programs.tape import Lines, Sent, Tape
from whycold.sources.proxy.tee import Ids
from whycold.sources.redact import Redactor
from whycold.sources.spool_record import Exchange

__all__ = ["Album"]

_LONGEST_BODY: Final = 256 << 20


class Album:
    """Keeps what a ``Book`` writes; ``faults`` are what went wrong in keeping it.

    The secret that accounts are told apart by is made anew for each."""

    def __init__(self, key: bytes, clock: Callable[[], int] = time.time_ns) -> None:
        self.body_bytes = _LONGEST_BODY
        self.now = clock
        self.faults: list[Exception] = []
        self.guard = Guard(self.faults.append)
        self._exchanges: list[Exchange] = []
        self._open: set[Tape] = set()
        self._ids, self._lock, self._redactor = Ids(), threading.Lock(), Redactor(key)

    @property
    def exchanges(self) -> list[Exchange]:
        """All that have ended, in the order in which they began."""
        with self._lock:
            return sorted(self._exchanges, key=lambda exchange: (exchange.started, exchange.id))

    def id(self, now_ns: int) -> int:
        """A number for a call that begins."""
        with self._lock:
            return self._ids.next(now_ns)

    def start(self, sent: Sent, status: int, headers: Lines) -> Tape:
        """A tape for a call whose answer begins."""
        tape = Tape(self, sent, status, headers)
        with self._lock:
            self._open.add(tape)
        return tape

    def finished(self, tape: Tape) -> None:
        """The call has ended."""
        with self._lock:
            self._open.discard(tape)
        self.add(tape.record().exchange())

    def add(self, exchange: Exchange) -> None:
        """One that was recorded elsewhere."""
        with self._lock:
            self._exchanges.append(exchange)

    def end(self) -> None:
        """Of calls under way, what has come is all there will be."""
        for tape in list(self._open):
            tape.finish()

    def redactor(self) -> Redactor:
        """What takes keys out of heads."""
        return self._redactor

    def take(self, size: int) -> bool:
        """A test has room for everything."""
        return size >= 0

    def give_back(self, size: int) -> None:
        """Nothing is counted here."""
