"""How OpenAI's prompt cache works, as values; Azure OpenAI's where it departs from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache

from whycold.core.prompt import Section
from whycold.core.rules import CacheRules, Effect, OptIn, Source, Ttl
from whycold.providers.base import Dialect

__all__ = ["AZURE_OPENAI", "DIALECTS", "OPENAI", "azure_rules", "openai_rules"]

_READ = "2026-11-23"
_GUIDE = Source("OpenAI guide Prompt caching", _READ)
_DIAGNOSTICS = Source("OpenAI guide Prompt caching diagnostics", _READ)
_TYPES = Source("PyPI openai 3.54.0, types/responses/response_create_params.py", _READ)
_USAGE = Source("PyPI openai 3.54.0, types/completion_usage.py and response_usage.py", _READ)
_AZURE = Source("learn.microsoft.com, Azure OpenAI, Prompt caching", _READ)
_ASSUMED = Source("assumption of whycold: OpenAI publishes nothing about it", _READ)

_VERSION = re.compile(r"gpt-(\d)(?:\.(\d+))?(?![\d])")
"""The version in a model's name; ``gpt-35-turbo`` on Azure is 3.5, and no match."""

_REASONERS = re.compile(r"(^|/)o\d(?![\d.])")
"""The o series: older than any GPT-5."""

_RETAINED = re.compile(
    r"gpt-(5(\.\d)?|4\.1)(-codex(-max|-mini)?|-chat(-latest)?)?(-\d{4}-\d{2}-\d{2})?$"
)
"""Models before GPT-5.5 that can keep entries for 24 hours (OpenAI guide Prompt caching)."""

_PART_OF_PREFIX = "The guide names it as part of the prefix, but not where it stands."
_EFFECTS: Mapping[str, Effect] = {
    "model": Effect(Section.tools, reason="model_changed"),
    "parallel_tool_calls": Effect(Section.tools, note=_PART_OF_PREFIX),
    "response_format": Effect(Section.tools, note=_PART_OF_PREFIX),
    "text.format": Effect(Section.tools, note=_PART_OF_PREFIX),
    "reasoning_effort": Effect(Section.tools, note=_PART_OF_PREFIX),
    "reasoning.effort": Effect(
        Section.tools,
        note=f"{_PART_OF_PREFIX} On GPT-6 a configuration_update item keeps the prefix.",
    ),
    "verbosity": Effect(Section.tools, note=_PART_OF_PREFIX),
    "text.verbosity": Effect(Section.tools, note=_PART_OF_PREFIX),
    "reasoning.context": Effect(
        Section.messages,
        certain=False,
        note="It chooses which reasoning items of earlier turns are rendered again.",
    ),
    "context_management": Effect(
        Section.messages, certain=False, note="Compaction replaces the conversation when it runs."
    ),
    "truncation": Effect(
        Section.messages, certain=False, note="auto drops the oldest items of a long input."
    ),
    "tool_choice": Effect(None, note="none and allowed_tools keep the prefix."),
    "service_tier": Effect(
        Section.tools,
        certain=False,
        note="A reason of the diagnostics; what counts is the tier that was really used.",
    ),
    "prompt_cache_key": Effect(
        Section.tools,
        certain=False,
        note="Before GPT-5.6 a routing hint; from then on its own accounting of the cache.",
    ),
    "prompt_cache_options.mode": Effect(
        Section.tools, certain=False, note="Going from implicit to explicit misses once."
    ),
}
_BEFORE_5_6 = frozenset({"prompt_cache_options.mode"})
"""Settings that models before GPT-5.6 do not know."""

_SOURCES: Mapping[str, Source] = {
    "order": _GUIDE,
    "opt_in": _GUIDE,
    "minimum": _GUIDE,
    "granularity": _GUIDE,
    "usable_when_begun": _ASSUMED,
    "isolation": _GUIDE,
    "reports_read": _USAGE,
    "reports_write": _USAGE,
    "inclusive": _USAGE,
    "effects": _GUIDE,
    "effects.service_tier": _DIAGNOSTICS,
    "effects.reasoning.context": _TYPES,
    "effects.truncation": _TYPES,
}

_MINUTES_30 = Ttl("30m", timedelta(minutes=30))
_HOURS_12 = Ttl("12h", timedelta(hours=12))
_HOURS_24 = Ttl("24h", timedelta(hours=24))
# 5 to 10 minutes without use are typical, an hour is the most: only past that is it surely gone
_IN_MEMORY = Ttl("in_memory", timedelta(hours=1))


@lru_cache(maxsize=256)
def openai_rules(wire: str, model: str | None) -> CacheRules:
    """The cache of OpenAI for ``model``; one whose name shows no version counts as an older one."""
    version = _version(model)
    if version is not None and version >= (5, 6):
        return _since_5_6()
    return _before_5_6(model, version)


def _since_5_6() -> CacheRules:
    return CacheRules(
        name="OpenAI, GPT-5.6 and later",
        opt_in=OptIn.both,
        minimum=1024,
        ttls=(_MINUTES_30, _HOURS_12),
        markable=True,
        max_breakpoints=4,
        reports_write=True,
        effects=_EFFECTS,
        sources={**_SOURCES, **dict.fromkeys(("ttls", "markable", "max_breakpoints"), _TYPES)},
    )


def _before_5_6(model: str | None, version: tuple[int, int] | None) -> CacheRules:
    is_5_5 = version == (5, 5)
    ttls = (_IN_MEMORY, _HOURS_24)
    if is_5_5:
        ttls = (_HOURS_24,)
    elif _RETAINED.search(model or ""):
        ttls = (_HOURS_24, _IN_MEMORY)
    return CacheRules(
        name="OpenAI, GPT-5.5" if is_5_5 else "OpenAI before GPT-5.5",
        minimum=1024,
        ttls=ttls,
        granularity=2048 if is_5_5 else 128,
        best_effort=True,
        # a name without a version may be a newer model in disguise
        reports_write=False if version is not None else None,
        effects={k: v for k, v in _EFFECTS.items() if k not in _BEFORE_5_6},
        sources={**_SOURCES, "ttls": _TYPES, "best_effort": _GUIDE},
    )


def _version(model: str | None) -> tuple[int, int] | None:
    found = _VERSION.search(model or "")
    if found is None:
        return (4, 0) if _REASONERS.search(model or "") else None
    return int(found[1]), int(found[2] or 0)


@lru_cache(maxsize=256)
def azure_rules(wire: str, model: str | None) -> CacheRules:
    """The cache of Azure OpenAI; ``model`` is often a deployment's name, which shows no version."""
    rules = openai_rules(wire, model)
    ttls = tuple(sorted(rules.ttls, key=lambda ttl: ttl.name == "24h"))
    return replace(
        rules,
        name=rules.name.replace("OpenAI", "Azure OpenAI"),
        ttls=ttls if _IN_MEMORY in ttls else rules.ttls,
        sources={**rules.sources, "minimum": _AZURE, "isolation": _AZURE, "ttls": _AZURE},
    )


OPENAI = Dialect(
    name="openai",
    title="OpenAI",
    wires=("openai.chat", "openai.responses"),
    rules=openai_rules,
    hosts=("api.openai.com", "chatgpt.com"),
)

AZURE_OPENAI = Dialect(
    name="azure",
    title="Azure OpenAI",
    wires=("openai.chat", "openai.responses"),
    rules=azure_rules,
    hosts=(
        "openai.azure.com",
        "cognitiveservices.azure.com",
        "services.ai.azure.com",
    ),
)

DIALECTS = (OPENAI, AZURE_OPENAI)
