"""Filters as SQL, and the spans of time that sums are read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from whycold.store.answers import Dimension, Filters
from whycold.store.measures import COLUMNS, RAW
from whycold.store.numbering import END, clean, first_rid, micros
from whycold.store.sqlite_sums import HOUR

__all__ = ["DAY", "Condition", "cells", "culprit_cells", "rows_of", "summed", "table_of"]

DAY: Final = 24 * HOUR

_LABELS: Final = ("project", "provider", "model", "agent", "release")
_KINDS: Final = ("verdict", "reason", "cause")
_CULPRIT: Final = "(SELECT id FROM culprit WHERE fingerprint = ?)"


@dataclass(slots=True)
class Condition:
    """Terms that must all hold, and their values."""

    terms: list[str] = field(default_factory=list[str])
    values: list[Any] = field(default_factory=list[Any])

    def add(self, term: str, *values: Any) -> None:  # noqa: ANN401
        """One more term."""
        self.terms.append(term)
        self.values += values

    @property
    def sql(self) -> str:
        """The terms, for behind WHERE."""
        return " AND ".join(self.terms) or "1"


def table_of(by: Dimension) -> str:
    """Where the values of a dimension stand."""
    return "label" if by.value in _LABELS else "kind"


def _labelled(filters: Filters) -> Condition:
    """What can be told from the label and kind of a call or of a cell."""
    where = Condition()
    for table, names in (("label", _LABELS), ("kind", _KINDS)):
        inner = Condition()
        for name in names:
            _equal(inner, name, getattr(filters, name))
        if inner.terms:
            where.add(f"{table} IN (SELECT id FROM {table} WHERE {inner.sql})", *inner.values)
    return where


def _equal(where: Condition, name: str, value: str | None) -> None:
    if value == "":
        where.add(f"{name} IS NULL")
    elif value is not None:
        where.add(f"{name} = ?", clean(value))


def rows_of(filters: Filters) -> Condition:
    """The filters on rows of ``call``, time included."""
    where = _labelled(filters)
    if filters.session == "":
        where.add("session IS NULL")
    elif filters.session is not None:
        where.add("session IN (SELECT id FROM session WHERE name = ?)", clean(filters.session))
    if filters.culprit == "":
        where.add("culprit IS NULL")
    elif filters.culprit is not None:
        where.add(f"culprit = {_CULPRIT}", clean(filters.culprit))
        where.add("miss = 1")
    since = micros(filters.since) if filters.since is not None else None
    until = micros(filters.until) if filters.until is not None else None
    _within(where, since, until)
    return where


def _within(where: Condition, since: int | None, until: int | None) -> None:
    if since is not None:
        where.add("rid >= ?", first_rid(since))
        if since % 1000:
            where.add("(rid >> 22) * 1000 + us >= ?", since)
    if until is not None and until < END:
        where.add("rid < ?", first_rid(until + 999))
        if until % 1000:
            where.add("(rid >> 22) * 1000 + us < ?", until)


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of time, in microseconds, read from one table."""

    table: str
    since: int | None
    until: int | None


