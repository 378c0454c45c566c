"""Request bodies that later ones repeat: one more turn of a conversation is its last body and more.

A client sends the whole conversation with every turn, in one of two shapes: what is new comes last,
or it comes before the system prompt and the tools. Either way a body is the beginning of an
earlier one, something new, and perhaps the end of the earlier one; only the new part is written.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Bases", "Shared", "common_prefix", "common_suffix"]

# Below this, looking for a base costs more than writing the body.
_SMALLEST: Final = 32768
_KEY_BYTES: Final = 256
_BASES_PER_KEY: Final = 4
# A base is used while at least this share of a body is found in it; then the body becomes one.
_WORTH: Final = 0.75


@dataclass(frozen=True, slots=True)
class Shared:
    """What a request body has in common with that of the frame at ``offset`` of its segment: its
    first ``prefix`` and last ``suffix`` bytes."""

    offset: int
    prefix: int
    suffix: int


_Key = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class _Base:
    offset: int
    body: bytes


class Bases:
    """The bodies most recently written in full to the segment that is open, up to ``limit`` bytes;
    ``held`` is what they take."""

    def __init__(self, limit: int) -> None:
        self.held = 0
        self._limit = limit
        self._segment: int | None = None
        self._bases: OrderedDict[_Key, list[_Base]] = OrderedDict()

    def find(self, segment: int | None, upstream: str, body: Sequence[bytes]) -> Shared | None:
        """What of ``body`` is in the open ``segment`` already, when that is most of it."""
        self._begin(segment)
        size = sum(map(len, body))
        if size < _SMALLEST:
            return None
        key = _key(upstream, body)
        for base in reversed(self._bases.get(key, ())):
            prefix = common_prefix(base.body, body)
            most = min(len(base.body), size) - prefix
            suffix = common_suffix(base.body, body, most)
            if prefix + suffix >= size * _WORTH:
                self._bases.move_to_end(key)
                return Shared(base.offset, prefix, suffix)
        return None

    def add(self, segment: int | None, upstream: str, body: Sequence[bytes], offset: int) -> None:
        """``body`` was written in full, in the frame at ``offset`` of ``segment``."""
        self._begin(segment)
        size = sum(map(len, body))
        if size < _SMALLEST or size > self._limit // 2:
            return
        key = _key(upstream, body)
        bases = self._bases.setdefault(key, [])
        bases.append(_Base(offset, b"".join(body)))
        self._bases.move_to_end(key)
        self.held += size
        if len(bases) > _BASES_PER_KEY:
            self.held -= len(bases.pop(0).body)
        while self.held > self._limit:
            oldest, bases = next(iter(self._bases.items()))
            self.held -= len(bases.pop(0).body)
            if not bases:
                del self._bases[oldest]

    def _begin(self, segment: int | None) -> None:
        """Forgets what another segment holds: a frame refers to its own alone."""
        if segment != self._segment:
            self._segment = segment
            self._bases.clear()
            self.held = 0


def _key(upstream: str, body: Sequence[bytes]) -> _Key:
    first = b""
    for part in body:
        first += part[: _KEY_BYTES - len(first)]
        if len(first) == _KEY_BYTES:
            break
    return upstream, first


def common_prefix(base: bytes, body: Sequence[bytes]) -> int:
    """How many bytes ``base`` and the pieces of ``body`` begin with alike.

    Whole pieces are compared in place; only the one that differs is looked into."""
    total = 0
    for piece in body:
        if not base.startswith(piece, total):
            alike, differs = 0, min(len(piece), len(base) - total)
            while alike < differs:
                middle = (alike + differs + 1) // 2
                if base.startswith(piece[alike:middle], total + alike):
                    alike = middle
                else:
                    differs = middle - 1
            return total + alike
        total += len(piece)
    return total


def common_suffix(base: bytes, body: Sequence[bytes], most: int) -> int:
    """How many bytes, up to ``most``, ``base`` and the pieces of ``body`` end with alike."""
    total = 0
    for whole in reversed(body):
        piece = whole if len(whole) <= most - total else whole[len(whole) - (most - total) :]
        end = len(base) - total
        if not base.endswith(piece, 0, end):
            alike, differs = 0, len(piece)
            while alike < differs:
                middle = (alike + differs + 1) // 2
                tail = piece[len(piece) - middle : len(piece) - alike]
                if base.endswith(tail, 0, end - alike):
                    alike = middle
                else:
                    differs = middle - 1
            return total + alike
        total += len(piece)
        if total == most:
            break
    return total
