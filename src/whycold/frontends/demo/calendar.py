"""The days of the demo: the week that ends at a time, the calmer one before it, the releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

__all__ = ["Calendar"]

_WEEK = timedelta(days=7)
_SATURDAY = 5
_RELEASES: Mapping[str, tuple[int, float]] = {
    "helpdesk 1.22.0": (0, 10),
    "review-action 1.5.0": (0, 0),
    "triage 0.14.0": (1, 9),
    "coder 3.9.0 in storefront": (1, 11.5),
    "coder 3.9.0 in payments": (2, 9),
    "evals 2.6.0": (2, 0),
    "helpdesk 1.22.1": (2, 15),
    "handbook": (0, 8.5),
    "notebook 5.1.0": (2, 0),
}
"""On which working day of the week, and at what hour of it, something is there at first."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Two weeks up to ``until``, UTC."""

    until: datetime

    @property
    def since(self) -> datetime:
        """When the first week begins."""
        return self.until - 2 * _WEEK

    @property
    def days(self) -> list[date]:
        """Every date, the first and the last one in part."""
        first = self.since.date()
        return [first + timedelta(days=n) for n in range((self.until.date() - first).days + 1)]

    @property
    def workdays(self) -> list[date]:
        """At least four, all of them whole, in the week that counts."""
        today = self.until.date()
        days = (today - timedelta(days=n) for n in range(6, 0, -1))
        return [day for day in days if self.is_workday(day)]

    def is_workday(self, day: date) -> bool:
        """Whether people are at work."""
        return day.weekday() < _SATURDAY

    def is_calm(self, day: date) -> bool:
        """Whether it belongs to the week before."""
        return day <= (self.until - _WEEK).date()

    def at(self, day: date, hours: float) -> datetime:
        """A time of a day."""
        return datetime.combine(day, time(), UTC) + timedelta(hours=hours)

    def within(self, at: datetime) -> bool:
        """Whether a time belongs to the two weeks."""
        return self.since <= at < self.until

    def reached(self, release: str, at: datetime) -> bool:
        """Whether a release is out at a time."""
        day, hours = _RELEASES[release]
        return at >= self.at(self.workdays[day], hours)
