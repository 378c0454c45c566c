"""``whycold report``: what the cache did in a period, against the one before."""

from __future__ import annotations

from dataclasses import replace

import click
from rich.text import Text

from whycold.errors import UserError
from whycold.frontends.config import now
from whycold.frontends.csv_tables import report_rows
from whycold.frontends.filters import filter_options, read_asked
from whycold.frontends.printable import printable
from whycold.frontends.report_json import report_json
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
from whycold.frontends.reporting_view import panel
from whycold.frontends.reporting_words import period_text, stamp
from whycold.query import Query, Report

__all__ = ["report"]


@click.command()
@filter_options
@json_option
@csv_option
@store_option
def report(as_data: bool, as_table: bool, store: str | None, **given: str | None) -> None:
    """Show what was read, what was missed and why, in a period.

    The last seven days, unless --since or --until says otherwise, next to the period of equal
    length before them.

    \b
    Examples:
      whycold report --since 24h --project shop
      whycold report --json | jq .read_ratio
    """
    if as_data and as_table:
        raise UserError("--json and --csv: choose one")
    asked = read_asked(given, now())
    with asking(store) as query:
        found = query.report(asked.period, asked.filters)
        if as_data:
            print_json(report_json(found))
        elif as_table:
            print_csv(report_rows(found))
        else:
            _show(query, found, given)


def _show(query: Query, found: Report, given: dict[str, str | None]) -> None:
    console = terminal()
    look, words = Look.of(console), printable(asked_words(given))
    if not found.totals.calls:
        look.print(console, Text(), *_nothing(query, found, words))
        return
    filters = read_asked(given, found.period.until).filters
    within = replace(filters, since=found.period.since, until=found.period.until)
    culprits = query.culprits(within) if found.totals.misses else ()
    look.print(console, *panel(found, culprits, words, look))


def _nothing(query: Query, found: Report, words: str) -> list[Text]:
    """What is said where there is no call: what to do next."""
    last = query.last_seen()
    if last is None:
        return [
            Text("Nothing is recorded yet.", style="bold"),
            Text(f"To begin: {how_to_begin()}."),
        ]
    within = f" of {words}" if words else ""
    return [
        Text(f"No calls{within} from {period_text(found.period)}.", style="bold"),
        Text(
            f"The latest call of all was on {stamp(last, year=True)} UTC; --since reaches further."
        ),
    ]
