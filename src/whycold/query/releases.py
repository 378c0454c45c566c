"""Markers on the time axis, and whether calls were different behind one than before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import sqrt

from whycold.core.prompt import Section
from whycold.store.answers import Filters, OpeningRow, Point, ReleaseRow, Totals

__all__ = [
    "Change",
    "Difference",
    "Marker",
    "MarkerKind",
    "Side",
    "Word",
    "change",
    "first_sights",
    "sides",
]

_FEWEST_HOURS = 8
"""Hours with calls that each side needs before anything is said of chance."""
_CLEAR = 3.0
"""Standard errors that a difference has to exceed: of several hundred that are nothing but chance
one does.
"""


class MarkerKind(StrEnum):
    """What was seen for the first time."""

    release = "release"
    tools = "tools"
    system = "system"


@dataclass(frozen=True, slots=True)
class Marker:
    """The first sight of a release, or of a tools or system text (by its digest), in a project.

    ``last_seen`` and ``calls`` are of all its calls.
    """

    kind: MarkerKind
    name: str
    project: str | None
    at: datetime
    last_seen: datetime
    calls: int


@dataclass(frozen=True, slots=True)
class Side:
    """The calls on one side of a marker: their sums, and those of each hour that has any."""

    totals: Totals
    hours: Sequence[Point]


class Word(StrEnum):
    """Whether a difference is more than chance."""

    better = "better"
    worse = "worse"
    noise = "no more than noise"
    too_few = "too few calls to tell"


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure before and after; None where no call reports it."""

    before: float | None
    after: float | None
    word: Word


@dataclass(frozen=True, slots=True)
class Change:
    """What was different behind a marker.

    ``read_ratio`` is sum over sum; ``missed_tokens`` and ``missed_cost_usd`` are per call.
    """

    marker: Marker
    before: Side
    after: Side
    read_ratio: Difference
    missed_tokens: Difference
    missed_cost_usd: Difference

    @property
    def word(self) -> Word:
        """All in all: what the read ratio says, or the missed tokens where it says nothing."""
        said = (self.read_ratio.word, self.missed_tokens.word)
        return next((word for word in said if word in (Word.better, Word.worse)), said[0])


def first_sights(
    releases: Sequence[ReleaseRow], openings: Sequence[OpeningRow], filters: Filters
) -> tuple[Marker, ...]:
    """All of them that were first seen in the time asked for, newest first."""
    found = [
        Marker(MarkerKind.release, r.release, r.project, r.first_seen, r.last_seen, r.totals.calls)
        for r in releases
    ]
    found += [
        Marker(_KINDS[o.section], o.digest, o.project, o.first_seen, o.last_seen, o.calls)
        for o in openings
    ]
    within = [
        marker
        for marker in found
        if (filters.since is None or marker.at >= filters.since)
        and (filters.until is None or marker.at < filters.until)
    ]
    return tuple(sorted(within, key=lambda m: (m.at, m.kind, m.name), reverse=True))


_KINDS = {Section.tools: MarkerKind.tools, Section.system: MarkerKind.system}


def sides(marker: Marker, filters: Filters, span: timedelta) -> tuple[Filters, Filters]:
    """Which calls stand before a marker, and which behind it: those of its project, and of a
    release nothing but its own.
    """
    own = replace(filters, project=marker.project or "")
    before = replace(own, since=marker.at - span, until=marker.at)
    after = replace(own, since=marker.at, until=marker.at + span)
    if marker.kind is MarkerKind.release:
        before, after = replace(before, release=None), replace(after, release=marker.name)
    return before, after


def change(marker: Marker, before: Side, after: Side) -> Change:
    """The measures of both sides held against each other."""

    def held(over: _Measure, under: _Measure, *, more_is_better: bool) -> Difference:
        return _difference(
            _Ratio.of(before, over, under), _Ratio.of(after, over, under), more_is_better
        )

    return Change(
        marker,
        before,
        after,
        read_ratio=held(lambda t: t.cache_read, lambda t: t.reporting_input, more_is_better=True),
        missed_tokens=held(lambda t: t.missed_tokens, lambda t: t.calls, more_is_better=False),
        missed_cost_usd=held(
            lambda t: float(t.missed_cost_usd), lambda t: t.calls, more_is_better=False
        ),
    )


_Measure = Callable[[Totals], float | None]


@dataclass(frozen=True, slots=True)
class _Ratio:
    """A sum over a sum, and how far it may be off by chance: the hours are taken as the samples,
    since calls of one conversation are alike.
    """

    value: float | None
    variance: float
    samples: int

    @classmethod
    def of(cls, side: Side, over: _Measure, under: _Measure) -> _Ratio:
        pairs = [(over(hour.totals) or 0.0, under(hour.totals) or 0.0) for hour in side.hours]
        pairs = [pair for pair in pairs if pair[1]]
        total, whole = under(side.totals), over(side.totals)
        if not total or whole is None or not pairs:
            return cls(None, 0.0, 0)
        ratio, count = whole / total, len(pairs)
        off = sum((part - ratio * base) ** 2 for part, base in pairs)
        spread = off * count / max(1, count - 1)
        return cls(ratio, spread / total**2, count)


def _difference(before: _Ratio, after: _Ratio, more_is_better: bool) -> Difference:
    if before.value is None or after.value is None:
        return Difference(before.value, after.value, Word.too_few)
    if min(before.samples, after.samples) < _FEWEST_HOURS:
        return Difference(before.value, after.value, Word.too_few)
    apart = after.value - before.value
    if abs(apart) <= _CLEAR * sqrt(before.variance + after.variance):
        return Difference(before.value, after.value, Word.noise)
    word = Word.better if (apart > 0) is more_is_better else Word.worse
    return Difference(before.value, after.value, word)
