"""A whole and its parts, to scale, in one row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Part", "strip"]


class Part(NamedTuple):
    """``x`` and ``width`` are shares of the whole in percent; ``colour`` is a class."""

    name: str
    colour: str
    tokens: int
    x: float
    width: float


def strip(parts: Iterable[tuple[str, str, int | None]]) -> tuple[Part, ...]:
    """Parts from names, classes and tokens; what is nothing or not reported is left out."""
    known = [(name, colour, tokens) for name, colour, tokens in parts if tokens]
    whole, done, out = sum(tokens for *_, tokens in known), 0, list[Part]()
    for name, colour, tokens in known:
        x = 100 * done / whole
        out.append(Part(name, colour, tokens, round(x, 3), round(100 * tokens / whole, 3)))
        done += tokens
    return tuple(out)
