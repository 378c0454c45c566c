"""How Anthropic's prompt cache works, on its own API and on the hosts that sell its models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from whycold.core.prompt import Section
from whycold.core.rules import CacheRules, Effect, Isolation, Lookback, OptIn, Source, Ttl
from whycold.providers.base import Dialect

__all__ = [
    "ANTHROPIC",
    "BEDROCK_ANTHROPIC",
    "DIALECTS",
    "FOUNDRY",
    "NAME",
    "VERTEX_ANTHROPIC",
    "anthropic_rules",
    "is_sharp",
]

NAME = "anthropic.messages"
"""The wire format's name."""

_PC = Source("Claude docs, Prompt caching", "2026-08-22")
_PC_LATER = Source("Claude docs, Prompt caching, excerpts of October and November", "2026-11-23")
_DIAGNOSTICS = Source("Claude docs, Cache diagnostics", "2026-11-23")
_STRUCTURED = Source("Claude docs, Structured outputs", "2026-11-23")
_CODE = Source("Claude Code docs, Prompt caching", "2026-11-23")
_SKILL = Source("github.com/anthropics/skills, skills/claude-api", "2026-11-23")
_SDK = Source("PyPI anthropic 2.12.0, types/usage.py and types/cache_creation.py", "2026-11-23")
_RESULTS = Source(
    "Claude docs, Prompt caching; public recordings of August 2026 agree (docs/accuracy.md)",
    "2026-11-23",
)
_LITELLM = Source("PyPI litellm 1.109.1, prompt_cache_min_tokens", "2026-11-23")


class _Model(NamedTuple):
    family: str
    major: int
    minor: int


_NEW_NAME = re.compile(r"claude-(opus|sonnet|haiku|fable|mythos)-(\d)(?:[-.](\d)(?!\d))?(?!\d)")
_OLD_NAME = re.compile(r"claude-(\d)(?:[-.](\d))?-(opus|sonnet|haiku)")

_MYTHOS_PREVIEW = _Model("mythos", 0, 0)

_MINIMUMS: Mapping[_Model, tuple[int, Source]] = {
    _Model("opus", 5, 0): (512, _PC),
    _Model("fable", 5, 0): (512, _PC),
    _Model("mythos", 5, 0): (512, _PC),
    _Model("opus", 5, 5): (512, _LITELLM),
    _Model("sonnet", 5, 5): (512, _LITELLM),
    _Model("haiku", 5, 5): (512, _LITELLM),
    _Model("fable", 5, 1): (512, _LITELLM),
    _Model("mythos", 5, 1): (512, _LITELLM),
    _Model("opus", 4, 8): (1024, _PC),
    _Model("sonnet", 5, 0): (1024, _PC),
    _Model("sonnet", 4, 6): (1024, _PC),
    _Model("sonnet", 4, 5): (1024, _PC),
    _Model("opus", 4, 1): (1024, _PC),
    _Model("opus", 4, 0): (1024, _PC),
    _Model("sonnet", 4, 0): (1024, _PC),
    _Model("opus", 4, 7): (2048, _PC),
    _MYTHOS_PREVIEW: (2048, _PC),
    _Model("haiku", 3, 5): (2048, _PC),
    _Model("opus", 4, 6): (4096, _PC),
    _Model("opus", 4, 5): (4096, _PC),
    _Model("haiku", 4, 5): (4096, _PC),
}
"""Shortest prefix that is cached, in tokens."""

_MARKED_RESULTS = frozenset(
    {
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
    }
)
_EFFORT_KEEPS = frozenset({_Model("opus", 5, 5), _Model("fable", 5, 1)})

_LEVEL_OPEN = "The messages are lost; whether tools and system are too depends on the model."
_UNAVAILABLE = "Part of the provider's own comparison; how far it voids the cache is not published."
_EFFECTS: Mapping[str, tuple[Effect, Source]] = {
    "model": (Effect(Section.tools, "model_changed", note="One cache per model."), _SKILL),
    "speed": (
        Effect(
            Section.system,
            "model_changed",
            note="Keyed by the fast-mode beta header: with it always sent, speed changes nothing.",
        ),
        _PC,
    ),
    "citations": (
        Effect(Section.system, note="Citations on or off alter the system prompt."),
        _PC,
    ),
    "tool_choice": (Effect(Section.messages), _PC),
    "disable_parallel_tool_use": (Effect(Section.messages), _PC),
    "images": (
        Effect(
            Section.messages,
            certain=False,
            note="The documentation says images added or removed, not whether it means each one.",
        ),
        _PC,
    ),
    "thinking": (Effect(Section.messages, certain=False, note=_LEVEL_OPEN), _PC),
    "output_config.effort": (
        Effect(
            Section.messages,
            certain=False,
            note=f"{_LEVEL_OPEN} The default, sent or left out, is the same.",
        ),
        _PC,
    ),
    "output_config.format": (
        Effect(
            Section.messages,
            certain=False,
            note="A change voids the prompt cache; from which section on is not published.",
        ),
        _STRUCTURED,
    ),
    "context_management": (
        Effect(Section.messages, certain=False, note="Voids from the point that is cleared."),
        _PC,
    ),
    "mcp_servers": (
        Effect(
            Section.tools,
            "tools_changed",
            certain=False,
            note="The tools of these servers are rendered; which of their fields are, is not said.",
        ),
        _PC,
    ),
    "betas": (Effect(Section.tools, certain=False, note=_UNAVAILABLE), _DIAGNOSTICS),
    "container": (Effect(None, note="Independent of the cache."), _PC),
}
_EFFORT_EXEMPT = Effect(None, note="This model keeps its cache when the effort changes.")


