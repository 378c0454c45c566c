"""Culprits, dearest first: the edit in one line, since when, how often, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from whycold.core.content import Json
from whycold.frontends.csv_tables import Cell
from whycold.frontends.culprits_data import culprit_json, culprit_table
from whycold.frontends.filters import MOST_ITEMS
from whycold.frontends.web.asking import Ask, one_of
from whycold.frontends.web.pages.page import Page
from whycold.frontends.web.pages.tops import culprit_line
from whycold.query import Culprit, State
from whycold.store.answers import CulpritOrder

__all__ = ["PAGE"]

_MORE = 4
"""How many times as many there are on the page when more are asked for."""


def _show(ask: Ask) -> Mapping[str, object]:
    most = ask.asked.limit
    found = _culprits(ask, most + 1)
    previous = ask.period.previous
    earlier = replace(ask.within, since=previous.since, until=previous.until)
    compared = bool(ask.query.totals(earlier).calls) if found else False
    return {
        "lines": [culprit_line(told, ask.period, compared) for told in found[:most]],
        "more": min(most * _MORE, MOST_ITEMS) if len(found) > most and most < MOST_ITEMS else None,
        "states": tuple(State),
        "state": _state(ask),
        "sort": _order(ask),
        "last": None if found else ask.query.last_seen(),
    }


def _culprits(ask: Ask, limit: int) -> Sequence[Culprit]:
    return ask.query.culprits(ask.within, limit, _state(ask), _order(ask))


def _state(ask: Ask) -> State | None:
    return one_of(State, "state", ask.word("state"))


def _order(ask: Ask) -> CulpritOrder:
    return CulpritOrder(ask.one_of("sort", CulpritOrder))


def _data(ask: Ask) -> Json:
    return {"items": [culprit_json(culprit) for culprit in _culprits(ask, ask.asked.limit)]}


def _rows(ask: Ask) -> Iterable[Sequence[Cell]]:
    return culprit_table(_culprits(ask, ask.asked.limit))


PAGE = Page(
    "culprits",
    "/culprits",
    "Culprits",
    _show,
    data=_data,
    rows=_rows,
    key="c",
    own=("state", "sort", "limit"),
)
