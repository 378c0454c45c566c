"""Releases and other markers, newest first, and whether calls were different from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from whycold.core.content import Json
from whycold.core.numbers import exact, percent, short, usd
from whycold.frontends.csv_tables import Cell
from whycold.frontends.filters import MOST_ITEMS
from whycold.frontends.releases_data import SPAN, change_json, change_table, marker_json
from whycold.frontends.reporting_words import stamp
from whycold.frontends.web.asking import Ask, one_of
from whycold.frontends.web.charts.lines import ratios
from whycold.frontends.web.pages.page import Page
from whycold.query import Change, Difference, Marker, MarkerKind, Word

__all__ = ["PAGE"]

_COMPARED, _LISTED = 6, 50
"""Markers that are compared without being asked for, and that are listed."""
_STEP = 6
_KINDS = {Word.better: "good", Word.worse: "bad"}
_SAYS = {
    Word.better: "better than before",
    Word.worse: "worse than before",
    Word.noise: "no more different than by chance",
    Word.too_few: "too few calls to tell",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure before and after, as text; ``kind`` is the look of its word."""

    name: str
    before: str
    after: str
    word: Word
    kind: str


@dataclass(frozen=True, slots=True)
class Row:
    """A marker; what was different behind it, where that was looked at."""

    marker: Marker
    name: str
    change: Change | None = None
    measures: Sequence[Measure] = ()
    kind: str = ""
    says: str = ""


def _show(ask: Ask) -> Mapping[str, object]:
    changes, further = _compared(ask)
    rows = [*map(_told, changes), *(Row(marker, _name(marker)) for marker in further)]
    rows.sort(key=lambda row: row.marker.at, reverse=True)
    chosen = _told(changes[0]) if changes and ask.word("marker") else None
    steps = _reads(changes[0]) if chosen is not None else ()
    mark = [(chosen.marker.at, chosen.name)] if chosen is not None else []
    return {
        "rows": [(row, _key(row.marker)) for row in rows[:_LISTED]],
        "chosen": chosen,
        "line": ratios(steps, _STEP, mark) if steps else None,
        "line_numbers": [
            (stamp(start), percent(read, whole), exact(read), exact(whole))
            for start, read, whole in steps
            if whole
        ],
        "more": max(len(rows) - _LISTED, 0),
        "kinds": tuple(MarkerKind),
        "kind": one_of(MarkerKind, "kind", ask.word("kind")),
        "days": SPAN.days,
        "last": None if rows else ask.query.last_seen(),
    }


def _markers(ask: Ask) -> Sequence[Marker]:
    kind = one_of(MarkerKind, "kind", ask.word("kind"))
    found = ask.query.markers(ask.within, MOST_ITEMS)
    return [marker for marker in found if kind is None or marker.kind is kind]


def _key(marker: Marker) -> str:
    """Names a marker in an address."""
    return f"{marker.kind}.{marker.project or ''}.{marker.name}"


def _name(marker: Marker) -> str:
    return marker.name if marker.kind is MarkerKind.release else f"new {marker.kind}"


def _told(change: Change) -> Row:
    measures = (
        _measure("Read ratio", change.read_ratio, _percent),
        _measure("Missed per call", change.missed_tokens, _tokens),
        _measure("Cost per call", change.missed_cost_usd, _dollars),
    )
    kind, says = _KINDS.get(change.word, ""), _SAYS[change.word]
    return Row(change.marker, _name(change.marker), change, measures, kind, says)


def _measure(name: str, held: Difference, shown: Callable[[float | None], str]) -> Measure:
    kind = _KINDS.get(held.word, "")
    return Measure(name, shown(held.before), shown(held.after), held.word, kind)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}%"


def _tokens(value: float | None) -> str:
    return "–" if value is None else short(round(value))


def _dollars(value: float | None) -> str:
    return "–" if value is None else usd(Decimal(str(round(value, 6))))


def _reads(change: Change) -> Sequence[tuple[datetime, int | None, int]]:
    """Reads and input of both sides, six hours a step; None where no call reports reads."""
    step = timedelta(hours=_STEP)
    points = [*change.before.hours, *change.after.hours]
    if not points:
        return ()
    first = min(point.start for point in points)
    first = first.replace(hour=first.hour // _STEP * _STEP)
    count = (max(point.start for point in points) - first) // step + 1
    sums = [(0, 0, 0) for _ in range(count)]
    for point in points:
        totals, place = point.totals, (point.start - first) // step
        more = (totals.cache_read or 0, totals.reporting_input, totals.reporting)
        read, whole, told = (old + new for old, new in zip(sums[place], more, strict=True))
        sums[place] = (read, whole, told)
    return [
        (first + step * place, read if told else None, whole)
        for place, (read, whole, told) in enumerate(sums)
    ]


def _data(ask: Ask) -> Json:
    """The markers that the page compares, as in the API; the further ones by name."""
    changes, rest = _compared(ask)
    return {
        "items": [change_json(change, SPAN) for change in changes],
        "further": [marker_json(marker) for marker in rest],
    }


def _rows(ask: Ask) -> Iterable[Sequence[Cell]]:
    return change_table(_compared(ask)[0])


def _compared(ask: Ask) -> tuple[Sequence[Change], Sequence[Marker]]:
    markers, wanted = _markers(ask), ask.word("marker")
    chosen = [m for m in markers if _key(m) == wanted] if wanted else markers[:_COMPARED]
    changes = [ask.query.before_after(marker, ask.asked.filters, SPAN) for marker in chosen]
    return changes, [marker for marker in markers if marker not in chosen]


PAGE = Page(
    "releases",
    "/releases",
    "Releases",
    _show,
    data=_data,
    rows=_rows,
    key="r",
    own=("kind", "marker"),
)
