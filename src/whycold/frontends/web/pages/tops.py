"""Culprits as a table shows them: the edit in one line, a word for the state, a sparkline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from whycold.frontends.web.asking import Ask
from whycold.frontends.web.charts.spark import Spark, spark
from whycold.frontends.web.phrases import Edit, line_of
from whycold.query import Culprit, Period, State

__all__ = ["CulpritLine", "culprit_line", "daily", "top_culprits"]

_COLUMNS = 16


@dataclass(frozen=True, slots=True)
class CulpritLine:
    """``kind`` is the look of the state's word: good, bad or nothing; ``since`` the first release
    with it, else the day.
    """

    told: Culprit
    path: str
    edit: Edit | None
    state: str
    kind: str
    since: str
    trend: Spark


def top_culprits(ask: Ask, limit: int, *, compared: bool) -> Sequence[CulpritLine]:
    """The dearest of the calls that were asked for; ``compared``: there are earlier ones."""
    return [
        culprit_line(told, ask.period, compared) for told in ask.query.culprits(ask.within, limit)
    ]


def culprit_line(told: Culprit, period: Period, compared: bool) -> CulpritLine:
    """``compared``: there are earlier calls, without which all would be new."""
    row = told.row
    state, kind = _state(told, period, compared)
    release = next((release for release in row.releases if release), None)
    return CulpritLine(
        told,
        row.path if told.edit is not None and row.path else row.cause or "unexplained",
        line_of(told.edit),
        state,
        kind,
        release or f"{row.first_seen.day} {row.first_seen:%b}",
        spark(daily(told, period)),
    )


def _state(told: Culprit, period: Period, compared: bool) -> tuple[str, str]:
    if told.state is State.regressed:
        return "regressed", "bad"
    if told.state is State.resolved:
        return "resolved", "good"
    if told.expected:
        return "expected", ""
    if compared and told.row.first_seen >= period.since:
        return "new", "bad"
    return told.state.value, ""


def daily(told: Culprit, period: Period) -> list[int]:
    """Missed tokens per day of the period, or per several days of a long one."""
    first = period.since.date()
    count = ((period.until - timedelta(microseconds=1)).date() - first).days + 1
    together = -(-count // _COLUMNS)
    sums = [0] * -(-count // together)
    for day in told.row.days:
        if 0 <= (at := (day.day - first).days // together) < len(sums):
            sums[at] += day.missed_tokens
    return sums
