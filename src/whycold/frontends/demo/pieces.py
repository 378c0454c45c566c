"""The smallest parts of a request, written once: their bytes, their tokens, what names them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from whycold.core.content import Json

__all__ = ["Message", "Piece", "Spent", "piece"]

_BYTES_PER_TOKEN = 4.0
_BYTES_PER_TOKEN_JSON = 3.4
_FRAME = 3
_MARK = b',"cache_control":{"type":"ephemeral"}}'
_MARK_1H = b',"cache_control":{"type":"ephemeral","ttl":"1h"}}'


@dataclass(frozen=True, slots=True)
class Piece:
    """A JSON object as it is sent. ``key`` names it, ``kind`` is its type, ``tokens`` what the
    simulated model makes of it.
    """

    data: bytes
    key: bytes
    kind: str
    tokens: int

    def marked(self, ttl: str) -> bytes:
        """The same with a cache marker of that lifetime."""
        return self.data[:-1] + (_MARK_1H if ttl == "1h" else _MARK)


def piece(value: Mapping[str, Json], role: str = "") -> Piece:
    """A piece of a JSON object; ``role`` is who says it."""
    data = msgspec.json.encode(value)
    kind = str(value.get("type") or "")
    prose = kind in ("text", "message") or "content" in value
    tokens = _FRAME + int(len(data) / (_BYTES_PER_TOKEN if prose else _BYTES_PER_TOKEN_JSON))
    key = hashlib.blake2b(role.encode() + data, digest_size=12).digest()
    return Piece(data, key, kind, tokens)


@dataclass(frozen=True, slots=True)
class Message:
    """A message: who says it, and its pieces."""

    role: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of one call, as a cache counts them; they sum to the whole input.

    ``written`` is by lifetime, "" where there is only one.
    """

    read: int
    written: Mapping[str, int]
    rest: int

    @property
    def total(self) -> int:
        """The whole input."""
        return self.read + sum(self.written.values()) + self.rest
