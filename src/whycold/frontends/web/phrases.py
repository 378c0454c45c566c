"""Numbers, times and names as the pages show them: the filters and functions of the templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from markupsafe import Markup

from whycold.core.diagnosis import Found, Reason
from whycold.core.numbers import exact, percent, short, span, usd
from whycold.core.prompt import Section
from whycold.frontends.diagnosis_json import time_text
from whycold.frontends.printable import clipped, printable
from whycold.frontends.reporting_edit import shared_ends
from whycold.frontends.reporting_words import length_text, period_text, reason_word, stamp
from whycold.frontends.web.address import place
from whycold.frontends.web.headline import headline
from whycold.query import Period, known_cost

__all__ = ["FILTERS", "GLOBALS", "Edit", "colour", "edit_of", "line_of"]

_ABSENT = "–"
_LEAD, _SIDE = 40, 120
_MOVED = "-reordered"
_COLOURS = {reason.value: reason.value.removesuffix("_changed") for reason in Reason}


class Edit:
    """An edit in one line: what stood before it, ``went``, ``came``, and what stood behind it."""

    def __init__(self, lead: str, went: str, came: str, trail: str) -> None:
        self.lead, self.went, self.came, self.trail = lead, went, came, trail


def edit_of(found: Found | None) -> Edit | None:
    """The words that changed; None when there are none or their text is not kept."""
    if found is None or not (found.before or found.after):
        return None
    before, after = found.before, found.after
    head, tail = shared_ends(before, after)
    lead = before[:head]
    return Edit(
        printable(lead if len(lead) <= _LEAD else f"…{lead[-_LEAD:]}"),
        clipped(printable(before[head : len(before) - tail]), _SIDE),
        clipped(printable(after[head : len(after) - tail]), _SIDE),
        printable(before[len(before) - tail :]),
    )


def line_of(found: Found | None) -> Edit | None:
    """The words that changed, where they say more than the sentence about them: of blocks that
    came, went or moved, that says it better.
    """
    if found is None or not (found.before and found.after) or found.cause.endswith(_MOVED):
        return None
    return edit_of(found)


def colour(name: str | None) -> str:
    """The class that carries the colour of a reason or a section."""
    known = _COLOURS.get(name or "") or (name if name in set(Section) else None)
    return f"c-{(known or 'none').replace('_', '-')}"


def number(value: int | None) -> Markup | str:
    """Short, the exact number on hover."""
    text = short(value)
    if value is None:
        return _absent()
    whole = exact(value)
    return text if text == whole else _hover(text, whole)


def money(value: Decimal | None) -> Markup | str:
    """Dollars, to the cent and beyond on hover."""
    if value is None:
        return _absent("no price is known")
    text, whole = usd(value), f"${value.normalize():,f}"
    return text if text == whole else _hover(text, whole)


def ratio(part: int | None, whole: int | None) -> Markup | str:
    """``68.7%``, the two numbers on hover."""
    text = percent(part, whole)
    if text == "-":
        return _absent()
    return _hover(text, f"{exact(part)} of {exact(whole)}")


def moment(at: datetime, now: datetime | None = None) -> Markup:
    """``16 Nov 09:00``, with ``now`` how long ago instead; the exact time on hover."""
    text = stamp(at) if now is None else ago(at, now)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        time_text(at), f"{at:%Y-%m-%d %H:%M:%S} UTC", text
    )


def ago(at: datetime, now: datetime) -> str:
    """``5 min ago``: the largest unit."""
    seconds = (now - at).total_seconds()
    if seconds < 1:
        return "now"
    words = span(seconds).split(" ")
    return f"{words[0]} {words[1]} ago"


def plural(count: int, one: str, many: str = "") -> str:
    """``1 miss``, ``2 misses``."""
    return f"{exact(count)} {one if count == 1 else many or one + 's'}"


def entry(at: datetime) -> str:
    """A time as a field of a form holds it; its seconds are left out."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}"


def entry_after(at: datetime) -> str:
    """The next whole minute, likewise."""
    return entry(at + timedelta(minutes=1))


def width(part: float | Decimal | None, whole: float | Decimal | None) -> str:
    """A share as an attribute of a drawing: what is not nothing can be seen."""
    if not part or not whole:
        return "0"
    return f"{max(100 * float(part) / float(whole), 0.6):.2f}%"


def days(length: timedelta) -> str:
    """``5 min``, ``3 d 4 h``."""
    return span(length.total_seconds())


def before(period: Period) -> str:
    """``the 7 days before``, ``the day before``: what a period is compared with."""
    return f"the {length_text(period).removeprefix('1 ')} before"


def sentence(text: str) -> str:
    """With a capital at its beginning and a full stop at its end."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _hover(text: str, whole: str) -> Markup:
    return Markup('<span title="{}">{}</span>').format(whole, text)


def _absent(why: str = "not reported") -> Markup:
    return Markup('<span class="faint" title="{}">{}</span>').format(why, _ABSENT)


FILTERS: Mapping[str, Callable[..., object]] = {
    "ago": ago,
    "before": before,
    "colour": colour,
    "edit": edit_of,
    "entry": entry,
    "entry_after": entry_after,
    "exact": exact,
    "headline": headline,
    "lasting": days,
    "length_of": length_text,
    "moment": moment,
    "money": money,
    "number": number,
    "period": period_text,
    "printable": printable,
    "reason": reason_word,
    "sentence": sentence,
    "short": short,
    "stamp": stamp,
    "usd": usd,
}
"""What templates may put behind a value."""

GLOBALS: Mapping[str, Callable[..., object]] = {
    "cost_of": known_cost,
    "place": place,
    "plural": plural,
    "ratio": ratio,
    "width": width,
}
