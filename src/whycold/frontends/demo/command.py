"""``whycold demo``: made-up traffic in a store of its own, and the dashboard on it."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from whycold.core.numbers import exact
from whycold.errors import UserError
from whycold.frontends.config import now
from whycold.frontends.demo.writing import make
from whycold.frontends.filters import read_time
from whycold.frontends.prices import price_list
from whycold.frontends.reporting_asking import terminal
from whycold.frontends.serve_parts import MODULES, DashboardOrder, Part, Said, encode

__all__ = ["demo"]

_HOST: Final = "127.0.0.1"
_PORT: Final = 4142
_BACKLOG: Final = 128
_SIDES: Final = ("", "-wal", "-shm", ".lock")


@click.command()
@click.option("--port", metavar="N", type=click.IntRange(0, 65535), help="Port of the dashboard.")
@click.option(
    "--until", metavar="T", help="When the demo's week ends: an ISO time (now, to the hour)."
)
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the store in this folder, and take it from there the next time.",
)
@click.option(
    "--make",
    "path",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Only write the store, as a new file.",
)
def demo(port: int | None, until: str | None, keep: Path | None, path: Path | None) -> None:
    """Open the dashboard on two weeks of made-up traffic.

    Eight projects, ten agents, three providers and a model on a laptop, with faults of the kind
    that cost real teams money. The calls go through the same pipeline as recorded ones, into a
    store of their own: yours is not touched, and nothing is sent anywhere.

    \b
    Examples:
      whycold demo
      whycold demo --make demo.db && whycold report --store sqlite:///demo.db
    """
    at = _end(until)
    if path is not None:
        if path.exists():
            raise UserError(f"{path} is there already; name a file that is not")
        count = _written(path, at)
        click.echo(f"{exact(count)} calls up to {at:%Y-%m-%dT%H:%MZ} are in sqlite:///{path}")
        return
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(_listening(port))
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="whycold-")))
        store = folder / f"demo-{at:%Y%m%dT%H%M}.db"
        if not store.exists():
            _written(store, at)
        _show(store, listening)


def _end(until: str | None) -> datetime:
    """The end of the demo's week, by default the hour that has begun."""
    at = now()
    return at.replace(minute=0, second=0, microsecond=0) if until is None else read_time(until, at)


def _written(path: Path, until: datetime) -> int:
    """Write the store; a file appears under its name once it is whole. How many calls."""
    half = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for side in _SIDES:
            half.with_name(half.name + side).unlink(missing_ok=True)
        with _bar() as tell:
            count = make(half, until, price_list(None), tell)
        half.rename(path)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror or error})") from None
    finally:
        for side in _SIDES:
            half.with_name(half.name + side).unlink(missing_ok=True)
    return count


@contextmanager
def _bar() -> Generator[Callable[[float], None]]:
    """A progress bar, where there is a terminal to draw it on."""
    console = terminal()
    columns = (TextColumn("making a fortnight of calls"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda share: bar.update(task, completed=share)


@contextmanager
def _listening(port: int | None) -> Generator[socket.socket]:
    """A socket for the dashboard: on its usual port, or on a free one where another is there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((_HOST, _PORT if port is None else port))
        except OSError as error:
            if port is not None:
                why = error.strerror
                raise UserError(f"cannot listen on {_HOST}:{port}: {why}; try another") from None
            made.bind((_HOST, 0))
        made.listen(_BACKLOG)
        yield made


def _show(store: Path, listening: socket.socket) -> None:
    """Answer until Ctrl-C or SIGTERM. Raises UserError when the dashboard cannot be."""
    url = f"http://{_HOST}:{listening.getsockname()[1]}/"
    # absolute, so that the address of the store is the same wherever its reader stands
    whole = store.absolute()
    order = DashboardOrder(
        store=f"sqlite:///{whole}",
        spool=str(whole.parent / "spool"),
        socket=listening.fileno(),
        hosts=(),
        token=None,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        subprocess.Popen(
            (sys.executable, "-P", "-m", MODULES[Part.dashboard]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(listening.fileno(),),
            start_new_session=True,
        ) as part,
        contextlib.suppress(KeyboardInterrupt),
    ):
        assert part.stdin is not None
        assert part.stdout is not None
        try:
            with contextlib.suppress(BrokenPipeError):
                part.stdin.write(encode(order))
                part.stdin.flush()
            line = part.stdout.readline()
            said = msgspec.json.decode(line, type=Said) if line else Said("it ended at once")
            if said.error is not None:
                raise UserError(f"the dashboard cannot start: {said.error}")
            click.echo(f"The demo is at {url}\nCtrl-C ends it.")
            part.wait()
        finally:
            # its standard input is its leash
            part.stdin.close()
