"""What ``whycold import`` says: how far it is, what came of each kind, and what costs most."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from whycold.core.numbers import exact
from whycold.frontends.config import Config
from whycold.frontends.importing_work import Outcome
from whycold.frontends.printable import printable
from whycold.frontends.reporting_culprits import culprit_rows
from whycold.frontends.reporting_look import Look
from whycold.frontends.serve_state import running
from whycold.ingest import importing
from whycold.query import Period, Query
from whycold.sources.files import Trouble
from whycold.store.answers import Filters
from whycold.store.opening import open_store

__all__ = ["outcome_line", "progress_bar", "tell_culprits", "tell_troubles"]

_MOST_TROUBLES = 20
_CULPRITS = 3
_TICK = timedelta(microseconds=1)


@contextmanager
def progress_bar(
    console: Console, title: str = "importing"
) -> Generator[Callable[[importing.Progress], None]]:
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
        task = bar.add_task(title, total=None, calls="0")

        def tell(progress: importing.Progress) -> None:
            bar.update(
                task,
                completed=progress.done,
                total=progress.total,
                calls=exact(progress.added),
            )

        yield tell


def outcome_line(title: str, outcome: Outcome) -> Text:
    """One line: what was there, and what became of it."""
    files, result = outcome.files, outcome.result
    line = Text()
    line.append(f"{title}: ", style="bold")
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


def tell_troubles(troubles: Sequence[Trouble]) -> None:
    """What could not be read, one line per file."""
    troubles = sorted(troubles, key=lambda trouble: str(trouble.path))
    for trouble in troubles[:_MOST_TROUBLES]:
        click.echo(f"whycold: {printable(' '.join(str(trouble).split()))}", err=True)
    more = len(troubles) - _MOST_TROUBLES
    if more > 0:
        click.echo(f"whycold: and {more} files more", err=True)


def tell_culprits(config: Config, console: Console) -> None:
    """What cost most of all that is there, and how to see more."""
    store = open_store(config.store, write=False)
    try:
        contents = store.contents()
        if contents.first_seen is None or contents.last_seen is None:
            return
        query, period = Query(store), Period(contents.first_seen, contents.last_seen + _TICK)
        culprits = query.culprits(Filters(), _CULPRITS)
        look = Look.of(console)
        if culprits:
            report = query.report(period, Filters())
            look.print(console, Text(), *culprit_rows(culprits, report, look))
    finally:
        store.close()
    since = f"{contents.first_seen:%Y-%m-%d}"
    latest = "; whycold explain last shows the latest miss" if culprits else ""
    hint = f"whycold report --since {since} says more{latest}."
    look.print(console, Text(), Text(hint), Text(_dashboard(config)))


def _dashboard(config: Config) -> str:
    """Where the dashboard is, or how to open it."""
    if (serve := running(config.state_file)) is not None:
        return f"The dashboard is at {serve.dashboard}/"
    return f"whycold serve opens the dashboard at http://{config.host}:{config.dashboard_port}/"
