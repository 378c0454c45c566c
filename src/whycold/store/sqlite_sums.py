"""Sums kept as calls come and go: per hour and day, per session, per culprit and day, per size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from whycold.store.measures import COLUMNS, TOKENS, vector
from whycold.store.spreads import places
from whycold.store.sqlite_database import Database

__all__ = ["HOUR", "FactRow", "Sums"]

HOUR: Final = 3_600_000_000
"""Microseconds."""

_INPUT, _READ = TOKENS.index("input"), TOKENS.index("cache_read")


class FactRow(NamedTuple):
    """What of a call is summed; ``tokens`` in the order of ``TOKENS``, ``at`` in microseconds."""

    at: int
    label: int
    kind: int
    session: int | None
    culprit: int | None
    miss: bool
    missed: int
    cost: int | None
    stake: int
    tokens: tuple[int | None, ...]


@dataclass(slots=True)
class _Span:
    first: int
    last: int
    sums: list[int]


class Sums:
    """Changes of the sums in one transaction; ``flush`` writes them, sorted by key."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.clear()

    def clear(self) -> None:
        """Nothing has changed."""
        self._hours: dict[tuple[int, int, int], list[int]] = {}
        self._culprits: dict[tuple[int, int, int, int], list[int]] = {}
        self._spreads: dict[tuple[str, int, int], list[int]] = {}
        self._sessions: dict[int, _Span] = {}
        self._less: set[int] = set()

    def add(self, fact: FactRow) -> None:
        """A call came."""
        self._count(fact, 1)

    def remove(self, fact: FactRow) -> None:
        """A call went; its row must be gone before ``flush``."""
        self._count(fact, -1)
        if fact.session is not None:
            self._less.add(fact.session)

    def _count(self, fact: FactRow, sign: int) -> None:
        numbers = vector(fact.tokens, int(fact.miss), fact.missed, fact.cost, fact.stake)
        hour = fact.at // HOUR
        _add(self._hours, (hour, fact.label, fact.kind), numbers, sign)
        for placed in places(miss=fact.miss, missed=fact.missed, tokens=fact.tokens):
            key = placed.spread.value, fact.label, placed.bucket
            _add(self._spreads, key, (1, placed.value), sign)
        if fact.culprit is not None:
            key = hour // 24, fact.culprit, fact.label, fact.kind
            part = [1, fact.missed, fact.cost or 0, int(fact.missed > 0 and fact.cost is None)]
            _add(self._culprits, key, part, sign)
        if fact.session is not None:
            self._session(fact, sign)

    def _session(self, fact: FactRow, sign: int) -> None:
        read = fact.tokens[_READ]
        numbers = (
            1,
            int(fact.miss),
            fact.missed,
            fact.cost or 0,
            fact.tokens[_INPUT] or 0,
            read or 0,
            0 if read is None else fact.tokens[_INPUT] or 0,
        )
        span = self._sessions.get(fact.session or 0)
        if span is None:
            span = self._sessions[fact.session or 0] = _Span(fact.at, fact.at, [0] * len(numbers))
        span.sums = [old + sign * new for old, new in zip(span.sums, numbers, strict=True)]
        if sign > 0:
            span.first, span.last = min(span.first, fact.at), max(span.last, fact.at)

    def flush(self) -> None:
        """Write the changes, within the transaction."""
        days: dict[tuple[int, int, int], list[int]] = {}
        for (hour, label, kind), numbers in self._hours.items():
            _add(days, (hour // 24, label, kind), numbers, 1)
        self._upsert("hourly", "hour, label, kind", COLUMNS, self._hours)
        self._upsert("daily", "day, label, kind", COLUMNS, days)
        self._upsert(
            "culprit_day",
            "day, culprit, label, kind",
            ("misses", "missed", "cost", "unpriced"),
            self._culprits,
        )
        self._upsert("spread", "spread, label, bucket", ("calls", "total"), self._spreads)
        self._db.many(
            "UPDATE session SET first_at = min(first_at, ?), last_at = max(last_at, ?),"
            " calls = calls + ?, misses = misses + ?, missed = missed + ?, cost = cost + ?,"
            " input = input + ?, cache_read = cache_read + ?, reporting_input = reporting_input + ?"
            " WHERE id = ?",
            ((s.first, s.last, *s.sums, id) for id, s in sorted(self._sessions.items())),
        )
        for session in sorted(self._less):
            self._shrink(session)
        self.clear()

    def _upsert(
        self, table: str, key: str, columns: Sequence[str], rows: dict[Any, list[int]]
    ) -> None:
        if not rows:
            return
        names = key.split(", ")
        marks = ", ".join("?" * (len(names) + len(columns)))
        grown = ", ".join(f"{name} = {name} + excluded.{name}" for name in columns)
        # in the order of the key, so that each page is changed once
        self._db.many(
            f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT ({key}) DO UPDATE SET {grown}",
            ((*place, *numbers) for place, numbers in sorted(rows.items())),
        )
        # a cell that no call is left in would keep its labels alive
        where = " AND ".join(f"{name} = ?" for name in names)
        self._db.many(
            f"DELETE FROM {table} WHERE {where} AND {columns[0]} <= 0",
            (place for place, numbers in sorted(rows.items()) if numbers[0] <= 0),
        )

    def _shrink(self, session: int) -> None:
        """Correct when a session began and ended after calls of it went."""
        ends = [
            self._db.one(
                "SELECT (rid >> 22) * 1000 + us FROM call INDEXED BY call_session"
                f" WHERE session = ? ORDER BY rid {way} LIMIT 1",
                (session,),
            )
            for way in ("ASC", "DESC")
        ]
        if ends[0] is None or ends[1] is None:
            self._db.run("DELETE FROM session WHERE id = ?", (session,))
        else:
            self._db.run(
                "UPDATE session SET first_at = ?, last_at = ? WHERE id = ?",
                (*ends[0], *ends[1], session),
            )


def _add(
    rows: dict[Any, list[int]], key: tuple[int | str, ...], numbers: Iterable[int], sign: int
) -> None:
    old = rows.get(key)
    new = list(numbers) if sign > 0 else [-number for number in numbers]
    rows[key] = new if old is None else [a + b for a, b in zip(old, new, strict=True)]
