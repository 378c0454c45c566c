"""Culprits: the edit behind each, its state, and what it costs a week at the present rate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from whycold.core.diagnosis import Diagnosis, Found
from whycold.query.panel import known_cost
from whycold.store.answers import CulpritRow, CulpritState

__all__ = ["Culprit", "State", "Weekly", "is_ignored", "main_edit", "state_of", "weekly"]

_WEEK, _DAY = timedelta(days=7), timedelta(days=1)


class State(StrEnum):
    """Where a culprit stands.

    ``regressed``: it was resolved, and came back by itself.
    """

    open = "open"
    resolved = "resolved"
    ignored = "ignored"
    regressed = "regressed"


@dataclass(frozen=True, slots=True)
class Weekly:
    """What a culprit takes in seven days at its present rate; the cost in USD, None unpriced."""

    misses: float
    missed_tokens: float
    missed_cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Culprit:
    """A culprit, with the edit as its latest miss tells it: None where no edit is the cause, or
    where its text is not kept.

    ``weekly`` is None without a time to judge the rate by.
    """

    row: CulpritRow
    edit: Found | None
    expected: bool
    state: State = State.open
    weekly: Weekly | None = None


def main_edit(told: Diagnosis) -> Found | None:
    """The edit that is told as the cause; None where the cause is no edit."""
    return next((found for found in told.divergences if found.cause == told.cause), None)


def state_of(row: CulpritRow) -> State:
    """Open until somebody decides otherwise; what was resolved and missed again is regressed."""
    if row.recurred is not None:
        return State.regressed
    return State(row.mark.state.value) if row.mark is not None else State.open


def is_ignored(row: CulpritRow) -> bool:
    """Whether people chose not to see it."""
    return row.mark is not None and row.mark.state is CulpritState.ignored


def weekly(row: CulpritRow, until: datetime, since: datetime | None = None) -> Weekly:
    """The sums of the latest seven days before ``until``, or of as many as there can be, for seven.

    A culprit that is younger than that, or a question that begins later (``since``), has fewer
    days; less than one counts as one.
    """
    # sums are kept per day: the day in which the seven begin counts whole
    week = datetime.combine((until - _WEEK).date(), time(), UTC)
    begin = max(week, row.first_seen, since or week)
    length = max(until - begin, _DAY)
    days = [day for day in row.days if datetime.combine(day.day, time(), UTC) + _DAY > begin]
    times = _WEEK / length
    known = known_cost(row) is not None
    cost = sum((day.missed_cost_usd for day in days), Decimal(0))
    return Weekly(
        sum(day.misses for day in days) * times,
        sum(day.missed_tokens for day in days) * times,
        cost * Decimal(str(round(times, 6))) if known else None,
    )
