"""Sums out of the rollups: totals, tables, series, releases, and what there is to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from whycold.errors import UserError
from whycold.store.answers import (
    Contents,
    Cross,
    Dimension,
    Filters,
    Group,
    Point,
    ReleaseRow,
    Split,
    Totals,
)
from whycold.store.measures import SUMS, totals
from whycold.store.numbering import time_at
from whycold.store.sqlite_database import Database
from whycold.store.sqlite_sums import HOUR
from whycold.store.sqlite_where import cells, summed, table_of

__all__ = [
    "contents",
    "crossed",
    "grouped",
    "latest",
    "release_rows",
    "series",
    "split",
    "totalled",
    "values_of",
]


def latest(db: Database) -> int:
    """The time of the last call, in microseconds; 0 without one."""
    at = db.value("SELECT (rid >> 22) * 1000 + us FROM call ORDER BY rid DESC LIMIT 1")
    return at or 0


def totalled(db: Database, filters: Filters) -> Totals:
    """Sums over the calls that fit."""
    sql, values = cells(filters, latest(db), hours=False)
    row = db.one(f"SELECT {SUMS} FROM ({sql})", values)
    return totals(row or (0,))


def grouped(db: Database, filters: Filters, by: Dimension) -> tuple[Group, ...]:
    """Sums per value of the dimension, dearest first."""
    return tuple(Group(line.values[0], line.totals) for line in crossed(db, filters, (by,)))


def split(db: Database, filters: Filters, by: Sequence[Dimension]) -> Split:
    """Totals, and sums per value of each dimension, dearest first."""
    sql, values = summed(filters, latest(db), ("label_", "kind_"), hours=False)
    queries = [f"SELECT -1, NULL, {SUMS} FROM cell"]
    for place, each in enumerate(by):
        table = table_of(each)
        queries.append(
            f"SELECT {place}, {each.value}, {SUMS} FROM cell JOIN {table} ON {table}.id = {table}_"
            f" GROUP BY {each.value}"
        )
    # read once, however many dimensions; of labels and kinds together there are few
    cell = f"WITH cell AS MATERIALIZED ({sql})"
    whole, groups = Totals(), {each: list[Group]() for each in by}
    for place, value, *sums in db.rows(f"{cell} {' UNION ALL '.join(queries)}", values):
        if place < 0:
            whole = totals(sums)
        else:
            groups[by[place]].append(Group(value, totals(sums)))
    return Split(whole, {e: tuple(sorted(g, key=_dearest_first)) for e, g in groups.items()})


def crossed(db: Database, filters: Filters, by: Sequence[Dimension]) -> tuple[Cross, ...]:
    """Sums per combination of values, dearest first."""
    folded = _folded(db, filters, "0", by, hours=False)
    found = [Cross(key, totals(sums)) for (_, key), sums in folded]
    return tuple(sorted(found, key=_dearest_first))


def series(db: Database, filters: Filters, hours: int, by: Dimension | None) -> tuple[Point, ...]:
    """Sums per step and value, in time order."""
    if not 1 <= hours <= 24 or 24 % hours:
        raise UserError(f"a step of {hours} hours does not divide a day: take 1 to 24")
    start = f"start / {hours} * {hours}"
    folded = _folded(db, filters, start, () if by is None else (by,), hours=hours < 24)
    found = [
        Point(time_at(start * HOUR), key[0] if key else None, totals(sums))
        for (start, key), sums in folded
    ]
    return tuple(sorted(found, key=lambda point: (point.start, _dearest_first(point))))


_T = TypeVar("_T")
_Key = tuple[int, tuple[str | None, ...]]


def _folded(
    db: Database, filters: Filters, start: str, by: Sequence[Dimension], *, hours: bool
) -> Iterable[tuple[_Key, list[int]]]:
    """Sums of cells by ``start`` and the values of the dimensions.

    The database adds up by the numbers of labels and kinds, of which there are few, and their
    names are looked up for what is left.
    """
    tables = sorted({table_of(each) for each in by})
    columns = ", ".join(each.value for each in by)
    names: dict[tuple[int, ...], tuple[str | None, ...]] = {(): ()}
    if tables:
        numbers = ", ".join(f"{table}.id" for table in tables)
        for row in db.rows(f"SELECT {numbers}, {columns} FROM {', '.join(tables)}"):
            names[row[: len(tables)]] = row[len(tables) :]
    keys = (start, *(f"{table}_" for table in tables))
    sql, values = summed(filters, latest(db), keys, hours=hours)
    out: dict[_Key, list[int]] = {}
    for row in db.rows(sql, values):
        key = row[0], names[row[1 : 1 + len(tables)]]
        _add(out, key, list(row[1 + len(tables) :]))
    return out.items()


def _add(sums: dict[_T, list[int]], key: _T, more: list[int]) -> None:
    old = sums.get(key)
    sums[key] = more if old is None else [a + b for a, b in zip(old, more, strict=True)]


def _dearest_first(line: Cross | Group | Point) -> tuple[int, int, tuple[str, ...]]:
    names = line.values if isinstance(line, Cross) else (line.value,)
    return (-line.totals.missed_tokens, -line.totals.calls, tuple(name or "" for name in names))


_Release = tuple[str, str | None]


def release_rows(db: Database, filters: Filters) -> tuple[ReleaseRow, ...]:
    """Releases with a call that fits, by when they were first seen."""
    sql, values = summed(filters, latest(db), ("label_",), hours=False)
    by_label: dict[int, list[int]] = {}
    for label, *sums in db.rows(sql, values):
        _add(by_label, label, sums)
    spans: dict[_Release, tuple[int, int]] = {}
    found: dict[_Release, list[int]] = {}
    for label, release, project, first, last in db.rows(
        "SELECT id, release, project, first_at, last_at FROM label WHERE release IS NOT NULL"
    ):
        key = release, project
        was = spans.get(key, (first, last))
        spans[key] = min(was[0], first), max(was[1], last)
        if label in by_label:
            _add(found, key, by_label[label])
    rows = [
        ReleaseRow(*key, time_at(spans[key][0]), time_at(spans[key][1]), totals(sums))
        for key, sums in found.items()
    ]
    return tuple(sorted(rows, key=lambda r: (r.first_seen, r.release, r.project or "")))


def values_of(db: Database, dimension: Dimension) -> tuple[str, ...]:
    """The values of a dimension that some call has, sorted."""
    name = dimension.value
    table = table_of(dimension)
    rows = db.rows(f"SELECT DISTINCT {name} FROM {table} WHERE {name} IS NOT NULL ORDER BY 1")
    return tuple(value for (value,) in rows)


def contents(db: Database) -> Contents:
    """How much there is. Calls that are gone may still be in the sums, but not here."""
    size, pages, free = (
        db.value(f"PRAGMA {name}") for name in ("page_size", "page_count", "freelist_count")
    )
    first = db.value("SELECT (rid >> 22) * 1000 + us FROM call ORDER BY rid LIMIT 1")
    return Contents(
        calls=_count(db, "call"),
        with_texts=_count(db, "detail"),
        blocks=_count(db, "content"),
        bytes=size * pages,
        bytes_used=size * (pages - free),
        first_seen=None if first is None else time_at(first),
        last_seen=None if first is None else time_at(latest(db)),
    )


def _count(db: Database, table: str) -> Any:  # noqa: ANN401
    return db.value(f"SELECT count(*) FROM {table}")
