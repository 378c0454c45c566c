"""Search by id: straight to the call, session or culprit; a page only where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from whycold.errors import UserError
from whycold.frontends.web.address import place
from whycold.frontends.web.asking import Ask
from whycold.frontends.web.pages.page import Page
from whycold.query import Period, Query
from whycold.store.answers import Dimension, Filters
from whycold.store.base import Damaged, Missing, Unavailable

__all__ = ["PAGE"]

_ALWAYS = Period(datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


def _show(ask: Ask) -> Mapping[str, object]:
    wanted = ask.word("q").strip()
    found = _find(ask.query, wanted) if wanted else None
    return {"wanted": wanted, "go": place(*found) if found else None}


def _find(query: Query, id: str) -> tuple[str, str] | None:
    """What an id names: ``calls``, ``culprits`` or ``sessions``, and its id there."""
    for kind, look in (("calls", _call), ("culprits", _culprit), ("sessions", _session)):
        try:
            return kind, look(query, id)
        except (Missing, Unavailable, Damaged):
            raise
        except UserError:
            continue
    return None


def _call(query: Query, id: str) -> str:
    return query.call(id).told.call


def _culprit(query: Query, id: str) -> str:
    return query.culprit(id).row.id


def _session(query: Query, id: str) -> str:
    if not query.grouped(_ALWAYS, Filters(session=id), Dimension.project):
        raise UserError(f"no session {id!r}")
    return id


PAGE = Page("search", "/search", "Search", _show, own=("q",), filtered=False)
