"""``whycold check``: fails when a limit is passed, and says why."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn

import click
from rich.text import Text

from whycold.core.numbers import exact, percent, short, usd
from whycold.errors import UserError
from whycold.frontends.check.counted import Broken, Counted, count
from whycold.frontends.check.formats import as_data, junit, sarif
from whycold.frontends.check.inputs import of_command, of_recordings
from whycold.frontends.check.limits import Baseline, Limits, Outcome
from whycold.frontends.check.limits import check as held_against
from whycold.frontends.config import now
from whycold.frontends.filters import filter_options, read_asked
from whycold.frontends.palette import BAD, GOOD, SOFT
from whycold.frontends.printable import printable, row_of
from whycold.frontends.reporting_asking import asking, store_option, terminal
from whycold.frontends.reporting_edit import edit_line
from whycold.frontends.reporting_look import Look
from whycold.frontends.reporting_words import reason_colour
from whycold.query import Query

__all__ = ["check"]

_SHOWN = 10
_FORMATS = ("text", "json", "junit", "sarif")


@click.command(
    epilog="Exit codes: 0 every limit is kept, 1 one is passed or the command failed, "
    "2 your mistake, told in one line."
)
@click.argument("recordings", nargs=-1, type=click.Path(path_type=Path))
@click.option("--max-misses", metavar="N", type=click.IntRange(0), help="Calls that may miss.")
@click.option("--max-missed-tokens", metavar="N", type=click.IntRange(0), help="Tokens likewise.")
@click.option("--max-cost", metavar="USD", help="What misses may cost above reads.")
@click.option("--min-read-ratio", metavar="X", help="Share of the input to be read: 0.7 or 70%.")
@click.option("--baseline", metavar="FILE", type=click.Path(path_type=Path), help="Known culprits.")
@click.option("--update-baseline", is_flag=True, help="Write the baseline: accept what is there.")
@click.option("--allow", metavar="WORD", multiple=True, help="A reason or cause that is no fault.")
@click.option("--run", "command", metavar="COMMAND", help="Check the calls of this command.")
@click.option("--upstream", metavar="NAME=URL", multiple=True, help="With --run: where to.")
@click.option("--from", "kind", metavar="KIND", help="What RECORDINGS are, as import calls it.")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="text", help="Of the output."
)
@click.option("--json", "as_json_", is_flag=True, help="The same as --format json.")
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), help="Write it there.")
@filter_options
@store_option
def check(
    recordings: tuple[Path, ...],
    max_misses: int | None,
    max_missed_tokens: int | None,
    max_cost: str | None,
    min_read_ratio: str | None,
    baseline: Path | None,
    update_baseline: bool,
    allow: tuple[str, ...],
    command: str | None,
    upstream: tuple[str, ...],
    kind: str | None,
    form: str,
    as_json_: bool,
    output: Path | None,
    store: str | None,
    **given: str | None,
) -> None:
    """Fail when calls missed more than they may, and say which edit it was.

    The calls are those of the store (filtered), those of RECORDINGS (cassettes, HTTP archives,
    lines of JSON), or those of a command that is run with its calls recorded. Without a limit none
    may miss. What the client meant to do and what people ignore is no fault. Where a provider
    reports no reads, calls count whose prefix broke.

    \b
    Examples:
      whycold check --since 24h --min-read-ratio 0.7
      whycold check tests/cassettes --baseline whycold.json
      whycold check --run "pytest tests/agent" --upstream anthropic=http://127.0.0.1:9000
    """
    if update_baseline and baseline is None:
        raise UserError("--update-baseline writes the file of --baseline: name it")
    limits = Limits(
        max_misses,
        max_missed_tokens,
        _dollars(max_cost),
        _ratio(min_read_ratio),
        Baseline.read(baseline) if baseline is not None and not update_baseline else None,
    )
    if limits.is_none and not update_baseline:
        limits = Limits(max_misses=0)
    asked = read_asked(given, now())

    def of(query: Query) -> Counted:
        return count(query, asked.filters, allow)

    counted, code = _counted(of, recordings, kind, command, upstream, store)
    if not counted.totals.calls:
        _nothing(code)
    verdict = held_against(counted, limits)
    if update_baseline and baseline is not None:
        Baseline.write(baseline, counted.broken)
        click.echo(f"whycold: {baseline} accepts {len(counted.broken)} culprits", err=True)
    _tell(counted, verdict, "json" if as_json_ else form, output)
    if code:
        _failed(code)
    if code or not all(one.passed for one in verdict):
        sys.exit(1)


def _nothing(code: int) -> NoReturn:
    """No call came: the command's fault where it failed, else a mistake."""
    if not code:
        raise UserError("there is no call to check; see --help for where they may come from")
    _failed(code)
    sys.exit(1)


