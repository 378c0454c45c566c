"""``whycold lint``: what will break a cached prefix, from request dumps alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.text import Text

from whycold.core.call import Call
from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.comparison import STANDARD_INPUT, read_file
from whycold.frontends.palette import BAD, SOFT
from whycold.frontends.printable import printable
from whycold.frontends.reporting_asking import json_option, print_json, terminal
from whycold.frontends.reporting_look import Look
from whycold.providers.registry import dialect, rules_for
from whycold.remedies.lint import Finding, Level, lint, lint_together

__all__ = ["lint_requests"]

_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
_SUFFIX = ".json"


@click.command(
    "lint", epilog="Exit codes: 0 nothing but notes, 1 an error or a warning, 2 your mistake."
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--provider", metavar="NAME", help="Whose cache rules hold. Default: by the request.")
@json_option
def lint_requests(files: tuple[Path, ...], provider: str | None, as_data: bool) -> None:
    """Look through request dumps for what will break the cached prefix.

    FILES are request bodies or recorded exchanges as JSON, or folders of them: values in tools or
    system that change by themselves, no or too many cache markers, markers too far apart, prefixes
    too short to be kept, and the same tool with its keys in another order from file to file.

    \b
    Examples:
      whycold lint request.json
      whycold lint dumps/ --json
    """
    if provider is not None:
        dialect(provider)
    found: list[tuple[str, Finding]] = []
    calls: list[Call] = []
    for path in _files(files):
        call = read_file(path).call(str(path), _UNDATED, provider)
        calls.append(replace(call, id=str(path)))
        found += [(str(path), finding) for finding in lint(call, rules_for(call))]
    found += [("all files", finding) for finding in lint_together(calls)]
    if as_data:
        print_json({"files": len(calls), "findings": [_json(*one) for one in found]})
    else:
        console = terminal()
        look = Look.of(console)
        look.print(console, *_lines(found, len(calls)))
    if any(finding.level is not Level.note for _, finding in found):
        sys.exit(1)


def _files(given: Sequence[Path]) -> list[Path]:
    """The files themselves, and those in folders. Raises UserError when there is none."""
    out: list[Path] = []
    for path in given:
        if path != STANDARD_INPUT and path.is_dir():
            out += sorted(file for file in path.rglob(f"*{_SUFFIX}") if file.is_file())
        else:
            out.append(path)
    if not out:
        raise UserError(f"there is no {_SUFFIX} file in {given[0]}")
    return out


def _lines(found: Sequence[tuple[str, Finding]], files: int) -> Iterator[Text]:
    for file, finding in found:
        style = {Level.error: BAD, Level.warning: "bold", Level.note: SOFT}[finding.level]
        line = Text().append(f"{finding.level}: ", style=style)
        line.append(printable(finding.path), style="bold").append(f"  {finding.flaw}", style=SOFT)
        yield line
        at = f" (character {finding.offset:,})" if finding.offset is not None else ""
        yield Text(f"  {printable(finding.message)}{at}")
        yield Text(f"  {finding.advice}")
        yield Text(f"  {printable(file)}", style=SOFT)
        yield Text()
    count = len(found)
    told = "nothing" if not count else "1 finding" if count == 1 else f"{count} findings"
    yield Text(f"{files} request{'' if files == 1 else 's'}, {told}.", style="bold")


def _json(file: str, finding: Finding) -> dict[str, Json]:
    return {
        "file": file,
        "flaw": finding.flaw,
        "level": finding.level,
        "path": finding.path,
        "offset": finding.offset,
        "message": finding.message,
        "advice": finding.advice,
    }
