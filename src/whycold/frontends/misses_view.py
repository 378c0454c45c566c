"""The list of misses in a terminal: by day, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.text import Text

from whycold.core.diagnosis import Diagnosis, Found
from whycold.core.numbers import exact, usd
from whycold.frontends.palette import SOFT
from whycold.frontends.printable import row_of
from whycold.frontends.reporting_edit import edit_line
from whycold.frontends.reporting_look import Look
from whycold.frontends.reporting_words import VERDICTS, reason_colour
from whycold.query import main_edit
from whycold.store.records import Page

__all__ = ["ID", "listing"]

ID = 16
"""Characters of an id that are shown: all of ours, and enough of any other to find it by."""

_TOKENS, _COST, _CAUSE, _ORIGIN = 10, 9, 24, 54
_WIDE = 96
_INDENT = "  "


def listing(page: Page, words: str, look: Look) -> Iterator[Text]:
    """The rows of the list, and how to go on; ``words`` name the filters."""
    yield Text()
    if words:
        yield Text(words, style=SOFT)
    cost = max([_COST, *(len(usd(kept.told.missed_cost_usd)) + 1 for kept in page.items)])
    for day, kept in groupby(page.items, lambda kept: kept.told.at.date()):
        title = f"{day:%a} {day.day} {day:%b %Y} UTC"
        head = Text(title.ljust(look.width - _TOKENS - cost), style="bold")
        yield head.append(f"{'tokens':>{_TOKENS}}{'cost':>{cost}}", style=f"{SOFT} not bold")
        for one in kept:
            yield from _miss(one.told, cost, look)
        yield Text()
    shown = f"{len(page.items)} miss{'' if len(page.items) == 1 else 'es'}"
    more = f"; older ones: --cursor {page.next}" if page.next else ""
    yield Text(f"{shown}{more}. One of them in full: whycold explain ID", style=SOFT)


def _miss(told: Diagnosis, cost: int, look: Look) -> Iterator[Text]:
    """One miss; ``cost`` is the width of that column."""
    wide = look.width >= _WIDE
    edit = main_edit(told)
    colour, verdict = VERDICTS[told.verdict]
    line = Text(no_wrap=True).append("■ ", style=reason_colour(told.reason))
    line.append(f"{told.at:%H:%M:%S}  ").append(f"{verdict:<9}", style=colour)
    cause = row_of(told.cause or "unexplained", _CAUSE)
    room = look.width - line.cell_len - _TOKENS - cost - (len(cause) + 2 if wide else 0)
    line.append(cause if edit is None else row_of(edit.path, room), style="bold")
    if wide and edit is not None:
        line.append(f"  {cause}", style=SOFT)
    line.pad_right(look.width - _TOKENS - cost - line.cell_len)
    yield line.append(f"{exact(told.missed_tokens):>{_TOKENS}}{usd(told.missed_cost_usd):>{cost}}")
    yield from _beneath(told, edit, look)


def _beneath(told: Diagnosis, edit: Found | None, look: Look) -> Iterator[Text]:
    """The words that changed, and whose call it was: on one row where there is room for both."""
    if look.width >= _WIDE:
        origin = _origin(told, _ORIGIN)
        line = Text(_INDENT).append_text(_words(told, edit, look.width - len(origin) - 4, look))
        line.pad_right(look.width - len(origin) - line.cell_len)
        yield line.append(origin, style=SOFT)
        return
    cause = f"{row_of(told.cause or '', _CAUSE)} · " if edit is not None else ""
    origin = _origin(told, look.width - len(_INDENT) - len(cause))
    yield Text.assemble(_INDENT, (cause + origin, SOFT), no_wrap=True)
    words = _words(told, edit, look.width - len(_INDENT), look)
    if words.plain:
        yield Text(_INDENT, no_wrap=True).append_text(words)


def _words(told: Diagnosis, edit: Found | None, room: int, look: Look) -> Text:
    """The edit itself; where there is none, or its text is not kept, what is said of it."""
    words = edit_line(edit, room, look) if edit is not None else None
    return words or Text(row_of(told.title or "", room), style=SOFT)


def _origin(told: Diagnosis, room: int) -> str:
    """Model, session or project, agent, and the id, which is never cut."""
    session = told.session or told.project
    if session is not None and len(session) > ID:
        session = session[:8]
    id = row_of(told.call, ID)
    who = " · ".join(name for name in (told.model, session, told.agent) if name)
    return f"{row_of(who, max(8, room - len(id) - 3))} · {id}" if who else id
