"""Releases and other markers as JSON and as a table, with what was different behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from whycold.core.content import Json
from whycold.frontends.csv_tables import Cell
from whycold.frontends.diagnosis_json import time_text
from whycold.query import Change, Difference, Marker

__all__ = ["COMPARED", "SPAN", "change_json", "change_table", "marker_json"]

_TABLE = (
    "kind",
    "name",
    "project",
    "at",
    "last_seen",
    "calls_before",
    "calls_after",
    "read_ratio_before",
    "read_ratio_after",
    "read_ratio_word",
    "missed_tokens_per_call_before",
    "missed_tokens_per_call_after",
    "missed_tokens_word",
    "missed_cost_usd_per_call_before",
    "missed_cost_usd_per_call_after",
    "word",
)
SPAN = timedelta(days=7)
"""How much time is compared on either side of a marker."""
COMPARED = 10
"""Markers that are compared when nobody says how many."""
_DIGITS = 9
"""Decimals of a dollar that are worth telling of a mean."""


def marker_json(marker: Marker) -> dict[str, Json]:
    """A marker as plain values; ``name`` is the release, or the digest of the tools or system."""
    return {
        "kind": marker.kind,
        "name": marker.name,
        "project": marker.project,
        "at": time_text(marker.at),
        "last_seen": time_text(marker.last_seen),
        "calls": marker.calls,
    }


def change_json(change: Change, span: timedelta) -> dict[str, Json]:
    """A marker with its two sides: ``calls``, then each measure with a word on chance."""
    return marker_json(change.marker) | {
        "hours_compared": span // timedelta(hours=1),
        "calls_before": change.before.totals.calls,
        "calls_after": change.after.totals.calls,
        "read_ratio": _held(change.read_ratio),
        "missed_tokens_per_call": _held(change.missed_tokens),
        "missed_cost_usd_per_call": _held(change.missed_cost_usd),
        "word": change.word,
    }


def change_table(changes: Iterable[Change]) -> Iterator[Sequence[Cell]]:
    """The header, then one row per marker."""
    yield _TABLE
    for change in changes:
        marker = change.marker
        yield (
            marker.kind,
            marker.name,
            marker.project,
            time_text(marker.at),
            time_text(marker.last_seen),
            change.before.totals.calls,
            change.after.totals.calls,
            *_cells(change.read_ratio),
            change.read_ratio.word,
            *_cells(change.missed_tokens),
            change.missed_tokens.word,
            *_cells(change.missed_cost_usd),
            change.word,
        )


def _held(difference: Difference) -> dict[str, Json]:
    before, after = _cells(difference)
    return {"before": before, "after": after, "word": difference.word}


def _cells(difference: Difference) -> tuple[float | None, float | None]:
    return _rounded(difference.before), _rounded(difference.after)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
