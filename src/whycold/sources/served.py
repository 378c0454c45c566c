"""Which provider answered: as configured, by its address, as the server or its answer says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from whycold.core.content import JsonMap
from whycold.errors import UserError
from whycold.providers.base import Dialect, Wire
from whycold.providers.registry import DIALECTS, guess
from whycold.sources.spool_record import Exchange

__all__ = ["How", "Served", "Spoken", "usual"]

_SERVERS: Mapping[str, str] = {"llama.cpp": "llama.cpp"}
"""Servers that name themselves in the ``Server`` header (llama-server build 11669, measured)."""

_KEYS: tuple[tuple[str, bytes, str], ...] = (
    # llama-server, measured on build 11669: its Messages carry ids of chat completions, the others
    # a "timings" object
    ("anthropic.messages", b'"id":"chatcmpl-', "llama.cpp"),
    ("openai.chat", b'"cache_n":', "llama.cpp"),
    ("openai.responses", b'"cache_n":', "llama.cpp"),
    # PyPI vllm 0.32.0, source
    ("openai.chat", b'"created_cache_tokens":', "vllm"),
    # api-docs.deepseek.com, Create Chat Completion
    ("openai.chat", b'"prompt_cache_hit_tokens":', "deepseek"),
)
"""Keys that only one provider's answers of a format hold. Inside of texts quotes are escaped, so
that no text looks like one."""
_FIRST, _LAST = 2048, 16384
"""How much of an answer's beginning and end is looked at."""


class How(StrEnum):
    """How a provider is known; ``shape``: no more than the usual one of the
    wire format."""

    configured = "configured"
    address = "address"
    server = "server"
    answer = "answer"
    shape = "shape"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A provider, and how it is known."""

    dialect: Dialect
    how: How


class Served:
    """What is known of the upstreams: the host of each, and the provider where one is set."""

    def __init__(
        self, hosts: Mapping[str, str], providers: Mapping[str, str] | None = None
    ) -> None:
        self._hosts, self._providers = hosts, providers or {}

    def spoken(
        self, exchange: Exchange, wire: Wire, headers: Mapping[str, str], content: bytes
    ) -> Spoken | None:
        """The provider that answered; None when nothing says. ``headers`` and ``content`` are of
        its answer, names in lower case, content codings taken off.
        """
        configured = DIALECTS.get(self._providers.get(exchange.upstream, ""))
        if configured is not None and wire.name in configured.wires:
            return Spoken(configured, How.configured)
        # one that is not configured has the name of its host
        host = self._hosts.get(exchange.upstream, exchange.upstream)
        for dialect in DIALECTS.values():
            if wire.name in dialect.wires and any(_under(host, known) for known in dialect.hosts):
                return Spoken(dialect, How.address)
        server = _SERVERS.get(headers.get("server", "").partition("/")[0].strip().lower())
        if server is not None:
            return Spoken(DIALECTS[server], How.server)
        name = _by_answer(wire, content)
        return Spoken(DIALECTS[name], How.answer) if name is not None else None


def usual(wire: Wire, body: JsonMap | None) -> Dialect:
    """The provider that a request points to when nothing else does: by its model, else the wire
    format's owner."""
    if body is not None:
        try:
            found, dialect = guess(body)
        except UserError:
            found, dialect = None, None
        if dialect is not None and found is wire:
            return dialect
    return next(dialect for dialect in DIALECTS.values() if wire.name in dialect.wires)


def _under(host: str, suffix: str) -> bool:
    return host == suffix or host.endswith(f".{suffix}")


def _by_answer(wire: Wire, content: bytes) -> str | None:
    # pretty-printed answers have a space behind the colon
    ends = (content[:_FIRST] + content[-_LAST:]).replace(b'": ', b'":')
    return next((name for of, key, name in _KEYS if of == wire.name and key in ends), None)
