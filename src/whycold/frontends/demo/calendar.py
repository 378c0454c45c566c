"""The days of the demo: the week that ends at a time, and the calmer one before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

__all__ = ["Calendar"]

_WEEK = timedelta(days=7)
_SATURDAY = 5


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
