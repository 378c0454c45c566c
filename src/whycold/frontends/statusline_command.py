"""``whycold statusline`` as the other commands have it: its help, and its mistakes."""

from __future__ import annotations

import click

from whycold.frontends.reporting_asking import store_option
from whycold.frontends.statusline import line

__all__ = ["statusline"]


@click.command(epilog="Exit codes: 0 always, 2 for an option that does not exist.")
@click.option("--session", metavar="S", help="This session.")
@click.option("--project", metavar="P", help="This project, over the last 24 hours.")
@store_option
def statusline(session: str | None, project: str | None, store: str | None) -> None:
    """Say in one line how a session's cache does: read ratio, last miss, its cause.

    Claude Code names its session on standard input; for others there are --session and --project.
    Without any it is about all calls of the last 24 hours. It takes a few milliseconds, and says
    nothing alarming when it cannot read the store.

    \b
    Examples:
      {"statusLine": {"type": "command", "command": "whycold statusline"}}    Claude Code, settings
      set -g status-right '#(whycold statusline --project shop)'              tmux.conf
    """
    click.echo(line(session, project, store).encode())
