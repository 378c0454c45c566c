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
from whycold.frontends.printable import printable
from whycold.frontends.reporting_asking import how_to_begin, print_json
from whycold.sources.served import How
from whycold.sources.spool_counts import Count

__all__ = ["KNOWN", "LEFT_OUT", "TRAFFIC", "doctor", "problems"]

LEFT_OUT: Final[Mapping[Count, str]] = {
    Count.unrecorded_upgrade: (
        "connections became WebSocket or HTTP/2 and passed unrecorded; "
        "upstreams.NAME.websockets can refuse them"
    ),
    Count.unrecorded_capture: "calls in capture mode none",
    Count.body_too_large: "bodies longer than spool.body",
    Count.body_budget: "bodies for which spool.memory had no room",
    Count.body_spool_full: "bodies for which spool.size had no room",
    Count.body_disk: "bodies that the disk did not take",
    Count.record_budget: "calls for which spool.memory had no room",
    Count.record_spool_full: "calls for which spool.size had no room",
    Count.record_disk: "calls that the disk did not take",
    Count.record_failed: "calls that whycold could not write down: please report this",
}
TRAFFIC: Final[Mapping[Count, str]] = {
    Count.refused: "requests the proxy refused (unknown path or host name, bad message)",
    Count.upstream_failed: "calls whose upstream could not be reached",
    Count.upstream_cut: "answers that the upstream cut off",
    Count.client_cut: "calls that the client gave up",
    Count.timed_out: "calls that took too long",
    Count.retried: "calls sent again, for the connection had gone stale",
}
_LOSSES: Final = tuple(c for c in LEFT_OUT if not c.name.startswith("unrecorded"))
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
    if not found.sqlite_sound:
        yield f"SQLite {found.sqlite} may corrupt a store when its log is reset: update apsw"
    if found.store.error:
        yield found.store.error
    yield from _serves(found)
    for name in found.unknown_variables:
        yield f"the variable {name} is no setting; docs/configuration.md lists them"
    for count in _LOSSES:
        if number := found.counts.counts.get(count, 0):
            yield f"{exact(number)} {LEFT_OUT[count]}"
    yield from _recorders(found)
    yield from alert_faults(standing(found.config))
    for path in found.set_aside:
        yield f"a damaged file was set aside: {path}"


def _serves(found: Facts) -> Iterator[str]:
    serve = found.serve
    if serve is None:
        if found.behind:
            yield (
                f"{size(found.behind)} wait on the spool and no serve runs: `whycold serve` takes "
                "them up"
            )
        for port in (port for port, answers in found.answering.items() if answers):
            yield f"port {port} is taken by another program; `whycold serve` would need another one"
        return
    for port in (port for port, answers in found.answering.items() if not answers):
        yield f"serve runs, and port {port} does not answer"
    for part, number in serve.restarts.items():
        if number:
            yield f"the {part} had to be started again {number} times since {serve.started}"


def _recorders(found: Facts) -> Iterator[str]:
    progress = found.store.progress
    if progress is None:
        return
    for why, number in progress.failed.most_common(_MOST_REASONS):
        yield f"{exact(number)} exchanges {printable(why)}: please report this"
    if lost := sum(progress.damaged.values()):
        yield f"{size(lost)} of the spool could not be read"
    for name, said in progress.providers.items():
        if said.get("known_by") == How.shape and name in found.config.upstreams:
            yield (
                f"upstream {name} does not say who answers, and is taken for "
                f"{said.get('provider')}: set upstreams.{name}.provider"
            )


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


KNOWN: Final[Mapping[str, str]] = {
    How.configured: "as configured",
    How.address: "by its address",
    How.server: "by the Server header",
    How.answer: "by its answers",
    How.shape: "not known, taken for the usual one",
}


def _providers(providers: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name, said in providers.items():
        how = KNOWN.get(said.get("known_by", ""), "")
        yield f"{name}: {said.get('provider', '')}, {how}"


def _settings(found: Facts) -> Iterator[str]:
    widest = max(len(setting.key) for setting in found.settings)
    for setting in found.settings:
        origin = "" if setting.origin == "default" else f"  ({setting.origin})"
        yield f"{setting.key:<{widest}}  {printable(setting.value)}{origin}"
