"""What a provider file offers: request to Prompt, response or stream to Reply, its cache rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from whycold.core.call import Reply
from whycold.core.content import JsonMap
from whycold.core.prompt import Prompt
from whycold.core.rules import CacheRules

__all__ = ["Dialect", "StreamReader", "Wire"]


class StreamReader(Protocol):
    """Reads a streamed response: any chunk boundary, never an exception for bad bytes."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the (decoded) response body."""
        ...

    def finish(self) -> Reply:
        """What was read; ``complete`` is false when the stream ended early."""
        ...


@dataclass(frozen=True)
class Dialect:
    """A provider: which rules hold for it and where it departs from its wire format.

    ``rules`` takes the wire format's name and the model (None: unknown) and returns the cache
    rules. ``attribution`` says what happens to a system block that starts with
    ``x-anthropic-billing-header``: "kept", "stripped" (taken out of the cache key) or "masked" (its
    ``cch`` value is overwritten). ``defers_tools`` is true where a tool with ``defer_loading``
    stays out of the prompt until it is found. ``exclusive`` is true when the reported input count
    leaves out cached tokens, None where the wire format decides. ``hosts`` are host name suffixes
    that tell this provider from the address of the upstream.
    """

    name: str
    title: str
    wires: tuple[str, ...]
    rules: Callable[[str, str | None], CacheRules]
    attribution: str = "kept"
    defers_tools: bool = False
    exclusive: bool | None = None
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wire:
    """One wire format.

    ``looks_like`` grades a request body from 0 (not this) up; ``answers`` likewise a response body.
    ``headers`` given to ``read_request`` are the request's, names in lower case.
    """

    name: str
    looks_like: Callable[[JsonMap], int]
    answers: Callable[[JsonMap], int]
    read_request: Callable[[JsonMap, Dialect, Mapping[str, str]], Prompt]
    read_reply: Callable[[JsonMap, Dialect], Reply]
    stream: Callable[[Dialect], StreamReader]
    model: Callable[[JsonMap], str | None] = field(default=lambda body: None)