def _parts(since: int | None, until: int | None, tables: Sequence[tuple[str, int]]) -> list[_Part]:
    """The stretch cut so that whole steps of the first table come from it, and the ends from the
    ones behind it, the last of which is ``call`` itself.
    """
    if since is not None and until is not None and since >= until:
        return []
    if not tables:
        return [_Part("call", since, until)]
    (table, step), *finer = tables
    start = None if since is None else -(-since // step) * step
    end = None if until is None else until // step * step
    if start is not None and end is not None and start >= end:
        return _parts(since, until, finer)
    out = [_Part(table, start, end)]
    if start != since:
        out += _parts(since, start, finer)
    if end != until:
        out += _parts(end, until, finer)
    return out


_STEPS: Final = (("daily", "day", DAY), ("hourly", "hour", HOUR))


def cells(
    filters: Filters, latest: int, *, hours: bool, columns: Sequence[str] = COLUMNS
) -> tuple[str, list[Any]]:
    """A query for cells of ``start`` (hours since 1970), ``label_``, ``kind_`` and the columns.

    Sums of whole days and hours come from the rollups, so that only the calls of the broken hours
    at both ends are read one by one; ``latest`` is the last call's time, and what ends after it
    needs no end. Sessions and culprits have an index of their calls instead of rollups. ``hours``:
    cells of a day are too long.
    """
    queries, values = _cells(filters, latest, hours, columns)
    return " UNION ALL ".join(queries) or _nothing(), values


def summed(
    filters: Filters, latest: int, keys: Sequence[str], *, hours: bool
) -> tuple[str, list[Any]]:
    """The same cells added up by expressions of start, label_ and kind_, which come first in the
    rows. What two tables hold of one key is in two rows.
    """
    queries, values = _cells(filters, latest, hours, COLUMNS)
    named = ", ".join((*keys, *(f"sum({name}) AS {name}" for name in COLUMNS)))
    places = ", ".join(map(str, range(1, len(keys) + 1)))
    # each by itself: sorting all of them together takes twice as long
    each = (f"SELECT {named} FROM ({q}) GROUP BY {places}" for q in queries or (_nothing(),))
    return " UNION ALL ".join(each), values


def _cells(
    filters: Filters, latest: int, hours: bool, columns: Sequence[str]
) -> tuple[list[str], list[Any]]:
    if filters.session is not None or filters.culprit is not None:
        sql, values = _raw(filters, rows_of(filters))
        return [sql], values
    since = micros(filters.since) if filters.since is not None else None
    until = micros(filters.until) if filters.until is not None else None
    if until is not None and until > latest:
        until = None
    # a period that ends now would have its last hour read call by call for nothing
    tables = [(table, step) for table, _, step in _STEPS[1 if hours else 0 :]]
    queries: list[str] = []
    values: list[Any] = []
    for part in _parts(since, until, tables):
        where = _labelled(filters)
        if part.table == "call":
            _within(where, part.since, part.until)
            sql, inner = _raw(filters, where)
        else:
            sql, inner = _rolled(part, where, columns)
        queries.append(sql)
        values += inner
    return queries, values


def _rolled(part: _Part, where: Condition, columns: Sequence[str]) -> tuple[str, list[Any]]:
    name, step = next((name, step) for table, name, step in _STEPS if table == part.table)
    if part.since is not None:
        where.add(f"{name} >= ?", part.since // step)
    if part.until is not None:
        where.add(f"{name} < ?", part.until // step)
    start = f"{name} * {step // HOUR}"
    return (
        f"SELECT {start} AS start, label AS label_, kind AS kind_, {', '.join(columns)}"
        f" FROM {part.table} WHERE {where.sql}"
    ), where.values


def _raw(filters: Filters, where: Condition) -> tuple[str, list[Any]]:
    index = ""
    if filters.session:
        index = " INDEXED BY call_session"
    elif filters.culprit:
        index = " INDEXED BY call_culprit"
    return (
        f"SELECT ((rid >> 22) * 1000 + us) / {HOUR} AS start, label AS label_, kind AS kind_, {RAW}"
        f" FROM call{index} WHERE {where.sql}"
    ), where.values


def _nothing() -> str:
    return f"SELECT 0 AS start, 0 AS label_, 0 AS kind_, {RAW} FROM call WHERE 0"


def culprit_cells(filters: Filters, latest: int, only: Sequence[int] = ()) -> tuple[str, list[Any]]:
    """A query for cells of ``day``, ``culprit``, ``label_`` and misses, missed, cost, unpriced.

    Whole days come from the rollup; of a broken day the misses are read by their index. ``only``:
    of these culprits.
    """
    since = micros(filters.since) if filters.since is not None else None
    until = micros(filters.until) if filters.until is not None else None
    if until is not None and until > latest:
        until = None
    parts = [_Part("call", since, until)]
    if filters.session is None:
        parts = _parts(since, until, [("culprit_day", DAY)])
    queries: list[str] = []
    values: list[Any] = []
    for part in parts:
        if part.table == "call":
            where = rows_of(replace(filters, since=None, until=None))
            _within(where, part.since, part.until)
            sql = _raw_culprits(filters, where, only)
        else:
            where = _labelled(filters)
            if filters.culprit is not None:
                where.add(f"culprit = {_CULPRIT}", clean(filters.culprit))
            sql = _rolled_culprits(part, where, only)
        queries.append(sql)
        values += where.values
    empty = "SELECT 0 AS day, 0 AS culprit, 0 AS label_, 0 AS misses, 0 AS missed, 0 AS cost,"
    return " UNION ALL ".join(queries) or f"{empty} 0 AS unpriced WHERE 0", values


def _rolled_culprits(part: _Part, where: Condition, only: Sequence[int]) -> str:
    if part.since is not None:
        where.add("day >= ?", part.since // DAY)
    if part.until is not None:
        where.add("day < ?", part.until // DAY)
    index = ""
    if only:
        where.add(f"culprit IN ({', '.join('?' * len(only))})", *only)
        index = " INDEXED BY culprit_day_culprit"
    return (
        "SELECT day, culprit, label AS label_, misses, missed, cost, unpriced"
        f" FROM culprit_day{index} WHERE {where.sql}"
    )


def _raw_culprits(filters: Filters, where: Condition, only: Sequence[int]) -> str:
    index = "call_miss"
    if filters.session:
        index = "call_session"
    elif filters.culprit or only:
        index = "call_culprit"
    where.add("miss = 1")
    where.add("culprit IS NOT NULL")
    if only:
        where.add(f"culprit IN ({', '.join('?' * len(only))})", *only)
    return (
        f"SELECT ((rid >> 22) * 1000 + us) / {DAY} AS day, culprit, label AS label_, 1 AS misses,"
        " missed, ifnull(cost, 0) AS cost, missed > 0 AND cost IS NULL AS unpriced"
        f" FROM call INDEXED BY {index} WHERE {where.sql}"
    )
