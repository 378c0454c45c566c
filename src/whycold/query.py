"""Every question a front end may ask of what has been recorded; all faces give the same answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from whycold.errors import UserError
from whycold.store.answers import Dimension, Filters, Point, Totals
from whycold.store.base import Store
from whycold.store.records import Kept, Page, Record

__all__ = ["Period", "Query", "Report"]

_STEPS = 60
"""About as many steps as a series is drawn with."""


@dataclass(frozen=True, slots=True)
class Period:
    """From ``since`` (included) to ``until`` (not), UTC."""

    since: datetime
    until: datetime

    @property
    def previous(self) -> Period:
        """The period of equal length before this one."""
        return Period(self.since - (self.until - self.since), self.since)


@dataclass(frozen=True, slots=True)
class Report:
    """The panel: sums over a period, split by reason and by model, and per step of time.

    ``steps`` is the length of a step in hours. ``series`` holds one point per step and reason;
    points of the reason None are calls without a miss.
    """

    period: Period
    totals: Totals
    by_reason: Mapping[str, Totals]
    by_model: Mapping[str | None, Totals]
    series: tuple[Point, ...]
    steps: int
    previous: Report | None = None


class Query:
    """Asks one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def report(self, period: Period, filters: Filters | None = None) -> Report:
        """The panel for a period, with the one before it to compare with."""
        earlier = self._report(period.previous, filters or Filters())
        return replace(self._report(period, filters or Filters()), previous=earlier)

    def _report(self, period: Period, filters: Filters) -> Report:
        within = replace(filters, since=period.since, until=period.until)
        reasons = self._store.grouped(within, Dimension.reason)
        steps = _hours_per_step(period)
        return Report(
            period=period,
            totals=self._store.totals(within),
            by_reason={g.value: g.totals for g in reasons if g.value and g.totals.misses},
            by_model={g.value: g.totals for g in self._store.grouped(within, Dimension.model)},
            series=self._store.series(within, steps, Dimension.reason),
            steps=steps,
        )

    def misses(self, filters: Filters, cursor: str | None = None, limit: int = 50) -> Page:
        """Calls that missed, newest first."""
        return self._store.misses(filters, cursor, limit)

    def call(self, id: str) -> Record:
        """All that is kept of a call; UserError for one that is not there."""
        record = self._store.record(id)
        if record is None:
            raise UserError(
                f"no call {id!r}: give the id of a call, or the provider's message or request id"
            )
        return record

    def session(self, record: Record) -> tuple[Kept, ...]:
        """The calls of a call's session, oldest first; the call alone when it has none."""
        call = record.call
        return self._store.session(call.session, call.project) if call.session else ()


def _hours_per_step(period: Period) -> int:
    hours = max(1, (period.until - period.since) // timedelta(hours=1))
    return next((step for step in (1, 2, 3, 4, 6, 8, 12) if hours / step <= _STEPS), 24)
