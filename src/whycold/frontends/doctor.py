"""``whycold doctor``: what is recorded, what is not, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import click

from whycold.core.content import Json
from whycold.core.numbers import exact
from whycold.frontends.alerts.standing import alert_faults, alert_lines, alerts_json, standing
from whycold.frontends.config import load
from whycold.frontends.doctor_facts import Facts, facts, size
from whycold.frontends.doctor_problems import KNOWN, LEFT_OUT, TRAFFIC, recording_problems
from whycold.frontends.printable import printable
from whycold.frontends.reporting_asking import how_to_begin, print_json
from whycold.sources.spool_counts import Count

__all__ = ["doctor", "problems"]

_MOST_REASONS: Final = 10


@click.command()
@click.option("--store", metavar="URL", help="Where calls are kept.")
@click.option("--config", "file", metavar="FILE", type=click.Path(path_type=Path), help="Settings.")
@click.option("--json", "as_data", is_flag=True, help="Print JSON.")
def doctor(store: str | None, file: Path | None, as_data: bool) -> None:
    """Say what is recorded, what is not and why, and which settings hold."""
    options: dict[str, Json] = {"store": store}
    found = facts(load(options, file))
    if as_data:
        alerts = alerts_json(standing(found.config))
        print_json({**found.as_json(), "alerts": alerts, "problems": list(problems(found))})
        return
    for line in _page(found):
        click.echo(line)


def problems(found: Facts) -> Iterator[str]:
    """What is not as it should be, each with what to do."""
    yield from recording_problems(found)
    yield from alert_faults(standing(found.config))


def _page(found: Facts) -> Iterator[str]:
    yield f"whycold {found.version}, Python {found.python}, SQLite {found.sqlite}, {found.system}"
    wrong = list(problems(found))
    yield from _part("Problems", wrong or ["none found"])
    yield from _part("Recording", _recording(found))
    yield from _part("Left out", _counted(found, LEFT_OUT))
    yield from _part("Traffic", _counted(found, TRAFFIC))
    progress = found.store.progress
    if progress is not None:
        yield from _part("No calls", _reasons(progress.skipped.most_common(_MOST_REASONS)))
        yield from _part("Without a prompt", _reasons(progress.lacking.most_common(_MOST_REASONS)))
        yield from _part("Who answers", _providers(progress.providers))
    yield from _part("Alerts", alert_lines(standing(found.config)))
    # The options of a serve that runs are its own.
    whose = " of what is started now" if found.serve is not None else ""
    file = found.config.file or "no whycold.toml"
    yield from _part(f"Settings{whose} ({file})", _settings(found))


def _part(title: str, lines: Iterator[str] | list[str]) -> Iterator[str]:
    lines = list(lines)
    if lines:
        yield ""
        yield click.style(title, bold=True)
        yield from (f"  {line}" for line in lines)


def _recording(found: Facts) -> Iterator[str]:
    serve, store, spool = found.serve, found.store, found.config.spool
    if serve is None:
        yield "serve      does not run for this store"
    else:
        yield f"serve      process {serve.pid} since {serve.started}"
        yield f"           proxy {serve.proxy}, dashboard {serve.dashboard}"
    contents = store.contents
    if store.missing:
        yield f"store      {found.config.store}: nothing is recorded yet; {how_to_begin()}"
    elif contents is None:
        yield f"store      {found.config.store}: cannot be read"
    else:
        texts = f"{exact(contents.calls)} calls, {exact(contents.with_texts)} of them with text"
        yield f"store      {found.config.store}"
        yield f"           {texts}, {size(contents.bytes)}"
        if contents.first_seen is not None and contents.last_seen is not None:
            span = f"{contents.first_seen:%Y-%m-%d %H:%M} to {contents.last_seen:%Y-%m-%d %H:%M}"
            yield f"           {span} UTC"
    recorded = found.counts.counts.get(Count.recorded, 0)
    yield f"spool      {spool.folder}"
    yield (
        f"           {exact(recorded)} exchanges so far; {size(found.behind)} wait for the "
        f"recorder, {size(found.spool_bytes)} of {size(spool.total_bytes)} are taken"
    )
    yield from (f"note       {note}" for note in store.notes)


def _counted(found: Facts, names: Mapping[Count, str]) -> Iterator[str]:
    for count, text in names.items():
        if number := found.counts.counts.get(count, 0):
            yield f"{exact(number):>9}  {text}"


def _reasons(counts: list[tuple[str, int]]) -> Iterator[str]:
    yield from (f"{exact(number):>9}  {printable(why)}" for why, number in counts)


def _providers(providers: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name, said in providers.items():
        how = KNOWN.get(said.get("known_by", ""), "")
        yield f"{name}: {said.get('provider', '')}, {how}"


def _settings(found: Facts) -> Iterator[str]:
    widest = max(len(setting.key) for setting in found.settings)
    for setting in found.settings:
        origin = "" if setting.origin == "default" else f"  ({setting.origin})"
        yield f"{setting.key:<{widest}}  {printable(setting.value)}{origin}"
