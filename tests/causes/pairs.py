"""An example of a cause as two calls, diagnosed, with every question that the causes were asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from whycold import causes
from whycold.core.call import Call, Usage
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.diagnosis import Diagnosis, Reason
from whycold.diagnose import diagnose
from whycold.providers.registry import read_call, rules_for

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ORIGIN = {
    "project": "billing",
    "session": "session-1",
    "release": "2.1.180",
    "account": "account-1",
    "host": "host-1",
}


@dataclass(frozen=True)
class Told:
    """What became of an example: two calls, the second one's diagnosis, and every case of it."""

    before: Call
    after: Call
    diagnosis: Diagnosis
    cases: tuple[Case, ...]

    def at(self, place: str | None) -> tuple[str | None, ...]:
        """Causes that were named: at ``place`` the first divergence's, by default the call's."""
        if place is None:
            return (self.diagnosis.cause,)
        found = (d for d in self.diagnosis.divergences if place in (d.path, str(d.section)))
        return tuple(d.cause for d in found)[:1]


class Listener(Cause):
    """Claims nothing and remembers what was asked."""

    code = "listener"
    reason = Reason.unexplained
    title = what = advice = ""

    def __init__(self) -> None:
        self.heard: list[Case] = []

    def explains(self, case: Case) -> Evidence | None:
        self.heard.append(case)
        return None


def calls(example: Example) -> tuple[Call, Call]:
    """The two calls of an example."""
    return (
        _call("before", example, example.before, example.reply, example.was, START),
        replace(
            _call("after", example, example.after, example.after_reply, example.now, _end(example)),
            **dict[str, Any](example.call),
        ),
    )


def others(example: Example) -> Iterator[Call]:
    """Calls of other conversations between the two."""
    step = example.gap / (len(example.between) + 1)
    for number, body in enumerate(example.between, 1):
        at = START + number * step
        call = _call(f"between-{number}", example, body, None, Usage(), at)
        yield replace(call, session=f"other-{number}")


def _end(example: Example) -> datetime:
    return START + example.gap


def _call(id: str, example: Example, body: Any, answer: Any, usage: Usage, at: datetime) -> Call:
    call = read_call(
        body,
        answer,
        id=id,
        at=at,
        provider=example.provider,
        headers={k.lower(): v for k, v in example.headers[id == "after"].items()},
        began=at + example.began if example.began is not None else None,
        origin=ORIGIN,
    )
    if usage == Usage():
        return call
    return replace(call, reply=replace(call.reply, usage=usage))


def told(example: Example) -> Told:
    """The example through the whole pipeline."""
    before, after = calls(example)
    with _listening() as listener:
        diagnosis = diagnose([before, *others(example), after], rules_for)[-1]
    return Told(before, after, diagnosis, tuple(c for c in listener.heard if c.call.id == "after"))


@contextmanager
def _listening() -> Iterator[Listener]:
    listener, known = Listener(), causes.ALL
    causes.ALL = (listener, *known)
    try:
        yield listener
    finally:
        causes.ALL = known


def claimants(case: Case) -> list[str]:
    """Codes of all causes that claim a case."""
    return [cause.code for cause, _ in causes.claims(case)]
