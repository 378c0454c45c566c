"""One LLM API request with what came back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from whycold.core.prompt import Block, Prompt

__all__ = ["Alteration", "Call", "ProviderError", "ProviderVerdict", "Reply", "Said", "Usage"]


@dataclass(frozen=True, slots=True)
class Usage:
    """The provider's own counts, in tokens; None means not reported, which is not 0.

    ``input`` is the whole prompt, cached or not (exclusive counts are added up when they are read).
    ``cache_write`` is the sum over lifetimes; the ``cache_write_*`` fields split it where the
    provider does. ``uncached`` is what was neither read nor written. ``tier``, ``speed`` and
    ``batch`` are what the call was billed as, for its price.
    """

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    cache_write_30m: int | None = None
    cache_write_12h: int | None = None
    uncached: int | None = None
    output: int | None = None
    tier: str | None = None
    speed: str | None = None
    region: str | None = None
    batch: bool = False


class Said(StrEnum):
    """What kind of statement a provider's own diagnosis makes.

    ``changed``: the prefix differs, and the reason says in which part; ``unchanged``: compared, and
    no difference found; ``hit``: the cache was hit; ``inconclusive``: pending, not found or
    unavailable, which says nothing about the request.
    """

    changed = "changed"
    unchanged = "unchanged"
    hit = "hit"
    inconclusive = "inconclusive"


@dataclass(frozen=True, slots=True)
class ProviderVerdict:
    """The provider's own cache diagnosis.

    ``reason`` is its word, verbatim (``tools_changed``, ``input_changed`` ...), ``missed_tokens``
    its estimate.
    """

    said: Said
    reason: str | None = None
    missed_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderError:
    """A call that the provider refused: HTTP status, the provider's error type and message."""

    status: int | None
    kind: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Alteration:
    """What a provider says it did to a request before the model saw it.

    ``kind`` and ``reason`` are its words, verbatim (Anthropic ``input_transformations``:
    ``thinking_dropped``, ``prefix_binding_mismatch`` ...); ``path`` is the place, as our paths are
    written (``messages[3].content[0]``).
    """

    kind: str
    path: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Reply:
    """A response, read. ``blocks`` is what was generated, as the next request should send it
    back; ``host`` is who answered behind a router, ``alterations`` what the provider did to the
    request, where the response says so.
    """

    message_id: str | None = None
    model: str | None = None
    host: str | None = None
    usage: Usage = field(default_factory=Usage)
    verdict: ProviderVerdict | None = None
    blocks: tuple[Block, ...] = ()
    stop: str | None = None
    error: ProviderError | None = None
    complete: bool = True
    alterations: tuple[Alteration, ...] = ()


@dataclass(frozen=True)
class Call:
    """One request with its response's usage, time and origin.

    ``at`` is when the request was sent, ``began`` when the first byte of the response came (None:
    not known); both UTC. ``account`` is a fingerprint of the key, workspace or organisation, never
    the key. ``host`` is where it was sent or which host behind a router answered.
    """

    id: str
    at: datetime
    provider: str
    api: str
    model: str | None
    prompt: Prompt
    reply: Reply = field(default_factory=Reply)
    began: datetime | None = None
    request_id: str | None = None
    project: str | None = None
    session: str | None = None
    agent: str | None = None
    release: str | None = None
    account: str | None = None
    host: str | None = None

    @property
    def usage(self) -> Usage:
        """What the provider counted."""
        return self.reply.usage

    @property
    def order(self) -> tuple[datetime, str]:
        """Sorts calls the same way however they arrived."""
        return (self.at, self.id)
