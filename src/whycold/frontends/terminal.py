"""A diagnosis in a terminal: the sentence, the prompt as a strip, the words that changed, what to
do, the facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from whycold.core.diagnosis import Diagnosis, Grade, Reason, Verdict
from whycold.core.numbers import exact, span, usd
from whycold.frontends.hunks import Row, hunks
from whycold.frontends.palette import BAD, FAINT, GOOD, SECTIONS, SOFT
from whycold.frontends.places import Place, places
from whycold.frontends.printable import name_of, printable, row_of
from whycold.frontends.strip import strip

__all__ = ["printable", "show"]

_WIDEST = 100
_MARGIN = 4
"""Cells in front of a changed text, for its sign."""
_MOST_PLACES = 6
_LONGEST_FIRST, _LONGEST = 400, 160
"""Characters of a changed text that are shown: of the first one, and of those behind it."""
_MOST_EDITS = 4
_MOST_BLOCKS = 5
"""What is shown in full; more are counted."""
_VERDICTS = {
    Verdict.hit: (GOOD, "hit"),
    Verdict.partial: (BAD, "partial miss"),
    Verdict.miss: (BAD, "miss"),
    Verdict.first: (SOFT, "nothing to reuse"),
    Verdict.uncacheable: (SOFT, "not cacheable"),
    Verdict.unknown: (SOFT, "reads not reported"),
}
_GRADES = {
    Grade.confirmed: "confirmed: the provider says the same",
    Grade.consistent: "consistent: the reported counts are as predicted",
    Grade.inferred: "inferred: nothing speaks against it",
    Grade.contradicted: "contradicted: the provider or its counts say otherwise",
}


def show(console: Console, told: Diagnosis, notes: Sequence[str] = ()) -> None:
    """Print one diagnosis, at most 100 cells wide; ``notes`` say what else there is to know."""
    width = min(console.width, _WIDEST) - 2
    colour = console.color_system is not None and not console.no_color
    ascii_only = not console.encoding.startswith("utf")
    parts: list[RenderableType] = [_headline(told), Text()]
    parts += [Text(printable(told.summary), style="bold"), Text()]
    picture = list(strip(told, width, colour=colour, ascii_only=ascii_only))
    if picture:
        total = sum(block.tokens for block in told.blocks)
        about = "" if told.usage.input is not None else "about "
        parts += [_heading("The prompt, to scale", f"{about}{exact(total)} tokens", width)]
        parts += [*picture, Text()]
    if told.divergences:
        parts += [*_changes(told, width, colour=colour), Text()]
    if told.advice:
        parts += [_heading("What to do", "", width), Text(printable(told.advice)), Text()]
    parts += [_heading("Facts", "", width), _facts(told, notes)]
    console.print()
    for line in console.render_lines(Group(*parts), console.options.update_width(width), pad=False):
        console.print(_row(line), soft_wrap=True)


def _row(line: list[Segment]) -> Text:
    """A rendered row, indented, without the blanks that only fill it up."""
    row = Text(" ")
    for segment in line:
        row.append(segment.text, style=segment.style)
    ends = [span.end for span in row.spans if isinstance(span.style, Style) and span.style.reverse]
    return row[: max(len(row.plain.rstrip()), *ends, 0)]


def _headline(told: Diagnosis) -> Text:
    colour, word = _VERDICTS[told.verdict]
    if told.verdict is Verdict.unknown and told.usage.input is None:
        word = "usage not recorded"
    line = Text.assemble((f" {word} ", f"bold reverse {colour}"), "  ")
    line.append(name_of(told.model or "model not named", 60), style="bold")
    line.append(f"  {told.provider}", style=SOFT)
    if told.gap is not None:
        line.append(f"  {span(told.gap.total_seconds())} after the earlier call", style=SOFT)
    return line


def _heading(left: str, right: str, width: int) -> Text:
    space = max(2, width - cell_len(left) - cell_len(right))
    return Text.assemble((left, "bold"), " " * space if right else "", (right, SOFT))


def _changes(told: Diagnosis, width: int, *, colour: bool) -> Iterator[RenderableType]:
    found = places(told)
    number = f"{exact(len(found))} place{'' if len(found) == 1 else 's'}"
    yield _heading("What changed", number, width)
    for at, place in enumerate(found[:_MOST_PLACES]):
        if at:
            yield Text()
        longest = _LONGEST_FIRST if at == 0 else _LONGEST
        yield from _place(place, told, width, colour=colour, longest=longest)
    if more := found[_MOST_PLACES:]:
        names = ", ".join(name_of(place.first.path, 40) for place in more[:3])
        others = f": {names}{', …' if len(more) > 3 else ''}"
        yield Text()
        yield Text(f"and {exact(len(more))} more places{others}", style=FAINT)


def _place(
    place: Place, told: Diagnosis, width: int, *, colour: bool, longest: int
) -> Iterator[RenderableType]:
    first = place.first
    path = name_of(first.path)
    facts = [place.count, "expected" if first.expected else "", place.role]
    meta = " · ".join(fact for fact in facts if fact)
    heading = Table.grid(padding=(0, 1))
    heading.add_column(no_wrap=True)
    heading.add_column(overflow="fold")
    line = Text(path, style="bold")
    space = width - cell_len(path) - cell_len(meta) - 2
    fits = space >= 2
    if fits:
        line.append(" " * space + meta, style=f"not bold {SOFT}")
    heading.add_row(Text("●", style=SECTIONS[first.section]), line)
    yield heading
    if not fits:
        yield Padding(Text(meta, style=SOFT), (0, 0, 0, 2))
    if first.title != told.title:
        yield Padding(Text(printable(first.title), style=SOFT), (0, 0, 0, 2))
    if place.run or not (first.before and first.after):
        yield _grid(_beginnings(place, width), width)
        return
    more = len(place.edits) - _MOST_EDITS
    shown = place.edits[:_MOST_EDITS]
    yield _grid(hunks(shown, colour=colour, more=more > 0, longest=longest), width)
    if more > 0:
        yield Text(f"    and {exact(more)} more edits of this text", style=FAINT)


def _beginnings(place: Place, width: int) -> Iterator[Row]:
    """Whole blocks that came or went: the first one's beginning, the others on a row each."""
    for at, found in enumerate(place.edits[:_MOST_BLOCKS]):
        sign, text = ("+", found.after) if found.after else ("-", found.before)
        if at == 0:
            yield Row(
                sign,
                Text(
                    row_of(text, int(2.7 * (width - _MARGIN))), style=GOOD if sign == "+" else BAD
                ),
            )
            continue
        name = name_of(found.path, 60)
        line = Text.assemble((name, SOFT), "  ")
        yield Row(sign, line.append(row_of(text, max(10, width - 7 - cell_len(name))), style=FAINT))
    if (more := len(place.edits) - _MOST_BLOCKS) > 0:
        last = name_of(place.edits[-1].path, 60)
        yield Row(" ", Text(f"… {exact(more)} more, the last one {last}", style=FAINT))


