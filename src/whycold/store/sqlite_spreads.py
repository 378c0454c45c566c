"""How sizes are spread, out of the counts per bucket."""

from __future__ import annotations

from collections import Counter

from whycold.store.spreads import BOUNDS, Spread, SpreadRow
from whycold.store.sqlite_database import Database

__all__ = ["spread_rows"]


def spread_rows(db: Database) -> tuple[SpreadRow, ...]:
    """How sizes are spread, per provider, model and project."""
    counts: dict[tuple[Spread, str | None, str | None, str | None], list[int]] = {}
    sums: Counter[tuple[Spread, str | None, str | None, str | None]] = Counter()
    for spread, provider, model, project, bucket, calls, total in db.rows(
        "SELECT spread, provider, model, project, bucket, sum(calls), sum(total)"
        " FROM spread s JOIN label l ON l.id = s.label GROUP BY 1, 2, 3, 4, 5"
    ):
        key = Spread(spread), provider, model, project
        counts.setdefault(key, [0] * (len(BOUNDS[key[0]]) + 1))[bucket] += calls
        sums[key] += total
    return tuple(SpreadRow(*key, tuple(found), sums[key]) for key, found in counts.items())
