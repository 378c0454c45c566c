"""The report in a terminal: headline numbers, misses over time and by reason, where they come
from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whycold.core.numbers import exact, percent, short, usd
from whycold.frontends.palette import FAINT, GOOD, SOFT
from whycold.frontends.printable import row_of
from whycold.frontends.reporting_chart import chart, columns
from whycold.frontends.reporting_culprits import culprit_rows
from whycold.frontends.reporting_look import Look, bar
from whycold.frontends.reporting_words import (
    change,
    length_text,
    period_text,
    points,
    reason_colour,
    reason_word,
)
from whycold.query import Culprit, Report, known_cost
from whycold.store.answers import Totals

__all__ = ["panel"]

_SIDE_BY_SIDE = 96
_WIDE = 76
_WHY = 33
_GAP = 2
_MOST_MODELS = 6
_INPUT = {"read": GOOD, "written": "#d9a441", "uncached": SOFT}


def panel(
    report: Report, culprits: Sequence[Culprit], asked: str, look: Look
) -> Iterator[RenderableType]:
    """The parts of the page from top to bottom; ``asked`` names the filters."""
    yield Text()
    yield from _title(report, asked, look)
    yield Text()
    yield _headline(report, look)
    yield Text()
    if report.totals.misses:
        yield from _why_and_when(report, look)
        yield Text()
    yield _models(report, look)
    if culprits:
        yield Text()
        yield from culprit_rows(culprits, report, look)
    if notes := list(_notes(report)):
        yield Text()
        yield from (Text(note, style=SOFT) for note in notes)


def _title(report: Report, asked: str, look: Look) -> Iterator[Text]:
    """The period, what was asked for, and what it is compared with: on one row where they fit."""
    parts = [Text(period_text(report.period), style="bold"), Text(asked)]
    earlier = report.previous
    if earlier is not None and earlier.totals.calls:
        parts.append(Text(f"against the {length_text(report.period)} before", style=SOFT))
    line = Text("  ").join(part for part in parts if part)
    if line.cell_len <= look.width:
        yield line
    else:
        yield from (part for part in parts if part)


def _headline(report: Report, look: Look) -> Table:
    """Five numbers, each with its change and what it was before."""
    now, then = report.totals, report.previous.totals if report.previous else Totals()
    reads, inputs = now.cache_read, now.reporting_input
    was = percent(then.cache_read, then.reporting_input)
    cells = [
        ("Read ratio", percent(reads, inputs), points(now.read_ratio, then.read_ratio), was),
        _number("Read tokens", reads, then.cache_read, good=True),
        _number("Misses", now.misses, then.misses, good=False),
        _number("Missed tokens", now.missed_tokens, then.missed_tokens, good=False),
        (
            "Cost of misses",
            usd(known_cost(now)),
            change(now.missed_cost_usd, then.missed_cost_usd, good=False),
            usd(known_cost(then)),
        ),
    ]
    per_row = 5 if look.width >= _WIDE else 3
    table = Table.grid(expand=True)
    for _ in range(per_row):
        table.add_column(ratio=1, no_wrap=True)
    for start in range(0, len(cells), per_row):
        group = cells[start : start + per_row]
        if start:
            table.add_row()
        table.add_row(*(Text(name, style=SOFT) for name, *_ in group))
        table.add_row(*(Text(value, style="bold") for _, value, *_ in group))
        if then.calls:
            table.add_row(*(how + Text(old, style=FAINT) for *_, how, old in group))
    return table


def _number(
    name: str, now: int | None, then: int | None, *, good: bool
) -> tuple[str, str, Text, str]:
    return name, short(now), change(now, then, good=good), short(then)


def _why_and_when(report: Report, look: Look) -> Iterator[RenderableType]:
    beside = look.width >= _SIDE_BY_SIDE
    why = _why(report, _WHY if beside else look.width, look)
    room = look.width - _WHY - _GAP if beside else look.width
    when = _when(report, room, len(why) - 2 if beside else 6, look)
    if not beside or not when:
        yield from (*when, *([Text()] if when else []), *why)
        return
    table = Table.grid(padding=(0, _GAP, 0, 0))
    table.add_column(width=room, no_wrap=True)
    table.add_column(width=_WHY, no_wrap=True)
    for row in range(max(len(when), len(why))):
        table.add_row(
            when[row] if row < len(when) else Text(), why[row] if row < len(why) else Text()
        )
    yield table


def _when(report: Report, width: int, height: int, look: Look) -> list[Text]:
    """Missed tokens over time; nothing where there are too few steps to see anything."""
    if not report.totals.missed_tokens:
        return []
    shown = columns(report, width)
    if len(shown.items) < 3:
        return []
    step = "hour" if shown.hours == 1 else f"{shown.hours} hours"
    if shown.hours % 24 == 0:
        step = "day" if shown.hours == 24 else f"{shown.hours // 24} days"
    title = Text("Missed tokens", style="bold").append(f"  per {step}", style=f"{SOFT} not bold")
    return [title, *chart(shown, list(report.by_reason), max(4, height), look)]


def _why(report: Report, width: int, look: Look) -> list[Text]:
    """A ranked bar per reason, and below them how the input was made up."""
    longest = max(len(reason_word(reason)) for reason in report.by_reason)
    numbers = [8, 7] if width <= _WHY else [8, 8, 9]
    room = width - longest - 4 - sum(numbers)
    most = max(t.missed_tokens for t in report.by_reason.values())
    head = Text("Why".ljust(longest + room + 4), style="bold")
    for name, cells in zip(("tokens", "misses", "cost"), numbers, strict=False):
        head.append(f"{name:>{cells}}", style=f"{SOFT} not bold")
    rows = [head]
    for reason, totals in report.by_reason.items():
        colour = reason_colour(reason)
        row = Text.assemble(("■ ", colour), f"{reason_word(reason):<{longest}}  ")
        row.append_text(bar(totals.missed_tokens, most, room, colour))
        row.pad_right(longest + room + 4 - len(row))
        values = (
            short(totals.missed_tokens),
            short(totals.misses),
            usd(known_cost(totals)),
        )
        for value, cells in zip(values, numbers, strict=False):
            row.append(f"{value:>{cells}}")
        rows.append(row)
    return [*rows, Text(), *_input(report.totals, width, look)]


def _input(totals: Totals, width: int, look: Look) -> list[Text]:
    parts = {
        "read": totals.cache_read,
        "written": totals.cache_write,
        "uncached": totals.uncached,
    }
    known = {name: tokens for name, tokens in parts.items() if tokens}
    whole = sum(known.values())
    if not whole:
        return []
    head = Text("Input", style="bold").append(
        f"{short(whole):>{width - 5}}", style=f"{SOFT} not bold"
    )
    strip, legends, done = Text(), [Text()], 0
    for name, tokens in known.items():
        start, done = done, done + tokens
        cells = round(done * width / whole) - round(start * width / whole)
        # three tones where there are no colours
        char = "█" if look.colour else "█▓░"[list(parts).index(name)]
        strip.append(char * cells, style=_INPUT[name])
        item = Text("■ ", style=_INPUT[name])
        item.append(f"{name} {percent(tokens, whole)}", style=SOFT)
        gap = "  " if legends[-1] else ""
        if legends[-1].cell_len + len(gap) + item.cell_len > width:
            legends.append(item)
        else:
            legends[-1].append(gap).append_text(item)
    return [head, strip, *legends]


def _models(report: Report, look: Look) -> Table:
    wide = look.width >= _WIDE
    heads = ["calls", "read ratio", "read", "misses", "missed", "cost"]
    table = _columns("By model", heads if wide else [heads[1], *heads[3:]], look)
    for model, totals in list(report.by_model.items())[:_MOST_MODELS]:
        was = report.previous.by_model.get(model) if report.previous else None
        ratio = points(totals.read_ratio, was.read_ratio) if wide and was else Text()
        values = [
            Text(short(totals.calls)),
            ratio + Text(percent(totals.cache_read, totals.reporting_input)),
            Text(short(totals.cache_read)),
            Text(short(totals.misses)),
            Text(short(totals.missed_tokens)),
            Text(usd(known_cost(totals))),
        ]
        name = row_of(model or "not named", look.width // 2)
        table.add_row(Text(name), *(values if wide else [values[1], *values[3:]]))
    if (more := len(report.by_model) - _MOST_MODELS) > 0:
        table.add_row(Text(f"and {more} more", style=SOFT))
    return table


def _columns(title: str, heads: Sequence[str], look: Look) -> Table:
    table = Table(box=None, show_edge=False, pad_edge=False, padding=(0, 0, 0, 2), width=look.width)
    table.add_column(Text(title, style="bold"), ratio=1, no_wrap=True, overflow="ellipsis")
    for head in heads:
        table.add_column(Text(head, style=f"{SOFT} not bold"), justify="right", no_wrap=True)
    return table


def _notes(report: Report) -> Iterator[str]:
    """What the numbers leave out."""
    now = report.totals
    if silent := now.calls - now.reporting:
        given = short((now.input or 0) - now.reporting_input)
        stake = f", about {short(now.at_stake_tokens)} of them at stake behind an edit"
        yield (
            f"Not reported: {exact(silent)} of {exact(now.calls)} calls say nothing of cache reads "
            f"and count in no ratio ({given} input tokens{stake if now.at_stake_tokens else ''})."
        )
    if now.unpriced:
        number = exact(now.unpriced)
        yield f"No price is known for {number} of the misses; the cost leaves them out."
