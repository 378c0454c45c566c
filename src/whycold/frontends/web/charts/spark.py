"""A row of columns as small as a word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from whycold.core.numbers import short

__all__ = ["Spark", "spark"]

_STEP, _WIDE, _HIGH = 6, 4, 24


class Spark(NamedTuple):
    """``columns`` are places (x, y) and heights in a drawing of ``width`` × 24; ``words`` say the
    same to who cannot see it.
    """

    columns: tuple[tuple[int, float, float], ...]
    width: int
    wide: int
    words: str


def spark(values: Sequence[int], what: str = "missed tokens per day") -> Spark:
    """Columns up to the greatest value; a line where there is nothing."""
    most = max(values, default=0) or 1
    columns: list[tuple[int, float, float]] = []
    for place, value in enumerate(values):
        high = round(max(_HIGH * value / most, 2.0), 1) if value else 1.0
        columns.append((place * _STEP, round(_HIGH - high, 1), high))
    words = f"{what}: {', '.join(map(short, values))}"
    return Spark(tuple(columns), max(len(values) * _STEP - (_STEP - _WIDE), 1), _WIDE, words)
