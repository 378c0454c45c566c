"""One culprit: the edit whole, when it cost how much, where it was seen, and what to do."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import cache

from whycold import causes
from whycold.core.content import Json
from whycold.core.numbers import exact, usd
from whycold.errors import UserError
from whycold.frontends.config import load
from whycold.frontends.csv_tables import Cell
from whycold.frontends.culprits_data import culprit_json, culprit_table
from whycold.frontends.web.asking import Ask, NotThere
from whycold.frontends.web.changes import changed
from whycold.frontends.web.charts.stacks import Stacks, stacks
from whycold.frontends.web.pages.misses import miss_line
from whycold.frontends.web.pages.page import Page
from whycold.frontends.web.pages.tops import culprit_line
from whycold.frontends.web.phrases import colour
from whycold.query import Culprit, Period, State
from whycold.store.answers import CulpritDay, Filters
from whycold.store.base import Damaged, Missing, Unavailable
from whycold.store.records import Capture, Kept

__all__ = ["PAGE"]

_EXAMPLES, _BARS = 8, 130
_SAYS = {
    State.open: "Nobody has decided about it.",
    State.resolved: "It was said to be fixed, and has not come back since.",
    State.ignored: "It is known, and left out of lists and sums of culprits.",
    State.regressed: "It was said to be fixed, and has come back by itself.",
}


def _culprit(ask: Ask) -> Culprit:
    try:
        return ask.query.culprit(ask.ids["id"], ask.within)
    except (Missing, Unavailable, Damaged):
        raise
    except UserError as error:
        raise NotThere(str(error)) from None


def _show(ask: Ask) -> Mapping[str, object]:
    told = _culprit(ask)
    row = told.row
    latest = next((kept for id in row.examples if (kept := ask.query.found(id))), None)
    places = changed(latest.told)[0] if latest is not None else []
    main = [one for one in places if one.main]
    steps = _steps(row.days, ask.period)
    return {
        "told": told,
        "line": culprit_line(told, ask.period, compared=False),
        "says": _SAYS[told.state],
        "latest": latest,
        "places": main or places[:1],
        "more_places": len(places) - len(main or places[:1]),
        "texts_kept": latest is not None and latest.capture is Capture.full,
        "cause": next((cause for cause in causes.ALL if cause.code == row.cause), None),
        "bars": _bars(steps, row.reason),
        "bar_numbers": _numbers(row.days),
        "misses": [miss_line(kept.told) for kept in _examples(ask, row.id)],
        "here": _store_words(ask.about.store),
    }


def _examples(ask: Ask, id: str) -> Sequence[Kept]:
    """The newest in the period, else the newest of all."""
    within = replace(ask.within, culprit=id)
    found = ask.query.misses(within, None, _EXAMPLES).items
    return found or ask.query.misses(Filters(culprit=id), None, _EXAMPLES).items


def _steps(days: Iterable[CulpritDay], period: Period) -> list[tuple[datetime, int]]:
    """Missed tokens of every day of the period, those without any too."""
    sums = {day.day: day.missed_tokens for day in days}
    first, last = period.since.date(), (period.until - timedelta(microseconds=1)).date()
    if sums:
        # a long period begins where there is something to see
        first = max(first, min(min(sums), last - timedelta(days=_BARS)))
    count = min((last - first).days + 1, 3 * _BARS)
    all_days = [last - timedelta(days=back) for back in reversed(range(count))]
    return [(datetime.combine(day, time(), UTC), sums.get(day, 0)) for day in all_days]


def _bars(steps: Sequence[tuple[datetime, int]], reason: str | None) -> Stacks:
    name = reason or "unexplained"
    parts = [(start, {name: missed} if missed else {}) for start, missed in steps]
    return stacks(parts, 24, [name], lambda _: (colour(name), "missed"))


def _numbers(days: Iterable[CulpritDay]) -> Sequence[tuple[str, ...]]:
    return [
        (
            f"{d.day:%a} {d.day.day} {d.day:%b %Y}",
            exact(d.misses),
            exact(d.missed_tokens),
            usd(d.missed_cost_usd),
        )
        for d in days
    ]


@cache
def _own_store() -> str:
    try:
        return load({}).store
    except UserError:
        return ""


def _store_words(store: str) -> str:
    """What a command needs to find this store, when its settings would lead it elsewhere."""
    return "" if store == _own_store() else f" --store {shlex.quote(store)}"


def _data(ask: Ask) -> Json:
    return culprit_json(_culprit(ask))


def _rows(ask: Ask) -> Iterable[Sequence[Cell]]:
    return culprit_table([_culprit(ask)])


PAGE = Page(
    "culprit",
    "/culprits/{id:path}",
    "Culprit",
    _show,
    data=_data,
    rows=_rows,
    scripts=("htmx.min.js",),
)
