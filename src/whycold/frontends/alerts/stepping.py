"""From one look to the next: when a rule fires, says so again, and has recovered."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from whycold.frontends.alert_rules import Condition, Rule
from whycold.frontends.alert_state import Event, RuleState
from whycold.frontends.alerts.judging import Arrived, Judged

__all__ = ["Step", "begun", "definition", "step"]

_MOST_KNOWN: Final = 500


class Step(NamedTuple):
    """Where a rule stands now, and what there is to say; ``news`` are the culprits to name."""

    state: RuleState
    event: Event | None
    news: tuple[Arrived, ...] = ()


def definition(rule: Rule) -> str:
    """A digest of what a rule fires for; to whom it is sent, and how often, may change."""
    parts = (rule.condition, rule.measure, rule.threshold, rule.culprit, rule.over, rule.filters)
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]


def begun(rule: Rule, states: Mapping[str, RuleState]) -> RuleState:
    """Where a rule stood, or the beginning of it."""
    digest, old = definition(rule), states.get(rule.name)
    return old if old is not None and old.definition == digest else RuleState(definition=digest)


def step(rule: Rule, state: RuleState, judged: Judged, now: datetime) -> Step:
    """What follows from a look at a rule. What cannot be judged stays as it is, and is not said
    again.
    """
    state = replace(
        state, judged=now, value=judged.value, calls=judged.window.calls, why=judged.why
    )
    if judged.holds is None:
        return Step(state, None)
    if not judged.holds:
        return _well(rule, state, now)
    state = replace(state, well=None)
    news = _news(rule, state, judged)
    # one that was told of and misses again after a pause is not new
    begins = not state.firing and rule.condition is not Condition.culprit
    if news or begins:
        since = state.since if state.firing else now
        known = _known(state, news)
        told = replace(state, firing=True, since=since, told=now, known=known)
        return Step(told, Event.fired, news)
    if not state.firing:
        return Step(state, None)
    if rule.renotify is not None and state.told is not None and now - state.told >= rule.renotify:
        return Step(replace(state, told=now), Event.again)
    return Step(state, None)


def _well(rule: Rule, state: RuleState, now: datetime) -> Step:
    if not state.firing:
        return Step(state, None)
    well = state.well or now
    if now - well < rule.recover_after:
        return Step(replace(state, well=well), None)
    done = replace(state, firing=False, since=None, told=None, well=None)
    return Step(done, Event.recovered if rule.recovery else None)


def _news(rule: Rule, state: RuleState, judged: Judged) -> tuple[Arrived, ...]:
    """Culprits that came after those that were told of."""
    if rule.condition is not Condition.culprit:
        return ()
    known = state.known
    return tuple(
        one
        for one in judged.arrived
        if one.counted.id not in known or one.at > known[one.counted.id]
    )


def _known(state: RuleState, news: tuple[Arrived, ...]) -> dict[str, datetime]:
    known = state.known | {one.counted.id: one.at for one in news}
    latest = sorted(known.items(), key=lambda item: (item[1], item[0]))[-_MOST_KNOWN:]
    return dict(latest)
