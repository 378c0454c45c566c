"""What a request says beside its prompt: settings, links to its past, whether it asks for caching.

Facts: PyPI openai 3.54.0, type files (defaults); OpenAI guide Prompt caching (read 2026-11-23).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from whycold.core.content import Json, JsonMap, as_map, as_text
from whycold.core.prompt import Breakpoint, Links, Setting
from whycold.core.rules import OptIn
from whycold.providers.base import Dialect
from whycold.providers.openai_content import Reading

__all__ = ["asks_for_caching", "mark_implicit", "read_links", "read_settings", "written_ttl"]

_DEFAULTS: Mapping[str, Json] = {
    "function_call": "auto",
    "prompt_cache_options.mode": "implicit",
    "prompt_cache_options.ttl": "30m",
    "response_format": {"type": "text"},
    "service_tier": "auto",
    "text.format": {"type": "text"},
    "text.verbosity": "medium",
    "tool_choice": "auto",
    "truncation": "disabled",
    "verbosity": "medium",
}
"""A setting that is sent with its documented default is as good as not sent."""

_CONVERSATION_HEADER = "x-grok-conv-id"

_ASKED_BY_KEY = frozenset({"mistral"})
"""Who caches only what carries a ``prompt_cache_key`` (docs.mistral.ai, read 2026-11-23)."""


def read_settings(
    body: JsonMap, names: Sequence[str], headers: Mapping[str, str]
) -> Iterator[Setting]:
    """The settings of those names, dotted where they are nested, and xAI's routing header."""
    for name in names:
        value: Json = body
        for step in name.split("."):
            found = as_map(value)
            value = None if found is None else found.get(step)
        if value is not None and value != _DEFAULTS.get(name):
            yield Setting(name, value)
    conversation = headers.get(_CONVERSATION_HEADER)
    if conversation:
        yield Setting(_CONVERSATION_HEADER, conversation)


def read_links(body: JsonMap, headers: Mapping[str, str]) -> Links:
    """What the request says of its past."""
    named = body.get("conversation")
    compares = as_text(_cache_options(body).get("comparison_response_id"))
    return Links(
        continues=as_text(body.get("previous_response_id")),
        compares=compares,
        asked=compares is not None,
        cache_key=as_text(body.get("prompt_cache_key")) or headers.get(_CONVERSATION_HEADER),
        conversation=as_text(named) or as_text((as_map(named) or {}).get("id")),
    )


def written_ttl(body: JsonMap) -> str | None:
    """The lifetime that every marker of the request has unless it names its own."""
    return as_text(_cache_options(body).get("ttl"))


def mark_implicit(body: JsonMap, reading: Reading) -> None:
    """Beside explicit markers OpenAI sets one of its own at the end, unless it is told not to."""
    if reading.own_markers and _cache_options(body).get("mode") != "explicit":
        reading.mark_last(Breakpoint(reading.ttl, automatic=True))


def asks_for_caching(body: JsonMap, reading: Reading, dialect: Dialect, wire: str) -> bool | None:
    """True with markers, False where caching must be asked for and is not, None otherwise."""
    if reading.marked:
        return True
    rules = dialect.rules(wire, reading.model)
    if _cache_options(body).get("mode") == "explicit" or rules.opt_in is OptIn.explicit:
        return False
    if body.get("cache_prompt") is False and "cache_prompt" in rules.effects:
        return False
    if dialect.name in _ASKED_BY_KEY:
        return as_text(body.get("prompt_cache_key")) is not None
    return None


def _cache_options(body: JsonMap) -> JsonMap:
    return as_map(body.get("prompt_cache_options")) or {}
