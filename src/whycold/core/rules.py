"""How a provider's prompt cache works, as values: the engine reads these and docs/providers.md is
printed from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from whycold.core.prompt import Section

__all__ = ["CacheRules", "Effect", "Isolation", "Lookback", "OptIn", "Source", "Ttl"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact was read: the document and the day (ISO date)."""

    document: str
    read: str


class OptIn(StrEnum):
    """Who decides that a prompt is cached."""

    automatic = "automatic"
    explicit = "explicit"
    both = "both"


class Isolation(StrEnum):
    """Who shares one cache."""

    organization = "organization"
    workspace = "workspace"
    server = "server"


@dataclass(frozen=True, slots=True)
class Ttl:
    """A lifetime the client may ask for, e.g. ("5m", 5 minutes). ``refreshed`` when a read starts
    it anew.
    """

    name: str
    lifetime: timedelta
    refreshed: bool = True


@dataclass(frozen=True, slots=True)
class Lookback:
    """How far before a breakpoint the provider looks for an older entry.

    ``positions`` counts the breakpoint as the first one. With ``runs_count_once`` a run of
    consecutive tool uses, or of tool results, is one position.
    """

    positions: int
    runs_count_once: bool = True


@dataclass(frozen=True, slots=True)
class Effect:
    """What a changed setting does to cached prefixes.

    ``voids`` is the first section (in render order) that no longer matches; None: nothing is lost.
    ``reason`` is the word for it in the provider vocabulary. ``certain`` is false where the
    documentation leaves it open.
    """

    voids: Section | None
    reason: str = "settings_changed"
    certain: bool = True
    note: str = ""


@dataclass(frozen=True)
class CacheRules:
    """The cache of one provider, for one model.

    - ``order``: sections as they are rendered into the prompt
    - ``minimum``: shortest prefix that is cached, tokens (None: not published)
    - ``ttls``: lifetimes, the default first; empty where entries live until evicted
    - ``max_breakpoints``: explicit markers per request; ``markable`` whether markers exist at all
    - ``marked_results``: types of results of the provider's own tools on which it sets a marker of
      the first lifetime itself, once a request carries any
    - ``lookback``: how far back an entry is searched; None: no limit known
    - ``granularity``: cached prefixes end on multiples of this many tokens
    - ``always_evaluated``: tokens at the end of a prompt that are computed even on a full match
    - ``keeps_reply``: generated tokens stay in the cache (local engines)
    - ``slots``: a conversation stays in a slot of the server until another one takes it
    - ``usable_when_begun``: an entry can be read only once the response that writes it has begun
    - ``best_effort``: the provider promises no hit even for an unchanged prefix
    - ``reports_write``, ``reports_read``: which counts a response carries; None: depends on a
      server flag
    - ``inclusive``: the reported input count contains the cached tokens
    - ``effects``: what a change of each setting voids, by setting name; a name that is absent has
      no effect
    - ``sources``: for every fact above, where it was read
    """

    name: str
    order: tuple[Section, ...] = (Section.tools, Section.system, Section.messages)
    opt_in: OptIn = OptIn.automatic
    minimum: int | None = None
    ttls: tuple[Ttl, ...] = ()
    markable: bool = False
    max_breakpoints: int | None = None
    marked_results: frozenset[str] = frozenset()
    lookback: Lookback | None = None
    granularity: int = 1
    always_evaluated: int = 0
    keeps_reply: bool = False
    slots: bool = False
    usable_when_begun: bool = True
    best_effort: bool = False
    isolation: Isolation = Isolation.organization
    reports_read: bool | None = True
    reports_write: bool | None = False
    inclusive: bool = True
    effects: Mapping[str, Effect] = field(default_factory=dict[str, Effect])
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source])

    def ttl(self, name: str | None) -> Ttl | None:
        """The lifetime of that name, the default for None; None where entries have no stated
        lifetime.
        """
        if name is None:
            return self.ttls[0] if self.ttls else None
        return next((ttl for ttl in self.ttls if ttl.name == name), None)

    @property
    def slack(self) -> int:
        """Tokens by which a full hit may fall short: rounding and the tokens that are always
        evaluated.
        """
        return self.granularity - 1 + self.always_evaluated
