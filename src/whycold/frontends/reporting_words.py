"""Words and small texts that the report, the list of misses and a call's page have in common."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from rich.text import Text

from whycold.core.diagnosis import Reason, Verdict
from whycold.core.numbers import span
from whycold.frontends import shifts
from whycold.frontends.palette import BAD, FAINT, GOOD, REASONS, SOFT
from whycold.query import Period

__all__ = [
    "VERDICTS",
    "change",
    "length_text",
    "period_text",
    "points",
    "reason_colour",
    "reason_word",
    "stamp",
]

VERDICTS = {
    Verdict.hit: (GOOD, "hit"),
    Verdict.partial: (BAD, "partial"),
    Verdict.miss: (BAD, "miss"),
    Verdict.first: (SOFT, "first"),
    Verdict.uncacheable: (SOFT, "uncacheable"),
    Verdict.unknown: (SOFT, "not reported"),
}
"""A verdict in a column: its colour and one word."""


def reason_word(reason: str | None) -> str:
    """``Messages`` for ``messages_changed``; other reasons as they are called."""
    if not reason:
        return "None"
    return reason.removesuffix("_changed").replace("_", " ").capitalize()


def reason_colour(reason: str | None) -> str:
    """The one colour of a reason."""
    try:
        return REASONS[Reason(reason or "")]
    except ValueError:
        return FAINT


def stamp(at: datetime, *, year: bool = False) -> str:
    """``16 Nov 09:00``, or with the year ``16 Nov 2026 09:00``."""
    return f"{at.day} {at:%b %Y %H:%M}" if year else f"{at.day} {at:%b %H:%M}"


def period_text(period: Period) -> str:
    """``16 Nov 09:00 to 23 Nov 2026 09:00 UTC``."""
    same_year = period.since.year == period.until.year
    start = stamp(period.since, year=not same_year)
    return f"{start} to {stamp(period.until, year=True)} UTC"


def length_text(period: Period) -> str:
    """``7 days``, ``36 hours``, or the two largest units of a period's length."""
    seconds = (period.until - period.since).total_seconds()
    for size, unit in ((86_400, "day"), (3_600, "hour")):
        count, rest = divmod(seconds, size)
        if count and not rest:
            return f"{count:.0f} {unit}{'' if count == 1 else 's'}"
    return span(seconds)


def change(now: Decimal | int | None, then: Decimal | int | None, *, good: bool) -> Text:
    """By how much a number grew or shrank; ``good`` says whether more of it is good. Empty where
    there is nothing to compare with.
    """
    return _arrow(shifts.change(now, then, good=good))


def points(now: float | None, then: float | None) -> Text:
    """By how many percentage points a ratio, of which more is good, changed."""
    return _arrow(shifts.points(now, then))


def _arrow(shift: shifts.Shift | None) -> Text:
    if shift is None:
        return Text()
    if shift.good is None:
        return Text(f"{shift.arrow} ", style=SOFT)
    return Text(f"{shift.arrow} {shift.size} ", style=GOOD if shift.good else BAD)
