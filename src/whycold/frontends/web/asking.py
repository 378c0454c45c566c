"""A question to a page: what its address says, and whom to ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from whycold.errors import UserError
from whycold.frontends.filters import FILTERS, Asked, read_asked
from whycold.frontends.web.about import Dashboard
from whycold.frontends.web.address import LOOKS, Address
from whycold.query import Period, Query
from whycold.store.answers import Filters

__all__ = ["Ask", "NotThere", "one_of", "read_address"]

_RANGE = {"24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days", "90d": "Last 90 days"}


_CHOICE = TypeVar("_CHOICE", bound=StrEnum)


class NotThere(UserError):
    """The thing that was asked for is not kept, or never was."""


@dataclass(frozen=True, slots=True)
class Ask:
    """``ids`` are the parts of the path in braces; ``now`` is when it was asked, UTC."""

    query: Query
    about: Dashboard
    asked: Asked
    address: Address
    ids: Mapping[str, str]
    now: datetime

    @property
    def period(self) -> Period:
        """The period that the picker shows: the last seven days when none was said."""
        return self.asked.period

    @property
    def within(self) -> Filters:
        """The filters, bounded by the period."""
        return replace(self.asked.filters, since=self.period.since, until=self.period.until)

    def word(self, name: str, default: str = "") -> str:
        """One of the page's own words."""
        return self.address.words.get(name, default)

    def one_of(self, name: str, choices: Iterable[str]) -> str:
        """One of the page's own words out of a closed set, the first by default. UserError for
        any other.
        """
        known = tuple(choices)
        given = self.word(name) or known[0]
        if given not in known:
            raise UserError(f"{name} {given!r}: there are {', '.join(known)}")
        return given

    @property
    def length(self) -> timedelta:
        """Of the period."""
        return self.period.until - self.period.since

    @property
    def shortcuts(self) -> dict[str, str]:
        """Lengths of time to choose from, and what they are called."""
        return _RANGE

    @property
    def shortcut(self) -> str | None:
        """The length of time that was chosen by name."""
        if "until" in self.address.words:
            return None
        since = self.address.words.get("since", "7d")
        return since if since in _RANGE else None


def one_of(kind: type[_CHOICE], name: str, given: str | None) -> _CHOICE | None:
    """A word out of a closed set; None when none was given. UserError for any other."""
    if not given:
        return None
    try:
        return kind(given)
    except ValueError:
        raise UserError(f"{name} {given!r}: there are {', '.join(kind)}") from None


def read_address(
    path: str, given: Iterable[tuple[str, str]], own: Iterable[str], now: datetime
) -> tuple[Address, Asked]:
    """The state of a page, and the filters in it.

    Raises UserError for names that mean nothing there (their filter would be missed in silence)
    and for values that cannot be meant.
    """
    words = dict(given)
    known = (*FILTERS, *own)
    for name in words:
        if name not in (*known, *LOOKS):
            raise UserError(f"there is no parameter {name!r}; there are {', '.join(known)}")
    # a form sends its empty fields along
    for name in ("since", "until"):
        if not words.get(name, "x"):
            del words[name]
    state = {name: words[name] for name in (*known, *LOOKS) if name in words}
    return Address(path, state), read_asked(state, now)
