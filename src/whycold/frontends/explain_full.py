"""The whole values on both sides of every edit, line by line, with what did not change folded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whycold.core.content import Json
from whycold.core.diagnosis import Diagnosis
from whycold.core.divergence import Divergence
from whycold.core.edit import Edit, find_edits
from whycold.core.numbers import exact
from whycold.core.prompt import Section
from whycold.frontends.palette import BAD, FAINT, GOOD, SECTIONS, SOFT
from whycold.frontends.printable import name_of, printable
from whycold.frontends.reporting_look import Look

__all__ = ["Value", "full_rows", "full_view", "sizes", "values"]

_CONTEXT = 2
"""Unchanged lines around a change."""
_NEAR = 80
"""Characters around a change that are kept of a long line."""
_WORTH_FOLDING = 40
_LONGEST, _MOST_OF_A_LINE = 4000, 8000
"""Characters of one side of one change, and of one line, that are shown; ``--json`` has them all.
"""
_MOST = 50
"""Values that are shown."""


@dataclass(frozen=True, slots=True)
class Value:
    """The value at a path before and after; None where there was or is none."""

    section: Section
    path: str
    before: str | None
    after: str | None


def values(told: Diagnosis, changes: Sequence[Divergence]) -> list[Value]:
    """Each changed value once, in the order in which the diagnosis tells them."""
    known = {found.path for found in told.divergences}
    out: dict[str, Value] = {}
    for change in changes:
        if change.path in known and change.path not in out:
            out[change.path] = Value(
                change.section, change.path, _side(change, old=True), _side(change, old=False)
            )
    return list(out.values())


def _side(change: Divergence, *, old: bool) -> str | None:
    text = change.old_text if old else change.new_text
    if text is not None:
        return text
    value = change.old_value if old else change.new_value
    if value is not None:
        return _readable(value)
    blocks = change.old if old else change.new
    if change.setting is not None or not blocks:
        return None
    return "\n".join(_readable(block.value) for block in blocks)


def _readable(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def full_view(found: Sequence[Value], look: Look) -> Iterator[RenderableType]:
    """Every value under its path."""
    for value in found[:_MOST]:
        yield Text()
        head = Text(no_wrap=True).append("● ", style=SECTIONS[value.section])
        head.append(name_of(value.path, 80), style="bold")
        yield head.append(f"  {sizes(value)}", style=SOFT)
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(width=3, justify="right", no_wrap=True)
        grid.add_column()
        for sign, row in full_rows(value, look):
            grid.add_row(sign, row)
        yield grid
    if (more := len(found) - _MOST) > 0:
        yield Text(f"and {exact(more)} more values: --json has them all", style=SOFT)


def sizes(value: Value) -> str:
    """How long both sides are, or that there is only one."""
    before, after = value.before, value.after
    if before is None:
        return f"added, {exact(len(after or ''))} characters"
    if after is None:
        return f"removed, {exact(len(before))} characters"
    return f"{exact(len(before))} characters before, {exact(len(after))} after"


def full_rows(value: Value, look: Look) -> Iterator[tuple[Text, Text]]:
    """Rows of one value: a sign, and the line with the words that differ in bold."""
    before, after = value.before, value.after
    if before is None or after is None:
        sign, text = ("+", after) if before is None else ("-", before)
        yield from _lines(sign, text or "", ((0, len(text or "")),), look)
        return
    done = 0
    groups = _grouped(before, after, find_edits(before, after))
    for place, group in enumerate(groups):
        old, new = _touched(before, after, group)
        start = _up(before, old[0], _CONTEXT)
        if start > done:
            yield _fold(start - done)
        yield from _same(before[max(start, done) : old[0]])
        spans = [(e.before_start, e.before_end) for e in group]
        yield from _lines("-", before[slice(*old)], _inside(spans, old[0]), look)
        spans = [(e.after_start, e.after_end) for e in group]
        yield from _lines("+", after[slice(*new)], _inside(spans, new[0]), look)
        end = _down(before, old[1], _CONTEXT)
        if place + 1 < len(groups):
            end = min(end, _touched(before, after, groups[place + 1])[0][0])
        yield from _same(before[old[1] : end])
        done = end
    if done < len(before):
        yield _fold(len(before) - done)


def _grouped(before: str, after: str, edits: Sequence[Edit]) -> list[list[Edit]]:
    """Edits that stand in the same lines together."""
    out: list[list[Edit]] = []
    for edit in edits:
        if out:
            (_, old), (_, new) = _touched(before, after, out[-1])
            if edit.before_start < old or edit.after_start < new:
                out[-1].append(edit)
                continue
        out.append([edit])
    return out


def _touched(
    before: str, after: str, edits: Sequence[Edit]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The lines, from [start, end) with the line end, that the edits stand in."""
    first, last = edits[0], edits[-1]
    old = _line_start(before, first.before_start), _line_end(before, last.before_end)
    new = _line_start(after, first.after_start), _line_end(after, last.after_end)
    return old, new


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    if at and text[at - 1 : at] == "\n":
        return at
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _up(text: str, at: int, lines: int) -> int:
    for _ in range(lines):
        at = _line_start(text, max(at - 1, 0))
    return at


