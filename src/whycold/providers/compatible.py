"""Providers that speak OpenAI's formats and have a cache of their own, and routers to others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache

from whycold.core.prompt import Section
from whycold.core.rules import CacheRules, Effect, Lookback, OptIn, Source, Ttl
from whycold.providers.anthropic_rules import anthropic_rules
from whycold.providers.base import Dialect
from whycold.providers.gemini_rules import gemini_rules
from whycold.providers.openai_rules import openai_rules

__all__ = ["DIALECTS", "MODEL_PREFIXES"]

_READ = "2026-11-23"
_DEEPSEEK = Source("api-docs.deepseek.com, Context Caching", _READ)
_DEEPSEEK_NEWS = Source("api-docs.deepseek.com, news of 2024-08-02", _READ)
_DEEPSEEK_USAGE = Source("api-docs.deepseek.com, Create Chat Completion", _READ)
_XAI = Source("docs.x.ai, Prompt Caching", _READ)
_MISTRAL = Source("docs.mistral.ai, Prompt caching; PyPI mistralai 3.7.0", _READ)
_MOONSHOT = Source("PyPI litellm 1.109.1 and genai-prices 0.2.3, prices of kimi-k3", _READ)
_QWEN = Source("Alibaba Cloud Model Studio, Context Cache", _READ)
_ZAI = Source("docs.z.ai, Context Caching", _READ)
_MINIMAX = Source("MiniMax docs, prompt caching", _READ)
_OPENROUTER = Source("openrouter.ai docs, Prompt Caching", _READ)
_RELAY = Source(
    "assumption of whycold: a gateway only translates, and has no cache of its own", _READ
)
_ASSUMED = Source("assumption of whycold: nothing is published about it", _READ)

_CHAT, _RESPONSES, _MESSAGES = "openai.chat", "openai.responses", "anthropic.messages"

_MODEL = Effect(Section.tools, "model_changed")
_ROUTING = Effect(
    Section.tools, certain=False, note="It chooses the server; another one has another cache."
)
_ASSUMPTIONS: Mapping[str, Source] = dict.fromkeys(
    ("order", "granularity", "usable_when_begun", "isolation", "effects.model"), _ASSUMED
)


def _facts(source: Source, *names: str) -> dict[str, Source]:
    return {**_ASSUMPTIONS, **dict.fromkeys(names, source)}


def _counted(rules: CacheRules, wire: str) -> CacheRules:
    """The rules with the count of the wire format: Anthropic's leaves cached tokens out."""
    return replace(rules, inclusive=wire != _MESSAGES)


def _deepseek(wire: str, model: str | None) -> CacheRules:
    """DeepSeek keeps whole prefix units on disk: up to the end of an input, common beginnings."""
    rules = CacheRules(
        name="DeepSeek",
        minimum=64,
        granularity=64,
        best_effort=True,
        effects={"model": _MODEL},
        sources={
            **_facts(_DEEPSEEK, "opt_in", "best_effort"),
            "minimum": _DEEPSEEK_NEWS,
            "granularity": _DEEPSEEK_NEWS,
            "reports_read": _DEEPSEEK_USAGE,
            "inclusive": _DEEPSEEK_USAGE,
        },
    )
    return _counted(rules, wire)


def _xai(wire: str, model: str | None) -> CacheRules:
    """xAI keeps entries on each server; the conversation's id leads back to it."""
    return CacheRules(
        name="xAI",
        best_effort=True,
        effects={"model": _MODEL, "prompt_cache_key": _ROUTING, "x-grok-conv-id": _ROUTING},
        sources=_facts(
            _XAI,
            *("opt_in", "best_effort", "reports_read", "reports_write", "inclusive"),
            *("effects.prompt_cache_key", "effects.x-grok-conv-id"),
        ),
    )


def _mistral(wire: str, model: str | None) -> CacheRules:
    """Mistral caches requests that carry a key, and does not promise a hit."""
    return CacheRules(
        name="Mistral",
        best_effort=True,
        effects={"model": _MODEL, "prompt_cache_key": _ROUTING},
        sources=_facts(
            _MISTRAL,
            *("opt_in", "best_effort", "reports_read", "inclusive", "effects.prompt_cache_key"),
        ),
    )


