"""What is summed over calls: as numbers of one call, as columns, and as totals again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from whycold.core.call import Usage
from whycold.core.diagnosis import Diagnosis, Verdict
from whycold.store.answers import Totals
from whycold.store.numbering import pico_usd, usd_of

__all__ = ["COLUMNS", "RAW", "SUMS", "TOKENS", "is_miss", "measured", "sized", "totals", "vector"]

TOKENS: Final = (
    "input",
    "cache_read",
    "cache_write",
    "uncached",
    "output",
    "cache_write_5m",
    "cache_write_1h",
    "cache_write_30m",
    "cache_write_12h",
)
"""Counts that a provider may leave out: next to each sum stands how many calls reported it."""

COLUMNS: Final = (
    "calls",
    "misses",
    "missed",
    "cost",
    "unpriced",
    "stake",
    "reporting_input",
    *TOKENS,
    *(f"n_{name}" for name in TOKENS),
)

SUMS: Final = ", ".join(f"sum({name})" for name in COLUMNS)

RAW: Final = ", ".join(
    (
        "1 AS calls",
        "ifnull(miss, 0) AS misses",
        "missed",
        "ifnull(cost, 0) AS cost",
        "missed > 0 AND cost IS NULL AS unpriced",
        "stake",
        "iif(cache_read IS NULL, 0, ifnull(input, 0)) AS reporting_input",
        *(f"ifnull({name}, 0) AS {name}" for name in TOKENS),
        *(f"{name} IS NOT NULL AS n_{name}" for name in TOKENS),
    )
)
"""The same columns from a single call's row."""

# 8 million calls of this size still fit a sum of 63 bits
_MOST: Final = 1 << 40
_READ: Final = TOKENS.index("cache_read")


def is_miss(verdict: Verdict) -> bool:
    """Whether a call counts as a miss."""
    return verdict in (Verdict.miss, Verdict.partial)


def sized(tokens: int | None) -> int | None:
    """A count as it is kept: a number that no prompt can reach would only spoil the sums."""
    return None if tokens is None else min(max(tokens, 0), _MOST)


def measured(told: Diagnosis, usage: Usage) -> tuple[tuple[int | None, ...], int, int | None, int]:
    """Token counts in the order of ``TOKENS``, missed tokens, their cost, tokens at stake."""
    cost = told.missed_cost_usd
    return (
        tuple(sized(getattr(usage, name)) for name in TOKENS),
        sized(told.missed_tokens) or 0,
        None if cost is None else pico_usd(cost),
        sized(told.at_stake_tokens) or 0,
    )


def vector(
    tokens: Sequence[int | None], miss: int, missed: int, cost: int | None, stake: int
) -> list[int]:
    """One call in the order of ``COLUMNS``."""
    return [
        1,
        miss,
        missed,
        cost or 0,
        int(missed > 0 and cost is None),
        stake,
        0 if tokens[_READ] is None else tokens[0] or 0,
        *(number or 0 for number in tokens),
        *(int(number is not None) for number in tokens),
    ]


def totals(sums: Sequence[int | None]) -> Totals:
    """Totals from sums in the order of ``COLUMNS``; of no rows at all the sums are None."""
    if not sums[0]:
        return Totals()
    whole = [number or 0 for number in sums]
    first = len(COLUMNS) - 2 * len(TOKENS)
    tokens = {
        name: whole[first + place] if whole[first + len(TOKENS) + place] else None
        for place, name in enumerate(TOKENS)
    }
    return Totals(
        calls=whole[0],
        misses=whole[1],
        missed_tokens=whole[2],
        missed_cost_usd=usd_of(whole[3]),
        unpriced=whole[4],
        at_stake_tokens=whole[5],
        reporting=whole[first + len(TOKENS) + _READ],
        reporting_input=whole[6],
        **tokens,
    )