def _down(text: str, at: int, lines: int) -> int:
    for _ in range(lines):
        at = _line_end(text, at + 1) if at < len(text) else at
    return at


def _inside(spans: Sequence[tuple[int, int]], start: int) -> tuple[tuple[int, int], ...]:
    return tuple((a - start, b - start) for a, b in spans)


def _fold(characters: int) -> tuple[Text, Text]:
    return Text(), Text(f"⋯ {exact(characters)} characters unchanged", style=FAINT)


def _same(text: str) -> Iterator[tuple[Text, Text]]:
    for line in text.removesuffix("\n").split("\n") if text else ():
        yield Text(), _shortened(line, (), FAINT, "", look=None)


def _lines(
    sign: str, text: str, spans: Sequence[tuple[int, int]], look: Look
) -> Iterator[tuple[Text, Text]]:
    """Changed lines with the words that differ marked in them, up to what a reader can bear."""
    style = BAD if sign == "-" else GOOD
    at = shown = 0
    for line in text.removesuffix("\n").split("\n") if text else ():
        # an empty span has nothing to mark, but the line is shown around it
        inside = [
            (max(a - at, 0), min(b - at, len(line)))
            for a, b in spans
            if a - at <= len(line) and b >= at
        ]
        row = _shortened(line, inside, SOFT, style, look=look)
        at, shown = at + len(line) + 1, shown + len(row)
        yield Text(sign, style=style), row
        if shown > _LONGEST and at < len(text):
            yield Text(), _more(len(text) - at)
            return


def _more(characters: int) -> Text:
    return Text(f"⋯ {exact(characters)} more characters: --json has them", style=FAINT)


def _shortened(
    line: str, spans: Sequence[tuple[int, int]], plain: str, marked: str, *, look: Look | None
) -> Text:
    """One line, its unchanged stretches cut to what stands near a change."""
    out, done = Text(), 0
    for number, (start, end) in enumerate([*spans, (len(line), len(line))]):
        keep_left = _NEAR if number else 0 if spans else 2 * _NEAR
        keep_right = _NEAR if number < len(spans) else 0
        out.append(_stretch(line[done:start], keep_left, keep_right), style=plain)
        text = printable(line[start : min(end, start + _LONGEST)])
        if text and look is not None and not look.colour and (start or end < len(line)):
            text = f"[-{text}-]" if marked == BAD else f"{{+{text}+}}"
        out.append(text, style=f"bold {marked}" if marked else plain)
        done = end
        if end - start > _LONGEST:
            out.append(" ").append_text(_more(end - start - _LONGEST)).append(" ")
        if len(out) > _MOST_OF_A_LINE and end < len(line):
            return out.append(" ").append_text(_more(len(line) - end))
    return out


def _stretch(text: str, left: int, right: int) -> str:
    """Unchanged text, of which a long middle is only counted."""
    cut = len(text) - left - right
    if cut <= _WORTH_FOLDING:
        return printable(text)
    dots = f"{' ' if left else ''}⋯ {exact(cut)} characters ⋯{' ' if right else ''}"
    return printable(text[:left]) + dots + printable(text[len(text) - right :] if right else "")
