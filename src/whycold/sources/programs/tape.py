"""The copy of one call while it is under way; after its end, a draft for the spool's writer."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from whycold.sources.programs.guard import Guard
from whycold.sources.redact import Redactor
from whycold.sources.spool_record import Capture, Cut, Missing, Record, RecordHead

__all__ = ["Keeper", "Lines", "Sent", "Tape"]

Lines = Sequence[tuple[bytes, bytes]]

_CREDENTIALS: Final = frozenset((b"authorization", b"api-key", b"x-api-key", b"x-goog-api-key"))
_PIECE_OVERHEAD: Final = 64
RECORD_OVERHEAD: Final = 4096
_STEP: Final = 32768


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it went out: ``started`` in Unix nanoseconds, ``target`` its path and query."""

    id: int
    started: int
    upstream: str
    method: str
    target: bytes
    headers: Lines
    body: bytes
    labels: dict[str, str]
    capture: Capture


class Keeper(Protocol):
    """Who keeps tapes, and what they share; ``guard`` counts what goes wrong with whycold."""

    body_bytes: int
    guard: Guard

    def now(self) -> int:
        """Unix nanoseconds."""
        ...

    def redactor(self) -> Redactor:
        """On the writer's thread."""
        ...

    def take(self, size: int) -> bool:
        """Bytes of the budget; false when there are not so many left."""
        ...

    def give_back(self, size: int) -> None:
        """Bytes of the budget that are not needed any more."""
        ...

    def finished(self, tape: Tape) -> None:
        """Nothing more will come."""
        ...

    def id(self, now_ns: int) -> int:
        """A number for a call that begins."""
        ...

    def start(self, sent: Sent, status: int, headers: Lines) -> Tape | None:
        """A tape for a call whose answer begins."""
        ...


class Tape:
    """Takes pieces of the answer from whatever thread reads it; none of its methods raises.

    ``size`` is what came of its body, kept or not; ``held`` what it takes of the budget."""

    __slots__ = (
        "_answered",
        "_ended",
        "_headers",
        "_keeper",
        "_missing",
        "_over",
        "_parts",
        "_request_missing",
        "_room",
        "_sent",
        "_status",
        "_step_held",
        "cut",
        "held",
        "size",
    )

    def __init__(self, keeper: Keeper, sent: Sent, status: int, headers: Lines) -> None:
        self._keeper, self._sent = keeper, sent
        self._status, self._headers = status, headers
        self._answered = self._ended = keeper.now()
        self._parts: list[bytes] | deque[bytes] = []
        self.size = self._room = self._step_held = 0
        self._missing: Missing | None = None
        self._request_missing: Missing | None = None
        self._over = False
        self.cut: Cut | None = None
        self.held = RECORD_OVERHEAD
        size = len(sent.body)
        if sent.capture is Capture.usage:
            self._request_missing = Missing.capture
        elif size > keeper.body_bytes:
            self._request_missing = Missing.too_large
        elif keeper.take(size):
            self.held += size
        else:
            self._request_missing = Missing.budget

    def add(self, piece: bytes) -> None:
        """The next piece of the answer's body was handed on."""
        size = len(piece)
        self.size += size
        self._room -= size + _PIECE_OVERHEAD
        if self._room < 0:
            with self._keeper.guard:
                self._make_room()
        self._parts.append(piece)

    def _make_room(self) -> None:
        """A step of the budget at a time: a stream comes in many small pieces."""
        if self.size > self._keeper.body_bytes:
            self._drop(Missing.too_large)
            return
        step = max(_STEP, -self._room)
        if self._keeper.take(step):
            self._room += step
            self.held += step
            self._step_held += step
        else:
            self._drop(Missing.budget)

    def _drop(self, missing: Missing) -> None:
        self._missing = missing
        # takes whatever comes, and keeps none of it
        self._parts = deque(maxlen=0)
        self._room = sys.maxsize
        self.held -= self._step_held
        self._keeper.give_back(self._step_held)
        self._step_held = 0

    def finish(self) -> None:
        """Nothing more will come; only the first time counts."""
        if self._over:
            return
        self._over = True
        with self._keeper.guard:
            self._ended = self._keeper.now()
            self._keeper.finished(self)

    def record(self) -> Record:
        """The record, redacted; on the writer's thread."""
        sent, redactor = self._sent, self._keeper.redactor()
        credential = next((v for n, v in sent.headers if n.lower() in _CREDENTIALS), b"")
        return Record(
            RecordHead(
                sent.id,
                sent.started,
                sent.started,
                self._answered,
                self._ended,
                sent.upstream,
                sent.method,
                redactor.target(sent.target),
                None,
                redactor.headers(name + b": " + value for name, value in sent.headers),
                self._status,
                redactor.headers(name + b": " + value for name, value in self._headers),
                (False, len(sent.body), self._request_missing),
                (False, self.size, self._missing),
                sent.capture,
                sent.labels,
                redactor.account(credential, sent.target),
                self.cut,
                None,
                False,
            ),
            (sent.body,) if sent.body and self._request_missing is None else (),
            tuple(self._parts),
        )