def _moonshot(wire: str, model: str | None) -> CacheRules:
    """Moonshot publishes little beside prices; for kimi-k3 it charges for writes, too."""
    rules = CacheRules(
        name="Moonshot",
        best_effort=True,
        reports_read=None,
        reports_write=None,
        effects={"model": _MODEL},
        sources=_facts(_ASSUMED, "opt_in", "best_effort", "reports_read", "inclusive")
        | {"reports_write": _MOONSHOT},
    )
    return _counted(rules, wire)


def _qwen(wire: str, model: str | None) -> CacheRules:
    """Qwen on Alibaba Cloud: with markers an exact cache, without any a best-effort one.

    The lifetime is that of marked prefixes; the others have none that is promised.
    """
    hour = (Ttl("1h", timedelta(hours=1)),) if "qwen4" in (model or "") else ()
    rules = CacheRules(
        name="Qwen (Alibaba Cloud Model Studio)",
        opt_in=OptIn.both,
        minimum=1024,
        ttls=(Ttl("5m", timedelta(minutes=5)), *hour),
        markable=True,
        max_breakpoints=4,
        lookback=Lookback(20, runs_count_once=False),
        best_effort=True,
        reports_write=True,
        effects={"model": _MODEL},
        sources=_facts(
            _QWEN,
            *("opt_in", "minimum", "ttls", "markable", "max_breakpoints", "lookback"),
            *("best_effort", "reports_read", "reports_write", "inclusive"),
        ),
    )
    return _counted(rules, wire)


def _zai(wire: str, model: str | None) -> CacheRules:
    """Z.ai finds repeated content by itself."""
    rules = CacheRules(
        name="Z.ai",
        best_effort=True,
        effects={"model": _MODEL},
        sources=_facts(_ZAI, "opt_in", "best_effort", "reports_read", "inclusive"),
    )
    return _counted(rules, wire)


def _minimax(wire: str, model: str | None) -> CacheRules:
    """MiniMax renders the system before the tools."""
    rules = CacheRules(
        name="MiniMax",
        order=(Section.system, Section.tools, Section.messages),
        opt_in=OptIn.both,
        minimum=512,
        markable=True,
        best_effort=True,
        reports_write=None,
        effects={"model": replace(_MODEL, voids=Section.system)},
        sources=_facts(_MINIMAX, "order", "opt_in", "minimum", "markable")
        | dict.fromkeys(("best_effort", "reports_read", "reports_write", "inclusive"), _ASSUMED),
    )
    return _counted(rules, wire)


_Rules = Callable[[str, str | None], CacheRules]
_VENDORS: tuple[tuple[str, _Rules], ...] = (
    ("claude", anthropic_rules),
    ("gemini", gemini_rules),
    ("deepseek", _deepseek),
    ("grok", _xai),
    ("kimi", _moonshot),
    ("moonshot", _moonshot),
    ("qwen", _qwen),
    ("glm", _zai),
    ("minimax", _minimax),
    ("mistral", _mistral),
    ("codestral", _mistral),
    ("devstral", _mistral),
    ("magistral", _mistral),
    ("gpt-", openai_rules),
    ("openai/", openai_rules),
)
"""Whose model a name is, by a word in it; the first that is found."""


def _vendor(wire: str, model: str | None) -> CacheRules:
    """The rules of whoever runs the model; where that does not show, of no one in particular."""
    name = (model or "").lower()
    for word, rules in _VENDORS:
        if word in name:
            return rules(wire, model)
    return CacheRules(
        name="unknown",
        best_effort=True,
        reports_read=None,
        reports_write=None,
        effects={"model": _MODEL},
        sources=_facts(_ASSUMED, "opt_in", "best_effort", "reports_read", "reports_write"),
    )


_TRANSLATED: Mapping[str, str] = {
    "reasoning": "thinking",
    "reasoning_effort": "thinking",
    "reasoning.effort": "thinking",
    "response_format": "output_config.format",
    "text.format": "output_config.format",
    "parallel_tool_calls": "disable_parallel_tool_use",
}
"""What a gateway makes of OpenAI's settings for a Claude model."""


def _behind_gateway(wire: str, model: str | None) -> CacheRules:
    """The vendor's rules, with its effects under the names that a gateway's clients use."""
    rules = _vendor(wire, model)
    effects = dict(rules.effects)
    sources = dict(rules.sources)
    for name, meant in _TRANSLATED.items():
        if name not in effects and meant in effects:
            note = effects[meant].note or f"The gateway makes {meant} of it."
            effects[name] = replace(effects[meant], certain=False, note=note)
            sources[f"effects.{name}"] = _RELAY
    return replace(rules, effects=effects, sources=sources)


