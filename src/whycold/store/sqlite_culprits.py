"""Culprits, and what people decided about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from whycold.store.answers import (
    CulpritDay,
    CulpritOrder,
    CulpritRow,
    CulpritState,
    Filters,
    Mark,
    Seen,
)
from whycold.store.numbering import clean, first_rid, micros, time_at, usd_of
from whycold.store.sqlite_database import Database
from whycold.store.sqlite_questions import latest
from whycold.store.sqlite_where import culprit_cells
from whycold.store.telling import decode_more

__all__ = ["culprit_row", "culprit_rows", "marks", "set_mark"]

_EXAMPLES: Final = 5
_EPOCH: Final = date(1970, 1, 1)
_SUMS: Final = "sum(misses), sum(missed), sum(cost), sum(unpriced)"
_OLDER: Final = """
    SELECT id FROM label JOIN
        (SELECT release AS name, min(first_at) AS first FROM label GROUP BY 1)
        ON release = name
    WHERE name IS NOT ? AND
        first < coalesce((SELECT min(first_at) FROM label WHERE release = ?), ?)
"""
"""Labels of releases that were there before a release; before a time, where it was not seen yet."""
_COLUMNS: Final = "fingerprint, project, reason, cause, path, title, first_at, last_at"


_ORDERS: Final = {
    CulpritOrder.cost: "sum(cost) DESC, sum(missed) DESC, sum(misses) DESC",
    CulpritOrder.tokens: "sum(missed) DESC, sum(misses) DESC",
    CulpritOrder.misses: "sum(misses) DESC, sum(missed) DESC",
    CulpritOrder.newest: "(SELECT first_at FROM culprit c WHERE c.id = cell.culprit) DESC",
}


def culprit_rows(
    db: Database, filters: Filters, limit: int, order: CulpritOrder = CulpritOrder.cost
) -> tuple[CulpritRow, ...]:
    """Culprits of the calls that fit, dearest first unless asked otherwise."""
    sql, values = culprit_cells(filters, latest(db))
    found = list(
        db.rows(
            f"SELECT culprit, {_SUMS} FROM ({sql}) cell GROUP BY culprit"
            f" ORDER BY {_ORDERS[order]}, culprit LIMIT ?",
            [*values, max(1, limit)],
        )
    )
    marked = marks(db)
    split = _split(db, filters, [row[0] for row in found])
    out: list[CulpritRow] = []
    for number, *sums in found:
        row = db.one(f"SELECT {_COLUMNS} FROM culprit WHERE id = ?", (number,))
        if row is not None:
            days, releases = split.get(number, ((), ()))
            whole = replace(_row(row, sums), days=days, releases=releases)
            out.append(_looked_up(db, number, whole, marked.get(whole.id)))
    return tuple(out)


def culprit_row(db: Database, id: str, filters: Filters | None) -> CulpritRow | None:
    """One culprit; its sums are 0 where no call fits."""
    row = db.one(f"SELECT id, {_COLUMNS} FROM culprit WHERE fingerprint = ?", (clean(id),))
    if row is None:
        return None
    number, *rest = row
    found = culprit_rows(db, replace(filters or Filters(), culprit=id), 1)
    return found[0] if found else _looked_up(db, number, _row(rest, ()), marks(db).get(id))


def marks(db: Database) -> dict[str, Mark]:
    """Every decision, by the culprit's fingerprint."""
    return {
        culprit: Mark(CulpritState(state), time_at(at), release, note)
        for culprit, state, at, release, note in db.rows(
            "SELECT culprit, state, at, release, note FROM mark"
        )
    }


def set_mark(db: Database, culprit: str, mark: Mark) -> None:
    """Write a decision; it replaces the one before."""
    with db.transaction():
        db.run(
            "INSERT INTO mark VALUES (?, ?, ?, ?, ?) ON CONFLICT (culprit) DO UPDATE SET"
            " state = excluded.state, at = excluded.at, release = excluded.release,"
            " note = excluded.note",
            (
                clean(culprit),
                mark.state.value,
                micros(mark.at),
                None if mark.release is None else clean(mark.release),
                None if mark.note is None else clean(mark.note),
            ),
        )


_Split = dict[int, tuple[tuple[CulpritDay, ...], tuple[str | None, ...]]]


def _split(db: Database, filters: Filters, numbers: Sequence[int]) -> _Split:
    """Days and releases of some culprits."""
    if not numbers:
        return {}
    # these few by their index, instead of all culprits of the time once more
    sql, values = culprit_cells(filters, latest(db), numbers)
    days: dict[int, list[CulpritDay]] = {number: [] for number in numbers}
    releases: dict[int, list[str | None]] = {number: [] for number in numbers}
    for number, day, misses, missed, cost, _ in db.rows(
        f"SELECT culprit, day, {_SUMS} FROM ({sql}) GROUP BY 1, 2 ORDER BY 2", values
    ):
        on = _EPOCH + timedelta(days=day)
        days[number].append(CulpritDay(on, misses, missed, usd_of(cost)))
    for number, release in db.rows(
        f"SELECT culprit, release FROM ({sql}) JOIN label ON label.id = label_"
        " GROUP BY 1, 2 ORDER BY min(first_at), 2",
        values,
    ):
        releases[number].append(release)
    return {number: (tuple(days[number]), tuple(releases[number])) for number in numbers}


def _row(row: Sequence[Any], sums: Sequence[int]) -> CulpritRow:
    id, project, reason, cause, path, title, first, last = row
    misses, missed, cost, unpriced = sums or (0, 0, 0, 0)
    return CulpritRow(
        id=id,
        project=project,
        reason=reason,
        cause=cause,
        path=path,
        title=title,
        first_seen=time_at(first),
        last_seen=time_at(last),
        misses=misses,
        missed_tokens=missed,
        missed_cost_usd=usd_of(cost),
        unpriced=unpriced,
    )


def _looked_up(db: Database, number: int, row: CulpritRow, mark: Mark | None) -> CulpritRow:
    """With its latest misses, and the first one after it was resolved."""
    newest = db.rows(
        "SELECT more FROM call INDEXED BY call_culprit WHERE culprit = ? AND miss = 1"
        f" ORDER BY rid DESC LIMIT {_EXAMPLES}",
        (number,),
    )
    examples = tuple(decode_more(more).call for (more,) in newest)
    recurred = None
    if mark is not None and mark.state is CulpritState.resolved:
        recurred = _first_after(db, number, mark)
    return replace(row, examples=examples, mark=mark, recurred=recurred)


def _first_after(db: Database, number: int, mark: Mark) -> Seen | None:
    """The first miss behind a decision; where that was about a release, none of those before it."""
    at = micros(mark.at)
    sql = (
        "SELECT more, (rid >> 22) * 1000 + us, (SELECT release FROM label WHERE id = label)"
        " FROM call INDEXED BY call_culprit WHERE culprit = ? AND miss = 1 AND rid >= ?"
        " AND (rid >> 22) * 1000 + us > ?"
    )
    values: list[int | str] = [number, first_rid(at), at]
    if mark.release is not None:
        sql += f" AND label NOT IN ({_OLDER})"
        values += [mark.release, mark.release, at]
    row = db.one(f"{sql} ORDER BY rid LIMIT 1", values)
    return None if row is None else Seen(decode_more(row[0]).call, time_at(row[1]), row[2])
