"""What whycold says of one call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from whycold.core.call import Usage
from whycold.core.prompt import Section

__all__ = ["ENGINE_VERSION", "BlockCount", "Diagnosis", "Found", "Grade", "Reason", "Verdict"]

ENGINE_VERSION = 1


class Verdict(StrEnum):
    """What became of the cache.

    ``hit``: all that was reusable was read; ``partial``: some of it; ``miss``: none of it;
    ``first``: there was nothing to reuse; ``uncacheable``: the provider keeps no entry for such a
    prompt; ``unknown``: reads are not reported.
    """

    hit = "hit"
    partial = "partial"
    miss = "miss"
    first = "first"
    uncacheable = "uncacheable"
    unknown = "unknown"


class Reason(StrEnum):
    """Why, in the providers' vocabulary where one exists. Every cause belongs to one reason."""

    model_changed = "model_changed"
    system_changed = "system_changed"
    tools_changed = "tools_changed"
    messages_changed = "messages_changed"
    settings_changed = "settings_changed"
    expired = "expired"
    breakpoint = "breakpoint"
    too_short = "too_short"
    concurrent = "concurrent"
    provider = "provider"
    unseen = "unseen"
    unexplained = "unexplained"


class Grade(StrEnum):
    """How sure.

    ``confirmed``: the provider's own diagnosis says the same; ``consistent``: the reported counts
    are what the cause predicts; ``inferred``: nothing speaks against it; ``contradicted``: the
    provider or its counts say otherwise.
    """

    confirmed = "confirmed"
    consistent = "consistent"
    inferred = "inferred"
    contradicted = "contradicted"


@dataclass(frozen=True, slots=True)
class Found:
    """A divergence with its name, as it is told.

    ``offset`` counts characters in the value at ``path``; ``before`` and ``after`` hold the
    differing text with a little context; ``expected`` marks what the client meant to do; ``title``
    says in a sentence what changed. ``rest`` is how many characters of the earlier value follow
    what ``before`` shows, None where they were not counted.
    """

    section: Section
    path: str
    offset: int
    before: str
    after: str
    cause: str
    expected: bool
    title: str
    rest: int | None = None


@dataclass(frozen=True, slots=True)
class BlockCount:
    """A block with its share of the input.

    ``tokens`` are estimates that sum to the reported input; ``cached`` says that the block was read
    from the cache, None when reads are not reported; ``breakpoint`` is its marker's lifetime.
    """

    section: Section
    path: str
    name: str | None
    role: str | None
    tokens: int
    cached: bool | None
    breakpoint: str | None


@dataclass(frozen=True)
class Diagnosis:
    """One call, diagnosed; frontends/diagnosis_json names the fields as they are sent.

    ``missed_tokens`` would have been read from the cache; ``missed_cost_usd`` is what they cost
    above a read, None without a price for the model. ``at_stake_tokens`` estimates the loss where
    reads are not reported. ``expected`` marks what the client meant to do. ``reusable_tokens`` is
    what the predecessor left for this call, None when unknown; ``broke_at`` the token position
    where the prefix parted, None when it did not. ``divergences`` come in prefix order, the first
    is what broke it. ``gap`` is the time since the predecessor. ``ruled_out`` says what was looked
    at when nothing explains the loss.
    """

    call: str
    at: datetime
    api: str
    provider: str
    model: str | None
    verdict: Verdict
    summary: str
    usage: Usage
    reason: Reason | None = None
    cause: str | None = None
    grade: Grade | None = None
    title: str | None = None
    advice: str | None = None
    expected: bool = False
    message_id: str | None = None
    request_id: str | None = None
    project: str | None = None
    session: str | None = None
    agent: str | None = None
    release: str | None = None
    predecessor: str | None = None
    predecessor_message_id: str | None = None
    divergences: tuple[Found, ...] = ()
    missed_tokens: int = 0
    missed_cost_usd: Decimal | None = None
    at_stake_tokens: int = 0
    reusable_tokens: int | None = None
    broke_at: int | None = None
    gap: timedelta | None = None
    provider_reason: str | None = None
    blocks: tuple[BlockCount, ...] = ()
    ruled_out: tuple[str, ...] = ()
    opaque: int = 0
    fingerprint: str | None = None
    engine: int = ENGINE_VERSION