@lru_cache(maxsize=256)
def _openrouter(wire: str, model: str | None) -> CacheRules:
    """OpenRouter: the cache is the host's, and the next request may go to another host.

    It stays with a host for about ten minutes per account, model and conversation, unless
    ``provider.order`` says where to go.
    """
    rules = _behind_gateway(wire, model)
    facts = dict.fromkeys(
        ("best_effort", "reports_read", "reports_write", "inclusive"), _OPENROUTER
    )
    return replace(
        rules,
        name=f"OpenRouter ({rules.name})",
        best_effort=True,
        reports_read=True,
        reports_write=None if rules.reports_write is False else rules.reports_write,
        inclusive=wire != _MESSAGES,
        effects={**rules.effects, "provider": _ROUTING},
        sources={**rules.sources, **facts, "effects.provider": _OPENROUTER},
    )


@lru_cache(maxsize=256)
def _litellm(wire: str, model: str | None) -> CacheRules:
    """LiteLLM in front of someone: the cache is theirs, the counts come in OpenAI's form."""
    rules = _behind_gateway(wire, model)
    return replace(
        rules,
        name=f"LiteLLM ({rules.name})",
        inclusive=True,
        sources={**rules.sources, "inclusive": _RELAY},
    )


DIALECTS: tuple[Dialect, ...] = (
    Dialect(
        name="deepseek",
        title="DeepSeek",
        wires=(_CHAT, _MESSAGES),
        rules=_deepseek,
        hosts=("api.deepseek.com",),
    ),
    Dialect("xai", "xAI", (_CHAT, _RESPONSES), _xai, hosts=("api.x.ai",)),
    Dialect(
        name="openrouter",
        title="OpenRouter",
        wires=(_CHAT, _RESPONSES, _MESSAGES),
        rules=_openrouter,
        hosts=("openrouter.ai",),
    ),
    Dialect(
        name="mistral",
        title="Mistral",
        wires=(_CHAT,),
        rules=_mistral,
        hosts=("api.mistral.ai", "codestral.mistral.ai"),
    ),
    Dialect(
        name="moonshot",
        title="Moonshot",
        wires=(_CHAT, _MESSAGES),
        rules=_moonshot,
        hosts=("api.moonshot.ai", "api.moonshot.cn", "api.kimi.com"),
    ),
    Dialect(
        name="qwen",
        title="Qwen (Alibaba Cloud Model Studio)",
        wires=(_CHAT, _RESPONSES, _MESSAGES),
        rules=_qwen,
        hosts=("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com"),
    ),
    Dialect(
        name="zai",
        title="Z.ai",
        wires=(_CHAT, _MESSAGES),
        rules=_zai,
        hosts=("api.z.ai", "open.bigmodel.cn"),
    ),
    Dialect(
        name="minimax",
        title="MiniMax",
        wires=(_CHAT, _MESSAGES),
        rules=_minimax,
        hosts=("api.minimax.io", "api.minimaxi.com"),
    ),
    Dialect("litellm", "LiteLLM", (_CHAT, _RESPONSES), _litellm),
)

MODEL_PREFIXES: Mapping[str, str] = {
    "anthropic/": "openrouter",
    "deepseek/": "openrouter",
    "google/": "openrouter",
    "minimax/": "openrouter",
    "mistralai/": "openrouter",
    "moonshotai/": "openrouter",
    "openai/": "openrouter",
    "qwen/": "openrouter",
    "x-ai/": "openrouter",
    "z-ai/": "openrouter",
    "litellm_proxy/": "litellm",
    "claude": "litellm",
    "gemini": "litellm",
    "deepseek": "deepseek",
    "grok": "xai",
    "mistral": "mistral",
    "codestral": "mistral",
    "devstral": "mistral",
    "magistral": "mistral",
    "kimi": "moonshot",
    "moonshot": "moonshot",
    "qwen": "qwen",
    "glm": "zai",
    "minimax": "minimax",
}
"""The provider a model's name points to when nothing else tells, by how the name begins.

A Claude or Gemini model in one of OpenAI's formats has come through a gateway."""
