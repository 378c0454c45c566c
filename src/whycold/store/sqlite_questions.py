"""Sums out of the rollups: totals, tables, series, releases, and what there is to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

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
from whycold.store.measures import COLUMNS, SUMS, totals
from whycold.store.numbering import time_at
from whycold.store.sqlite_database import Database
from whycold.store.sqlite_sums import HOUR
from whycold.store.sqlite_where import cells, table_of

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
    sql, values = cells(filters, latest(db), hours=False)
    named = ", ".join(f"sum({name}) AS {name}" for name in COLUMNS)
    queries = [f"SELECT -1, NULL, {SUMS} FROM cell"]
    for place, each in enumerate(by):
        table = table_of(each)
        queries.append(
            f"SELECT {place}, {each.value}, {SUMS} FROM cell JOIN {table} ON {table}.id = {table}_"
            f" GROUP BY {each.value}"
        )
    # read once, however many dimensions; of labels and kinds together there are few
    cell = f"WITH cell AS MATERIALIZED (SELECT label_, kind_, {named} FROM ({sql}) GROUP BY 1, 2)"
    whole, groups = Totals(), {each: list[Group]() for each in by}
    for place, value, *sums in db.rows(f"{cell} {' UNION ALL '.join(queries)}", values):
        if place < 0:
            whole = totals(sums)
        else:
            groups[by[place]].append(Group(value, totals(sums)))
    return Split(whole, {e: tuple(sorted(g, key=_dearest_first)) for e, g in groups.items()})


def crossed(db: Database, filters: Filters, by: Sequence[Dimension]) -> tuple[Cross, ...]:
    """Sums per combination of values, dearest first."""
    sql, values = cells(filters, latest(db), hours=False)
    found = [Cross(key, totals(sums)) for (_, key), sums in _folded(db, "0", sql, values, by)]
    return tuple(sorted(found, key=_dearest_first))


def series(db: Database, filters: Filters, hours: int, by: Dimension | None) -> tuple[Point, ...]:
    """Sums per step and value, in time order."""
    if not 1 <= hours <= 24 or 24 % hours:
        raise UserError(f"a step of {hours} hours does not divide a day: take 1 to 24")
    sql, values = cells(filters, latest(db), hours=hours < 24)
    folded = _folded(db, f"start / {hours} * {hours}", sql, values, () if by is None else (by,))
    found = [
        Point(time_at(start * HOUR), key[0] if key else None, totals(sums))
        for (start, key), sums in folded
    ]
    return tuple(sorted(found, key=lambda point: (point.start, _dearest_first(point))))


_Key = tuple[int, tuple[str | None, ...]]


def _folded(
    db: Database, start: str, cells: str, values: list[Any], by: Sequence[Dimension]
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
    keys = "".join(f", {table}_" for table in tables)
    places = ", ".join(map(str, range(1, 2 + len(tables))))
    out: dict[_Key, list[int]] = {}
    for row in db.rows(f"SELECT {start}{keys}, {SUMS} FROM ({cells}) GROUP BY {places}", values):
        key = row[0], names[row[1 : 1 + len(tables)]]
        sums = list(row[1 + len(tables) :])
        old = out.get(key)
        out[key] = sums if old is None else [a + b for a, b in zip(old, sums, strict=True)]
    return out.items()


def _dearest_first(line: Cross | Group | Point) -> tuple[int, int, tuple[str, ...]]:
    names = line.values if isinstance(line, Cross) else (line.value,)
    return (-line.totals.missed_tokens, -line.totals.calls, tuple(name or "" for name in names))


def release_rows(db: Database, filters: Filters) -> tuple[ReleaseRow, ...]:
    """Releases with a call that fits, by when they were first seen."""
    sql, values = cells(filters, latest(db), hours=False)
    rows = db.rows(
        "SELECT release, project,"
        " (SELECT min(first_at) FROM label i WHERE i.release = o.release"
        "  AND i.project IS o.project) AS first,"
        " (SELECT max(last_at) FROM label i WHERE i.release = o.release"
        f"  AND i.project IS o.project), {SUMS}"
        f" FROM ({sql}) JOIN label o ON o.id = label_ WHERE release IS NOT NULL"
        " GROUP BY release, project ORDER BY first, 1, 2",
        values,
    )
    return tuple(
        ReleaseRow(release, project, time_at(first), time_at(last), totals(sums))
        for release, project, first, last, *sums in rows
    )


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