def _counted(
    of: Callable[[Query], Counted],
    recordings: Sequence[Path],
    kind: str | None,
    command: str | None,
    upstream: Sequence[str],
    store: str | None,
) -> tuple[Counted, int]:
    """The calls of whatever was named, and the exit code of a command."""
    if sum(bool(way) for way in (recordings, command, store)) > 1:
        raise UserError("RECORDINGS, --run and --store: choose one")
    if upstream and command is None:
        raise UserError("--upstream goes with --run")
    if kind is not None and not recordings:
        raise UserError("--from goes with RECORDINGS")
    if command is not None:
        with of_command(command, upstream) as (query, code):
            return of(query), code
    if recordings:
        with of_recordings(recordings, kind) as (query, troubles):
            for trouble in troubles:
                click.echo(f"whycold: {printable(trouble)}", err=True)
            return of(query), 0
    with asking(store) as query:
        return of(query), 0


def _failed(code: int) -> None:
    click.echo(f"whycold: the command failed (exit code {code})", err=True)


def _dollars(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise UserError(f"--max-cost {text!r}: give dollars, such as 0.50")
    return amount


def _ratio(text: str | None) -> float | None:
    if text is None:
        return None
    words = text.strip()
    try:
        value = float(words.removesuffix("%")) / (100 if words.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UserError(f"--min-read-ratio {text!r}: give a share such as 0.7 or 70%")
    return value


def _tell(counted: Counted, verdict: Outcome, form: str, output: Path | None) -> None:
    if form == "text" and output is None:
        console = terminal()
        look = Look.of(console)
        look.print(console, *_lines(counted, verdict, look))
        return
    text = {
        "json": lambda: json.dumps(as_data(counted, verdict), indent=2) + "\n",
        "junit": lambda: junit(counted, verdict),
        "sarif": lambda: json.dumps(sarif(counted, verdict), indent=2) + "\n",
        "text": lambda: "\n".join(line.plain for line in _lines(counted, verdict, Look())) + "\n",
    }[form]()
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror}") from None


def _lines(counted: Counted, verdict: Outcome, look: Look) -> Iterator[Text]:
    totals = counted.totals
    calls = "1 call" if totals.calls == 1 else f"{exact(totals.calls)} calls"
    read = percent(totals.cache_read, totals.reporting_input)
    told = f", {read} of the input read from the cache" if totals.reporting else ""
    yield Text(f"{calls}{told}", style="bold")
    for one in verdict:
        line = Text("ok    " if one.passed else "FAIL  ", style=GOOD if one.passed else BAD)
        yield line.append(one.words, style="")
    blamed = {b.id: b for one in verdict if not one.passed for b in one.blamed}
    for broken in list(blamed.values())[:_SHOWN]:
        yield Text()
        yield from _culprit(broken, look)
    if len(blamed) > _SHOWN:
        yield Text(f"and {len(blamed) - _SHOWN} more", style=SOFT)


def _culprit(one: Broken, look: Look) -> Iterator[Text]:
    told = one.latest
    line = Text(no_wrap=True).append("■ ", style=reason_colour(told.reason))
    line.append(printable(one.path or told.cause or "unexplained"), style="bold")
    line.append(f"  {told.cause}", style=SOFT)
    yield line
    edit = one.edit
    words = edit_line(edit, look.width - 2, look) if edit is not None else None
    if words is not None:
        yield Text("  ") + words
    else:
        yield Text(f"  {row_of(told.title or '', look.width - 2)}")
    cost = f", {usd(one.missed_cost_usd)}" if one.missed_cost_usd is not None else ""
    estimate = " at stake (reads are not reported)" if one.unreported else " missed"
    yield Text(
        f"  {one.calls} {'call' if one.calls == 1 else 'calls'}, "
        f"{short(one.missed_tokens)} tokens{estimate}{cost} · culprit {one.id}",
        style=SOFT,
    )
    for words in textwrap.wrap(printable(told.advice or ""), look.width - 2):
        yield Text(f"  {words}")
