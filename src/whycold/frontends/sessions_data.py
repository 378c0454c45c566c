"""Sessions as JSON and as a table, with the field names that others rely on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from whycold.core.content import Json
from whycold.frontends.csv_tables import Cell
from whycold.frontends.diagnosis_json import decimal_text, time_text
from whycold.store.answers import SessionRow

__all__ = ["session_cost", "session_json", "session_table"]

_TABLE = (
    "session",
    "project",
    "first_seen",
    "last_seen",
    "calls",
    "read_ratio",
    "input_tokens",
    "cache_read_tokens",
    "misses",
    "missed_tokens",
    "missed_cost_usd",
)


def session_cost(row: SessionRow) -> Decimal | None:
    """What its misses cost; None where none of them has a price, which is not 0."""
    return None if row.missed_tokens and not row.missed_cost_usd else row.missed_cost_usd


def session_json(row: SessionRow) -> dict[str, Json]:
    """A session as plain values: all of it, whatever period was asked for."""
    return {
        "session": row.session,
        "project": row.project,
        "first_seen": time_text(row.first_seen),
        "last_seen": time_text(row.last_seen),
        "calls": row.calls,
        "read_ratio": _ratio(row),
        "input_tokens": row.input,
        "cache_read_tokens": row.cache_read if row.reporting_input else None,
        "misses": row.misses,
        "missed_tokens": row.missed_tokens,
        "missed_cost_usd": decimal_text(session_cost(row)),
    }


def session_table(rows: Iterable[SessionRow]) -> Iterator[Sequence[Cell]]:
    """The header, then one row per session."""
    yield _TABLE
    for row in rows:
        yield (
            row.session,
            row.project,
            time_text(row.first_seen),
            time_text(row.last_seen),
            row.calls,
            _ratio(row),
            row.input,
            row.cache_read if row.reporting_input else None,
            row.misses,
            row.missed_tokens,
            session_cost(row),
        )


def _ratio(row: SessionRow) -> float | None:
    return row.cache_read / row.reporting_input if row.reporting_input else None
