"""Bytes of an AWS event stream, cut anywhere, to its frames.

The framing is ``application/vnd.amazon.eventstream`` (AWS, *Event stream encoding*, read
2026-11-23): total length, header length and a CRC-32 of both; headers; payload; a CRC-32 of all
that comes before it. Every number is big-endian.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace

from whycold.core.call import ProviderError, Reply
from whycold.core.content import JsonMap, as_text
from whycold.errors import UserError
from whycold.providers.base import StreamReader
from whycold.providers.body import decode_map

__all__ = [
    "MAX_FRAME",
    "EventStreamDecoder",
    "Frame",
    "Unwrapped",
    "frame_error",
    "unwrap",
]

MAX_FRAME = 32 * 1024 * 1024
"""Bytes of the longest frame that is read; AWS allows 24 MiB of payload."""

_PRELUDE = struct.Struct(">III")
_CRC_BYTES = 4
_SHORTEST = _PRELUDE.size + _CRC_BYTES

_TRUE, _FALSE, _BYTES, _STRING = 0, 1, 6, 7
_FIXED = {2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header value, by type, where the type says it: numbers, time stamp, UUID."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: ``headers`` that hold text (``:event-type`` ...), and the payload."""

    headers: Mapping[str, str]
    payload: bytes

    @property
    def event(self) -> str:
        """The type of event or exception, "" where the frame gives none."""
        return self.headers.get(":event-type") or self.headers.get(":exception-type") or ""

    def body(self) -> JsonMap:
        """The payload as a JSON object, empty when it is none."""
        try:
            return decode_map(self.payload)
        except UserError:
            return {}


class EventStreamDecoder:
    """Push decoder: ``feed`` bytes as they come, take frames out; bad bytes never raise.

    ``dropped`` counts frames whose checksum or headers are wrong: they are left out, and what
    follows is read on. A wrong prelude leaves no way to find the next frame: ``broken`` is set, and
    nothing more is read. At most one frame of ``limit`` bytes is held.
    """

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self.dropped = 0
        self.broken = False
        self._limit = limit
        self._buffer = bytearray()

    @property
    def open(self) -> bool:
        """Whether part of a frame has come and the rest has not."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete."""
        frames: list[Frame] = []
        if self.broken:
            return frames
        self._buffer += data
        start = 0
        while (length := self._next_length(start)) and start + length <= len(self._buffer):
            frame = _frame(bytes(self._buffer[start : start + length]))
            if frame is None:
                self.dropped += 1
            else:
                frames.append(frame)
            start += length
        del self._buffer[:start]
        if self.broken:
            self._buffer.clear()
        return frames

    def _next_length(self, start: int) -> int:
        """Length of the frame at ``start``, 0 while that cannot be known."""
        if len(self._buffer) - start < _PRELUDE.size:
            return 0
        total, headers, crc = _PRELUDE.unpack_from(self._buffer, start)
        sane = _SHORTEST + headers <= total <= self._limit
        if not sane or binascii.crc32(self._buffer[start : start + 8]) != crc:
            self.broken = True
            return 0
        return total


def _frame(data: bytes) -> Frame | None:
    """A whole frame, read; None when its checksum or its headers are wrong."""
    (crc,) = struct.unpack_from(">I", data, len(data) - _CRC_BYTES)
    if binascii.crc32(data[:-_CRC_BYTES]) != crc:
        return None
    _, size, _ = _PRELUDE.unpack_from(data)
    end = _PRELUDE.size + size
    headers = _headers(data[_PRELUDE.size : end])
    return None if headers is None else Frame(headers, data[end:-_CRC_BYTES])


def _headers(data: bytes) -> dict[str, str] | None:
    """The text headers; the others are passed over. None when they do not add up."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        kind_at = at + 1 + data[at]
        if kind_at >= len(data):
            return None
        name = data[at + 1 : kind_at].decode("utf-8", "replace")
        kind, at = data[kind_at], kind_at + 1
        if kind in (_TRUE, _FALSE):
            continue
        if kind in (_BYTES, _STRING):
            if at + 2 > len(data):
                return None
            size = int.from_bytes(data[at : at + 2], "big")
            at += 2
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            return None
        if at + size > len(data):
            return None
        if kind == _STRING:
            found[name] = data[at : at + size].decode("utf-8", "replace")
        at += size
    return found


def frame_error(frame: Frame) -> ProviderError | None:
    """What an exception or error frame says, None for an event; it comes after the HTTP status."""
    kind = frame.headers.get(":message-type")
    if kind == "exception":
        body = frame.body()
        message = as_text(body.get("message")) or as_text(body.get("Message")) or ""
        return ProviderError(None, frame.event or None, message)
    if kind == "error":
        code = frame.headers.get(":error-code")
        return ProviderError(None, code, frame.headers.get(":error-message", ""))
    return None


def unwrap(frame: Frame) -> bytes | None:
    """What a ``chunk`` frame of InvokeModelWithResponseStream carries; None for other frames."""
    if frame.event != "chunk":
        return None
    packed = as_text(frame.body().get("bytes"))
    if packed is None:
        return None
    try:
        return base64.b64decode(packed)
    except ValueError:
        return None


class Unwrapped:
    """Reads a stream of another wire format that InvokeModelWithResponseStream puts into frames.

    ``inner`` gets every unwrapped event as a server-sent event: with the reader of Anthropic
    Messages this reads a Claude stream from Bedrock. An exception frame becomes the reply's error.
    """

    def __init__(self, inner: StreamReader) -> None:
        self._inner = inner
        self._decoder = EventStreamDecoder()
        self._error: ProviderError | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        for frame in self._decoder.feed(data):
            self._error = self._error or frame_error(frame)
            event = unwrap(frame)
            if event is not None:
                self._inner.feed(_as_sse(event))

    def finish(self) -> Reply:
        """What the inner reader makes of it; not complete when frames were lost."""
        reply = self._inner.finish()
        lost = self._decoder.dropped or self._decoder.broken or self._decoder.open
        if self._error is not None:
            return replace(reply, error=self._error, complete=False)
        return replace(reply, complete=reply.complete and not lost)


def _as_sse(event: bytes) -> bytes:
    """The JSON of one event as a server-sent event: its type as the name, its lines as data."""
    try:
        kind = as_text(decode_map(event).get("type")) or ""
    except UserError:
        kind = ""
    name = f"event: {kind}\n".encode("utf-8", "replace") if kind.isprintable() and kind else b""
    lines = event.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return name + b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"
