"""``whycold erase``: calls deleted for good, wherever they stand."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from whycold.core.content import Json
from whycold.core.numbers import exact
from whycold.errors import UserError
from whycold.frontends.config import Config, load, now
from whycold.frontends.doctor_facts import set_aside
from whycold.frontends.erase_work import recorder_of
from whycold.frontends.filters import read_time
from whycold.frontends.printable import printable
from whycold.frontends.reporting_asking import json_option, print_json, store_option
from whycold.frontends.serve_asking import asked
from whycold.ingest.erasing import erasing, order_of
from whycold.query import Period, Query
from whycold.store.answers import Erase, Filters
from whycold.store.opening import open_store

__all__ = ["erase"]

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)


@click.command(epilog="Exit codes: 0 done, 2 when nothing is said to choose by, or nobody agrees.")
@click.option("--session", metavar="S", help="Calls of this session.")
@click.option("--project", metavar="P", help="Calls of this project.")
@click.option("--account", metavar="A", help="Calls under this fingerprint of a key.")
@click.option("--since", metavar="S", help="From then on: ISO time, or back from now: 7d, 24h.")
@click.option("--until", metavar="U", help="Up to then, likewise; now: all so far.")
@click.option("--damaged", is_flag=True, help="Delete damaged files that were set aside, too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@store_option
def erase(
    session: str | None,
    project: str | None,
    account: str | None,
    since: str | None,
    until: str | None,
    damaged: bool,
    yes: bool,
    as_data: bool,
    store: str | None,
) -> None:
    """Delete calls for good, as if they had never been recorded.

    Prompts, replies, counts and sums go, from the store and from the spool, and what other calls
    quote of them; so do their bytes on the disk. What is given has to hold all at once; an empty
    value stands for calls where it is absent. A serve that runs goes on meanwhile. What was
    imported can be imported again from where it came.

    \b
    Examples:
      whycold erase --session 01a2077b-bcd5-7df3-a8ff-4830fbc34654
      whycold erase --project payroll --since 30d
      whycold erase --until now --yes
    """
    config = load({"store": store})
    what = _what(session, project, account, since, until)
    if not yes:
        _agreed(config, what)
    told = asked(config, "erase", order_of(what))
    told = _here(config, what) if told is None else told
    left = list(_left(config, damaged))
    if as_data:
        print_json({**told, "left": [str(path) for path in left]})
        return
    for line in _lines(told, left):
        click.echo(line)


def _what(
    session: str | None,
    project: str | None,
    account: str | None,
    since: str | None,
    until: str | None,
) -> Erase:
    """Raises UserError when nothing is given, or a time is none."""
    at = now()
    start = read_time(since, at) if since else None
    end = read_time(until, at) if until else None
    if start is not None and end is not None and start >= end:
        raise UserError(f"since {since} is not before until {until}")
    what = Erase(start, end, project, session, account)
    if what == Erase():
        raise UserError(
            "say what to erase: --session, --project, --account, --since or --until "
            "(--until now: everything so far)"
        )
    return what


def _agreed(config: Config, what: Erase) -> None:
    """Asks on a terminal. Raises UserError where nobody can be asked, Abort for a no."""
    if not sys.stdin.isatty():
        raise UserError("erase deletes for good: say --yes where nobody can be asked")
    opened = open_store(config.store, write=False)
    try:
        period = Period(what.since or _EARLIEST, what.until or now())
        filters = Filters(project=what.project, session=what.session)
        calls = Query(opened).report(period, filters).totals.calls
    finally:
        opened.close()
    of = "" if what.account is None else f", those of account {printable(what.account)} among them"
    click.confirm(f"Delete for good: {exact(calls)} calls in {config.store}{of}?", abort=True)


def _here(config: Config, what: Erase) -> dict[str, Json]:
    """Without a serve: whatever is on the spool is recorded first, as it would have done."""
    open_store(config.store, write=False).close()
    store = open_store(config.store, write=True)
    try:
        for note in store.notes:
            click.echo(f"whycold: {note}", err=True)
        recorder = recorder_of(config, store)
        try:
            return recorder.carry_out(erasing(recorder.place, what))
        finally:
            recorder.close()
    finally:
        store.close()


def _left(config: Config, damaged: bool) -> Iterator[Path]:
    """Damaged files, which nobody can search; they are deleted, or told."""
    for name in set_aside(config):
        path = Path(name)
        if not damaged:
            yield path
            continue
        try:
            path.unlink()
        except OSError as error:
            raise UserError(f"{path} cannot be deleted: {error.strerror}") from None


def _lines(told: Mapping[str, Json], left: list[Path]) -> Iterator[str]:
    calls, quotes = told.get("calls"), told.get("quotes")
    yield f"Deleted {_count(calls, 'call')}."
    if quotes:
        yield f"{_count(quotes, 'other call')} lost what they quoted of them."
    if not told.get("purged"):
        yield "A reader holds on to old pages of the store; their bytes go with the next sweep."
    if left:
        yield "Not searched, for they are damaged (--damaged deletes them):"
        yield from (f"  {printable(str(path))}" for path in left)


def _count(number: Json, what: str) -> str:
    assert isinstance(number, int)
    return f"{exact(number)} {what}{'' if number == 1 else 's'}"
