"""Axes: round numbers beside a chart, times below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from whycold.core.numbers import short

__all__ = ["Tick", "TimeTick", "nice", "rounded", "span_of", "times"]

_STEPS = (1, 2, 2.5, 5, 10)
_NARROW_END = 85
_LABELS = 8
"""Labels that fit below a wide chart; below a narrow one every second is left out."""


class Tick(NamedTuple):
    """A line across a chart: its place from the top in pixels, and its words."""

    y: float
    label: str


class TimeTick(NamedTuple):
    """A label below: its place as a share of the width; ``minor`` ones go where there is little
    room.
    """

    x: float
    label: str
    minor: bool


def nice(most: float, lines: int = 4) -> tuple[float, ...]:
    """Round numbers from 0 to the first that is not below ``most``, about so many of them."""
    if most <= 0:
        return (0.0, 1.0)
    raw = most / lines
    size = 10.0 ** (len(f"{raw:.0f}") - 1) if raw >= 1 else 1.0
    step = max(next(n * size for n in _STEPS if n * size >= raw), 1.0)
    count = int(-(-most // step))
    return tuple(step * n for n in range(count + 1))


def rounded(value: float) -> str:
    """``15M``: short, without a fraction that is nothing."""
    text = short(round(value))
    number, unit = (text[:-1], text[-1]) if text[-1].isalpha() else (text, "")
    return (number.rstrip("0").rstrip(".") if "." in number else number) + unit


def times(starts: Sequence[datetime], hours: int) -> Iterator[TimeTick]:
    """Labels of equal steps that begin at ``starts``: days, or hours where there are two days at
    most, or months where there are years.
    """
    whole = hours * len(starts)
    named: list[tuple[int, str]] = []
    for place, start in enumerate(starts):
        if whole <= 48:
            begins, words = start.hour % max(3, hours) == 0, f"{start:%H:%M}"
            if start.hour == 0:
                words = f"{start:%a} {start.day}"
        elif whole <= 24 * 14:
            begins, words = start.hour < hours, f"{start:%a} {start.day}"
        elif whole <= 24 * 366:
            begins, words = start.hour < hours, f"{start.day} {start:%b}"
        else:
            begins, words = start.day == 1, f"{start:%b %Y}"
        if begins:
            named.append((place, words))
    each = -(-len(named) // _LABELS)
    for number, (place, words) in enumerate(named[::each] if each else []):
        if place / len(starts) < 0.97:
            x = round(100 * place / len(starts), 3)
            yield TimeTick(x, words, number % 2 == 1 or x > _NARROW_END)


def span_of(start: datetime, hours: int) -> str:
    """``Thu 19 Nov, 09:00 to 12:00``; whole days without hours."""
    end = start + timedelta(hours=hours)
    day = f"{start:%a} {start.day} {start:%b}"
    if hours % 24 == 0:
        last = end - timedelta(days=1)
        return day if hours == 24 else f"{day} to {last:%a} {last.day} {last:%b}"
    return f"{day}, {start:%H:%M} to {end:%H:%M}"
