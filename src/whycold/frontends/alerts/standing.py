"""How alerts stand, for people and programs: what is configured beside what was found and sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from whycold.core.content import Json
from whycold.core.numbers import exact
from whycold.frontends.alert_rules import Receiver, Rule
from whycold.frontends.alert_state import AlertState, Outbox, RuleState, StateFile
from whycold.frontends.alerts.stepping import definition
from whycold.frontends.alerts.wording import amount, condition_words
from whycold.frontends.config_settings import Config
from whycold.frontends.diagnosis_json import time_text
from whycold.frontends.printable import printable

__all__ = ["Standing", "address_shown", "alert_faults", "alert_lines", "alerts_json", "standing"]

_MINUTE: Final = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is configured, and how it stood when the rules were looked at the last time."""

    rules: tuple[Rule, ...]
    receivers: tuple[Receiver, ...]
    state: AlertState

    def of(self, rule: Rule) -> RuleState:
        """Where a rule stands; that of another one under its name is not its own."""
        found = self.state.rules.get(rule.name)
        return found if found and found.definition == definition(rule) else RuleState()

    def outbox(self, receiver: Receiver) -> Outbox:
        """What waits for a receiver, and how sending to it went."""
        return self.state.outboxes.get(receiver.name) or Outbox()


def standing(config: Config) -> Standing:
    """Of the alerts in the settings."""
    state = StateFile(config.alerts_file).read() or AlertState()
    return Standing(config.alerting.rules, config.alerting.receivers, state)


def address_shown(url: str) -> str:
    """Where messages go, without the path, which may be all that keeps others out."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" + ("/…" if parts.path.strip("/") else "")


def alert_lines(found: Standing) -> Iterator[str]:
    """A few lines for each rule and receiver."""
    for rule in found.rules:
        state = found.of(rule)
        yield f"{printable(rule.name)}: {condition_words(rule)}"
        yield f"    {_stands(rule, state)}"
    for receiver in found.receivers:
        yield f"to {receiver.name}: {receiver.shape}, {address_shown(receiver.url)}"
        yield f"    {_sends(receiver, found.outbox(receiver))}"


def alert_faults(found: Standing) -> Iterator[str]:
    """What is not as it should be."""
    if found.rules and not found.receivers:
        yield "alerts are sent to nobody: there are no receivers in whycold.toml"
    if found.rules and found.state.fault:
        yield f"alerts could not be looked at: {found.state.fault}"
    for receiver in found.receivers:
        box = found.outbox(receiver)
        if box.error is not None:
            waiting = exact(len(box.waiting))
            yield f"receiver {receiver.name}: {printable(box.error)}; {waiting} messages wait"
        if box.dropped:
            yield f"receiver {receiver.name}: {exact(box.dropped)} messages were given up"


def alerts_json(found: Standing) -> dict[str, Json]:
    """The same as plain values."""
    return {
        "judged": _time(found.state.judged),
        "fault": found.state.fault,
        "rules": [_rule(rule, found.of(rule)) for rule in found.rules],
        "receivers": [_receiver(each, found.outbox(each)) for each in found.receivers],
    }


def _stands(rule: Rule, state: RuleState) -> str:
    if state.judged is None:
        return "not looked at yet"
    value = f", {amount(rule.measure, state.value)}" if state.value is not None else ""
    why = f"; {state.why}" if state.why else ""
    at = f"{state.judged:{_MINUTE}} UTC"
    if not state.firing or state.since is None:
        return f"quiet{value}, looked at {at}{why}"
    told = f", told {state.told:{_MINUTE}}" if state.told else ""
    return f"firing since {state.since:{_MINUTE}}{told}{value}, looked at {at}{why}"


def _sends(receiver: Receiver, box: Outbox) -> str:
    signed = "signed" if receiver.secret else "not signed"
    last = "nothing sent yet"
    if box.last_delivered is not None:
        last = f"{exact(box.delivered)} sent, last {box.last_delivered:{_MINUTE}} UTC"
    waiting = f", {exact(len(box.waiting))} wait" if box.waiting else ""
    error = f"; {printable(box.error)}" if box.error else ""
    return f"{last}{waiting}, {signed}{error}"


def _rule(rule: Rule, state: RuleState) -> dict[str, Json]:
    return {
        "name": rule.name,
        "condition": condition_words(rule),
        "filters": dict(rule.filters),
        "to": list(rule.to),
        "firing": state.firing,
        "since": _time(state.since),
        "told": _time(state.told),
        "judged": _time(state.judged),
        "value": float(state.value) if state.value is not None else None,
        "calls": state.calls,
        "why": state.why,
    }


def _receiver(receiver: Receiver, box: Outbox) -> dict[str, Json]:
    return {
        "name": receiver.name,
        "shape": receiver.shape,
        "address": address_shown(receiver.url),
        "signed": receiver.secret is not None,
        "delivered": box.delivered,
        "waiting": len(box.waiting),
        "dropped": box.dropped,
        "last_delivered": _time(box.last_delivered),
        "last_tried": _time(box.last_tried),
        "error": box.error,
    }


def _time(at: datetime | None) -> str | None:
    return time_text(at) if at is not None else None
