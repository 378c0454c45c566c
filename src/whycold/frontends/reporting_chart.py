"""Missed tokens over time: a bar per step, stacked by reason, to an eighth of a cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.text import Text

from whycold.core.numbers import short
from whycold.frontends.palette import FAINT, SOFT
from whycold.frontends.reporting_look import LEVELS, Look
from whycold.frontends.reporting_words import reason_colour
from whycold.query import Report

__all__ = ["Column", "Columns", "chart", "columns"]

_AXIS = 6
_WIDEST_BAR = 4
_NICE = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
_BLANK = ""
_Piece = tuple[str, int]
"""A colour and how many eighths of a cell it takes."""


@dataclass(frozen=True, slots=True)
class Column:
    """Missed tokens per reason from ``start`` on."""

    start: datetime
    missed: Mapping[str, int]

    @property
    def total(self) -> int:
        """The height of the bar."""
        return sum(self.missed.values())


@dataclass(frozen=True, slots=True)
class Columns:
    """Bars of ``hours`` each, with no step left out, in a room of so many cells."""

    items: tuple[Column, ...]
    hours: int
    cells: int

    @property
    def bar(self) -> int:
        """Cells that a bar takes, the gap behind it included."""
        return max(1, min(_WIDEST_BAR, self.cells // max(1, len(self.items))))


def columns(report: Report, width: int) -> Columns:
    """The steps of a report, put together until they fit ``width`` cells."""
    step = timedelta(hours=report.steps)
    midnight = report.period.since.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight + (report.period.since - midnight) // step * step
    count = -(-(report.period.until - first) // step)
    cells = width - _AXIS
    together = -(-count // max(cells, 1))
    missed: list[dict[str, int]] = [{} for _ in range(-(-count // together))]
    for point in report.series:
        at = (point.start - first) // step // together
        if point.value and 0 <= at < len(missed):
            sums = missed[at]
            sums[point.value] = sums.get(point.value, 0) + point.totals.missed_tokens
    items = tuple(Column(first + at * together * step, m) for at, m in enumerate(missed))
    return Columns(items, together * report.steps, cells)


def chart(shown: Columns, reasons: Sequence[str], height: int, look: Look) -> Iterator[Text]:
    """The rows, top first; ``reasons`` are stacked from the bottom up. Without colours a bar
    shows its whole only.
    """
    most = _nice(max(c.total for c in shown.items))
    stacks = [_stack(column, reasons, most, height, look) for column in shown.items]
    width = shown.bar
    for row in range(height - 1, -1, -1):
        line = Text(_label(row, height, most), style=FAINT, no_wrap=True)
        for stack in stacks:
            char, style = _cell(stack, row)
            solid = width if width < 3 else width - 1
            line.append(char * solid, style=style).append(" " * (width - solid))
        yield line
    yield _ticks(shown)


def _nice(most: int) -> int:
    """The least round number from ``most`` on."""
    size = 10 ** (len(str(most)) - 1)
    return next(int(n * size) for n in _NICE if n * size >= most)


def _label(row: int, height: int, most: int) -> str:
    """What stands beside a row: the top of the scale, and its half where a row ends there."""
    value = most if row == height - 1 else most // 2 if 2 * (row + 1) == height else None
    return f"{'' if value is None else _axis(value):>{_AXIS - 1}} "


def _axis(value: int) -> str:
    text = short(value)
    number, unit = (text[:-1], text[-1]) if text[-1].isalpha() else (text, "")
    return (number.rstrip("0").rstrip(".") if "." in number else number) + unit


def _stack(
    column: Column, reasons: Sequence[str], most: int, height: int, look: Look
) -> list[_Piece]:
    """The bar from the bottom up, in eighths of a cell."""
    parts = [(reason_colour(reason), column.missed.get(reason, 0)) for reason in reasons]
    if not look.colour:
        parts = [(SOFT, column.total)]
    out: list[_Piece] = []
    done = level = 0
    for colour, tokens in parts:
        done += tokens
        top = max(round(done * height * 8 / most), 1 if done else 0)
        if top > level:
            out.append((colour, top - level))
            level = top
    return out


def _cell(stack: Sequence[_Piece], row: int) -> tuple[str, str]:
    """The character of one cell and its colours: at most two pieces can be told apart in it."""
    pieces = _within(stack, 8 * row)
    while len(pieces) > 2:
        at = min(range(len(pieces) - 1), key=lambda i: pieces[i][1])
        to = at - 1 if at else 1
        pieces[to] = (pieces[to][0], pieces[to][1] + pieces[at][1])
        del pieces[at]
    colour, eighths = pieces[0]
    if not colour:
        return " ", ""
    if len(pieces) == 1:
        return LEVELS[7], colour
    above = pieces[1][0]
    return LEVELS[eighths - 1], f"{colour} on {above}" if above else colour


def _within(stack: Sequence[_Piece], floor: int) -> list[_Piece]:
    """What of the bar stands in the cell above ``floor``, filled up with blank."""
    pieces: list[_Piece] = []
    level, left = 0, 8
    for colour, eighths in stack:
        part = min(level + eighths, floor + 8) - max(level, floor)
        level += eighths
        if part > 0:
            pieces.append((colour, part))
            left -= part
    return [*pieces, (_BLANK, left)] if left else pieces


def _ticks(shown: Columns) -> Text:
    """Days below the bars; hours where there are two days at most, months where there are years."""
    width, line, room = shown.bar, " " * _AXIS, 0
    long, years = (shown.hours * len(shown.items) > hours for hours in (48, 24 * 366))
    for place, column in enumerate(shown.items):
        at = _AXIS + place * width
        words = f"{column.start:%a} {column.start.day}" if long else f"{column.start:%H:%M}"
        if shown.hours >= 24:
            words = f"{column.start:%b %Y}" if years else f"{column.start.day} {column.start:%b}"
        begins = shown.hours >= 24 or not long or column.start.hour < shown.hours
        if begins and at >= room and at + len(words) <= _AXIS + shown.cells:
            line = line.ljust(at) + words
            room = at + len(words) + 2
    return Text(line, style=FAINT, no_wrap=True)
