"""``whycold blame``: the lines and commits of a git repository that an edit comes from."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.config import environment
from whycold.frontends.diagnosis_json import time_text
from whycold.frontends.palette import SOFT
from whycold.frontends.printable import printable, row_of
from whycold.frontends.reporting_asking import (
    asking,
    json_option,
    print_json,
    store_option,
    terminal,
)
from whycold.frontends.reporting_look import Look
from whycold.frontends.reporting_words import reason_colour, stamp
from whycold.query import Culprit, Query
from whycold.remedies.blame import Blame, Suspect, Suspected, blame, suspect_of
from whycold.remedies.blame.repository import Repository
from whycold.remedies.blame.search import Line

__all__ = ["LONGEST_SEARCH", "SEARCH_SECONDS", "blame_culprit", "blame_json"]

SEARCH_SECONDS, LONGEST_SEARCH = 30, 3600
_SHORT = 10
"""Characters of a commit's name."""


@click.command("blame", epilog="Exit codes: 0 whatever is found, 2 without such a culprit or git.")
@click.argument("culprit")
@click.option(
    "--repo",
    metavar="DIR",
    default=".",
    type=click.Path(path_type=Path),
    help="A folder of the git repository (default: this one).",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    default=SEARCH_SECONDS,
    type=click.IntRange(1, LONGEST_SEARCH),
    help=f"How long may be searched ({SEARCH_SECONDS}).",
)
@json_option
@store_option
def blame_culprit(culprit: str, repo: Path, timeout: int, as_data: bool, store: str | None) -> None:
    """Find the lines and commits that an edit comes from.

    CULPRIT is the id of a culprit or how it begins, or the id of a call that missed. The text
    around the edit is looked for in the repository's history, whatever quotes, line ends and
    templates stand in it, up to the first call that missed. Nothing of the repository is run.

    \b
    Examples:
      whycold blame 9fc67f70
      whycold blame 9fc67f70 --repo ../agent --json
    """
    with asking(store) as query:
        found = _culprit(query, culprit)
        suspect = _suspect(query, found)
    console = terminal()
    with _bar(Console(stderr=True), hidden=as_data) as tell:
        result = _searched(repo, timeout, suspect, tell)
    if as_data:
        print_json(_json(found, suspect, result))
    else:
        look = Look.of(console)
        look.print(console, Text(), *_told(found, suspect, result, look))


def blame_json(query: Query, culprit: str, repo: Path, seconds: int) -> dict[str, Json]:
    """What ``whycold blame`` finds, as plain values. Raises UserError."""
    found = _culprit(query, culprit)
    suspect = _suspect(query, found)
    return _json(found, suspect, _searched(repo, seconds, suspect, lambda done, total: None))


def _searched(
    repo: Path, seconds: int, suspect: Suspect, tell: Callable[[int, int], None]
) -> Blame:
    path = environment().get("PATH", "")
    return blame(Repository.at(repo, time.monotonic, seconds, path), suspect, tell)


def _culprit(query: Query, id: str) -> Culprit:
    try:
        return query.culprit(id)
    except UserError as error:
        try:
            called = query.call(id).told.fingerprint
        except UserError:
            raise error from None
        if called is None:
            raise UserError(f"call {id} missed nothing: there is no culprit") from None
        return query.culprit(called)


def _suspect(query: Query, culprit: Culprit) -> Suspect:
    record = query.first_miss(culprit)
    if record is None:
        raise UserError(f"the calls of culprit {culprit.row.id} are not kept any more")
    before = query.found(record.told.predecessor)
    good = (before.told.at, before.told.release) if before is not None else (None, None)
    return suspect_of(record.told, query.changes(record), *good)


@contextmanager
def _bar(console: Console, *, hidden: bool) -> Generator[Callable[[int, int], None]]:
    columns = (TextColumn("reading commits"), BarColumn(), MofNCompleteColumn())
    quiet = hidden or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _told(culprit: Culprit, suspect: Suspect, found: Blame, look: Look) -> Iterator[Text]:
    row = culprit.row
    head = Text(no_wrap=True).append("■ ", style=reason_colour(row.reason))
    head.append(row_of(suspect.path or row.cause or "", look.width - 2), style="bold")
    yield head
    yield Text(f"  {row_of(row.title or '', look.width - 2)}", style=SOFT, no_wrap=True)
    yield Text(f"  {_when(suspect)}", style=SOFT, no_wrap=True)
    yield Text()
    if not found.commits:
        why = "" if found.notes else ": this text comes from elsewhere, or from another repository"
        yield Text(f"Not found{why}.", style="bold")
    for number, commit in enumerate(found.commits):
        yield from _commit(commit, number == 0, look)
    if found.lines:
        yield Text()
        yield Text("Today these lines make it:", style=SOFT)
        yield from (_line(line, look) for line in found.lines)
    for note in found.notes:
        yield Text(note, style=SOFT)


def _when(suspect: Suspect) -> str:
    bad = f"first missed {stamp(suspect.first_bad, year=True)} UTC"
    if suspect.last_good is None:
        return bad
    return f"{bad}, last good {stamp(suspect.last_good, year=True)} UTC"


def _commit(found: Suspected, first: bool, look: Look) -> Iterator[Text]:
    commit = found.commit
    line = Text(no_wrap=True).append(commit.id[:_SHORT], style="bold" if first else "")
    line.append(f"  {commit.at:%Y-%m-%d %H:%M}  ", style=SOFT)
    line.append(row_of(commit.subject, look.width - line.cell_len), style="bold" if first else "")
    yield line
    why = f"{row_of(commit.author, 30)}: {printable('; '.join(found.reasons))}"
    yield Text(f"  {row_of(why, look.width - 2)}", style=SOFT, no_wrap=True)
    yield from (_line(place, look) for place in found.places)


def _line(line: Line, look: Look) -> Text:
    place = f"{printable(line.path)}:{line.line}"
    shown = Text(f"  {place}  ", no_wrap=True)
    return shown.append(row_of(line.text, max(10, look.width - shown.cell_len)), style=SOFT)


def _json(culprit: Culprit, suspect: Suspect, found: Blame) -> dict[str, Json]:
    return {
        "culprit": culprit.row.id,
        "cause": culprit.row.cause,
        "path": suspect.path,
        "last_good": time_text(suspect.last_good) if suspect.last_good else None,
        "first_bad": time_text(suspect.first_bad),
        "releases": list(suspect.releases),
        "found": bool(found.commits),
        "commits": [
            {
                "commit": one.commit.id,
                "at": time_text(one.commit.at),
                "author": one.commit.author,
                "subject": one.commit.subject,
                "points": round(one.points, 2),
                "reasons": list(one.reasons),
                "places": [_place(place) for place in one.places],
            }
            for one in found.commits
        ],
        "lines": [_place(line) for line in found.lines],
        "notes": list(found.notes),
    }


def _place(line: Line) -> dict[str, Json]:
    return {"path": line.path, "line": line.line, "text": line.text}
