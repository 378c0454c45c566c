"""One call: the prompt to scale, what changed, where its tokens went, and what stood around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from whycold import causes
from whycold.core.content import Json
from whycold.core.diagnosis import Diagnosis, Grade, Verdict
from whycold.diagnose import PriceList
from whycold.errors import UserError
from whycold.frontends.config import load
from whycold.frontends.csv_tables import Cell
from whycold.frontends.diagnosis_json import as_json
from whycold.frontends.explain_full import values
from whycold.frontends.explain_parts import parts
from whycold.frontends.prices import price_list
from whycold.frontends.web.asking import Ask, NotThere
from whycold.frontends.web.changes import changed, whole
from whycold.frontends.web.charts.prompt import prompt_strip
from whycold.frontends.web.pages.page import Page
from whycold.store.base import Damaged, Missing, Unavailable
from whycold.store.records import Capture, Kept, Record

__all__ = ["PAGE", "TEXT"]

_SORTS = ("size", "order")
_ROWS, _PLACES, _AROUND = 30, 12, 4
_MORE_ROWS, _MORE_PLACES = 200, 60
"""What one more click shows."""
_MOST = 5000
_TABLE = ("section", "path", "name", "role", "tokens", "cached", "breakpoint")
_VERDICTS = {
    Verdict.hit: ("hit", "good"),
    Verdict.partial: ("partial miss", "bad"),
    Verdict.miss: ("miss", "bad"),
    Verdict.first: ("nothing to reuse", ""),
    Verdict.uncacheable: ("not cacheable", ""),
    Verdict.unknown: ("reads not reported", ""),
}
_GRADES = {
    Grade.confirmed: "the provider says the same",
    Grade.consistent: "the reported counts are as predicted",
    Grade.inferred: "nothing speaks against it",
    Grade.contradicted: "the provider or its counts say otherwise",
}


@dataclass(frozen=True, slots=True)
class Around:
    """The calls beside this one in its session; ``place`` counts from 1."""

    calls: Sequence[Kept]
    place: int
    total: int


def _record(ask: Ask) -> Record:
    try:
        return ask.query.call(ask.ids["id"])
    except (Missing, Unavailable, Damaged):
        raise
    except UserError as error:
        raise NotThere(str(error)) from None


def _show(ask: Ask) -> Mapping[str, object]:
    record = _record(ask)
    told = record.told
    sort = ask.one_of("sort", _SORTS)
    found = parts(told, _prices()(record.call)) if told.blocks else []
    ordered = sorted(found, key=lambda part: -part.tokens) if sort == "size" else found
    shown, rows = _count(ask, "places", _PLACES), _count(ask, "parts", _ROWS)
    places, more = changed(told, shown)
    return {
        "record": record,
        "told": told,
        "verdict": _VERDICTS[told.verdict],
        "grade": _GRADES.get(told.grade) if told.grade is not None else None,
        "cause": next((cause for cause in causes.ALL if cause.code == told.cause), None),
        "drawn": prompt_strip(told),
        "places": places,
        "more_places": more,
        "next_places": shown + _MORE_PLACES,
        "sort": sort,
        "parts": ordered[:rows],
        "more_parts": ordered[rows:],
        "next_parts": rows + _MORE_ROWS,
        "biggest": max((part.tokens for part in found), default=0),
        "before": ask.query.found(told.predecessor),
        "beside_it": _around(ask, record),
        "texts_kept": record.capture is Capture.full,
        "lost": told.verdict in (Verdict.miss, Verdict.partial, Verdict.unknown),
    }


def _count(ask: Ask, name: str, usual: int) -> int:
    """How many of something the address asks for."""
    given = ask.word(name) or str(usual)
    if not given.isascii() or not given.isdecimal() or not 0 < int(given) <= _MOST:
        raise UserError(f"{name} {given[:40]!r}: give a number from 1 to {_MOST}")
    return int(given)


@cache
def _prices() -> PriceList:
    """The user's own prices before those that come along."""
    try:
        return price_list(load({}).prices)
    except UserError:
        return price_list(None)


def _around(ask: Ask, record: Record) -> Around | None:
    session = ask.query.session(record)
    place = next((i for i, k in enumerate(session) if k.told.call == record.told.call), None)
    if place is None or len(session) < 2:
        return None
    near = session[max(0, place - _AROUND) : place + _AROUND + 1]
    before = next((k for k in session if k.told.call == record.told.predecessor), None)
    if before is not None and before not in near:
        near = (before, *near)
    return Around(near, place + 1, len(session))


def _data(ask: Ask) -> Json:
    record = _record(ask)
    return as_json(record.told, blocks=True) | {"capture": record.capture}


def _rows(ask: Ask) -> Iterator[Sequence[Cell]]:
    told: Diagnosis = _record(ask).told
    yield _TABLE
    for block in told.blocks:
        cached = None if block.cached is None else str(block.cached).lower()
        yield (
            block.section,
            block.path,
            block.name,
            block.role,
            block.tokens,
            cached,
            block.breakpoint,
        )


def _text(ask: Ask) -> Mapping[str, object]:
    """The whole value at one path, on both sides."""
    record, path = _record(ask), ask.word("path")
    found = values(record.told, ask.query.changes(record))
    value = next((value for value in found if value.path == path), None)
    lines = whole(value) if value is not None else []
    return {"path": path, "value": value, "lines": lines, "record": record}


PAGE = Page(
    "call",
    "/calls/{id:path}",
    "Call",
    _show,
    data=_data,
    rows=_rows,
    own=("sort", "parts", "places"),
    filtered=False,
    scripts=("htmx.min.js",),
)
TEXT = Page(
    "call_text", "/calls/{id:path}/text", "Text", _text, own=("path",), filtered=False, part=True
)
