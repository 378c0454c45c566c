"""A named reason for a miss: it carries its own prose, its own proof and its own examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from whycold.core.call import Call, Usage
from whycold.core.content import JsonMap
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Divergence
from whycold.core.rules import CacheRules

__all__ = ["Case", "Cause", "Evidence", "Example", "Obstacle"]


class Obstacle(StrEnum):
    """What, apart from an edit, can keep a live prefix from being read. The engine finds it, a
    cause names it.

    ``expired``: the entry's lifetime ran out; ``not_asked``: the predecessor or this call carries
    no marker where the provider wants one; ``ignored``: a call with markers was answered as if it
    had none; ``marker_early``: the last marker stands before much of the prompt that repeats;
    ``marker_moves``: the last marker stood on a system message at the end that did not stay there;
    ``lookback``: the older entry lies further back than the provider looks; ``not_begun``: the
    response that writes the entry had not begun; ``too_short``: the prefix is below the provider's
    minimum; ``account``: another key, workspace or organisation; ``host``: another host answered
    behind a router; ``other_model``: another model answered to the same name; ``retimed``: the
    markers ask for another lifetime; ``rerendered``: an engine that keeps generated tokens read all
    but the reply that was sent back; ``altered``: the response says that the provider changed the
    request, within what was to be read; ``rejected``: the provider refused the call; ``attested``:
    the provider says what changed, and nothing recorded shows it; ``unseen``: the part of the
    prompt that must hold the change is not in the recording; ``lost``: equal prefix, live entry,
    and still not read.
    """

    account = "account"
    too_short = "too_short"
    not_asked = "not_asked"
    ignored = "ignored"
    host = "host"
    other_model = "other_model"
    expired = "expired"
    not_begun = "not_begun"
    lookback = "lookback"
    marker_early = "marker_early"
    marker_moves = "marker_moves"
    retimed = "retimed"
    rerendered = "rerendered"
    altered = "altered"
    attested = "attested"
    rejected = "rejected"
    unseen = "unseen"
    lost = "lost"


@dataclass(frozen=True)
class Case:
    """One question to the causes: what is this divergence, or, without one, what is this loss?

    ``gap`` is the time between the two calls' starts. ``reusable`` is what the predecessor left,
    ``read`` what was read (tokens, None when unknown). ``divergences`` are all of the call,
    ``divergence`` the one in question. ``obstacle`` is what the engine found when it is not about a
    divergence. ``lapses`` are the names of the lifetimes that ran out, each with the tokens that
    stood under it, most first. ``positions`` is how many look-back positions lie between the old
    entry and the marker. ``others`` are calls of other conversations that went to the same cache
    since the predecessor; only looked up for a prefix that was ``lost``. ``opening`` is how many
    tokens stand before the first recorded block, an estimate, None where all is recorded. ``notes``
    is where causes keep what they found out about the call, so that it is found once for all its
    cases.
    """

    call: Call
    predecessor: Call | None
    rules: CacheRules
    divergence: Divergence | None = None
    divergences: tuple[Divergence, ...] = ()
    obstacle: Obstacle | None = None
    gap: timedelta | None = None
    reusable: int | None = None
    read: int | None = None
    lapses: tuple[tuple[str, int], ...] = ()
    positions: int | None = None
    others: tuple[Call, ...] = ()
    opening: int | None = None
    notes: dict[str, object] = field(default_factory=dict[str, object], compare=False, repr=False)

    @property
    def lapsed(self) -> str | None:
        """The name of the lifetime that ran out, of several the one that most tokens had."""
        return self.lapses[0][0] if self.lapses else None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a cause claims a case.

    ``title`` is one clause about this very case, without a full stop ("the system prompt holds a
    time that changes"); ``expected`` marks what the client meant to do; ``advice`` replaces the
    cause's own where the case allows a better one; ``reason`` likewise.
    """

    title: str
    expected: bool = False
    advice: str | None = None
    reason: Reason | None = None


@dataclass(frozen=True)
class Example:
    """Two calls as the provider got them, for tests and for docs/causes.md.

    ``before`` and ``after`` are request bodies, ``was`` and ``now`` the usage of each. ``gap`` lies
    between them, and ``between`` are requests of other conversations that came in it; ``began`` is
    how long the first response took to begin. ``reply`` is the body of
    the first response where it matters, ``headers`` are request headers of each call, ``call``
    overrides fields of the second ``Call``. ``at`` (section or path) limits the question to the
    first divergence there; by default it is the call's main cause.
    """

    name: str
    before: JsonMap
    after: JsonMap
    was: Usage = field(default_factory=Usage)
    now: Usage = field(default_factory=Usage)
    gap: timedelta = timedelta(seconds=30)
    between: tuple[JsonMap, ...] = ()
    began: timedelta | None = timedelta(seconds=1)
    provider: str = "anthropic"
    reply: JsonMap | None = None
    after_reply: JsonMap | None = None
    headers: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
    call: Mapping[str, str] = field(default_factory=dict[str, str])
    at: str | None = None


class Cause:
    """One cause. Subclasses fill in the class attributes and ``explains``.

    - ``code``: stable name, e.g. ``tool-edited``
    - ``reason``: the reason it is counted under
    - ``title``: a headline for the catalogue
    - ``what``: what happens, one or two sentences; ``advice``: what to do, one or two sentences
    - ``rows``: rows of the catalogue of real causes that it covers (docs/causes.md)
    - ``examples``: pairs that it claims; ``near_misses``: pairs that look like it and belong to
      another cause, or none
    """

    code: ClassVar[str]
    reason: ClassVar[Reason]
    title: ClassVar[str]
    what: ClassVar[str]
    advice: ClassVar[str]
    rows: ClassVar[tuple[int, ...]] = ()
    examples: ClassVar[tuple[Example, ...]] = ()
    near_misses: ClassVar[tuple[Example, ...]] = ()

    def explains(self, case: Case) -> Evidence | None:
        """The evidence when this cause, and no other, accounts for the case; else None."""
        raise NotImplementedError
