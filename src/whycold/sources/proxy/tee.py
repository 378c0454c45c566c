"""The copy of the traffic: references to bytes that went out already, within a budget."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from whycold.sources.proxy.request_head import RequestHead
from whycold.sources.redact import Redactor
from whycold.sources.spool_counts import Count
from whycold.sources.spool_record import Capture, Cut, Missing, Outline, Record, RecordHead, dechunk
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

    def __init__(self, chunked: bool) -> None:
        self.parts: list[bytes] | None = []
        self.size = 0
        self.held = 0
        self.chunked = chunked
        self.missing: Missing | None = None

    def outline(self) -> Outline:
        return self.chunked, self.size, self.missing if self.size else None

    def plain(self) -> None:
        """Takes the chunk framing off where it holds trailers, which stay out of the record, or is
        cut, so that what is stored is as plain as it can be."""
        if self.chunked and self.parts and not _ends_plainly(self.parts):
            self.parts = [dechunk(b"".join(self.parts))]
            self.chunked = False


def _ends_plainly(parts: list[bytes]) -> bool:
    end = parts[-1] if len(parts) == 1 or len(parts[-1]) >= 7 else b"".join(parts[-7:])
    return end == b"0\r\n\r\n" or end.endswith(b"\r\n0\r\n\r\n")


class Tape:
    """An exchange while it is under way; after its end, a draft for the writer."""

    __slots__ = (
        "_answered",
        "_capture",
        "_ended",
        "_head",
        "_id",
        "_peer",
        "_request",
        "_response",
        "_response_lines",
        "_sent",
        "_started",
        "_status",
        "_target",
        "_tee",
        "_upstream",
        "cut",
        "diagnosed",
        "held",
        "own_answer",
        "retried",
    )

    def __init__(
        self,
        tee: Tee,
        head: RequestHead,
        upstream: str,
        target: bytes,
        peer: str | None,
        capture: Capture,
    ) -> None:
        self._tee = tee
        self._head = head
        self._upstream = upstream
        self._target = target
        self._peer = peer
        self._capture = capture
        self._started = self._ended = now = tee.clock()
        self._id = tee.ids.next(now)
        self._sent: int | None = None
        self._answered: int | None = None
        self._status: int | None = None
        self._response_lines: list[bytes] = []
        self._request = _Side(head.length < 0)
        self._response = _Side(False)
        self.cut: Cut | None = None
        self.own_answer: str | None = None
        self.retried = False
        self.diagnosed = False
        self.held = _RECORD_OVERHEAD
        tee.taken += _RECORD_OVERHEAD
        if capture is Capture.usage:
            self._drop(self._request, Missing.capture)
        elif head.length > tee.body_bytes:
            self._drop(self._request, Missing.too_large)

    def add_request(self, data: bytes) -> None:
        """The next part of the request's body went out."""
        self._add(self._request, data, self._tee.request_limit)

    def sent(self) -> None:
        """The request went out to its end."""
        self._sent = self._tee.clock()

    def answered(self, status: int, lines: list[bytes], chunked: bool) -> None:
        """The head of the final response came."""
        self._answered = self._tee.clock()
        self._status = status
        self._response_lines = lines
        self._response.chunked = chunked

    def add_response(self, data: bytes) -> None:
        """The next part of the response's body went out."""
        self._add(self._response, data, self._tee.response_limit)

    def _add(self, side: _Side, data: bytes, limit: int) -> None:
        size = len(data)
        side.size += size
        parts = side.parts
        if parts is None:
            return
        tee = self._tee
        cost = size + _PIECE_OVERHEAD
        if side.size > tee.body_bytes:
            self._drop(side, Missing.too_large)
        elif tee.held + cost > limit:
            self._drop(side, Missing.budget)
        else:
            parts.append(data)
            side.held += cost
            self.held += cost
            tee.taken += cost

    def _drop(self, side: _Side, missing: Missing) -> None:
        tee = self._tee
        side.parts = None
        side.missing = missing
        tee.taken -= side.held
        self.held -= side.held
        side.held = 0
        if missing is Missing.budget:
            tee.counts[Count.body_budget] += 1
        elif missing is Missing.too_large:
            tee.counts[Count.body_too_large] += 1

    def discard(self) -> None:
        """Lets go of an exchange that turned out not to be one that is recorded."""
        self._tee.taken -= self.held

    def finish(self) -> None:
        """Nothing more will come: hands the tape to the writer."""
        self._ended = self._tee.clock()
        self._tee.submit(self)

    def record(self) -> Record:
        """The record, redacted; on the writer's thread."""
        head = self._head
        redactor = self._tee.redactor
        request, response = self._request, self._response
        request.plain()
        response.plain()
        return Record(
            RecordHead(
                self._id,
                self._started,
                self._sent,
                self._answered,
                self._ended,
                self._upstream,
                head.method.decode("latin-1"),
                redactor.target(self._target),
                self._peer,
                redactor.headers(head.lines),
                self._status,
                redactor.headers(self._response_lines),
                request.outline(),
                response.outline(),
                self._capture,
                head.labels,
                redactor.account(head.credential, self._target),
                self.cut,
                self.own_answer,
                self.retried,
                diagnosed=self.diagnosed,
            ),
            request.parts or (),
            response.parts or (),
        )


class Tee:
    """The budget of all tapes, and what they share.

    Request bodies may fill seven eighths of the budget: what an answer says about the cache is
    short, and still has room when prompts have none. ``taken`` only counts up what this thread
    takes and gives back itself; the writer counts what it gives back on its own."""

    def __init__(
        self,
        writer: SpoolWriter,
        counts: dict[Count, int],
        *,
        budget_bytes: int,
        body_bytes: int,
        clock: Callable[[], int],
    ) -> None:
        self.redactor = Redactor(writer.fingerprint_key())
        self.counts = counts
        self.clock = clock
        self.ids = Ids()
        self.body_bytes = body_bytes
        self.taken = 0
        self.request_limit = budget_bytes * 14 // 16
        self.response_limit = budget_bytes * 15 // 16
        self._record_limit = budget_bytes
        self._writer = writer

    @property
    def held(self) -> int:
        """Bytes of the budget in use."""
        return self.taken - self._writer.released

    def start(
        self,
        head: RequestHead,
        upstream: str,
        target: bytes,
        peer: str | None,
        capture: Capture,
    ) -> Tape | None:
        """A tape for an exchange that begins now, or None when there is no room even for its
        record. ``capture`` must not be none."""
        if self.held + _RECORD_OVERHEAD > self._record_limit:
            self.counts[Count.record_budget] += 1
            return None
        return Tape(self, head, upstream, target, peer, capture)

    def submit(self, tape: Tape) -> None:
        """Gives a finished tape to the writer."""
        self._writer.submit(tape)
