"""Every question a front end may ask of what has been recorded; all faces give the same answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from whycold.core.compare import compare
from whycold.core.diagnosis import Diagnosis, Found
from whycold.core.divergence import Divergence
from whycold.errors import UserError
from whycold.providers.registry import rules_for
from whycold.store.answers import (
    CulpritRow,
    CulpritState,
    Dimension,
    Filters,
    Group,
    Point,
    ReleaseRow,
    Totals,
)
from whycold.store.base import Store
from whycold.store.numbering import clean
from whycold.store.records import Capture, Kept, Page, Record

__all__ = ["Culprit", "Period", "Query", "Report", "known_cost", "main_edit"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEPS = 60
"""About as many steps as a series is drawn with."""
_SHORTEST_PREFIX = 4
_PAGE, _PAGES = 500, 4
"""Calls that are looked through for one whose id begins so."""
_BEGINS_WITH_TIME = re.compile(r"[0-9a-f]{4,15}\Z")
_ASTRAY = timedelta(seconds=5)
"""How far an id's time may be from the call's."""


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


@dataclass(frozen=True, slots=True)
class Culprit:
    """A culprit, with the edit as its latest miss tells it: None where no edit is the cause, or
    where its text is not kept.
    """

    row: CulpritRow
    edit: Found | None
    expected: bool


class Query:
    """Asks one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def report(self, period: Period, filters: Filters | None = None) -> Report:
        """The panel for a period, with the one before it to compare with."""
        earlier = self._report(period.previous, filters or Filters())
        return replace(self._report(period, filters or Filters()), previous=earlier)

    def _report(self, period: Period, filters: Filters) -> Report:
        within = replace(_as_kept(filters), since=period.since, until=period.until)
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

    def last_seen(self) -> datetime | None:
        """When the latest call of all was sent; None when nothing was recorded yet."""
        latest = self._store.calls(Filters(), limit=1).items
        return latest[0].told.at if latest else None

    def grouped(self, period: Period, filters: Filters, by: Dimension) -> tuple[Group, ...]:
        """Sums per value, most missed tokens first, then most calls."""
        within = replace(_as_kept(filters), since=period.since, until=period.until)
        return self._store.grouped(within, by)

    def releases(self, period: Period, filters: Filters) -> tuple[ReleaseRow, ...]:
        """Releases with a call in the period, by when they were first seen at all."""
        within = replace(_as_kept(filters), since=period.since, until=period.until)
        return self._store.releases(within)

    def choices(self, by: Dimension) -> tuple[str, ...]:
        """All values that any call has, sorted."""
        return self._store.values(by)

    def culprits(self, filters: Filters, limit: int = 5) -> tuple[Culprit, ...]:
        """The culprits that cost most, without those that people chose to ignore."""
        rows = self._store.culprits(_as_kept(filters), limit + len(self._store.marks()))
        kept = [r for r in rows if r.mark is None or r.mark.state is not CulpritState.ignored]
        return tuple(map(self._with_edit, kept[:limit]))

    def _with_edit(self, row: CulpritRow) -> Culprit:
        latest = self._store.find(row.examples[0]) if row.examples else None
        if latest is None:
            return Culprit(row, None, expected=False)
        return Culprit(row, main_edit(latest.told), latest.told.expected)

    def misses(self, filters: Filters, cursor: str | None = None, limit: int = 50) -> Page:
        """Calls that missed, newest first."""
        return self._store.misses(_as_kept(filters), cursor, limit)

    def latest_miss(self) -> str:
        """The id of the latest miss; UserError when there is none."""
        page = self._store.misses(Filters(), limit=1)
        if not page.items:
            raise UserError("no miss has been recorded yet")
        return page.items[0].told.call

    def call(self, id: str) -> Record:
        """All that is kept of a call, by any of its ids or by the beginning of ours.

        UserError for one that is not there, and for a beginning that several share.
        """
        record = self._store.record(id)
        if record is None and len(id) >= _SHORTEST_PREFIX:
            record = self._store.record(self._beginning(id) or id)
        if record is None:
            raise UserError(
                f"no call {id!r}: give the id of a call (or how it begins), or the provider's "
                "message or request id; `whycold misses` lists them"
            )
        return record

    def _beginning(self, start: str) -> str | None:
        """The one call whose id begins so, among the latest of those that it can have been."""
        filters, cursor, found = _sent_about(start), None, set[str]()
        for _ in range(_PAGES):
            page = self._store.calls(filters, cursor, _PAGE)
            found |= {k.told.call for k in page.items if k.told.call.startswith(start)}
            if len(found) > 1:
                some = ", ".join(sorted(found)[:2])
                raise UserError(f"several calls begin with {start!r} ({some} …): give more of it")
            if (cursor := page.next) is None:
                break
        return next(iter(found), None)

    def session(self, record: Record) -> tuple[Kept, ...]:
        """The calls of a call's session, oldest first; none when it has no session."""
        call = record.call
        return self._store.session(call.session, call.project or "") if call.session else ()

    def found(self, id: str | None) -> Kept | None:
        """A call without its texts; None when it is not there (any more)."""
        return self._store.find(id) if id is not None else None

    def changes(self, record: Record) -> tuple[Divergence, ...]:
        """What parts a call from its predecessor, with the whole values on both sides.

        Empty when the text of either is not kept; ``Diagnosis.divergences`` are there all the same.
        """
        before = self.found(record.told.predecessor)
        if before is None or {before.capture, record.capture} != {Capture.full}:
            return ()
        earlier = self._store.prompt(before.told.call)
        if earlier is None:
            return ()
        return compare(earlier, record.call.prompt, rules_for(record.call))


def _sent_about(start: str) -> Filters:
    """When calls were sent whose id begins so. The ids of recorded calls are 16 hexadecimal digits:
    Unix milliseconds, then 22 bits. Of other ids nothing is known.
    """
    if not _BEGINS_WITH_TIME.match(start):
        return Filters()
    first, last = (int(start.ljust(16, digit), 16) >> 22 for digit in "0f")
    return Filters(
        since=_EPOCH + timedelta(milliseconds=first) - _ASTRAY,
        until=_EPOCH + timedelta(milliseconds=last) + _ASTRAY,
    )


def _as_kept(filters: Filters) -> Filters:
    """Filters with their texts as a store keeps labels: a command line may hold any bytes."""
    given = {field.name: getattr(filters, field.name) for field in fields(filters)}
    return replace(filters, **{n: clean(v) for n, v in given.items() if isinstance(v, str)})


def known_cost(sums: Totals | CulpritRow) -> Decimal | None:
    """What the misses cost that have a price, USD; None where none of them has, which is not 0."""
    return None if sums.unpriced and not sums.missed_cost_usd else sums.missed_cost_usd


def main_edit(told: Diagnosis) -> Found | None:
    """The edit that is told as the cause; None where the cause is no edit."""
    return next((found for found in told.divergences if found.cause == told.cause), None)


def _hours_per_step(period: Period) -> int:
    hours = max(1, (period.until - period.since) // timedelta(hours=1))
    return next((step for step in (1, 2, 3, 4, 6, 8, 12) if hours / step <= _STEPS), 24)
