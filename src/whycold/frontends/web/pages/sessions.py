"""Sessions, the one used last first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from whycold.core.content import Json
from whycold.frontends.csv_tables import Cell
from whycold.frontends.sessions_data import session_cost, session_json, session_table
from whycold.frontends.web.asking import Ask
from whycold.frontends.web.pages.page import Page
from whycold.store.answers import SessionPage

__all__ = ["PAGE"]


def _show(ask: Ask) -> Mapping[str, object]:
    page = _sessions(ask)
    return {
        "sessions": [(row, session_cost(row)) for row in page.items],
        "most": max((row.missed_tokens for row in page.items), default=0),
        "next": page.next,
        "last": None if page.items else ask.query.last_seen(),
    }


def _sessions(ask: Ask) -> SessionPage:
    return ask.query.sessions(ask.within, ask.asked.cursor, ask.asked.limit)


def _data(ask: Ask) -> Json:
    page = _sessions(ask)
    return {"items": [session_json(row) for row in page.items], "next": page.next}


def _rows(ask: Ask) -> Iterable[Sequence[Cell]]:
    return session_table(_sessions(ask).items)


PAGE = Page(
    "sessions",
    "/sessions",
    "Sessions",
    _show,
    data=_data,
    rows=_rows,
    key="s",
    own=("cursor", "limit"),
)
