"""A ratio over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from whycold.core.numbers import exact, percent
from whycold.frontends.web.charts.axis import Tick, TimeTick, span_of, times
from whycold.frontends.web.charts.stacks import Marker, flags

__all__ = ["Dot", "Line", "ratios"]

_TOP, _PLOT, _FULL = 14, 136, 178
_EACH = {90: 5, 80: 5, 60: 10, 40: 20, 20: 20, 0: 25}
"""Percent from line to line, by where the scale begins."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A step: its hit area and its middle in percent of the width; ``y`` in pixels, None where
    nothing is reported.
    """

    left: float
    room: float
    x: float
    y: float | None
    since: datetime
    until: datetime
    tip: str


@dataclass(frozen=True, slots=True)
class Line:
    """``path`` and ``area`` are in a drawing of 100 × 136; a gap is where nothing is reported."""

    dots: tuple[Dot, ...]
    path: str
    area: str
    ticks: tuple[Tick, ...]
    labels: tuple[TimeTick, ...]
    markers: tuple[Marker, ...]
    top: int = _TOP
    base: int = _TOP + _PLOT
    plot: int = _PLOT


def ratios(
    steps: Sequence[tuple[datetime, int | None, int]],
    hours: int,
    moments: Sequence[tuple[datetime, str]] = (),
) -> Line:
    """From a part and a whole per step; None as the part: not reported."""
    shares = [
        100 * part / whole if part is not None and whole else None for _, part, whole in steps
    ]
    floor = next(f for f in _EACH if f <= min((s for s in shares if s is not None), default=0))
    room = 100 / max(len(steps), 1)
    dots: list[Dot] = []
    for place, ((start, part, whole), share) in enumerate(zip(steps, shares, strict=True)):
        y = None if share is None else _PLOT * (1 - (share - floor) / (100 - floor))
        tip = f"\tread\t{percent(part, whole)}\n\tof input\t{exact(whole)}"
        dots.append(
            Dot(
                left=round(place * room, 3),
                room=round(room, 3),
                x=round((place + 0.5) * room, 3),
                y=None if y is None else round(y, 2),
                since=start,
                until=start + timedelta(hours=hours),
                tip=f"{span_of(start, hours)}{tip if share is not None else ''}".replace(
                    "\tread", "\n\tread", 1
                ),
            )
        )
    starts = [start for start, *_ in steps]
    values = range(floor, 101, _EACH[floor])
    ticks = tuple(
        Tick(round(_TOP + _PLOT * (1 - (v - floor) / (100 - floor)), 1), f"{v}%") for v in values
    )
    runs = _runs(dots)
    return Line(
        tuple(dots),
        " ".join(_drawn(run) for run in runs),
        " ".join(f"{_drawn(run)} V{_PLOT} H{run[0][0]} Z" for run in runs),
        ticks,
        tuple(times(starts, hours)),
        flags(moments, starts, hours),
    )


def _runs(dots: Sequence[Dot]) -> list[list[tuple[float, float]]]:
    """Stretches without a gap; a step alone is drawn as wide as it is."""
    runs: list[list[tuple[float, float]]] = [[]]
    for dot in dots:
        if dot.y is None:
            runs.append([])
        else:
            runs[-1].append((dot.x, dot.y))
    found = [run for run in runs if run]
    half = dots[0].room / 2 if dots else 0
    return [run if len(run) > 1 else _alone(*run[0], half) for run in found]


def _alone(x: float, y: float, half: float) -> list[tuple[float, float]]:
    return [(round(x - half, 3), y), (round(x + half, 3), y)]


def _drawn(run: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x} {y}" for x, y in run)
