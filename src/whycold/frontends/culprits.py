"""``whycold culprits``: misses grouped by the edit behind them, and what was decided of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import click
from rich.text import Text

from whycold.errors import UserError
from whycold.frontends.config import load, now
from whycold.frontends.culprits_data import LISTED, culprit_json, culprit_table
from whycold.frontends.filters import MOST_ITEMS, filter_options, read_asked
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
from whycold.frontends.reporting_culprits import culprit_rows
from whycold.frontends.reporting_look import Look
from whycold.query import Culprit, Query, State
from whycold.store.answers import CulpritState, Mark
from whycold.store.opening import open_store

__all__ = ["culprits"]


@click.command(epilog="Exit codes: 0 done, 2 for a filter or a culprit that does not exist.")
@filter_options
@click.option("--state", type=click.Choice(list(State)), help="Those of this state only.")
@click.option("--limit", metavar="N", help=f"At most so many ({LISTED}; up to {MOST_ITEMS}).")
@click.option("--resolve", metavar="ID", multiple=True, help="It is fixed; if it comes back, say.")
@click.option("--ignore", metavar="ID", multiple=True, help="It is known; leave it out.")
@click.option("--reopen", metavar="ID", multiple=True, help="It is open again.")
@click.option(
    "--in",
    "fixed_in",
    metavar="RELEASE",
    help="With --resolve: the release that has the fix; older ones may go on missing.",
)
@click.option("--note", metavar="TEXT", help="With a decision: why.")
@json_option
@csv_option
@store_option
def culprits(
    state: str | None,
    limit: str | None,
    resolve: Sequence[str],
    ignore: Sequence[str],
    reopen: Sequence[str],
    fixed_in: str | None,
    note: str | None,
    as_data: bool,
    as_table: bool,
    store: str | None,
    **given: str | None,
) -> None:
    """List what costs most: misses grouped by the edit that caused them, dearest first.

    Of all that was recorded, unless a filter says otherwise; without those that are ignored. A
    culprit that is resolved and comes back is regressed.

    \b
    Examples:
      whycold culprits --since 7d --project shop
      whycold culprits --resolve 3f9a --in 4.13
      whycold culprits --state regressed --json
    """
    if as_data and as_table:
        raise UserError("--json and --csv: choose one")
    decided = {
        CulpritState.resolved: resolve,
        CulpritState.ignored: ignore,
        CulpritState.open: reopen,
    }
    if any(decided.values()):
        _decide(store, decided, fixed_in, note)
        return
    if fixed_in is not None or note is not None:
        raise UserError("--in and --note go with a decision: --resolve ID, --ignore ID")
    asked = read_asked({**given, "limit": limit or str(LISTED)}, now())
    with asking(store) as query:
        found = query.culprits(asked.filters, asked.limit, State(state) if state else None)
        if as_data:
            print_json({"items": [culprit_json(culprit) for culprit in found]})
        elif as_table:
            print_csv(culprit_table(found))
        else:
            _show(query, found, {**given, "state": state})


def _decide(
    url: str | None,
    decided: dict[CulpritState, Sequence[str]],
    release: str | None,
    note: str | None,
) -> None:
    """Write decisions, all or none of them."""
    if release is not None and not decided[CulpritState.resolved]:
        raise UserError("--in RELEASE goes with --resolve ID")
    store = open_store(load({"store": url}).store, write=False)
    try:
        query = Query(store)
        found = [(query.culprit(id), state) for state, ids in decided.items() for id in ids]
        if len({culprit.row.id for culprit, _ in found}) < len(found):
            raise UserError("--resolve, --ignore, --reopen: choose one for each culprit")
        for culprit, state in found:
            about = release if state is CulpritState.resolved else None
            store.mark(culprit.row.id, Mark(state, now(), about, note))
            click.echo(printable(f"{culprit.row.id} is {state}: {_name(culprit)}"))
    finally:
        store.close()


def _name(culprit: Culprit) -> str:
    row = culprit.row
    return row.title or row.path or row.cause or "unexplained"


def _show(query: Query, found: Sequence[Culprit], given: dict[str, str | None]) -> None:
    console = terminal()
    look, words = Look.of(console), printable(asked_words(given))
    last = query.last_seen()
    if last is None:
        begin = Text(f"To begin: {how_to_begin()}.")
        look.print(console, Text(), Text("Nothing is recorded yet.", style="bold"), begin)
        return
    if not found:
        narrowed = words or any(given.get(name) for name in ("since", "until", "state"))
        told = f"No culprits{' of these filters' if narrowed else ''}."
        look.print(console, Text(), Text(told, style="bold"))
        return
    asked = read_asked({**given, "limit": None}, now())
    first = min(culprit.row.first_seen for culprit in found)
    since = asked.filters.since
    period = replace(asked.period, since=min(since or first, asked.period.until))
    report = query.report(period, asked.filters)
    if since is None:
        # there is nothing before all that was recorded, by which a culprit could be new
        report = replace(report, previous=None)
    look.print(console, Text(), *culprit_rows(found, report, look, ids=True))
