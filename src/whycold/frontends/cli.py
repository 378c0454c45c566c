"""The command line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from whycold import __version__
from whycold.errors import UserError
from whycold.frontends.blame import blame_culprit
from whycold.frontends.check.command import check
from whycold.frontends.comparison import Comparison
from whycold.frontends.culprits import culprits
from whycold.frontends.demo.command import demo
from whycold.frontends.diagnosis_json import as_json
from whycold.frontends.doctor import doctor
from whycold.frontends.erase import erase
from whycold.frontends.explain import explain
from whycold.frontends.importing import import_calls
from whycold.frontends.lint import lint_requests
from whycold.frontends.misses import misses
from whycold.frontends.printable import printable
from whycold.frontends.releases import releases
from whycold.frontends.reporting import report
from whycold.frontends.run import run
from whycold.frontends.serve import serve
from whycold.frontends.terminal import show

__all__ = ["cli", "main"]

_PIPED_WIDTH = 80


class _PipeClosed(Exception):
    """Nobody reads what is written any more."""


class _Commands(click.Group):
    """Leaves a closed pipe to ``main``; click would end with exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _PipeClosed from None


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 2 your mistake, told in one line.",
)
@click.version_option(__version__, prog_name="whycold", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Follow every prompt-cache miss back to the edit that caused it.

    \b
    Examples:
      whycold diff before.json after.json    what broke the prefix between two requests
      whycold serve                          record calls on their way to the provider
      whycold report --since 24h             how well the cache did, and what misses cost
      whycold explain last                   the latest miss, word for word
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command(
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


cli.add_command(report)
cli.add_command(misses)
cli.add_command(explain)
cli.add_command(culprits)
cli.add_command(releases)
cli.add_command(blame_culprit)
cli.add_command(check)
cli.add_command(lint_requests)
cli.add_command(serve)
cli.add_command(run)
cli.add_command(doctor)
cli.add_command(demo)
cli.add_command(import_calls)
cli.add_command(erase)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command, by default with this process's arguments; the user's mistakes are one line
    on standard error and exit code 2.
    """
    try:
        cli.main(arguments, prog_name="whycold", standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        _fail(str(error))
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx is not None else "whycold"
        _fail(f"{error.format_message()} ({command} --help says more)")
    except click.ClickException as error:
        _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except (BrokenPipeError, _PipeClosed):
        # what is still in the buffer would be written, and complained about, at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str) -> None:
    click.echo(f"whycold: {printable(' '.join(message.split()))}", err=True)
    sys.exit(2)


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
