"""One record on disk: lengths and checksum, head, request body, response body, end mark.

    4   magic              b"\\xf5WCF"
    4   length of the head
    8   length of the request body that follows
    8   length of the response body
    8   where in this segment the request body's beginning is, when it is not repeated here
    8   how many bytes of it are to be taken from there, 0 when all of it follows
    8   xxh3-64 of all of the above and of the three parts
    ...
    4   end mark           b"\\xf5END"

Numbers are little-endian. A frame that has its end mark and its checksum is whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import xxhash

from whycold.sources import spool_record
from whycold.sources.spool_record import Body, Exchange

__all__ = ["END", "HEADER_SIZE", "MAGIC", "Frame", "FrameHeader", "Shared", "encode_frame"]

MAGIC: Final = b"\xf5WCF"
END: Final = b"\xf5END"
_FIELDS = struct.Struct("<4sIQQQQ")
_SUM = struct.Struct("<Q")
HEADER_SIZE: Final = _FIELDS.size + _SUM.size

# Pieces below this are joined before they are hashed and written: a copy costs less than a call.
_SMALL = 32768


@dataclass(frozen=True, slots=True)
class Shared:
    """The first ``length`` bytes of a request body, to be found at ``offset`` of the segment."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Frame:
    """An encoded record: its bytes, how many, and where among them the request body begins."""

    pieces: list[bytes]
    size: int
    request_at: int


def encode_frame(exchange: Exchange, shared: Shared | None = None) -> Frame:
    """``exchange`` as a frame; with ``shared``, the beginning of its request body left out."""
    head = spool_record.encode(exchange)
    request = exchange.request.parts if shared is None else _after(exchange.request, shared.length)
    response = exchange.response.parts
    request_size = sum(map(len, request))
    response_size = sum(map(len, response))
    offset, length = (shared.offset, shared.length) if shared else (0, 0)
    fields = _FIELDS.pack(MAGIC, len(head), request_size, response_size, offset, length)
    parts = _coalesced((head, *request, *response))
    checksum = xxhash.xxh3_64(fields)
    for part in parts:
        checksum.update(part)
    parts[0] = fields + _SUM.pack(checksum.intdigest()) + parts[0]
    if len(parts[-1]) < _SMALL:
        parts[-1] += END
    else:
        parts.append(END)
    size = HEADER_SIZE + len(head) + request_size + response_size + len(END)
    return Frame(parts, size, HEADER_SIZE + len(head))


def _coalesced(pieces: Iterable[bytes]) -> list[bytes]:
    joined: list[bytes] = []
    small: list[bytes] = []
    for piece in pieces:
        if len(piece) < _SMALL:
            small.append(piece)
            continue
        if small:
            joined.append(b"".join(small))
            small.clear()
        joined.append(piece)
    if small:
        joined.append(b"".join(small))
    return joined


def _after(body: Body, length: int) -> tuple[bytes, ...]:
    rest: list[bytes] = []
    for part in body.parts:
        if length >= len(part):
            length -= len(part)
        else:
            rest.append(part[length:])
            length = 0
    return tuple(rest)


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What the first HEADER_SIZE bytes of a frame say about the rest."""

    raw: bytes
    head: int
    request: int
    response: int
    shared: Shared
    checksum: int

    @classmethod
    def read(cls, raw: bytes) -> FrameHeader | None:
        """None when ``raw`` is not the beginning of a frame."""
        if len(raw) < HEADER_SIZE or raw[:4] != MAGIC:
            return None
        _, head, request, response, offset, length = _FIELDS.unpack_from(raw)
        (checksum,) = _SUM.unpack_from(raw, _FIELDS.size)
        return cls(raw[: _FIELDS.size], head, request, response, Shared(offset, length), checksum)

    @property
    def payload(self) -> int:
        """Bytes between the header and the end of the frame, end mark included."""
        return self.head + self.request + self.response + len(END)

    def whole(self, payload: bytes) -> bool:
        """Whether ``payload`` is what was written after this header."""
        if len(payload) != self.payload or not payload.endswith(END):
            return False
        checksum = xxhash.xxh3_64(self.raw)
        checksum.update(memoryview(payload)[: -len(END)])
        return checksum.intdigest() == self.checksum

    def exchange(self, payload: bytes, beginning: bytes) -> Exchange:
        """The record in a whole ``payload``; ``beginning`` is what ``shared`` refers to. Raises
        ValueError."""
        request_end = self.head + self.request
        return spool_record.decode(
            payload[: self.head],
            beginning + payload[self.head : request_end],
            payload[request_end : request_end + self.response],
        )
