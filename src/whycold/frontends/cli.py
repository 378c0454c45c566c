"""The command line: which commands there are, and how it ends.

A command is a row of ``COMMANDS``; its module is imported only when the command is asked for, so
that ``whycold --version`` and the status line do not pay for the rest.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import click

from whycold import __version__
from whycold.errors import UserError

__all__ = ["COMMANDS", "cli", "main"]


class _Place(NamedTuple):
    """Where a command stands: a module of ``whycold.frontends``, the name in it, and the line that
    tells it in the list of commands.
    """

    module: str
    name: str
    line: str


COMMANDS: Mapping[str, _Place] = {
    "diff": _Place(
        "diff", "diff", "Compare two requests: what broke the prefix, and what it costs."
    ),
    "report": _Place(
        "reporting", "report", "Show what was read, what was missed and why, in a period."
    ),
    "misses": _Place("misses", "misses", "List the latest misses, each with the edit that did it."),
    "explain": _Place(
        "explain", "explain", "Explain one call: what broke, and where its tokens went."
    ),
    "culprits": _Place(
        "culprits",
        "culprits",
        "List what costs most: misses grouped by the edit that caused them, dearest first.",
    ),
    "releases": _Place(
        "releases",
        "releases",
        "List what changed when, newest first, and whether calls were different from then on.",
    ),
    "blame": _Place(
        "blame", "blame_culprit", "Find the lines and commits that an edit comes from."
    ),
    "check": _Place(
        "check.command",
        "check",
        "Fail when calls missed more than they may, and say which edit it was.",
    ),
    "lint": _Place(
        "lint", "lint_requests", "Look through request dumps for what will break the cached prefix."
    ),
    "serve": _Place(
        "serve", "serve", "Stand between clients and providers, and record what the cache does."
    ),
    "run": _Place("run", "run", "Run a program with its calls recorded, and say what they missed."),
    "doctor": _Place(
        "doctor", "doctor", "Say what is recorded, what is not and why, and which settings hold."
    ),
    "alerts": _Place(
        "alerts.command",
        "alerts",
        "Show how the alerts of whycold.toml stand, or send a test.",
    ),
    "demo": _Place("demo.command", "demo", "Open the dashboard on two weeks of made-up traffic."),
    "import": _Place(
        "importing", "import_calls", "Import what other programs recorded, each call once."
    ),
    "erase": _Place("erase", "erase", "Delete calls for good, as if they had never been recorded."),
    "statusline": _Place(
        "statusline_command",
        "statusline",
        "Say in one line how a session's cache does: read ratio, last miss, its cause.",
    ),
    "skill": _Place(
        "skill",
        "skill",
        "Install the skill that leads an agent from a fallen cache ratio to a verified fix.",
    ),
    "mcp": _Place(
        "mcp_command",
        "mcp",
        "Answer an agent's questions as an MCP server on standard input and output.",
    ),
}
"""Every command. A new one is a row here; a test holds the line against the command's own."""


class _PipeClosed(Exception):
    """Nobody reads what is written any more."""


class _Commands(click.Group):
    """Imports a command when it is asked for, and leaves a closed pipe to ``main``: click would
    end with exit code 1.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        found = getattr(importlib.import_module(f"whycold.frontends.{place.module}"), place.name)
        assert isinstance(found, click.Command), cmd_name
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.line) for name, place in sorted(COMMANDS.items())])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _PipeClosed from None


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 check or lint found too much, 2 your mistake, told in one line.",
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command, by default with this process's arguments; the user's mistakes are one line
    on standard error and exit code 2.
    """
    try:
        cli.main(arguments, prog_name="whycold", standalone_mode=False)
        # a shell may have closed it
        if sys.stdout is not None:
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
        _drop_output()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _drop_output()
        _fail("cannot write the output: no space is left where it goes")


def _drop_output() -> None:
    """What is still in the buffer would be written, and complained about, at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str) -> None:
    # only mistakes need to know how wide characters are
    from whycold.frontends.printable import printable

    click.echo(f"whycold: {printable(' '.join(message.split()))}", err=True)
    sys.exit(2)
