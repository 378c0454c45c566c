"""Bars over time, stacked by reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from whycold.core.numbers import short
from whycold.frontends.web.charts.axis import Tick, TimeTick, nice, rounded, span_of, times

__all__ = ["Column", "Marker", "Segment", "Stacks", "flags", "stacks"]

_TOP, _PLOT, _FULL = 26, 190, 244
"""Pixels above the scale, of the scale, and of the whole with the labels below."""
_GAP = 0.2
_LEAST = 1.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar: place from the top and height in pixels."""

    name: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """A step: its hit area (``left``, ``room``) and its bar (``x``, ``width``) in percent of the
    width. ``tip``: a title, then lines of class, label and value.
    """

    left: float
    room: float
    x: float
    width: float
    segments: tuple[Segment, ...]
    since: datetime
    until: datetime
    tip: str


@dataclass(frozen=True, slots=True)
class Marker:
    """A line at a moment; its words stand on the side where they fit, or not at all."""

    x: float
    words: str
    full: str
    end: bool


@dataclass(frozen=True, slots=True)
class Stacks:
    """Everything that is drawn."""

    columns: tuple[Column, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[TimeTick, ...]
    markers: tuple[Marker, ...]
    top: int = _TOP
    base: int = _TOP + _PLOT
    height: int = _FULL


def stacks(
    steps: Sequence[tuple[datetime, Mapping[str, int]]],
    hours: int,
    order: Sequence[str],
    names: Callable[[str], tuple[str, str]],
    moments: Sequence[tuple[datetime, str]] = (),
) -> Stacks:
    """Bars of equal steps; ``order`` is stacked from the bottom up, ``names`` gives the class and
    the words of a part, ``moments`` are marked.
    """
    scale = nice(max((sum(parts.values()) for _, parts in steps), default=0))
    room = 100 / max(len(steps), 1)
    columns: list[Column] = []
    for place, (start, parts) in enumerate(steps):
        columns.append(
            Column(
                left=round(place * room, 3),
                room=round(room, 3),
                x=round((place + _GAP / 2) * room, 3),
                width=round(room * (1 - _GAP), 3),
                segments=_segments(parts, order, scale[-1]),
                since=start,
                until=start + timedelta(hours=hours),
                tip=_tip(span_of(start, hours), parts, order, names),
            )
        )
    ticks = (Tick(_TOP + _PLOT * (1 - value / scale[-1]), rounded(value)) for value in scale)
    starts = [start for start, _ in steps]
    return Stacks(
        tuple(columns),
        tuple(Tick(round(y, 1), label) for y, label in ticks),
        tuple(times(starts, hours)),
        flags(moments, starts, hours),
    )


def _segments(parts: Mapping[str, int], order: Sequence[str], most: float) -> tuple[Segment, ...]:
    out: list[Segment] = []
    base = float(_TOP + _PLOT)
    for name in order:
        if value := parts.get(name):
            height = max(_PLOT * value / most, _LEAST)
            base -= height
            out.append(Segment(name, round(base, 2), round(height, 2)))
    return tuple(out)


def _tip(
    title: str,
    parts: Mapping[str, int],
    order: Sequence[str],
    names: Callable[[str], tuple[str, str]],
) -> str:
    known = [name for name in order if parts.get(name)]
    rows = ["\t".join((*names(name), short(parts[name]))) for name in known]
    if len(rows) != 1:
        rows.append(f"\tin all\t{short(sum(parts.values()))}")
    return "\n".join((title, *rows))


_FLAG_END = 72
_LETTER = 0.72
"""About how much of a wide chart a letter takes, in percent."""


def flags(
    moments: Sequence[tuple[datetime, str]], starts: Sequence[datetime], hours: int
) -> tuple[Marker, ...]:
    """Marks within the steps; words that would stand in another's way are left out."""
    if not starts:
        return ()
    length = timedelta(hours=hours) * len(starts)
    out: list[Marker] = []
    free = 0.0
    for at, words in sorted(moments):
        x = 100 * ((at - starts[0]) / length)
        if not 0 <= x <= 100:
            continue
        room = _LETTER * len(words) + 1.5
        end = x > _FLAG_END
        start = x - room if end else x
        fits = start >= free
        if fits:
            free = x if end else x + room
        out.append(Marker(round(x, 3), words if fits else "", words, end))
    return tuple(out)
