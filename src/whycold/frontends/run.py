"""``whycold run -- PROGRAM``: a program with its calls recorded, and what they missed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Final

import click

from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends import run_clients
from whycold.frontends.config import Config, environment, load, now
from whycold.frontends.run_serve import started
from whycold.frontends.run_summary import summary, wait_until_kept
from whycold.frontends.serve_state import Running, running

__all__ = ["run", "run_program"]

_FORWARDED: Final = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGINT", "SIGQUIT")
_FROM_TERMINAL: Final = ("SIGINT", "SIGQUIT")
"""Signals that a terminal sends to the program itself as well."""
_SLACK: Final = timedelta(seconds=1)


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--store", metavar="URL", help="Where calls are kept.")
@click.option("--capture", metavar="MODE", help="How much is kept, where no serve runs yet.")
@click.option("--config", "file", metavar="FILE", type=click.Path(path_type=Path), help="Settings.")
@click.option("--quiet", is_flag=True, help="Leave out the summary.")
@click.argument("command", nargs=-1, required=True, metavar="[--] PROGRAM [ARGS]...")
def run(
    store: str | None,
    capture: str | None,
    file: Path | None,
    quiet: bool,
    command: tuple[str, ...],
) -> None:
    """Run a program with its calls recorded, and say what they missed.

    Its base URLs (Anthropic, OpenAI, Gemini) lead to the `serve` that runs, or to one for as long
    as the program runs. Terminal, signals and exit code are the program's own.

    \b
    Examples:
      whycold run -- claude
      whycold run -- python agent.py
    """
    given = {"store": store, "capture": capture}
    options: dict[str, Json] = {key: value for key, value in given.items() if value is not None}
    config = load(options, file)
    if sys.platform == "win32":
        raise UserError("whycold run needs Linux or macOS; on Windows run it in WSL")
    found = running(config.state_file)
    began = now()
    session = f"run-{began:%Y%m%dT%H%M%S}-{os.getpid()}" if found is not None else None
    with _serving(config, found, capture, file) as serve:
        code = run_program(command, serve.proxy, {"session": session} if session else {})
        if found is not None and not quiet:
            wait_until_kept(config.store, Path(found.spool))
    if not quiet:
        chosen = store is not None or file is not None
        _tell(summary(config.store, began - _SLACK, now() + _SLACK, session, chosen=chosen))
    sys.exit(code)


@contextlib.contextmanager
def _serving(
    config: Config, found: Running | None, capture: str | None, file: Path | None
) -> Generator[Running]:
    if found is not None:
        yield found
        return
    former = run_clients.former_upstreams(environment(), config.origins.keys(), config.port)
    options = {"--capture": capture, "--config": str(file) if file is not None else None}
    given = {name: value for name, value in options.items() if value is not None}
    with started(config, given, former) as serve:
        yield serve


def run_program(command: Sequence[str], url: str, labels: dict[str, str]) -> int:
    """Runs the program to its end; its exit code, 128 and the number of a signal that ended it."""
    env = run_clients.environment(environment(), url, command[0], labels)
    try:
        program = subprocess.Popen(run_clients.arguments(command, url, env), env=env)
    except FileNotFoundError:
        raise UserError(f"there is no program {command[0]!r}") from None
    except OSError as error:
        raise UserError(f"cannot run {command[0]!r}: {error.strerror}") from None
    with _forwarding(program):
        code = program.wait()
    return 128 - code if code < 0 else code


@contextlib.contextmanager
def _forwarding(program: subprocess.Popen[bytes]) -> Generator[None]:
    """Hands signals on to the program for the time of a ``with``."""

    def forward(number: int, frame: FrameType | None) -> None:
        if signal.Signals(number).name in _FROM_TERMINAL and _in_foreground():
            return
        with contextlib.suppress(ProcessLookupError):
            program.send_signal(number)

    numbers = [getattr(signal, name) for name in _FORWARDED]
    before = {number: signal.signal(number, forward) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    """Whether a terminal sends its signals to this process and the program alike."""
    for descriptor in (0, 1, 2):
        with contextlib.suppress(OSError):
            return os.tcgetpgrp(descriptor) == os.getpgrp()
    return False


def _tell(lines: Sequence[str]) -> None:
    with contextlib.suppress(BrokenPipeError):
        for line in lines:
            click.echo(f"whycold: {line}", err=True)
