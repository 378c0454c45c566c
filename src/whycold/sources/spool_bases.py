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
    parts: Sequence[bytes]
    size: int


class Bases:
    """The bodies most recently written in full to the segment that is open, up to ``limit`` bytes.

    They are the very objects that were written, so keeping them costs no copy."""

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
            prefix = common_prefix(base.parts, body)
            most = min(base.size, size) - prefix
            suffix = common_suffix(base.parts, body, most)
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
        bases.append(_Base(offset, body, size))
        self._bases.move_to_end(key)
        self.held += size
        if len(bases) > _BASES_PER_KEY:
            self.held -= bases.pop(0).size
        while self.held > self._limit:
            oldest, bases = next(iter(self._bases.items()))
            self.held -= bases.pop(0).size
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


def common_prefix(one: Sequence[bytes], other: Sequence[bytes]) -> int:
    """How many bytes two bodies begin with alike, wherever their pieces end.

    Works by comparing whole pieces in C; only the piece that differs is looked into."""
    total = i = j = at_i = at_j = 0
    while i < len(one) and j < len(other):
        left, right = one[i], other[j]
        size = min(len(left) - at_i, len(right) - at_j)
        if at_i or size < len(left):
            left = left[at_i : at_i + size]
        if at_j or size < len(right):
            right = right[at_j : at_j + size]
        if left != right:
            return total + _equal_bytes(left, right)
        total += size
        at_i += size
        at_j += size
        if at_i == len(one[i]):
            i, at_i = i + 1, 0
        if at_j == len(other[j]):
            j, at_j = j + 1, 0
    return total


def _equal_bytes(left: bytes, right: bytes) -> int:
    """Where two pieces of one length, which are known to differ, first do."""
    low, high = 0, len(left)
    while high - low > 1:
        middle = (low + high) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle
    return low


def common_suffix(one: Sequence[bytes], other: Sequence[bytes], most: int) -> int:
    """How many bytes, up to ``most``, two bodies end with alike."""
    total = 0
    size = 4096
    while total < most:
        size = min(size * 4, most - total)
        left = _slice_from_end(one, total, size)
        right = _slice_from_end(other, total, size)
        if left != right:
            return total + _equal_bytes(left[::-1], right[::-1])
        total += size
    return total


def _slice_from_end(parts: Sequence[bytes], skip: int, size: int) -> bytes:
    """``size`` bytes that end ``skip`` bytes before the end."""
    found: list[bytes] = []
    for part in reversed(parts):
        if skip >= len(part):
            skip -= len(part)
            continue
        end = len(part) - skip
        piece = part[max(0, end - size) : end]
        found.append(piece)
        size -= len(piece)
        skip = 0
        if not size:
            break
    return b"".join(reversed(found))
