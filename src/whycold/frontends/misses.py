"""``whycold misses``: the latest calls that missed, each with the edit that did it."""

from __future__ import annotations

import click
from rich.text import Text

from whycold.errors import UserError
from whycold.frontends.config import now
from whycold.frontends.csv_tables import miss_rows
from whycold.frontends.diagnosis_json import as_json
from whycold.frontends.filters import MOST_ITEMS, filter_options, read_asked
from whycold.frontends.misses_view import listing
from whycold.frontends.printable import printable
from whycold.frontends.reporting_asking import (
    asked_words,
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
from whycold.query import Query
from whycold.store.records import Page

__all__ = ["misses"]


@click.command()
@filter_options
@click.option("--limit", metavar="N", help=f"At most so many (50; up to {MOST_ITEMS}).")
@click.option("--cursor", metavar="C", help="Go on where an earlier page ended: its next.")
@json_option
@csv_option
@store_option
def misses(as_data: bool, as_table: bool, store: str | None, **given: str | None) -> None:
    """List the latest misses, each with the edit that did it.

    \b
    Examples:
      whycold misses --since 24h --reason tools_changed
      whycold misses --limit 1000 --csv > misses.csv
    """
    if as_data and as_table:
        raise UserError("--json and --csv: choose one")
    asked = read_asked(given, now())
    with asking(store) as query:
        page = query.misses(asked.filters, asked.cursor, asked.limit)
        if as_data:
            items = [as_json(kept.told) for kept in page.items]
            print_json({"items": items, "next": page.next})
        elif as_table:
            print_csv(miss_rows(kept.told for kept in page.items))
            if page.next:
                click.echo(f"whycold: there are more: --cursor {page.next}", err=True)
        else:
            _show(query, page, given)


def _show(query: Query, page: Page, given: dict[str, str | None]) -> None:
    console = terminal()
    look, words = Look.of(console), printable(asked_words(given))
    if page.items:
        look.print(console, *listing(page, words, look))
        return
    if query.last_seen() is None:
        told = [
            Text("Nothing is recorded yet.", style="bold"),
            Text(f"To begin: {how_to_begin()}."),
        ]
    else:
        narrowed = words or given.get("since") or given.get("until")
        told = [Text(f"No misses{' of these filters' if narrowed else ''}.", style="bold")]
    look.print(console, Text(), *told)
