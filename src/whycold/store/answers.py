"""What may be asked of a store, and the sums that answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from whycold.core.diagnosis import Reason, Verdict
from whycold.core.prompt import Section

__all__ = [
    "Contents",
    "Cross",
    "CulpritDay",
    "CulpritOrder",
    "CulpritRow",
    "CulpritState",
    "Dimension",
    "Erase",
    "Filters",
    "Group",
    "Mark",
    "OpeningRow",
    "Point",
    "ReleaseRow",
    "Retention",
    "Seen",
    "SessionPage",
    "SessionRow",
    "Split",
    "Swept",
    "Totals",
]


class Dimension(StrEnum):
    """What calls can be told apart by in tables and series."""

    project = "project"
    provider = "provider"
    model = "model"
    agent = "agent"
    release = "release"
    verdict = "verdict"
    reason = "reason"
    cause = "cause"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which calls are meant; the same for every question.

    ``since`` is included, ``until`` is not; both UTC. None: any value; "": where it is absent.
    ``culprit`` is a diagnosis' fingerprint.
    """

    since: datetime | None = None
    until: datetime | None = None
    project: str | None = None
    model: str | None = None
    provider: str | None = None
    session: str | None = None
    agent: str | None = None
    release: str | None = None
    reason: Reason | str | None = None
    cause: str | None = None
    verdict: Verdict | str | None = None
    culprit: str | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over calls, in tokens; None where no call reported it, which is not 0.

    ``misses`` are calls of verdict miss or partial. ``missed_cost_usd`` sums those that have a
    price, ``unpriced`` counts missed calls that have none. ``reporting`` calls report reads;
    ``reporting_input`` is their input, what a read ratio divides by. ``at_stake_tokens`` is the
    estimated loss where reads are not reported.
    """

    calls: int = 0
    misses: int = 0
    missed_tokens: int = 0
    missed_cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    at_stake_tokens: int = 0
    reporting: int = 0
    reporting_input: int = 0
    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    cache_write_30m: int | None = None
    cache_write_12h: int | None = None
    uncached: int | None = None
    output: int | None = None

    @property
    def read_ratio(self) -> float | None:
        """Sum of reads over sum of inputs of the calls that report both; None without any."""
        if self.cache_read is None or not self.reporting_input:
            return None
        return self.cache_read / self.reporting_input


@dataclass(frozen=True, slots=True)
class Group:
    """A line of a table: a value of the dimension (None: absent) and its sums."""

    value: str | None
    totals: Totals


@dataclass(frozen=True, slots=True)
class Split:
    """Sums, and the same per value of several dimensions."""

    totals: Totals
    groups: Mapping[Dimension, tuple[Group, ...]]


@dataclass(frozen=True, slots=True)
class Cross:
    """A line of a table by several dimensions: a value of each (None: absent), and the sums."""

    values: tuple[str | None, ...]
    totals: Totals


@dataclass(frozen=True, slots=True)
class Point:
    """A step of a series: sums of the calls from ``start`` on, of one value of the dimension."""

    start: datetime
    value: str | None
    totals: Totals


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session of one project, as a whole, whatever period was asked for.

    ``cache_read`` and ``reporting_input`` are sums over calls that report reads.
    """

    session: str
    project: str | None
    first_seen: datetime
    last_seen: datetime
    calls: int
    misses: int
    missed_tokens: int
    missed_cost_usd: Decimal
    input: int
    cache_read: int
    reporting_input: int


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Sessions, the one used last first, and the cursor of the page behind it."""

    items: tuple[SessionRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release in a project: when it was first and last seen at all, and its sums."""

    release: str
    project: str | None
    first_seen: datetime
    last_seen: datetime
    totals: Totals


@dataclass(frozen=True, slots=True)
class OpeningRow:
    """The tools or the system that calls of a project began with, and when they were first and
    last seen. ``digest`` names the text; ``section`` is tools or system.
    """

    section: Section
    digest: str
    project: str | None
    first_seen: datetime
    last_seen: datetime
    calls: int


class CulpritOrder(StrEnum):
    """By what culprits are listed, most first; ``newest``: by when they were first seen at all."""

    cost = "cost"
    tokens = "tokens"
    misses = "misses"
    newest = "newest"


class CulpritState(StrEnum):
    """What people decided about a culprit."""

    open = "open"
    resolved = "resolved"
    ignored = "ignored"


@dataclass(frozen=True, slots=True)
class Mark:
    """A decision about a culprit, when it was made, and the release it is about.

    What is resolved in a release may go on in those that were there before.
    """

    state: CulpritState
    at: datetime
    release: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A call (by our id), when, and in which release."""

    call: str
    at: datetime
    release: str | None


@dataclass(frozen=True, slots=True)
class CulpritDay:
    """A UTC day of a culprit."""

    day: date
    misses: int
    missed_tokens: int
    missed_cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class CulpritRow:
    """All misses of one edit pattern.

    ``misses``, tokens, cost, ``releases`` and ``days`` are of the calls that were asked for;
    ``first_seen``, ``last_seen``, ``examples`` (our ids, newest first) and ``mark`` of all.
    ``title`` and ``path`` are those of the latest miss; the title goes when prompts do.
    ``recurred`` is the first miss after ``mark`` says resolved, in no release before that of the
    mark.
    """

    id: str
    project: str | None
    reason: str | None
    cause: str | None
    path: str | None
    title: str | None
    first_seen: datetime
    last_seen: datetime
    misses: int
    missed_tokens: int
    missed_cost_usd: Decimal
    unpriced: int
    releases: tuple[str | None, ...] = ()
    days: tuple[CulpritDay, ...] = ()
    examples: tuple[str, ...] = ()
    mark: Mark | None = None
    recurred: Seen | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is kept: texts (prompts, replies, what diagnoses quote) and facts.

    ``most_bytes`` bounds the store's size; the oldest texts go first. None: no bound.
    """

    texts: timedelta | None = timedelta(days=30)
    facts: timedelta | None = timedelta(days=400)
    most_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Erase:
    """Calls to delete for good: those that fit everything that is given; "": where it is absent."""

    since: datetime | None = None
    until: datetime | None = None
    project: str | None = None
    session: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """What was removed: ``calls`` altogether, ``texts`` of calls that stay, ``blocks`` of content.

    ``done`` is false when more is left for the next time. ``purged`` is false while a reader still
    held on to the old pages: they go with the next sweep.
    """

    calls: int = 0
    texts: int = 0
    blocks: int = 0
    done: bool = True
    purged: bool = True


@dataclass(frozen=True, slots=True)
class Contents:
    """How much there is: calls, those with texts, bytes on disk and in use, first and last call."""

    calls: int
    with_texts: int
    blocks: int
    bytes: int
    bytes_used: int
    first_seen: datetime | None
    last_seen: datetime | None
