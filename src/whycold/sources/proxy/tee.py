"""The copy of the traffic: references to bytes that went out already, within a budget."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Final

from whycold.sources.redact import Redactor, account_fingerprint, redact_target
from whycold.sources.spool_counts import Count
from whycold.sources.spool_record import Body, Capture, Cut, Exchange, Missing
from whycold.sources.spool_writer import SpoolWriter

__all__ = ["Ids", "Tape", "Tee"]

# What a piece costs beside its bytes (the object, its place in a list), and a record beside both.
_PIECE_OVERHEAD: Final = 64
_RECORD_OVERHEAD: Final = 4096
_MILLISECOND: Final = 1_000_000


class Ids:
    """Numbers of 63 bits that grow with time: Unix milliseconds, 10 random bits that tell
    processes apart, and a count of 12 bits. They last until September 2039."""

    def __init__(self) -> None:
        self._last = 0
        self._node = secrets.randbits(10) << 12

    def next(self, now_ns: int) -> int:
        first = (now_ns // _MILLISECOND) << 22 | self._node
        if first <= self._last:
            # The same millisecond, or the clock was set back.
            following = self._last + 1
            first = following if following & 0xFFF else (self._last >> 22) + 1 << 22 | self._node
        self._last = first
        return first


class _Side:
    """One body being copied; ``parts`` is None when it is not kept."""

    __slots__ = ("chunked", "held", "missing", "parts", "size")

    def __init__(self) -> None:
        self.parts: list[bytes] | None = []
        self.size = 0
        self.held = 0
        self.chunked = False
        self.missing: Missing | None = None

    def body(self) -> Body:
        body = Body(
            parts=tuple(self.parts or ()),
            chunked=self.chunked,
            wire_size=self.size,
            missing=self.missing if self.size else None,
        )
        # Trailers stay out of the record, and what was cut is stored as plain as it can be.
        if self.chunked and self.parts and not _ends_plainly(self.parts):
            return Body(parts=(body.content,), wire_size=self.size)
        return body


def _ends_plainly(parts: list[bytes]) -> bool:
    end = parts[-1] if len(parts) == 1 or len(parts[-1]) >= 7 else b"".join(parts[-7:])
    return end == b"0\r\n\r\n" or end.endswith(b"\r\n0\r\n\r\n")


class Tape:
    """An exchange while it is under way; after its end, a draft for the writer."""

    __slots__ = (
        "answered",
        "capture",
        "cut",
        "ended",
        "held",
        "id",
        "labels",
        "method",
        "own_answer",
        "peer",
        "request",
        "request_lines",
        "response",
        "response_lines",
        "retried",
        "sent",
        "started",
        "status",
        "target",
        "tee",
        "upstream",
    )

    def __init__(self, tee: Tee, identifier: int, started: int) -> None:
        self.tee = tee
        self.id = identifier
        self.started = started
        self.sent: int | None = None
        self.answered: int | None = None
        self.ended = started
        self.upstream = ""
        self.method = b""
        self.target = b""
        self.peer: str | None = None
        self.labels: dict[str, str] = {}
        self.request_lines: list[bytes] = []
        self.response_lines: list[bytes] = []
        self.status: int | None = None
        self.capture = Capture.full
        self.request = _Side()
        self.response = _Side()
        self.cut: Cut | None = None
        self.own_answer: str | None = None
        self.retried = False
        self.held = _RECORD_OVERHEAD

    def exchange(self) -> Exchange:
        """The record, redacted; on the writer's thread."""
        tee = self.tee
        return Exchange(
            id=self.id,
            started=self.started,
            sent=self.sent,
            answered=self.answered,
            ended=self.ended,
            upstream=self.upstream,
            method=self.method.decode("latin-1"),
            target=redact_target(self.target),
            peer=self.peer,
            request_headers=tee.redactor.headers(self.request_lines),
            status=self.status,
            response_headers=tee.redactor.headers(self.response_lines),
            request=self.request.body(),
            response=self.response.body(),
            capture=self.capture,
            labels=self.labels,
            account=account_fingerprint(self.request_lines, self.target, tee.key),
            cut=self.cut,
            own_answer=self.own_answer,
            retried=self.retried,
        )


