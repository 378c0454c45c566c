"""The questions, asked of one store."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

from whycold.core.compare import compare
from whycold.core.divergence import Divergence
from whycold.errors import UserError
from whycold.providers.registry import rules_for
from whycold.query.culprits import Culprit, State, is_ignored, main_edit, state_of, weekly
from whycold.query.panel import Period, Report, hours_per_step
from whycold.query.releases import Change, Marker, Side, change, first_sights, sides
from whycold.store.answers import (
    Cross,
    CulpritOrder,
    CulpritRow,
    CulpritState,
    Dimension,
    Filters,
    Group,
    ReleaseRow,
    SessionPage,
    Totals,
)
from whycold.store.base import Store
from whycold.store.numbering import clean
from whycold.store.records import Capture, Kept, Page, Record
from whycold.store.spreads import SpreadRow

__all__ = ["Query"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST_PREFIX = 4
_PAGE, _PAGES = 500, 4
"""Calls that are looked through for one whose id begins so."""
_ALL = 100_000
"""Culprits that are looked through for one state or one beginning of an id."""
_MARKERS, _LEAST = 100, 5
"""Markers that are listed at most; calls that tools or a system need to be one."""
_BEGINS_WITH_TIME = re.compile(r"[0-9a-f]{4,15}\Z")
_ASTRAY = timedelta(seconds=5)
"""How far an id's time may be from the call's."""


class Query:
    """Asks one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: datetime | None = None

    def report(
        self,
        period: Period,
        filters: Filters | None = None,
        *,
        drawn: bool = True,
        by: Sequence[Dimension] = (),
    ) -> Report:
        """The panel for a period, with the one before it to compare with; ``drawn``: that one's
        series as well. ``by``: tables beside those by reason and model.
        """
        with self._store.snapshot():
            earlier = self._report(period.previous, filters or Filters(), series=drawn)
            return replace(self._report(period, filters or Filters(), by=by), previous=earlier)

    def _report(
        self,
        period: Period,
        filters: Filters,
        *,
        series: bool = True,
        by: Sequence[Dimension] = (),
    ) -> Report:
        within = replace(_as_kept(filters), since=period.since, until=period.until)
        found = self._store.split(within, (Dimension.reason, Dimension.model, *by))
        steps = hours_per_step(period)
        reasons, models = found.groups[Dimension.reason], found.groups[Dimension.model]
        return Report(
            period=period,
            totals=found.totals,
            by_reason={g.value: g.totals for g in reasons if g.value and g.totals.misses},
            by_model={g.value: g.totals for g in models},
            series=self._store.series(within, steps, Dimension.reason) if series else (),
            steps=steps,
            groups={each: found.groups[each] for each in by},
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

    def crossed(self, filters: Filters, by: Sequence[Dimension]) -> tuple[Cross, ...]:
        """Sums per combination of values that some call has."""
        return self._store.crossed(_as_kept(filters), by)

    def spreads(self) -> tuple[SpreadRow, ...]:
        """How the sizes of all calls are spread, per provider, model and project."""
        return self._store.spreads()

    def choices(self, by: Dimension) -> tuple[str, ...]:
        """All values that any call has, sorted."""
        return self._store.values(by)

    def culprits(
        self,
        filters: Filters,
        limit: int = 5,
        state: State | None = None,
        order: CulpritOrder = CulpritOrder.cost,
    ) -> tuple[Culprit, ...]:
        """The culprits that cost most, or come first by another order: of one state, or all but
        those that people ignore.
        """
        filters, marked = _as_kept(filters), len(self._store.marks())
        # Every culprit is open that nobody has decided about.
        most = limit + marked if state in (None, State.open) else _ALL if marked else 0
        rows = self._store.culprits(filters, most, order) if most else ()
        kept = [r for r in rows if (not is_ignored(r) if state is None else state_of(r) is state)]
        return tuple(self._told(row, filters) for row in kept[:limit])

    def culprit(self, id: str, filters: Filters | None = None) -> Culprit:
        """One culprit by its id or how that begins, with the sums of the calls that fit.

        UserError for one that is not there, and for a beginning that several share.
        """
        filters = _as_kept(filters or Filters())
        row = self._store.culprit(id, filters)
        if row is None and len(id) >= _SHORTEST_PREFIX:
            ids = [r.id for r in self._store.culprits(Filters(), _ALL) if r.id.startswith(id)]
            if len(ids) > 1:
                raise UserError(f"several culprits begin with {id!r}: give more of it")
            row = self._store.culprit(ids[0], filters) if ids else None
        if row is None:
            raise UserError(f"no culprit {id!r}; `whycold culprits` lists them")
        return self._told(row, filters)

    def first_miss(self, culprit: Culprit) -> Record | None:
        """The call that a culprit was first seen in, or in which it came back; None when that is
        not kept any more.
        """
        back = culprit.row.recurred
        if back is not None:
            return self._store.record(back.call)
        first = Filters(
            culprit=culprit.row.id, until=culprit.row.first_seen + timedelta(microseconds=1)
        )
        found = self._store.misses(first, limit=1).items
        return self._store.record(found[0].told.call) if found else None

    def _told(self, row: CulpritRow, filters: Filters) -> Culprit:
        state, until = state_of(row), filters.until or self._latest()
        rate = weekly(row, until, filters.since) if until is not None else None
        latest = self._store.find(row.examples[0]) if row.examples else None
        if latest is None:
            return Culprit(row, None, expected=False, state=state, weekly=rate)
        return Culprit(row, main_edit(latest.told), latest.told.expected, state, rate)

    def _latest(self) -> datetime | None:
        if self._last is None:
            self._last = self.last_seen()
        return self._last

    def markers(self, filters: Filters, limit: int = _MARKERS) -> tuple[Marker, ...]:
        """What changed when: first sights of releases, tools and systems, newest first."""
        filters = _as_kept(filters)
        return first_sights(
            self._store.releases(filters), self._store.openings(filters, _LEAST, limit), filters
        )[:limit]

    def before_after(self, marker: Marker, filters: Filters, span: timedelta) -> Change:
        """What was different after a marker, over at most ``span`` on either side of it."""
        filters = _as_kept(filters)
        before, after = sides(marker, filters, span)
        return change(marker, *(self._side(side) for side in (before, after)))

    def _side(self, filters: Filters) -> Side:
        return Side(self._store.totals(filters), self._store.series(filters, 1, None))

    def ignored(self) -> frozenset[str]:
        """The ids of culprits that people chose to ignore."""
        marks = self._store.marks().items()
        return frozenset(id for id, mark in marks if mark.state is CulpritState.ignored)

    def totals(self, filters: Filters) -> Totals:
        """Sums over the calls."""
        return self._store.totals(_as_kept(filters))

    def calls(self, filters: Filters, cursor: str | None = None, limit: int = 50) -> Page:
        """Calls, newest first."""
        return self._store.calls(_as_kept(filters), cursor, limit)

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

    def sessions(self, filters: Filters, cursor: str | None = None, limit: int = 50) -> SessionPage:
        """Sessions that have a call that fits, the one used last first."""
        return self._store.sessions(_as_kept(filters), cursor, limit)

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
