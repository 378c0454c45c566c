"""Numbers for calls and bytes for ids."""

from __future__ import annotations

import binascii
import hashlib
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

__all__ = [
    "END",
    "clean",
    "first_rid",
    "hashed",
    "micros",
    "pack_id",
    "pico_usd",
    "rid_for",
    "rid_millis",
    "time_at",
    "unpack_id",
    "usd_of",
]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)
_LOW_BITS: Final = 22
_LAST_MILLI: Final = (1 << 41) - 1

END: Final = _LAST_MILLI * 1000
"""Microseconds since 1970 from which on a number no longer tells the time."""

_PICO: Final = Decimal("1e-12")
_DEAREST: Final = Decimal(9000)

_HEX_TAIL: Final = re.compile(r"[0-9a-f]{16,}\Z")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_LONGEST_START: Final = 0x7E
_LONGEST_PACKED: Final = 200
_LONGEST_LABEL: Final = 1000
_AS_UUID: Final = b"\xff"
_AS_TEXT: Final = b"\xfe"

_STARTS: Final = ("msg_", "req_", "chatcmpl-", "resp_", "gen-", "")
"""What providers begin their ids with. Stored by place: add at the end only."""
_FIRST_START: Final = 0x80
_LETTERS: Final = re.compile(r"[0-9A-Za-z]{8,}\Z")


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // _MICRO


def time_at(at: int) -> datetime:
    """The UTC time of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at)


def rid_for(at: int, id: str) -> int:
    """The number of a call in 63 bits: milliseconds, then 22 bits of its id.

    Calls before 1970 or after 2039-09 count as from the end of that span.
    """
    return first_rid(at) | (hashed(id) & ((1 << _LOW_BITS) - 1))


def first_rid(at: int) -> int:
    """The least number that a call at that time (in microseconds) can have."""
    return min(max(at // 1000, 0), _LAST_MILLI) << _LOW_BITS


def rid_millis(rid: int) -> int:
    """The milliseconds in a number."""
    return rid >> _LOW_BITS


def hashed(id: str) -> int:
    """47 bits that stand for an id, the most that SQLite keeps in six bytes."""
    data = id.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=6).digest(), "big") >> 1


def clean(text: str) -> str:
    """A label or id as it is kept: at most 1000 characters, lone surrogates as question marks."""
    text = text[:_LONGEST_LABEL]
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def pack_id(id: str) -> bytes:
    """An id in few bytes: most are hexadecimal digits, or letters and digits, behind a start."""
    if len(id) <= _LONGEST_PACKED:
        if _UUID.match(id):
            return _AS_UUID + bytes.fromhex(id.replace("-", ""))
        tail = _HEX_TAIL.search(id)
        if tail is not None:
            start = tail.start() + (len(id) - tail.start()) % 2
            if start <= _LONGEST_START and id[:start].isascii():
                return bytes([start]) + id[:start].encode() + bytes.fromhex(id[start:])
        for place, known in enumerate(_STARTS):
            if id.startswith(known) and _LETTERS.match(id, len(known)):
                size = len(id) - len(known)
                letters = id[len(known) :] + "A" * (-size % 4)
                return bytes([_FIRST_START + place, size]) + binascii.a2b_base64(letters)
    return _AS_TEXT + id.encode("utf-8", "surrogatepass")


def unpack_id(data: bytes) -> str:
    """The id that ``pack_id`` was given."""
    form = data[:1]
    if form == _AS_TEXT:
        return data[1:].decode("utf-8", "surrogatepass")
    if form == _AS_UUID:
        digits = data[1:].hex()
        return "-".join(digits[a:b] for a, b in pairwise((0, 8, 12, 16, 20, 32)))
    if data[0] >= _FIRST_START:
        letters = binascii.b2a_base64(data[2:], newline=False)[: data[1]]
        return _STARTS[data[0] - _FIRST_START] + letters.decode()
    start = data[0] + 1
    return data[1:start].decode() + data[start:].hex()


def pico_usd(cost: Decimal) -> int:
    """USD as a whole number that can be summed exactly: millionths of millionths, as prices are
    dollars per million tokens with up to six decimals. At most 9000 USD a call.
    """
    return int((max(Decimal(0), min(cost, _DEAREST)) / _PICO).to_integral_value())


def usd_of(pico: int) -> Decimal:
    """The USD of ``pico_usd``, without zeros at the end."""
    return Decimal(pico).scaleb(-12).normalize() if pico else Decimal(0)