class Tee:
    """Starts tapes, and lets go of bodies before the budget would be passed.

    Request bodies may fill seven eighths of it: what an answer says about the cache is short, and
    still has room when prompts have none."""

    def __init__(
        self,
        writer: SpoolWriter,
        counts: dict[Count, int],
        *,
        budget_bytes: int,
        body_bytes: int,
        clock: Callable[[], int],
    ) -> None:
        self.redactor = Redactor()
        self.key = writer.fingerprint_key()
        self._writer = writer
        self._counts = counts
        self._clock = clock
        self._ids = Ids()
        self._body_bytes = body_bytes
        self._taken = 0
        self._request_limit = budget_bytes * 14 // 16
        self._response_limit = budget_bytes * 15 // 16
        self._record_limit = budget_bytes

    @property
    def held(self) -> int:
        """Bytes of the budget in use."""
        return self._taken - self._writer.released

    def start(self, capture: Capture) -> Tape:
        """A tape for an exchange that begins now; ``capture`` must not be none."""
        now = self._clock()
        tape = Tape(self, self._ids.next(now), now)
        self._taken += _RECORD_OVERHEAD
        tape.capture = capture
        if capture is Capture.usage:
            self._drop(tape, tape.request, Missing.capture)
        return tape

    def expect_request(self, tape: Tape, length: int) -> None:
        """A request body of ``length`` bytes is coming; negative when that is not known."""
        if length > self._body_bytes:
            self._drop(tape, tape.request, Missing.too_large)

    def add_request(self, tape: Tape, data: bytes) -> None:
        self._add(tape, tape.request, data, self._request_limit)

    def add_response(self, tape: Tape, data: bytes) -> None:
        self._add(tape, tape.response, data, self._response_limit)

    def _add(self, tape: Tape, side: _Side, data: bytes, limit: int) -> None:
        size = len(data)
        side.size += size
        parts = side.parts
        if parts is None:
            return
        cost = size + _PIECE_OVERHEAD
        if side.size > self._body_bytes:
            self._drop(tape, side, Missing.too_large)
        elif self._taken - self._writer.released + cost > limit:
            self._drop(tape, side, Missing.budget)
        else:
            parts.append(data)
            side.held += cost
            tape.held += cost
            self._taken += cost

    def _drop(self, tape: Tape, side: _Side, missing: Missing) -> None:
        side.parts = None
        side.missing = missing
        self._taken -= side.held
        tape.held -= side.held
        side.held = 0
        if missing is Missing.budget:
            self._counts[Count.body_budget] += 1
        elif missing is Missing.too_large:
            self._counts[Count.body_too_large] += 1

    def sent(self, tape: Tape) -> None:
        """The request went out to its end."""
        tape.sent = self._clock()

    def answered(self, tape: Tape, status: int, lines: list[bytes], chunked: bool) -> None:
        """The head of the final response came."""
        tape.answered = self._clock()
        tape.status = status
        tape.response_lines = lines
        tape.response.chunked = chunked

    def discard(self, tape: Tape) -> None:
        """Lets go of an exchange that turned out not to be one that is recorded."""
        self._taken -= tape.held

    def finish(self, tape: Tape) -> None:
        """Nothing more will come: hands the tape to the writer."""
        tape.ended = self._clock()
        if self._taken - self._writer.released > self._record_limit:
            self._taken -= tape.held
            self._counts[Count.record_budget] += 1
            return
        self._writer.submit(tape)


def effective_capture(
    default: Capture,
    upstream: Capture | None,
    projects: Mapping[str, Capture],
    labels: Mapping[str, str],
) -> Capture:
    """The strictest mode that applies: an upstream's own replaces the default, a project's or a
    header's can only keep less."""
    mode = default if upstream is None else upstream
    return mode.strictest(projects.get(labels.get("project", "")))
