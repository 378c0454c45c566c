"""``whycold mcp``: the questions as tools of an agent, on standard input and output."""

from __future__ import annotations

import click

from whycold.errors import UserError
from whycold.frontends.config import load, now
from whycold.frontends.mcp.over_http import is_installed
from whycold.frontends.mcp.tools import Desk
from whycold.frontends.reporting_asking import store_option
from whycold.frontends.web.store_access import StoreAccess

__all__ = ["mcp"]


@click.command(epilog="Exit codes: 0 the client went, 2 without the SDK.")
@store_option
def mcp(store: str | None) -> None:
    """Answer an agent's questions as an MCP server on standard input and output.

    The tools are report, misses, explain, culprits, culprit, blame and diff. They only read, and
    their answers are small: 4,000 tokens unless more is asked for. A running `whycold serve`
    answers the same under /mcp on its dashboard port.

    \b
    Examples:
      claude mcp add whycold -- whycold mcp
      claude mcp add --transport http whycold http://127.0.0.1:4142/mcp
    """
    if not is_installed():
        raise UserError('this needs the MCP SDK: pip install "whycold[mcp]"')
    # the SDK takes a second to import, and need not be there for the help
    from whycold.frontends.mcp.server import serve_stdio

    access = StoreAccess(load({"store": store}).store)
    try:
        serve_stdio(Desk(lambda question: access.ask(lambda query, _: question(query)), now))
    finally:
        access.close()
