"""Which calls are meant, as people say it: the same words on the command line and in an address."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

import click

from whycold import causes
from whycold.core.diagnosis import Reason, Verdict
from whycold.errors import UserError
from whycold.query import Period
from whycold.store.answers import Filters

__all__ = ["FILTERS", "MOST_ITEMS", "Asked", "filter_options", "read_asked", "read_time"]

FILTERS: Mapping[str, str] = {
    "since": "From then on: ISO time (UTC unless it says otherwise), or back from now: 7d, 24h.",
    "until": "Up to then, likewise.",
    "project": "Calls of this project.",
    "model": "Calls to this model.",
    "session": "Calls of this session.",
    "agent": "Calls of this agent.",
    "release": "Calls of this release of the client.",
    "provider": "Calls that this provider answered.",
    "reason": "Misses for this reason, e.g. tools_changed.",
    "cause": "Misses of this cause, e.g. tool-edited.",
}
"""Every filter and what it does; an empty value asks for calls where it is absent."""

MOST_ITEMS = 1000
"""Items on one page of a list."""
_ITEMS = 50
_DEFAULT = timedelta(days=7)
# No call is older or newer; between them no sum of times overflows.
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_BACK = re.compile(r"([0-9]{1,5})\s*([smhdw])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_COMMAND = TypeVar("_COMMAND", bound=Callable[..., Any])
_CHOICE = TypeVar("_CHOICE", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's filters.

    ``filters`` are bounded in time only where that was asked for; ``period`` always is: the last
    seven days when nothing was said. ``cursor`` is what an earlier page gave as its next.
    """

    filters: Filters
    period: Period
    cursor: str | None = None
    limit: int = _ITEMS


def read_asked(given: Mapping[str, str | None], now: datetime) -> Asked:
    """Filters from words; names that are no filter are left alone, None counts as not given.

    Raises UserError for a value that cannot be meant.
    """
    since = _time("since", given.get("since"), now)
    until = _time("until", given.get("until"), now)
    end = until or now
    if since is not None and since >= end:
        raise UserError(f"since {given['since']} is not before until {given.get('until') or 'now'}")
    filters = Filters(
        since=since,
        until=until,
        project=given.get("project"),
        model=given.get("model"),
        provider=given.get("provider"),
        session=given.get("session"),
        agent=given.get("agent"),
        release=given.get("release"),
        reason=_one_of(Reason, "reason", given.get("reason")),
        cause=_cause(given.get("cause")),
        verdict=_one_of(Verdict, "verdict", given.get("verdict")),
    )
    period = Period(since if since is not None else end - _DEFAULT, end)
    return Asked(filters, period, given.get("cursor") or None, _limit(given.get("limit")))


def read_time(text: str, now: datetime) -> datetime:
    """``7d``, ``24h`` and their like before ``now``, or an ISO time; UTC. Raises UserError."""
    words = text.strip()
    if words == "now":
        return now
    if back := _BACK.match(words):
        return max(now - timedelta(**{_UNITS[back[2]]: int(back[1])}), _EARLIEST)
    try:
        at = datetime.fromisoformat(words)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return min(max(at, _EARLIEST), _LATEST)
    except (ValueError, OverflowError):
        raise UserError(
            f"{text!r} is no time: give 7d, 24h, 30m, or an ISO time such as 2026-11-23T09:00"
        ) from None


def _time(name: str, text: str | None, now: datetime) -> datetime | None:
    if not text:
        return None
    try:
        return read_time(text, now)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None


def _one_of(kind: type[_CHOICE], name: str, text: str | None) -> _CHOICE | str | None:
    if not text:
        return text
    try:
        return kind(text.replace("-", "_"))
    except ValueError:
        raise UserError(f"{name} {text!r}: there are {', '.join(kind)}") from None


def _cause(text: str | None) -> str | None:
    codes = [cause.code for cause in causes.ALL]
    if not text or text in codes:
        return text
    near = get_close_matches(text, codes, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "docs/causes.md lists them"
    raise UserError(f"cause {text!r}: no cause has that code; {hint}")


def _limit(text: str | None) -> int:
    if not text:
        return _ITEMS
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_ITEMS:
        raise UserError(f"limit {text!r}: give a number from 1 to {MOST_ITEMS}")
    return int(text)


def filter_options(command: _COMMAND) -> _COMMAND:
    """Adds every filter as an option of a command; they come as keywords, for ``read_asked``."""
    for name in reversed(list(FILTERS)):
        command = click.option(f"--{name}", metavar=name[0].upper(), help=FILTERS[name])(command)
    return command
