"""Counts of a call as telemetry has them, under every spelling.

``gen_ai.usage.input_tokens`` should hold the cached tokens, too (GenAI conventions); what holds
fewer than were read and written leaves them out. Claude Code's own attributes always do.
Spellings: packages named in ``otlp_content``, and Claude Code's documentation; read 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from whycold.core.call import Usage
from whycold.core.content import JsonMap
from whycold.providers.counts import total
from whycold.sources.otlp_attributes import count, text

__all__ = ["filled", "read_counts"]

_INPUT = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.usage.prompt_tokens",
    "llm.token_count.prompt",
)
_OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.usage.completion_tokens",
    "llm.token_count.completion",
    "output_tokens",
)
_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "llm.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
    "cache_read_tokens",
)
_WRITTEN = (
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "llm.usage.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
    "cache_creation_tokens",
)
_SPLIT = "anthropic.usage.cache_creation.ephemeral_{}_input_tokens"
_TIER = (
    "anthropic.response.service_tier",
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
)
_WITHOUT_ZEROS = (
    "opentelemetry.instrumentation.genai.",
    "opentelemetry.util.genai",
    "openinference.instrumentation.",
)
"""Instrumentations that leave out counts of 0 (opentelemetry-util-genai 1.3b0,
_inference_invocation.py; openinference-instrumentation-anthropic 3.1.0, _utils.py).
"""
_OPENAI = ("opentelemetry.instrumentation.openai", "opentelemetry.instrumentation.openai.v1")
_OPENAI_HOSTS = ("api.openai.com", "openai.azure.com")


def read_counts(attributes: JsonMap, scope: str, *, reports: bool = False) -> Usage:
    """The counts in the attributes of one record.

    ``reports``: whoever was asked is known to report every time what it read from its cache.
    """
    read, written = count(attributes, *_READ), count(attributes, *_WRITTEN)
    if read == 0 and _makes_up_zero(attributes, scope):
        read = None
    elif read is None and scope.startswith(_WITHOUT_ZEROS) and (written or reports):
        read = 0
    whole = count(attributes, *_INPUT)
    apart = count(attributes, "input_tokens") if whole is None else None
    cached = total(read, written) or 0
    if apart is not None:
        whole = apart + cached
    elif whole is not None and whole < cached:
        whole += cached
    short, long = (count(attributes, _SPLIT.format(ttl)) for ttl in ("5m", "1h"))
    return Usage(
        input=whole,
        cache_read=read,
        cache_write=written,
        cache_write_5m=short,
        cache_write_1h=long,
        uncached=None if whole is None or read is None else whole - cached,
        output=count(attributes, *_OUTPUT),
        tier=text(attributes, *_TIER),
        speed=text(attributes, "speed"),
    )


def _makes_up_zero(attributes: JsonMap, scope: str) -> bool:
    """Whether the exporter writes 0 where the server said nothing of its cache.

    OpenLLMetry's for OpenAI does (0.62.4, shared/__init__.py); OpenAI itself always says.
    """
    base = text(attributes, "gen_ai.openai.api_base") or ""
    return scope in _OPENAI and bool(base) and not any(host in base for host in _OPENAI_HOSTS)


def filled(first: Usage, second: Usage) -> Usage:
    """The first counts, with those of the second where the first says nothing.

    Counts of the whole prompt and of its parts are taken from one side, so that they add up.
    """
    known = {name: getattr(first, name) for name in _NAMES}
    if first.cache_read is None and second.cache_read is not None and second.input is not None:
        known |= {name: getattr(second, name) for name in _PROMPT}
    missing: Mapping[str, object] = {
        name: getattr(second, name)
        for name in (*_NAMES,)
        if known[name] is None and (name not in _PROMPT or first.input in (None, second.input))
    }
    return replace(first, **{**known, **missing})


_NAMES = tuple(field.name for field in fields(Usage) if field.name != "batch")
_PROMPT = frozenset(
    name for name in _NAMES if name == "input" or name.startswith(("cache_", "uncached"))
)
