"""Whether a rule's condition holds now, asked of what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from whycold.core.numbers import exact, span
from whycold.frontends.alert_rules import Condition, Measure, Rule, Wanted
from whycold.frontends.alert_state import Counted, Window
from whycold.query import Culprit, Query, State, known_cost
from whycold.store.answers import Filters, Totals

__all__ = ["TOLD_CULPRITS", "Arrived", "Judged", "dearest", "judge"]

TOLD_CULPRITS: Final = 5
"""Culprits that one message names."""
_LOOKED_AT: Final = 200
"""Culprits of one window that are looked at, dearest first."""


class Arrived(NamedTuple):
    """A culprit that is new, or came back, and when."""

    counted: Counted
    at: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found.

    ``holds``: whether the condition does; None when it cannot be said, and ``why``. ``arrived`` are
    culprits that came in the window, ``going_on`` the ids of those that missed in it.
    """

    holds: bool | None
    window: Window
    value: Decimal | None = None
    before: Decimal | None = None
    why: str | None = None
    arrived: tuple[Arrived, ...] = ()
    going_on: frozenset[str] = frozenset()


def judge(
    rule: Rule, query: Query, now: datetime, watching: datetime, known: Mapping[str, datetime]
) -> Judged:
    """The rule, for the window that ends ``now``.

    ``watching`` is since when the rules are looked at: silence before it is not known to be one.
    ``known`` are the culprits that the rule told of. Raises UserError as the store does.
    """
    within = replace(rule.asked, since=now - rule.over, until=now)
    totals = query.totals(within)
    window = Window(now - rule.over, now, totals.calls)
    match rule.condition:
        case Condition.no_calls_for:
            return _silence(rule, window, watching)
        case Condition.culprit:
            return _culprits(rule, query, within, window, known)
        case Condition.above | Condition.below:
            return _threshold(rule, window, totals)
        case Condition.rises_by | Condition.falls_by:
            earlier = replace(within, since=now - 2 * rule.over, until=now - rule.over)
            return _change(rule, window, totals, query.totals(earlier))


def dearest(query: Query, rule: Rule, window: Window) -> tuple[tuple[Counted, ...], int]:
    """The culprits that cost most in a window, and how many there are (of those looked at)."""
    within = replace(rule.asked, since=window.since, until=window.until)
    found = query.culprits(within, _LOOKED_AT)
    return tuple(_counted(culprit) for culprit in found[:TOLD_CULPRITS]), len(found)


def _silence(rule: Rule, window: Window, watching: datetime) -> Judged:
    if not window.calls and watching > window.since:
        return Judged(None, window, why=f"not watched for {span(rule.over.total_seconds())} yet")
    return Judged(not window.calls, window)


def _threshold(rule: Rule, window: Window, totals: Totals) -> Judged:
    value = _measured(rule, totals)
    if value is None:
        return Judged(None, window, why=_unmeasured(rule, totals))
    limit = rule.threshold or Decimal(0)
    holds = value > limit if rule.condition is Condition.above else value < limit
    few = _too_few(rule, totals)
    # a sum that is not above its limit is not so for want of calls
    if few and (holds or (rule.measure is not None and rule.measure.is_ratio)):
        return Judged(None, window, value, why=few)
    return Judged(holds, window, value)


def _change(rule: Rule, window: Window, totals: Totals, earlier: Totals) -> Judged:
    value, before = _measured(rule, totals), _measured(rule, earlier)
    few = _too_few(rule, totals) or _too_few(rule, earlier, "the window before")
    if few or value is None or before is None:
        return Judged(None, window, value, before, few or _unmeasured(rule, totals))
    step = (rule.threshold or Decimal(0)) * before
    if rule.condition is Condition.falls_by:
        return Judged(value < before and before - value >= step, window, value, before)
    return Judged(value > before and value - before >= step, window, value, before)


def _culprits(
    rule: Rule, query: Query, within: Filters, window: Window, known: Mapping[str, datetime]
) -> Judged:
    if window.calls < rule.least_calls:
        return Judged(None, window, why=_few(window.calls, rule.least_calls, "the window"))
    found = query.culprits(within, _LOOKED_AT)
    dear = [culprit for culprit in found if _is_meant(rule, culprit)]
    arrived = tuple(_arrived(rule, dear, window.since))
    # what was told of goes on for as long as it misses, however little
    going_on = {c.row.id for c in found if c.state in (State.open, State.regressed)}
    holds = bool(arrived) or bool(going_on & known.keys())
    return Judged(holds, window, arrived=arrived, going_on=frozenset(going_on))


def _is_meant(rule: Rule, culprit: Culprit) -> bool:
    """Whether it is one that the rule is about, now or earlier: a client's own choice is not."""
    if culprit.expected or culprit.state not in (State.open, State.regressed):
        return False
    if rule.measure is None:
        return True
    cost = culprit.row.missed_cost_usd
    counts = {
        Measure.misses: Decimal(culprit.row.misses),
        Measure.missed_tokens: Decimal(culprit.row.missed_tokens),
        Measure.missed_cost_usd: cost,
    }
    return counts[rule.measure] > (rule.threshold or Decimal(0))


def _arrived(rule: Rule, culprits: list[Culprit], since: datetime) -> Iterator[Arrived]:
    for culprit in culprits:
        row = culprit.row
        back = row.recurred.at if row.recurred is not None else None
        if rule.culprit is not Wanted.new and back is not None and back >= since:
            yield Arrived(_counted(culprit), back)
        elif rule.culprit is not Wanted.regressed and row.first_seen >= since:
            yield Arrived(_counted(culprit), row.first_seen)


def _counted(culprit: Culprit) -> Counted:
    row = culprit.row
    return Counted(row.id, row.misses, row.missed_tokens, known_cost(row))


def _measured(rule: Rule, totals: Totals) -> Decimal | None:
    """The measure of the calls; None where it is not reported, or has no price."""
    match rule.measure:
        case Measure.misses:
            return Decimal(totals.misses)
        case Measure.missed_tokens:
            return Decimal(totals.missed_tokens)
        case Measure.missed_cost_usd:
            return known_cost(totals)
        case Measure.miss_rate:
            return Decimal(totals.misses) / totals.calls if totals.calls else None
        case Measure.read_ratio:
            if totals.cache_read is None or not totals.reporting_input:
                return None
            return Decimal(totals.cache_read) / totals.reporting_input
        case None:
            return None


def _too_few(rule: Rule, totals: Totals, where: str = "the window") -> str | None:
    calls = totals.reporting if rule.measure is Measure.read_ratio else totals.calls
    return _few(calls, rule.least_calls, where) if calls < rule.least_calls else None


def _few(calls: int, least: int, where: str) -> str:
    return f"{exact(calls)} calls in {where}, fewer than {exact(least)}"


def _unmeasured(rule: Rule, totals: Totals) -> str:
    if not totals.calls:
        return "no calls in the window"
    if rule.measure is Measure.missed_cost_usd:
        return "no missed call has a price"
    return "no call says what was read"
