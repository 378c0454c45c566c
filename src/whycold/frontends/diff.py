"""``whycold diff``: two requests held against each other; no store is needed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from whycold.frontends.comparison import Comparison
from whycold.frontends.diagnosis_json import as_json
from whycold.frontends.terminal import show

__all__ = ["diff"]

_PIPED_WIDTH = 80


@click.command(
    short_help="Compare two requests: what broke the prefix, and what it costs.",
    epilog="Exit codes: 0 whatever is found, 2 when a file cannot be read as a request.",
)
@click.argument("before", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("after", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--provider",
    metavar="NAME",
    help="Whose cache rules hold: anthropic, openai, bedrock, llama.cpp and more; a wrong name "
    "lists them. Default: by the shape of the request and its model.",
)
@click.option(
    "--prices",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Your own prices: a JSON file in the format of LiteLLM's.",
)
@click.option("--json", "as_data", is_flag=True, help="Print the diagnosis as JSON.")
def diff(
    before: Path, after: Path, provider: str | None, prices: Path | None, as_data: bool
) -> None:
    """Compare two requests: what broke the prefix, where, and what it costs.

    BEFORE and AFTER are JSON files: each the body of a request, or a recorded exchange with a
    "request" and perhaps a "response" (a body or the text of a stream) and the time "at". Without
    responses the token counts are estimates. One of the two may be -, for standard input.

    \b
    Examples:
      whycold diff turn-1.json turn-2.json
      whycold diff turn-1.json - < turn-2.json
      whycold diff --provider bedrock turn-1.json turn-2.json
    """
    found = Comparison(provider, prices).files(before, after)
    if as_data:
        data = as_json(found.told, blocks=True)
        click.echo(json.dumps({**data, "notes": list(found.notes)}, indent=2))
    else:
        _make_writable()
        show(_console(), found.told, found.notes)


class _Console(Console):
    """Leaves a closed pipe to ``main``; rich would end with exit code 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _console() -> Console:
    """As wide as the terminal; a pipe gets one width, so that its text is the same everywhere."""
    console = _Console(highlight=False)
    return console if console.is_terminal else _Console(highlight=False, width=_PIPED_WIDTH)


def _make_writable() -> None:
    """Characters that the output's encoding lacks are escaped instead of failing."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
