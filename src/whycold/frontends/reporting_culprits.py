"""What cost most, two lines each: where, since when and how much; then the words themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from rich.text import Text

from whycold.core.numbers import short, usd
from whycold.frontends.palette import BAD, GOOD, SOFT
from whycold.frontends.printable import row_of
from whycold.frontends.reporting_edit import edit_line
from whycold.frontends.reporting_look import Look, sparkline
from whycold.frontends.reporting_words import reason_colour
from whycold.query import Culprit, Period, Report, State, known_cost

__all__ = ["culprit_rows"]

_COLUMNS = {"": 11, "since": 16, "misses": 8, "tokens": 9, "cost": 9}
_FEWER = ("misses", "tokens", "cost")
_NARROW = ("tokens", "cost")
_WIDE, _MIDDLE = 96, 76
_ID = 8
"""Characters of an id: enough to tell some thousands apart."""
_DAYS = 14
"""Characters of a sparkline."""


def culprit_rows(
    culprits: Sequence[Culprit], report: Report, look: Look, *, ids: bool = False
) -> Iterator[Text]:
    """The table, row by row. What a narrow one has no column for stands before the words, and the
    beginning of each id if that is asked for.
    """
    wide = look.width >= _WIDE
    days = max(len(_days(culprit, report.period)) for culprit in culprits) if wide else 0
    names = _COLUMNS if wide else _FEWER if look.width >= _MIDDLE else _NARROW
    shown = {name: _COLUMNS[name] for name in names}
    costs = (len(usd(known_cost(culprit.row))) + 1 for culprit in culprits)
    shown["cost"] = max(shown["cost"], *costs)
    room = look.width - sum(shown.values()) - (days + 2 if days > 2 else 0)
    head = Text("Culprits".ljust(room), style="bold", no_wrap=True)
    for name, cells in shown.items():
        head.append(_placed(name, cells, name), style=f"{SOFT} not bold")
    yield head
    for culprit in culprits:
        values = _values(culprit, report)
        line = Text(no_wrap=True).append("■ ", style=reason_colour(culprit.row.reason))
        line.append(row_of(_place(culprit), room - 3), style="bold")
        line.pad_right(room - line.cell_len)
        for name, cells in shown.items():
            value = values[name]
            line.append(_placed(value.plain, cells, name), style=value.style)
        if days > 2:
            line.append(f"  {sparkline(_days(culprit, report.period))}", style=SOFT)
        yield line
        first = [] if wide else [values[""], values["since"]]
        named = _named(culprit) if ids else []
        yield _words(culprit, [*named, *first, *_project(culprit, culprits)], look)


def _values(culprit: Culprit, report: Report) -> dict[str, Text]:
    row = culprit.row
    return {
        "": _state(culprit, report),
        "since": Text(_since(culprit), style=SOFT),
        "misses": Text(short(row.misses)),
        "tokens": Text(short(row.missed_tokens)),
        "cost": Text(usd(known_cost(row)), style="bold"),
    }


def _placed(text: str, cells: int, name: str) -> str:
    return f"  {text:<{cells - 2}}" if name in ("", "since") else f"{text:>{cells}}"


def _place(culprit: Culprit) -> str:
    """The path of the edit; of what is no edit, the code of its cause."""
    row = culprit.row
    return row.path if culprit.edit is not None and row.path else row.cause or "unexplained"


def _named(culprit: Culprit) -> list[Text]:
    """What to call it by, where it came back, and what it takes a week."""
    told = [Text(culprit.row.id[:_ID], style="bold")]
    if (back := culprit.row.recurred) is not None and back.release:
        told.append(Text(f"back in {row_of(back.release, 20)}", style=BAD))
    if (rate := culprit.weekly) is not None and rate.missed_cost_usd:
        told.append(Text(f"{usd(rate.missed_cost_usd)}/wk"))
    return told


def _project(culprit: Culprit, culprits: Sequence[Culprit]) -> list[Text]:
    """Whose it is, where there are several projects."""
    if len({other.row.project for other in culprits}) == 1:
        return []
    return [Text(row_of(culprit.row.project or "no project", 20), style=SOFT)]


def _words(culprit: Culprit, first: Sequence[Text], look: Look) -> Text:
    """The edit itself; where there is none or its text is not kept, what it is called."""
    line = Text("  ", no_wrap=True)
    for text in first:
        if text.plain:
            line.append_text(text).append(" · ", style=SOFT)
    room = look.width - line.cell_len
    edit = culprit.edit
    words = edit_line(edit, room, look) if edit is not None else None
    return line + (words or Text(row_of(culprit.row.title or "", room), style=SOFT))


def _state(culprit: Culprit, report: Report) -> Text:
    row, before = culprit.row, report.previous
    if culprit.state is State.regressed:
        return Text("regressed", style=BAD)
    if culprit.state is State.resolved:
        return Text("resolved", style=GOOD)
    if culprit.state is State.ignored:
        return Text("ignored", style=SOFT)
    if culprit.expected:
        return Text("expected", style=SOFT)
    # without earlier calls everything would be new
    known = before is not None and before.totals.calls
    if known and row.first_seen >= report.period.since:
        return Text("new", style=BAD)
    return Text()


def _since(culprit: Culprit) -> str:
    row = culprit.row
    first = next((release for release in row.releases if release), None)
    return row_of(first, _COLUMNS["since"] - 2) if first else f"{row.first_seen:%d %b}".lstrip("0")


def _days(culprit: Culprit, period: Period) -> list[int]:
    """Missed tokens per day of the period, or per several days of a long one."""
    first = period.since.date()
    count = ((period.until - timedelta(microseconds=1)).date() - first).days + 1
    together = -(-count // _DAYS)
    sums = [0] * -(-count // together)
    for day in culprit.row.days:
        if 0 <= (at := (day.day - first).days // together) < len(sums):
            sums[at] += day.missed_tokens
    return sums
