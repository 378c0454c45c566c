"""What is wrong with recording, and the words for what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from whycold.core.numbers import exact
from whycold.frontends.doctor_facts import Facts, size
from whycold.frontends.printable import printable
from whycold.sources.served import How
from whycold.sources.spool_counts import Count

__all__ = ["KNOWN", "LEFT_OUT", "TRAFFIC", "recording_problems"]

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
KNOWN: Final[Mapping[str, str]] = {
    How.configured: "as configured",
    How.address: "by its address",
    How.server: "by the Server header",
    How.answer: "by its answers",
    How.shape: "not known, taken for the usual one",
}
_MOST_REASONS: Final = 10


def recording_problems(found: Facts) -> Iterator[str]:
    """What is not as it should be, but for alerts, each with what to do."""
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
