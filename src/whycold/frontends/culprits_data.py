"""Culprits as JSON and as a table, with the field names that others rely on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from whycold.core.content import Json
from whycold.frontends.csv_tables import Cell
from whycold.frontends.diagnosis_json import decimal_text, time_text
from whycold.query import Culprit, known_cost
from whycold.store.answers import CulpritDay, Mark, Seen

__all__ = ["LISTED", "culprit_json", "culprit_table"]

LISTED = 20
"""Culprits that are listed when nobody says how many."""
_TABLE = (
    "culprit",
    "state",
    "project",
    "reason",
    "cause",
    "path",
    "title",
    "before",
    "after",
    "first_seen",
    "last_seen",
    "first_release",
    "misses",
    "missed_tokens",
    "missed_cost_usd",
    "missed_cost_usd_per_week",
)


def culprit_json(culprit: Culprit) -> dict[str, Json]:
    """A culprit as plain values. ``per_week`` is what it takes in seven days at its present rate;
    ``misses`` and the like are of the calls that were asked for.
    """
    row, edit, rate = culprit.row, culprit.edit, culprit.weekly
    weekly: Json = None
    if rate is not None:
        weekly = {
            "misses": round(rate.misses, 1),
            "missed_tokens": round(rate.missed_tokens),
            "missed_cost_usd": decimal_text(_cents(culprit)),
        }
    return {
        "id": row.id,
        "state": culprit.state,
        "project": row.project,
        "reason": row.reason,
        "cause": row.cause,
        "path": row.path,
        "title": row.title,
        "before": edit.before if edit else None,
        "after": edit.after if edit else None,
        "expected": culprit.expected,
        "first_seen": time_text(row.first_seen),
        "last_seen": time_text(row.last_seen),
        "releases": list(row.releases),
        "misses": row.misses,
        "missed_tokens": row.missed_tokens,
        "missed_cost_usd": decimal_text(known_cost(row)),
        "unpriced_misses": row.unpriced,
        "per_week": weekly,
        "days": [_day(day) for day in row.days],
        "examples": list(row.examples),
        "mark": _mark(row.mark),
        "regressed": _seen(row.recurred),
    }


def culprit_table(culprits: Iterable[Culprit]) -> Iterator[Sequence[Cell]]:
    """The header, then one row per culprit."""
    yield _TABLE
    for culprit in culprits:
        row, edit = culprit.row, culprit.edit
        yield (
            row.id,
            culprit.state,
            row.project,
            row.reason,
            row.cause,
            row.path,
            row.title,
            edit.before if edit else None,
            edit.after if edit else None,
            time_text(row.first_seen),
            time_text(row.last_seen),
            next((release for release in row.releases if release), None),
            row.misses,
            row.missed_tokens,
            known_cost(row),
            _cents(culprit),
        )


def _cents(culprit: Culprit) -> Decimal | None:
    """A rate is no exact sum: to the cent, or to three digits below a dollar."""
    cost = culprit.weekly.missed_cost_usd if culprit.weekly is not None else None
    if not cost:
        return cost
    return round(cost, 2 if cost >= 1 else 2 - cost.adjusted())


def _day(day: CulpritDay) -> dict[str, Json]:
    return {
        "day": day.day.isoformat(),
        "misses": day.misses,
        "missed_tokens": day.missed_tokens,
        "missed_cost_usd": decimal_text(day.missed_cost_usd),
    }


def _mark(mark: Mark | None) -> Json:
    if mark is None:
        return None
    return {
        "state": mark.state,
        "at": time_text(mark.at),
        "release": mark.release,
        "note": mark.note,
    }


def _seen(seen: Seen | None) -> Json:
    if seen is None:
        return None
    return {"call": seen.call, "at": time_text(seen.at), "release": seen.release}
