"""``whycold releases``: what changed when, and whether calls were different from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

import click
from rich.text import Text

from whycold.core.numbers import exact, short, usd
from whycold.errors import UserError
from whycold.frontends.config import now
from whycold.frontends.filters import MOST_ITEMS, filter_options, read_asked
from whycold.frontends.palette import BAD, GOOD, SOFT
from whycold.frontends.printable import printable, row_of
from whycold.frontends.releases_data import COMPARED, SPAN, change_json, change_table
from whycold.frontends.reporting_asking import (
    asking,
    csv_option,
    how_to_begin,
    json_option,
    print_csv,
    print_json,
    store_option,
    terminal,
)
from whycold.frontends.reporting_look import Look
from whycold.frontends.reporting_words import stamp
from whycold.query import Change, MarkerKind, Query, Word

__all__ = ["releases"]

_COLOURS = {Word.better: GOOD, Word.worse: BAD}
_COLUMNS = {"since": 14, "calls": 9, "read ratio": 18, "missed/call": 18, "cost/call": 20}
_NAME = 16
"""Characters that a marker's name has at least; columns that leave it fewer are left out."""


@click.command()
@filter_options
@click.option("--kind", type=click.Choice(list(MarkerKind)), help="Markers of this kind only.")
@click.option("--limit", metavar="N", help=f"At most so many ({COMPARED}; up to {MOST_ITEMS}).")
@json_option
@csv_option
@store_option
def releases(
    kind: str | None,
    limit: str | None,
    as_data: bool,
    as_table: bool,
    store: str | None,
    **given: str | None,
) -> None:
    """List what changed when, newest first, and whether calls were different from then on.

    Releases of the clients, and the first sight of new tools or of a new system prompt. Up to
    seven days before and behind each are compared; a difference counts where it is more than the
    hours differ by chance.

    \b
    Examples:
      whycold releases --project shop
      whycold releases --kind release --json
    """
    if as_data and as_table:
        raise UserError("--json and --csv: choose one")
    asked = read_asked({**given, "limit": limit or str(COMPARED)}, now())
    with asking(store) as query:
        found = query.markers(asked.filters, MOST_ITEMS)
        wanted = [marker for marker in found if kind is None or marker.kind == kind]
        changes = [
            query.before_after(marker, asked.filters, SPAN) for marker in wanted[: asked.limit]
        ]
        if as_data:
            print_json({"items": [change_json(change, SPAN) for change in changes]})
        elif as_table:
            print_csv(change_table(changes))
        else:
            _show(query, changes)


def _show(query: Query, changes: Sequence[Change]) -> None:
    console = terminal()
    look = Look.of(console)
    if not changes:
        told = "No release, tools or system was first seen then."
        if query.last_seen() is None:
            told = f"Nothing is recorded yet. To begin: {how_to_begin()}."
        look.print(console, Text(), Text(told, style="bold"))
        return
    look.print(console, Text(), *_rows(changes, look))


def _rows(changes: Sequence[Change], look: Look) -> Iterator[Text]:
    cells = [_cells(change) for change in changes]
    columns = {
        name: max(least, *(len(row[name][0]) + 2 for row in cells))
        for name, least in _COLUMNS.items()
    }
    while len(columns) > 1 and look.width - sum(columns.values()) < _NAME:
        columns.popitem()
    room = max(_NAME, look.width - sum(columns.values()))
    head = Text("Marker".ljust(room), style="bold", no_wrap=True)
    for name, width in columns.items():
        head.append(name.rjust(width), style=f"{SOFT} not bold")
    yield head
    for change, row in zip(changes, cells, strict=True):
        marker = change.marker
        name = marker.name if marker.kind is MarkerKind.release else f"new {marker.kind}"
        line = Text(no_wrap=True).append(row_of(name, room - 2), style="bold")
        line.pad_right(room - line.cell_len)
        for column, width in columns.items():
            text, word = row[column]
            style = _COLOURS.get(word, "") if word is not None else SOFT
            line.append(text.rjust(width), style=style)
        yield line
        yield Text(f"  {_told(change)}", style=SOFT, no_wrap=True)


def _cells(change: Change) -> dict[str, tuple[str, Word | None]]:
    ratio, tokens, cost = change.read_ratio, change.missed_tokens, change.missed_cost_usd
    return {
        "since": (stamp(change.marker.at), None),
        "calls": (exact(change.after.totals.calls), None),
        "read ratio": (_pair(ratio.before, ratio.after, _percent), ratio.word),
        "missed/call": (_pair(tokens.before, tokens.after, _short), tokens.word),
        "cost/call": (_pair(cost.before, cost.after, _usd), cost.word),
    }


def _told(change: Change) -> str:
    """Whose marker it is, and the plain word."""
    word = {
        Word.better: "better than before",
        Word.worse: "worse than before",
        Word.noise: "no more different than by chance",
        Word.too_few: "too few calls to tell",
    }[change.word]
    before = exact(change.before.totals.calls)
    project = row_of(change.marker.project, 30) if change.marker.project else "no project"
    return printable(f"{project} · {word} ({before} calls before)")


def _pair(before: float | None, after: float | None, shown: Callable[[float | None], str]) -> str:
    return f"{shown(before)} → {shown(after)}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}%"


def _short(value: float | None) -> str:
    return "-" if value is None else short(round(value))


def _usd(value: float | None) -> str:
    return "-" if value is None else usd(Decimal(str(round(value, 6))))