def _model(name: str | None) -> _Model | None:
    """Family and version from any host's name for a model; None for what is no Claude or too vague.

    ``claude-3-5-haiku-20241022``, ``claude-opus-4-20250514``, ``claude-sonnet-4-5@20250929``,
    ``us.anthropic.claude-opus-4-6-v1:0``, ``anthropic/claude-opus-4.6`` are all understood.
    """
    if name is None:
        return None
    if "claude-mythos-preview" in name:
        return _MYTHOS_PREVIEW
    if new := _NEW_NAME.search(name):
        return _Model(new[1], int(new[2]), int(new[3] or 0))
    if old := _OLD_NAME.search(name):
        return _Model(old[3], int(old[1]), int(old[2] or 0))
    return None


def is_sharp(name: str | None) -> bool:
    """Whether a model sees images at the high resolution: from Opus 4.7 on, and where unknown.

    Claude docs, Images and vision, read 2026-11-23; it decides an estimate only.
    """
    model = _model(name)
    return model in (None, _MYTHOS_PREVIEW) or (model.major, model.minor) >= (4, 7)


@lru_cache(maxsize=256)
def anthropic_rules(wire: str, model: str | None) -> CacheRules:
    """The cache of the Claude API for ``model`` (None: unknown, and so is its minimum)."""
    known = _model(model)
    minimum, source = _MINIMUMS.get(known, (None, None)) if known else (None, None)
    effects = {name: effect for name, (effect, _) in _EFFECTS.items()}
    sources = {f"effects.{name}": where for name, (_, where) in _EFFECTS.items()}
    effects["output_format"] = effects["output_config.format"]
    sources["effects.output_format"] = _STRUCTURED
    if known in _EFFORT_KEEPS:
        effects["output_config.effort"] = _EFFORT_EXEMPT
        sources["effects.output_config.effort"] = _CODE
    if source is not None:
        sources["minimum"] = source
    return CacheRules(
        name="Anthropic",
        opt_in=OptIn.explicit,
        minimum=minimum,
        ttls=(Ttl("5m", timedelta(minutes=5)), Ttl("1h", timedelta(hours=1))),
        markable=True,
        max_breakpoints=4,
        marked_results=_MARKED_RESULTS,
        lookback=Lookback(20),
        isolation=Isolation.workspace,
        reports_read=True,
        reports_write=True,
        inclusive=False,
        effects=effects,
        sources={**_FACTS, **sources},
    )


_FACTS: Mapping[str, Source] = dict.fromkeys(
    ("order", "opt_in", "ttls", "markable", "max_breakpoints", "usable_when_begun", "isolation"),
    _PC,
) | {
    "lookback": _PC_LATER,
    "marked_results": _RESULTS,
    **dict.fromkeys(("reports_read", "reports_write", "inclusive"), _SDK),
}


@lru_cache(maxsize=256)
def _bedrock_rules(wire: str, model: str | None) -> CacheRules:
    """Claude on Amazon Bedrock, InvokeModel; AWS documents minimums of its own."""
    rules = _vertex_rules(wire, model)
    sources = {name: source for name, source in rules.sources.items() if name != "minimum"}
    return replace(rules, name="Claude on Amazon Bedrock", minimum=None, sources=sources)


@lru_cache(maxsize=256)
def _vertex_rules(wire: str, model: str | None) -> CacheRules:
    """Claude on Google Cloud: one cache per organisation."""
    rules = _foundry_rules(wire, model)
    return replace(rules, name="Claude on Google Cloud", isolation=Isolation.organization)


@lru_cache(maxsize=256)
def _foundry_rules(wire: str, model: str | None) -> CacheRules:
    """Claude in Microsoft Foundry; counting runs once is documented for the Claude API only."""
    return replace(
        anthropic_rules(wire, model),
        name="Claude in Microsoft Foundry",
        lookback=Lookback(20, runs_count_once=False),
    )


ANTHROPIC = Dialect(
    name="anthropic",
    title="Anthropic",
    wires=(NAME,),
    rules=anthropic_rules,
    attribution="stripped",
    defers_tools=True,
    hosts=("api.anthropic.com",),
)
BEDROCK_ANTHROPIC = Dialect(
    name="bedrock-anthropic",
    title="Claude on Amazon Bedrock (InvokeModel)",
    wires=(NAME,),
    rules=_bedrock_rules,
    defers_tools=True,
    hosts=("amazonaws.com",),
)
VERTEX_ANTHROPIC = Dialect(
    name="vertex-anthropic",
    title="Claude on Google Cloud",
    wires=(NAME,),
    rules=_vertex_rules,
    defers_tools=True,
    hosts=("aiplatform.googleapis.com",),
)
FOUNDRY = Dialect(
    name="foundry",
    title="Claude in Microsoft Foundry",
    wires=(NAME,),
    rules=_foundry_rules,
    defers_tools=True,
    hosts=("services.ai.azure.com",),
)

DIALECTS = (ANTHROPIC, BEDROCK_ANTHROPIC, VERTEX_ANTHROPIC, FOUNDRY)
