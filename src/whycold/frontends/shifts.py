"""By how much a number grew or shrank against an earlier one, in the words of every front end."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

__all__ = ["Shift", "change", "points"]


class Shift(NamedTuple):
    """``size`` in words (``41%``, ``3.2 pp``, "" for the same); whether that is ``up``, and
    ``good``: None for the same.
    """

    size: str
    up: bool
    good: bool | None

    @property
    def arrow(self) -> str:
        """``▲``, ``▼`` or ``=``."""
        return "=" if self.good is None else "▲" if self.up else "▼"


_SAME = Shift("", up=False, good=None)


def change(now: Decimal | int | None, then: Decimal | int | None, *, good: bool) -> Shift | None:
    """The shift of a number; ``good`` says whether more of it is good. None where there is nothing
    to compare with.
    """
    if now is None or not then:
        return None
    ratio = float(now) / float(then) - 1
    if abs(ratio) < 0.0005:
        return _SAME
    if ratio >= 9.995:
        size = f"{ratio + 1:,.0f}×"
    else:
        size = f"{abs(ratio):.1%}" if abs(ratio) < 0.0995 else f"{abs(ratio):.0%}"
    return Shift(size, ratio > 0, (ratio > 0) == good)


def points(now: float | None, then: float | None) -> Shift | None:
    """The shift of a ratio, of which more is good, in percentage points."""
    if now is None or then is None:
        return None
    size = abs(now - then) * 100
    if size < 0.05:
        return _SAME
    return Shift(f"{size:.1f} pp", now > then, now > then)
