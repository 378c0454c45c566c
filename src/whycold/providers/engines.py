"""Local engines: they serve OpenAI's formats and Anthropic's, from one cache of tokens.

Where tools, system and messages end up in the prompt is the chat template's business: most put the
tools first, some inside or after the system. What was measured, was measured on llama.cpp 0.7.0,
build 11669, with a model of 2 layers; the rest was read in the released packages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from whycold.core.prompt import Section
from whycold.core.rules import CacheRules, Effect, Isolation, Source
from whycold.providers.base import Dialect

__all__ = ["DIALECTS"]

_READ = "2026-11-23"
_LLAMA = Source("measured on llama.cpp 0.7.0, build 11669", _READ)
_VLLM = Source("PyPI vllm 0.32.0, source", _READ)
_SGLANG = Source("PyPI sglang 0.5.23, source", _READ)
_OLLAMA = Source("github.com/ollama/ollama, pull request 17943", _READ)
_LMSTUDIO = Source("github.com/lmstudio-ai/lmstudio-bug-tracker, issues 2390 and 2419", _READ)
_MLX = Source("PyPI mlx-lm 0.32.2, source", _READ)
_TEMPLATE = Source("the model's chat template decides; tools first is the commonest", _READ)
_BY_NATURE = Source(
    "an attention cache: tokens of one model in one process, the last one always computed", _READ
)

_CHAT, _RESPONSES, _MESSAGES = "openai.chat", "openai.responses", "anthropic.messages"
_WIRES = (_CHAT, _RESPONSES, _MESSAGES)

_TO_TEMPLATE = Effect(
    Section.tools,
    certain=False,
    note="Handed to the chat template, which may render it anywhere or not at all.",
)
_EFFECTS: Mapping[str, Effect] = {
    "model": Effect(Section.tools, "model_changed"),
    "chat_template_kwargs": _TO_TEMPLATE,
}
_SOURCES: Mapping[str, Source] = {
    "order": _TEMPLATE,
    "opt_in": _BY_NATURE,
    "always_evaluated": _BY_NATURE,
    "best_effort": _BY_NATURE,
    "usable_when_begun": _BY_NATURE,
    "isolation": _BY_NATURE,
    "effects.model": _BY_NATURE,
    "effects.chat_template_kwargs": _TEMPLATE,
}


def _engine(name: str, wire: str, source: Source, *facts: str) -> CacheRules:
    """What holds for every engine: entries live until pushed out, one token is always computed."""
    return CacheRules(
        name=name,
        always_evaluated=1,
        isolation=Isolation.server,
        best_effort=True,
        inclusive=wire != _MESSAGES,
        effects=_EFFECTS,
        sources={
            **_SOURCES,
            **dict.fromkeys(("inclusive", *facts), source),
        },
    )


@lru_cache(maxsize=8)
def _llama(wire: str, model: str | None) -> CacheRules:
    """llama.cpp: tokens per slot; another conversation may take the slot."""
    facts = (
        *("granularity", "always_evaluated", "keeps_reply", "slots"),
        *("reports_read", "reports_write"),
    )
    rules = _engine("llama.cpp", wire, _LLAMA, *facts)
    effects = {
        **_EFFECTS,
        "id_slot": Effect(Section.tools, note="Slots do not share what they hold."),
    }
    if wire != _MESSAGES:
        effects["cache_prompt"] = Effect(
            Section.tools, note="false computes the whole prompt; /v1/messages drops the field."
        )
    measured = {
        f"effects.{name}": _LLAMA for name in ("id_slot", "cache_prompt") if name in effects
    }
    return replace(
        rules,
        keeps_reply=True,
        slots=True,
        effects=effects,
        sources={**rules.sources, **measured},
    )


@lru_cache(maxsize=8)
def _vllm(wire: str, model: str | None) -> CacheRules:
    """vLLM: whole blocks of tokens, 16 unless the server was started with another size."""
    facts = (
        *("granularity", "always_evaluated", "reports_read", "reports_write"),
        "effects.cache_salt",
    )
    rules = _engine("vLLM", wire, _VLLM, *facts)
    by_flag = None if wire in (_CHAT, _MESSAGES) else True
    salt = Effect(Section.tools, note="Requests with another salt share nothing.")
    return replace(
        rules,
        granularity=16,
        reports_read=by_flag,
        reports_write=by_flag,
        effects={**_EFFECTS, "cache_salt": salt},
    )


@lru_cache(maxsize=8)
def _sglang(wire: str, model: str | None) -> CacheRules:
    """SGLang: a tree of tokens in pages; the page size is the server's choice."""
    rules = _engine("SGLang", wire, _SGLANG, "granularity", "keeps_reply", "reports_read")
    return replace(rules, keeps_reply=True, reports_read=None)


@lru_cache(maxsize=8)
def _ollama(wire: str, model: str | None) -> CacheRules:
    """Ollama: llama.cpp or MLX inside; cached tokens are reported since August 2026."""
    rules = _engine("Ollama", wire, _OLLAMA, "reports_read")
    return replace(rules, reports_read=None)


@lru_cache(maxsize=8)
def _lmstudio(wire: str, model: str | None) -> CacheRules:
    """LM Studio: llama.cpp or MLX inside; chat completions report nothing about the cache."""
    rules = _engine("LM Studio", wire, _LMSTUDIO, "reports_read")
    return replace(rules, reports_read=False if wire == _CHAT else None)


@lru_cache(maxsize=8)
def _mlx(wire: str, model: str | None) -> CacheRules:
    """mlx-lm: a trie over ten caches; hybrid models cannot be cut back and miss."""
    return _engine("mlx-lm", wire, _MLX, "granularity", "reports_read")


# The attribution header on Anthropic's format: llama.cpp overwrites five characters of it, vLLM
# takes it out (and from chat's system text, too), the others leave it in.
DIALECTS: tuple[Dialect, ...] = (
    Dialect("llama.cpp", "llama.cpp", _WIRES, _llama, attribution="masked"),
    Dialect("vllm", "vLLM", _WIRES, _vllm, attribution="stripped"),
    Dialect("sglang", "SGLang", _WIRES, _sglang),
    Dialect("ollama", "Ollama", _WIRES, _ollama),
    Dialect("lmstudio", "LM Studio", _WIRES, _lmstudio),
    Dialect("mlx-lm", "mlx-lm", _WIRES, _mlx),
)
