"""The panel: what is asked of a period, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from whycold.store.answers import CulpritRow, Dimension, Group, Point, Totals

__all__ = ["Period", "Report", "hours_per_step", "known_cost"]

_STEPS = 60
"""About as many steps as a series is drawn with."""


@dataclass(frozen=True, slots=True)
class Period:
    """From ``since`` (included) to ``until`` (not), UTC."""

    since: datetime
    until: datetime

    @property
    def previous(self) -> Period:
        """The period of equal length before this one."""
        return Period(self.since - (self.until - self.since), self.since)


@dataclass(frozen=True, slots=True)
class Report:
    """The panel: sums over a period, split by reason and by model, and per step of time.

    ``steps`` is the length of a step in hours. ``series`` holds one point per step and reason;
    points of the reason None are calls without a miss. ``groups``: the tables that were asked for
    beside them.
    """

    period: Period
    totals: Totals
    by_reason: Mapping[str, Totals]
    by_model: Mapping[str | None, Totals]
    series: tuple[Point, ...]
    steps: int
    previous: Report | None = None
    groups: Mapping[Dimension, tuple[Group, ...]] = field(
        default_factory=dict[Dimension, tuple[Group, ...]]
    )


def known_cost(sums: Totals | CulpritRow) -> Decimal | None:
    """What the misses cost that have a price, USD; None where none of them has, which is not 0."""
    return None if sums.unpriced and not sums.missed_cost_usd else sums.missed_cost_usd


def hours_per_step(period: Period) -> int:
    """How many hours a step of a series over the period has: a divisor of 24."""
    hours = max(1, (period.until - period.since) // timedelta(hours=1))
    return next((step for step in (1, 2, 3, 4, 6, 8, 12) if hours / step <= _STEPS), 24)