def _grid(rows: Iterator[Row], width: int) -> Table:
    """Rows with their signs in a column, so that a long row goes on below its own beginning."""
    table = Table.grid(padding=0)
    table.add_column(width=_MARGIN, no_wrap=True)
    table.add_column(overflow="fold")
    styles = {"-": BAD, "+": GOOD, " ": FAINT}
    for row in rows:
        table.add_row(Text(f"  {row.sign} ", style=styles[row.sign]), row.text)
        if row.marks and row.text.cell_len <= width - _MARGIN:
            table.add_row(Text(), Text(row.marks))
    return table


def _facts(told: Diagnosis, notes: Sequence[str]) -> Table:
    table = Table.grid(padding=(0, 3))
    table.add_column(no_wrap=True, min_width=13)
    table.add_column(overflow="fold")
    for name, value in (*_listed(told), *(("Note", note) for note in notes)):
        table.add_row(Text(name, style=SOFT), Text(printable(value)))
    return table


def _listed(told: Diagnosis) -> Iterator[tuple[str, str]]:
    if told.cause is not None:
        yield "Cause", told.cause
    if told.grade is not None and told.reason is not Reason.unexplained:
        yield "How sure", _GRADES[told.grade]
    if told.provider_reason:
        yield "Provider says", told.provider_reason
    if told.usage.input is not None:
        yield "Input", f"{exact(told.usage.input)} tokens: {_composition(told)}"
    elif told.blocks:
        yield "Input", "not recorded; all token counts are estimates"
    if told.missed_tokens:
        reusable = f" of {exact(told.reusable_tokens)} reusable tokens"
        yield "Missed", f"{exact(told.missed_tokens)}{reusable if told.reusable_tokens else ''}"
        cost = told.missed_cost_usd
        known = f"{usd(cost)} above what reading them costs"
        yield "Cost", known if cost is not None else "not known: no price for this model"
    if told.ruled_out:
        yield "Ruled out", "; ".join(told.ruled_out)
    if told.opaque:
        blocks = "1 block" if told.opaque == 1 else f"{exact(told.opaque)} blocks"
        yield "Not understood", f"{blocks} of an unknown kind: compared, not read"


def _composition(told: Diagnosis) -> str:
    usage = told.usage
    parts = [
        (usage.cache_read, "read"),
        (usage.cache_write, "written"),
        (usage.uncached, "uncached"),
    ]
    known = [f"{exact(tokens)} {word}" for tokens, word in parts if tokens is not None]
    unknown = [word for tokens, word in parts[:2] if tokens is None]
    return ", ".join([*known, *([f"{' and '.join(unknown)} not reported"] if unknown else [])])
