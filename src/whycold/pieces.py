"""A body as pieces of an earlier one, so that what it repeats is neither copied nor read again."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Pieces", "alike"]

_STEP = 1 << 20
"""Bytes that are compared at once."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The first ``prefix`` bytes of ``base``, then ``middle``, then the last ``suffix`` of it."""

    base: bytes
    prefix: int
    middle: bytes
    suffix: int

    @classmethod
    def of(cls, body: bytes) -> Pieces:
        """A body that repeats nothing."""
        return cls(body, len(body), b"", 0)

    def __len__(self) -> int:
        return self.prefix + len(self.middle) + self.suffix

    def cut(self, start: int, stop: int) -> bytes:
        """The bytes from ``start`` to ``stop``, as a slice has them."""
        found = [source[a:b] for source, a, b in self.runs(start, min(stop, len(self)))]
        return found[0] if len(found) == 1 else b"".join(found)

    def whole(self) -> bytes:
        """All of it. Of a body that repeats nothing, the same object."""
        if self.prefix == len(self.base) and not self.middle and not self.suffix:
            return self.base
        end = len(self.base) - self.suffix
        base = memoryview(self.base)
        return b"".join((base[: self.prefix], self.middle, base[end:]))

    def runs(self, start: int, stop: int) -> list[tuple[bytes, int, int]]:
        """Where the bytes from ``start`` to ``stop`` stand, in order: in what, from, to."""
        runs: list[tuple[bytes, int, int]] = []
        at = 0
        for source, first, last in (
            (self.base, 0, self.prefix),
            (self.middle, 0, len(self.middle)),
            (self.base, len(self.base) - self.suffix, len(self.base)),
        ):
            begins, ends = max(start - at, 0), min(stop - at, last - first)
            if begins < ends:
                runs.append((source, first + begins, first + ends))
            at += last - first
        return runs


def alike(a: Pieces, b: Pieces) -> int:
    """Length of the common beginning; what both take from one body is not looked at."""
    most = min(len(a), len(b))
    at = min(a.prefix, b.prefix) if a.base is b.base else 0
    ours, theirs = a.runs(at, most), b.runs(at, most)
    while ours and theirs:
        (one, first, end), (other, second, stop) = ours[0], theirs[0]
        size = min(end - first, stop - second, _STEP)
        if not one.startswith(memoryview(other)[second : second + size], first):
            return at + _common(one, first, other, second, size)
        at += size
        ours[0], theirs[0] = (one, first + size, end), (other, second + size, stop)
        ours = ours[ours[0][1] == end :]
        theirs = theirs[theirs[0][1] == stop :]
    return at


def _common(one: bytes, first: int, other: bytes, second: int, size: int) -> int:
    """How many of ``size`` bytes are equal at the beginning, by halving."""
    view, low, high = memoryview(other), 0, size
    while low < high:
        middle = (low + high + 1) // 2
        if one.startswith(view[second + low : second + middle], first + low):
            low = middle
        else:
            high = middle - 1
    return low
