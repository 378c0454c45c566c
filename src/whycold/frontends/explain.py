"""``whycold explain``: one call in full."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.config import load, now
from whycold.frontends.diagnosis_json import as_json
from whycold.frontends.explain_full import full_view, values
from whycold.frontends.explain_parts import parts
from whycold.frontends.explain_view import SHOWN, heading, neighbours, not_kept, table
from whycold.frontends.palette import FAINT
from whycold.frontends.prices import price_list
from whycold.frontends.reporting_asking import (
    asking,
    json_option,
    print_json,
    store_option,
    terminal,
)
from whycold.frontends.reporting_look import Look
from whycold.frontends.terminal import show
from whycold.frontends.web.saved import saved_call
from whycold.query import Query
from whycold.store.records import Record

__all__ = ["explain"]

_LATEST = "last"


@click.command()
@click.argument("call", metavar="CALL")
@json_option
@click.option("--full", is_flag=True, help="Show the changed texts whole, with --json too.")
@click.option(
    "--sort",
    type=click.Choice(["size", "order"]),
    default="size",
    help="Tools and messages by size, or in the order of the prompt.",
)
@click.option("--all", "everything", is_flag=True, help="Show every tool and message.")
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write one self-contained page, to send to a colleague.",
)
@store_option
def explain(
    call: str,
    as_data: bool,
    full: bool,
    sort: str,
    everything: bool,
    html: Path | None,
    store: str | None,
) -> None:
    """Explain one call: what broke, and where its tokens went.

    CALL is our id or the beginning of it, the provider's message or request id, or "last" for the
    latest miss.

    \b
    Examples:
      whycold explain last
      whycold explain msg_01XFDUDYJgAACzvnptvVoYEL --full
    """
    if html is not None and as_data:
        raise UserError("--json and --html: choose one")
    with asking(store) as query:
        record = query.call(query.latest_miss() if call == _LATEST else call)
        if html is not None:
            _write(html, saved_call(query, record.call.id, now(), _dashboard()))
        elif as_data:
            print_json(_data(query, record, full=full))
        else:
            _show(query, record, sort, None if everything else SHOWN, full=full)


def _dashboard() -> str:
    """Where the links of a page lead."""
    return f"http://127.0.0.1:{load({}).dashboard_port}"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
    click.echo(f"whycold: {path} is written; open it in a browser", err=True)


def _data(query: Query, record: Record, *, full: bool) -> dict[str, Json]:
    out = as_json(record.told, blocks=True) | {"capture": record.capture}
    if full:
        found = values(record.told, query.changes(record))
        out["texts"] = [{"path": v.path, "before": v.before, "after": v.after} for v in found]
    return out


def _show(query: Query, record: Record, sort: str, most: int | None, *, full: bool) -> None:
    console, told = terminal(), record.told
    look = Look.of(console)
    look.print(console, Text(), *heading(told, look))
    show(console, told)
    if full and told.divergences:
        found = values(told, query.changes(record))
        look.print(console, Text(), Text("The changed texts in full", style="bold"))
        look.print(console, *(full_view(found, look) if found else [_no_texts()]))
    if told.blocks and sum(block.tokens for block in told.blocks):
        look.print(
            console,
            Text(),
            *table(parts(told, price_list(load().prices)(record.call)), sort, most, look),
        )
    if around := list(neighbours(told, query.session(record), look)):
        look.print(console, Text(), *around)
    if notes := list(not_kept(record, query.found(told.predecessor))):
        look.print(console, Text(), *notes)


def _no_texts() -> Text:
    return Text(
        "The text of this call or of the one before it is not kept; above is all there is.",
        style=FAINT,
    )
