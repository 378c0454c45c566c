"""The command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from whycold import __version__
from whycold.errors import UserError
from whycold.frontends.comparison import Comparison, read_file
from whycold.frontends.diagnosis_json import as_json
from whycold.frontends.terminal import show

__all__ = ["cli", "main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="whycold")
def cli() -> None:
    """Follow every prompt-cache miss back to the edit that caused it."""


@cli.command()
@click.argument("before", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("after", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--provider",
    metavar="NAME",
    help="Whose cache rules hold (default: by the shape of the request).",
)
@click.option(
    "--prices", type=click.Path(path_type=Path), help="Own prices: a LiteLLM-style JSON file."
)
@click.option("--json", "as_data", is_flag=True, help="Print the diagnosis as JSON.")
def diff(
    before: Path, after: Path, provider: str | None, prices: Path | None, as_data: bool
) -> None:
    """Compare two requests: what broke the prefix, where, and what it costs.

    BEFORE and AFTER are files with a request body, or with a recorded exchange {"request": …,
    "response": …, "at": …}; a dash reads standard input.
    """
    told = Comparison(provider, prices).of(read_file(before), read_file(after))
    if as_data:
        click.echo(json.dumps(as_json(told, blocks=True), indent=2))
    else:
        show(Console(highlight=False), told)


def main() -> None:
    """Run the command; the user's mistakes are one line on standard error and exit code 2."""
    try:
        cli(standalone_mode=False)
    except UserError as error:
        _fail(str(error))
    except click.ClickException as error:
        _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


def _fail(message: str) -> None:
    click.echo(f"whycold: {message}", err=True)
    sys.exit(2)
