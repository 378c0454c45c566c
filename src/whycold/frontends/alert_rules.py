"""What alerts are about and whom they are sent to, as the configuration says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from whycold.store.answers import Filters

__all__ = [
    "RULE_FILTERS",
    "Condition",
    "Measure",
    "Receiver",
    "Rule",
    "Severity",
    "Shape",
    "Wanted",
]

RULE_FILTERS: Final = ("project", "model", "provider", "agent", "release", "reason", "cause")
"""The filters that a rule can have; they mean what they mean on the command line."""


class Measure(StrEnum):
    """What is measured over the calls of a window. ``miss_rate`` is misses per call."""

    misses = "misses"
    missed_tokens = "missed_tokens"
    missed_cost_usd = "missed_cost_usd"
    miss_rate = "miss_rate"
    read_ratio = "read_ratio"

    @property
    def is_ratio(self) -> bool:
        """Whether it says nothing without traffic."""
        return self in (Measure.miss_rate, Measure.read_ratio)


class Condition(StrEnum):
    """When a rule fires: a threshold, a change against the window before, a culprit, silence."""

    above = "above"
    below = "below"
    rises_by = "rises_by"
    falls_by = "falls_by"
    culprit = "culprit"
    no_calls_for = "no_calls_for"

    @property
    def compares(self) -> bool:
        """Whether it looks at the window before, too."""
        return self in (Condition.rises_by, Condition.falls_by)


class Wanted(StrEnum):
    """Which culprits a rule is about."""

    new = "new"
    regressed = "regressed"
    any = "any"


class Severity(StrEnum):
    """How much it matters; passed on as it is."""

    warning = "warning"
    critical = "critical"


class Shape(StrEnum):
    """What a receiver understands: our own JSON, or the messages of Slack's incoming webhooks."""

    webhook = "webhook"
    slack = "slack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alert.

    ``threshold`` is what ``condition`` compares with: of a change a part (0.5 is 50 %), of a
    culprit what it must have cost by ``measure`` in the window, None for any. ``over`` is the
    length of the window. ``filters`` are words by name. ``renotify``: None says a thing once.
    A rule has recovered once its condition has not held for ``recover_after``. ``to`` are names of
    receivers.
    """

    name: str
    condition: Condition
    measure: Measure | None = None
    threshold: Decimal | None = None
    culprit: Wanted = Wanted.any
    over: timedelta = timedelta(hours=1)
    filters: dict[str, str] = field(default_factory=dict[str, str])
    least_calls: int = 1
    renotify: timedelta | None = timedelta(hours=24)
    recover_after: timedelta = timedelta(minutes=5)
    recovery: bool = True
    severity: Severity = Severity.warning
    to: tuple[str, ...] = ()

    @property
    def asked(self) -> Filters:
        """The filters, unbounded in time."""
        given = self.filters.get
        return Filters(
            project=given("project"),
            model=given("model"),
            provider=given("provider"),
            agent=given("agent"),
            release=given("release"),
            reason=given("reason"),
            cause=given("cause"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where messages are sent.

    ``secret`` signs them. ``allow_private``: its address may be one of this machine or network,
    and http is good enough there. ``edits``: messages may quote the edit, in one line.
    """

    name: str
    url: str
    shape: Shape = Shape.webhook
    secret: str | None = None
    allow_private: bool = False
    ca_file: str | None = None
    edits: bool = True
