"""What every command has in common that asks the store: its options, and the way to an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from rich.console import Console

from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.config import environment, load
from whycold.frontends.csv_tables import Cell, csv_text
from whycold.frontends.filters import FILTERS
from whycold.query import Query
from whycold.store.base import Missing
from whycold.store.opening import open_store

__all__ = [
    "asked_words",
    "asking",
    "csv_option",
    "how_to_begin",
    "json_option",
    "print_csv",
    "print_json",
    "store_option",
    "terminal",
]

_COMMAND = TypeVar("_COMMAND", bound=Callable[..., Any])
_PIPED_WIDTH = 80


def store_option(command: _COMMAND) -> _COMMAND:
    """``--store URL``."""
    return click.option("--store", metavar="URL", help="Where calls are kept.")(command)


def json_option(command: _COMMAND) -> _COMMAND:
    """``--json``."""
    return click.option("--json", "as_data", is_flag=True, help="Print JSON.")(command)


def csv_option(command: _COMMAND) -> _COMMAND:
    """``--csv``."""
    return click.option("--csv", "as_table", is_flag=True, help="Print CSV.")(command)


@contextmanager
def asking(url: str | None) -> Generator[Query]:
    """Questions to the store of that URL, or to the configured one. Raises UserError."""
    try:
        store = open_store(load({"store": url}).store, write=False)
    except Missing as missing:
        raise UserError(f"{str(missing).partition(';')[0]}: {how_to_begin()}") from None
    for note in store.notes:
        click.echo(f"whycold: {note}", err=True)
    try:
        yield Query(store)
    finally:
        store.close()


def how_to_begin() -> str:
    """What to do where nothing is recorded."""
    ways = "`whycold serve` or `whycold run -- COMMAND` or `whycold import`"
    return f"record something first, with {ways}"


def asked_words(given: Mapping[str, str | None]) -> str:
    """The filters as they are shown; "" without any."""
    words = (
        f"{name} {given[name] or 'absent'}"
        for name in FILTERS
        if name not in ("since", "until") and given.get(name) is not None
    )
    return " · ".join(words)


def print_json(value: Json) -> None:
    """One JSON document on standard output."""
    _write(json.dumps(value, indent=2) + "\n")


def print_csv(rows: Iterable[Sequence[Cell]]) -> None:
    """A table on standard output, in UTF-8 whatever the terminal's encoding."""
    _write(csv_text(rows))


def _write(text: str) -> None:
    try:
        click.echo(text.encode(), nl=False)
    except BrokenPipeError:
        # without its number, for which click would end with exit code 1
        raise BrokenPipeError from None


def terminal() -> Console:
    """Standard output, as wide as the terminal; a pipe gets one width, so that its text is the
    same everywhere, unless COLUMNS says otherwise.
    """
    console = _Console(highlight=False)
    if console.is_terminal or environment().get("COLUMNS", "").isdigit():
        return console
    return _Console(highlight=False, width=_PIPED_WIDTH)


class _Console(Console):
    """Leaves a closed pipe to ``main``; rich would end with exit code 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError
