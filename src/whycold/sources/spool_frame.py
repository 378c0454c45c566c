"""One record on disk: lengths and checksum, head, request body, response body, end mark.

    4   magic              b"\\xf5WCF"
    4   length of the head
    8   length of what follows of the request body
    8   length of the response body
    8   offset in this segment of a frame whose request body has the rest, 0 when there is no rest
    8   how many bytes that body and this one begin with alike
    8   how many they end with alike
    8   xxh3-64 of all of the above and of the three parts
    ...
    4   end mark           b"\\xf5END"

Numbers are little-endian. A frame that has its end mark and its checksum is whole. The first frame
of a segment begins after the segment's own mark, so that no frame has offset 0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import xxhash

from whycold.pieces import Pieces
from whycold.sources.spool_bases import Shared
from whycold.sources.spool_record import Record, encode_head

__all__ = ["END", "HEADER_SIZE", "MAGIC", "SEGMENT_MARK", "Frame", "FrameHeader", "encode_frame"]

MAGIC: Final = b"\xf5WCF"
END: Final = b"\xf5END"
SEGMENT_MARK: Final = b"\xf5WCSPOOL1\n"
_FIELDS = struct.Struct("<4sIQQQQQ")
_SUM = struct.Struct("<Q")
HEADER_SIZE: Final = _FIELDS.size + _SUM.size

# Pieces below this are joined before they are hashed and written: a copy costs less than a call.
_SMALL = 32768


class Frame:
    """An encoded record: its bytes, and how many."""

    __slots__ = ("pieces", "size")

    def __init__(self, pieces: list[bytes], size: int) -> None:
        self.pieces = pieces
        self.size = size


def encode_frame(record: Record, shared: Shared | None = None) -> Frame:
    """``record`` as a frame; with ``shared``, without what its request body has in common."""
    head = encode_head(record.head)
    request, response = record.request, record.response
    offset = prefix = suffix = 0
    if shared is not None:
        offset, prefix, suffix = shared.offset, shared.prefix, shared.suffix
        request = _middle(request, prefix, suffix)
    request_size = sum(map(len, request))
    response_size = sum(map(len, response))
    fields = _FIELDS.pack(MAGIC, len(head), request_size, response_size, offset, prefix, suffix)
    size = HEADER_SIZE + len(head) + request_size + response_size + len(END)
    if size <= _SMALL:
        payload = b"".join((head, *request, *response))
        checksum = xxhash.xxh3_64_intdigest(fields + payload)
        return Frame([b"".join((fields, _SUM.pack(checksum), payload, END))], size)
    parts = _coalesced((head, *request, *response))
    digest = xxhash.xxh3_64(fields)
    for part in parts:
        digest.update(part)
    parts[0] = fields + _SUM.pack(digest.intdigest()) + parts[0]
    parts.append(END)
    return Frame(parts, size)


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


def _middle(parts: Sequence[bytes], prefix: int, suffix: int) -> Sequence[bytes]:
    middle: list[bytes] = []
    left = sum(map(len, parts)) - prefix - suffix
    for part in parts:
        if not left:
            break
        if prefix >= len(part):
            prefix -= len(part)
            continue
        piece = part[prefix : prefix + left]
        prefix = 0
        left -= len(piece)
        middle.append(piece)
    return middle


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What the first HEADER_SIZE bytes of a frame say about the rest; ``shared`` is None when the
    whole request body follows."""

    raw: bytes
    head: int
    request: int
    response: int
    shared: Shared | None
    checksum: int

    @classmethod
    def read(cls, raw: bytes) -> FrameHeader | None:
        """None when ``raw`` is not the beginning of a frame."""
        if len(raw) < HEADER_SIZE or raw[:4] != MAGIC:
            return None
        _, head, request, response, offset, prefix, suffix = _FIELDS.unpack_from(raw)
        (checksum,) = _SUM.unpack_from(raw, _FIELDS.size)
        shared = Shared(offset, prefix, suffix) if offset else None
        return cls(raw[: _FIELDS.size], head, request, response, shared, checksum)

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

    def request_body(self, payload: bytes) -> bytes:
        """What a whole ``payload`` holds of the request body."""
        return payload[self.head : self.head + self.request]

    def record(self, payload: bytes, base: bytes) -> Record:
        """The record in a whole ``payload``; ``base`` is the request body that ``shared`` refers
        to. Raises ValueError."""
        request: bytes | Pieces = self.request_body(payload)
        if self.shared is not None:
            request = Pieces(base, self.shared.prefix, request, self.shared.suffix)
        end = self.head + self.request
        return Record.decode(payload[: self.head], request, payload[end : end + self.response])
