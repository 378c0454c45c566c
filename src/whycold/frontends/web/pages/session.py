"""One conversation: its calls as lanes on a time axis, where it broke, and all of them below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from whycold.core.content import Json
from whycold.core.diagnosis import Diagnosis
from whycold.frontends.csv_tables import Cell, miss_rows
from whycold.frontends.diagnosis_json import as_json
from whycold.frontends.web.asking import Ask, NotThere
from whycold.frontends.web.charts.lanes import lanes, outlived
from whycold.frontends.web.pages.misses import MissLine, miss_line
from whycold.frontends.web.pages.page import Page
from whycold.store.answers import Filters
from whycold.store.records import Page as Calls

__all__ = ["PAGE"]

_CALLS = 200
"""On one page, when nobody says how many."""


def _within(ask: Ask) -> Filters:
    return Filters(session=ask.ids["id"], project=ask.asked.filters.project)


def _calls(ask: Ask) -> Calls:
    limit = ask.asked.limit if ask.word("limit") else _CALLS
    page = ask.query.calls(_within(ask), ask.asked.cursor, limit)
    if not page.items and ask.asked.cursor is None:
        raise NotThere(f"no session {ask.ids['id']!r}")
    return page


def _show(ask: Ask) -> Mapping[str, object]:
    page = _calls(ask)
    told = [kept.told for kept in reversed(page.items)]
    return {
        "session": ask.ids["id"],
        "totals": ask.query.totals(_within(ask)),
        "projects": list(dict.fromkeys(one.project for one in told)),
        "drawn": lanes(told),
        "calls": list(_lines(told)),
        "next": page.next,
    }


def _lines(calls: Sequence[Diagnosis]) -> Iterator[tuple[MissLine, timedelta | None, bool]]:
    """Calls, each with the time since the one before it of its agent, and whether that is longer
    than what that one wrote is kept.
    """
    latest: dict[str | None, Diagnosis] = {}
    for told in calls:
        before = latest.get(told.agent)
        latest[told.agent] = told
        gap = told.at - before.at if before is not None else None
        yield miss_line(told), gap, before is not None and outlived(before, told)


def _data(ask: Ask) -> Json:
    page = _calls(ask)
    items: list[Json] = [as_json(kept.told) for kept in reversed(page.items)]
    return {"session": ask.ids["id"], "items": items, "next": page.next}


def _rows(ask: Ask) -> Iterable[Sequence[Cell]]:
    return miss_rows(kept.told for kept in reversed(_calls(ask).items))


PAGE = Page(
    "session",
    "/sessions/{id:path}",
    "Session",
    _show,
    data=_data,
    rows=_rows,
    own=("cursor", "limit"),
    filtered=False,
)
