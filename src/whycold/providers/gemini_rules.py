"""How the caches of the Gemini API and of Gemini on Vertex AI work, as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from whycold.core.prompt import Section
from whycold.core.rules import CacheRules, Effect, OptIn, Source, Ttl
from whycold.providers.base import Dialect

__all__ = ["DIALECTS", "GEMINI", "VERTEX", "gemini_rules", "vertex_rules"]

_READ = "2026-11-23"
_CACHING = Source("ai.google.dev/gemini-api/docs/caching, page of 2026-10-13", _READ)
_CACHING_MAY = Source("ai.google.dev/gemini-api/docs/caching, page of 2026-05-07", _READ)
_TYPES = Source("PyPI google-genai 3.4.0, types.py (UsageMetadata, CachedContent)", _READ)
_VERTEX = Source("docs.cloud.google.com, Agent Platform, context cache overview", _READ)
_LITELLM = Source("PyPI litellm 1.109.1, model_prices_and_context_window_backup.json", _READ)
_PRICES = Source("PyPI litellm 1.109.1 and genai-prices 0.2.3: no price for a write", _READ)
_ASSUMED = Source("assumption of whycold: Google publishes nothing about it", _READ)

_MINIMUMS: tuple[tuple[str, int, Source], ...] = (
    (r"gemini-2\.5-(flash|pro)", 2048, _CACHING),
    (r"gemini-3\.1-pro", 4096, _CACHING),
    (r"gemini-3\.[5-8]-flash", 4096, _CACHING),
    (r"gemini-4-argon", 4096, _CACHING),
    (r"gemini-3-flash-preview", 1024, _CACHING_MAY),
    (r"gemini-3-pro-preview", 4096, _CACHING_MAY),
)
"""Minimum by model family; a family that is not here has none that is published."""

_EXPLICIT_ONLY = re.compile(r"gemini-(1\.|2\.0)")

_UNKNOWN = "Google does not say whether this is part of the cached prefix."
_EFFECTS: Mapping[str, Effect] = {
    "model": Effect(Section.tools, reason="model_changed"),
    "toolConfig.functionCallingConfig": Effect(Section.tools, certain=False, note=_UNKNOWN),
    "generationConfig.responseMimeType": Effect(Section.tools, certain=False, note=_UNKNOWN),
    "generationConfig.responseSchema": Effect(Section.tools, certain=False, note=_UNKNOWN),
    "generationConfig.responseJsonSchema": Effect(Section.tools, certain=False, note=_UNKNOWN),
    "generationConfig.thinkingConfig": Effect(Section.tools, certain=False, note=_UNKNOWN),
    "generationConfig.mediaResolution": Effect(Section.tools, certain=False, note=_UNKNOWN),
}

_SOURCES: Mapping[str, Source] = {
    "order": _ASSUMED,
    "opt_in": _CACHING,
    "ttls": Source(
        "implicit: not published; explicit: 60 minutes unless the client sets another"
        " (google-genai 3.4.0), and a request that names an expired one is refused",
        _READ,
    ),
    "lookback": _ASSUMED,
    "granularity": _ASSUMED,
    "usable_when_begun": _ASSUMED,
    "best_effort": _CACHING,
    "isolation": _ASSUMED,
    "reports_read": _TYPES,
    "reports_write": _PRICES,
    "inclusive": _TYPES,
    "effects": _ASSUMED,
}


def gemini_rules(wire: str, model: str | None) -> CacheRules:
    """The cache of the Gemini API for ``model`` (None: unknown, and so is its minimum)."""
    minimum, source = _minimum(model or "")
    explicit_only = _EXPLICIT_ONLY.search(model or "") is not None
    return CacheRules(
        name="Gemini API",
        opt_in=OptIn.explicit if explicit_only else OptIn.both,
        minimum=minimum,
        best_effort=True,
        effects=_EFFECTS,
        sources={**_SOURCES, "minimum": source},
    )


def vertex_rules(wire: str, model: str | None) -> CacheRules:
    """The cache of Gemini on Vertex AI (Agent Platform) for ``model``.

    Cached prefixes are gone 24 hours after they were written at the latest; most go sooner.
    """
    rules = gemini_rules(wire, model)
    changed = {"opt_in": _VERTEX, "ttls": _VERTEX, "best_effort": _VERTEX}
    minimum = rules.minimum
    if model is not None and "gemini-4-argon" in model:
        minimum = 6144
        changed["minimum"] = _LITELLM
    return replace(
        rules,
        name="Gemini on Vertex AI",
        minimum=minimum,
        ttls=(Ttl("24h", timedelta(hours=24), refreshed=False),),
        sources={**rules.sources, **changed},
    )


def _minimum(model: str) -> tuple[int | None, Source]:
    for pattern, tokens, source in _MINIMUMS:
        if re.search(pattern, model):
            return tokens, source
    return None, _CACHING


GEMINI = Dialect(
    name="gemini",
    title="Gemini API",
    wires=("gemini.generate",),
    rules=gemini_rules,
    hosts=("generativelanguage.googleapis.com",),
)

VERTEX = Dialect(
    name="vertex",
    title="Gemini on Vertex AI",
    wires=("gemini.generate",),
    rules=vertex_rules,
    hosts=("aiplatform.googleapis.com",),
)

DIALECTS = (GEMINI, VERTEX)
