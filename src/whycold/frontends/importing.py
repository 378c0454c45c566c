"""``whycold import``: what other programs have written down, as calls in the store."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from whycold.core.numbers import exact
from whycold.errors import UserError
from whycold.frontends.config import Config, environment, load
from whycold.frontends.importing_kinds import KINDS, Kind
from whycold.frontends.importing_work import Outcome, order_of, outcome_of, progress_of
from whycold.frontends.prices import price_list
from whycold.frontends.printable import printable
from whycold.frontends.reporting_asking import store_option, terminal
from whycold.frontends.reporting_culprits import culprit_rows
from whycold.frontends.reporting_look import Look
from whycold.frontends.serve_asking import asked
from whycold.ingest import importing
from whycold.ingest.importing import Importer
from whycold.query import Period, Query
from whycold.sources.files import Trouble
from whycold.sources.recorded import Source
from whycold.store.answers import Filters
from whycold.store.base import Store
from whycold.store.opening import open_store
from whycold.store.records import Capture

__all__ = ["import_calls"]

_MOST_TROUBLES = 20
_CULPRITS = 3
_TICK = timedelta(microseconds=1)


@click.command("import", epilog="Exit codes: 0 done, 2 when there is nothing that can be imported.")
@click.argument("source", required=False)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@store_option
def import_calls(source: str | None, paths: tuple[Path, ...], store: str | None) -> None:
    """Import what other programs recorded, each call once.

    Without arguments it finds what this machine has. SOURCE is one of:

    \b
      claude-code   Claude Code transcripts: files, or folders of them
                    (default: ~/.claude/projects, or below CLAUDE_CONFIG_DIR)

    A transcript shows messages and token counts, neither tools nor system nor cache markers:
    nothing is said of those.

    \b
    Examples:
      whycold import
      whycold import claude-code ~/.claude/projects/-home-me-billing
    """
    config = load({"store": store})
    found = _found(source, paths)
    console = terminal()
    for what in found:
        outcome = _imported(config, what, console)
        _tell_troubles(outcome.troubles)
        console.print(_outcome(what.kind, outcome), soft_wrap=True)
    opened = open_store(config.store, write=False)
    try:
        _tell_culprits(opened, console)
    finally:
        opened.close()


@dataclass(frozen=True, slots=True)
class _Found:
    """A kind of recording that is there: by which ``name``, in which ``places``."""

    name: str
    kind: Kind
    places: list[Path]
    origin: Source


def _found(source: str | None, paths: Sequence[Path]) -> list[_Found]:
    """What is to be imported; UserError when that is nothing."""
    if source is not None and source not in KINDS:
        known = ", ".join(KINDS)
        what = f"no source is called {source!r}; known are {known}"
        if Path(source).exists():
            what += f": whycold import {next(iter(KINDS))} {source}"
        raise UserError(what)
    kinds = {source: KINDS[source]} if source is not None else KINDS
    variables, looked = environment(), list[Path]()
    found: list[_Found] = []
    for name, kind in kinds.items():
        if gone := next((path for path in paths if not path.exists()), None):
            raise UserError(f"{gone}: there is no such file or folder")
        places = list(paths) or [place for place in kind.places(variables) if place.is_dir()]
        looked += list(paths) or kind.places(variables)
        origin = kind.read(places)
        if origin.groups or origin.troubles:
            found.append(_Found(name, kind, places, origin))
    if not found:
        hint = "" if paths else "; name files or folders: whycold import claude-code PATH"
        raise UserError(f"there is nothing to import in {', '.join(map(str, looked))}{hint}")
    return found


def _imported(config: Config, what: _Found, console: Console) -> Outcome:
    """Import it here, or have the ``serve`` do it that writes the store now."""
    with _bar(console) as tell:
        told = asked(
            config,
            "import",
            order_of(what.name, what.places),
            lambda progress: tell(progress_of(progress)),
        )
        if told is not None:
            return outcome_of(told)
        store = open_store(config.store, write=True)
        try:
            for note in store.notes:
                click.echo(f"whycold: {note}", err=True)

            def capture(project: str | None) -> Capture:
                return Capture(config.projects.get(project or "", config.capture))

            importer = Importer(store, capture, price_list(config.prices))
            return Outcome.of(what.origin, importer.take(what.origin, tell))
        finally:
            store.close()


@contextmanager
def _bar(console: Console) -> Generator[Callable[[importing.Progress], None]]:
    """A progress bar, where there is a terminal to draw it on."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[calls]} calls"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("importing", total=None, calls="0")

        def tell(progress: importing.Progress) -> None:
            bar.update(
                task,
                completed=progress.done,
                total=progress.total,
                calls=exact(progress.added),
            )

        yield tell


def _outcome(kind: Kind, outcome: Outcome) -> Text:
    """One line: what was there, and what became of it."""
    files, result = outcome.files, outcome.result
    line = Text()
    line.append(f"{kind.title}: ", style="bold")
    line.append(f"{_count(result.added, 'new call')} in {_count(files, 'file')}")
    if result.first is not None and result.last is not None:
        line.append(f", of {result.first:%Y-%m-%d} to {result.last:%Y-%m-%d}")
    told = {
        f"{exact(result.amended)} amended": result.amended,
        f"{exact(result.joined)} joined with what was recorded elsewhere": result.joined,
        f"{exact(result.known)} known before": result.known,
        f"{_count(result.unchanged, 'session')} unchanged": result.unchanged,
    }
    line.append("".join(f"; {what}" for what, number in told.items() if number))
    return line.append(".")


def _count(number: int, what: str) -> str:
    return f"{exact(number)} {what}{'' if number == 1 else 's'}"


def _tell_troubles(troubles: Sequence[Trouble]) -> None:
    troubles = sorted(troubles, key=lambda trouble: str(trouble.path))
    for trouble in troubles[:_MOST_TROUBLES]:
        click.echo(f"whycold: {printable(' '.join(str(trouble).split()))}", err=True)
    more = len(troubles) - _MOST_TROUBLES
    if more > 0:
        click.echo(f"whycold: and {more} files more", err=True)


def _tell_culprits(store: Store, console: Console) -> None:
    """What cost most of all that is there, and how to see more."""
    contents = store.contents()
    if contents.first_seen is None or contents.last_seen is None:
        return
    query, period = Query(store), Period(contents.first_seen, contents.last_seen + _TICK)
    culprits = query.culprits(Filters(), _CULPRITS)
    look = Look.of(console)
    if culprits:
        report = query.report(period, Filters())
        look.print(console, Text(), *culprit_rows(culprits, report, look))
    since = f"{contents.first_seen:%Y-%m-%d}"
    hint = f"whycold report --since {since} says more; whycold explain last shows the latest miss."
    look.print(console, Text(), Text(hint))
