"""Calls of a conversation on a time axis, a lane per agent; pauses that outlast the cache are
drawn short, with their length in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

from whycold.core.diagnosis import Diagnosis, Reason, Verdict
from whycold.core.numbers import span
from whycold.query import lifetime

__all__ = ["Lane", "Lanes", "Mark", "Pause", "TimeLabel", "lanes", "outlived"]

_TOP, _HIGH, _FOOT = 22, 30, 24
_MOST = 12
"""Lanes that have a name of their own; calls of further agents share one."""
_FOLD, _LEAST = 0.1, 0.3
"""A pause is drawn as long as a tenth of all the rest; neighbours in a lane stand apart by a part
of the mean distance at least."""
_ROOM = 9.0
"""Percent of the width that a time takes."""


class Mark(NamedTuple):
    """A call; ``x`` in percent, ``y`` in pixels; ``reason`` where it missed."""

    told: Diagnosis
    x: float
    y: float
    reason: Reason | None


class Pause(NamedTuple):
    """A stretch without a call that is longer than entries live; ``words`` say how long."""

    x: float
    width: float
    words: str


class TimeLabel(NamedTuple):
    """A time below the axis; ``anchor`` is its side at ``x``."""

    x: float
    words: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Lane:
    """An agent, None where calls name none; ``others`` counts agents that share a lane."""

    agent: str | None
    y: float
    start: float
    end: float
    calls: int
    others: int = 0


@dataclass(frozen=True, slots=True)
class Lanes:
    """``lifetimes`` are the shortest and the longest that pauses are held against; None where
    entries have none.
    """

    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    pauses: tuple[Pause, ...]
    labels: tuple[TimeLabel, ...]
    lifetimes: tuple[timedelta, timedelta] | None
    height: float
    base: float
    top: float = _TOP


def lanes(calls: Sequence[Diagnosis]) -> Lanes:
    """From calls in time order; the agent with the most calls first."""
    known = [length for told in calls if (length := lifetime(told)) is not None]
    agents = [agent for agent, _ in Counter(told.agent for told in calls).most_common()]
    place = {agent: min(number, _MOST) for number, agent in enumerate(agents)}
    folded = [outlived(before, after) for before, after in pairwise(calls)]
    at = _places(calls, folded)
    marks = [
        Mark(told, x, _TOP + _HIGH * (place[told.agent] + 0.5), _lost(told))
        for told, x in zip(calls, at, strict=True)
    ]
    base = _TOP + _HIGH * (max(place.values(), default=0) + 1)
    return Lanes(
        tuple(_lanes(agents, marks)),
        tuple(marks),
        tuple(_pauses(calls, at, folded)),
        tuple(_labels(calls, at, folded)),
        (min(known), max(known)) if known else None,
        base + _FOOT,
        base,
    )


def outlived(before: Diagnosis, after: Diagnosis) -> bool:
    """Whether the time between two calls is longer than what the first wrote is kept."""
    lives = lifetime(before)
    return lives is not None and after.at - before.at > lives


def _lost(told: Diagnosis) -> Reason | None:
    missed = told.verdict in (Verdict.miss, Verdict.partial)
    return (told.reason or Reason.unexplained) if missed else None


def _places(calls: Sequence[Diagnosis], folded: Sequence[bool]) -> list[float]:
    """Where each call stands, in percent."""
    gaps = [after.at - before.at for before, after in pairwise(calls)]
    rest = sum((gap for gap, fold in zip(gaps, folded, strict=True) if not fold), timedelta())
    least = rest / max(len(gaps), 1) * _LEAST
    pause = rest * _FOLD or timedelta(seconds=1)
    x, steps = timedelta(), [timedelta()]
    for number, gap in enumerate(gaps):
        same = calls[number].agent == calls[number + 1].agent
        x += pause if folded[number] else max(gap, least) if same else gap
        steps.append(x)
    return [round(1 + 98 * (step / x if x else 0.5), 3) for step in steps]


def _pauses(
    calls: Sequence[Diagnosis], at: Sequence[float], folded: Sequence[bool]
) -> Iterator[Pause]:
    for number, fold in enumerate(folded):
        if fold:
            length = calls[number + 1].at - calls[number].at
            width = at[number + 1] - at[number]
            yield Pause(at[number], round(width, 3), span(length.total_seconds()))


def _labels(
    calls: Sequence[Diagnosis], at: Sequence[float], folded: Sequence[bool]
) -> Iterator[TimeLabel]:
    """When it began, when it went on after a pause, and when it ended, as far as there is room."""
    free, day, last = 0.0, None, len(calls) - 1
    for number, (told, x) in enumerate(zip(calls, at, strict=True)):
        ends = number == last and number > 0
        if not (ends or number == 0 or folded[number - 1]):
            continue
        if (x - _ROOM if ends else x) < free or (not ends and x > 100 - 2 * _ROOM):
            continue
        words = f"{told.at:%H:%M}"
        if told.at.date() != day:
            words = f"{told.at.day} {told.at:%b} {words}"
        day = told.at.date()
        yield TimeLabel(x, words, "end" if ends else "start")
        free = x + _ROOM


def _lanes(agents: Sequence[str | None], marks: Sequence[Mark]) -> Iterator[Lane]:
    for number, agent in enumerate(agents[: _MOST + 1]):
        y = _TOP + _HIGH * (number + 0.5)
        own = [mark.x for mark in marks if mark.y == y]
        others = len(agents) - _MOST if number == _MOST else 0
        yield Lane(agent, y, own[0], own[-1], len(own), others)
