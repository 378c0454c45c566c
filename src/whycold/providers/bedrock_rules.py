"""How prompt caching on Amazon Bedrock works with the Converse API, as values.

Left out, since nothing says whether they touch the cache: ``guardrailConfig``,
``performanceConfig`` and ``serviceTier``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache

from whycold.core.prompt import Section
from whycold.core.rules import CacheRules, Effect, Lookback, OptIn, Source, Ttl
from whycold.providers.base import Dialect

__all__ = ["BEDROCK", "DIALECTS", "NAME", "bedrock_rules"]

NAME = "bedrock.converse"
"""The wire format's name."""

_READ = "2026-11-23"
_AWS = Source("docs.aws.amazon.com, Amazon Bedrock, Prompt caching", _READ)
_BOTO = Source("PyPI botocore 1.44.5, bedrock-runtime service model", _READ)
_SKILL = Source("github.com/aws/agent-toolkit-for-aws, Prompt caching on Amazon Bedrock", _READ)
_PC = Source("Claude docs, Prompt caching", "2026-08-22")
_ORDER = Source("Amazon Bedrock, Prompt caching: lifetimes may not grow in this order", _READ)
_SEVERAL = Source("Claude docs, and users of Bedrock: aws/aws-sdk-ruby#3396, Strands docs", _READ)
_THIRD = Source("third parties only; Claude docs give less for the Claude API", _READ)
_ASSUMED = Source("assumption of whycold: AWS publishes nothing about it", _READ)

_MINIMUMS: tuple[tuple[str, int, Source], ...] = (
    (r"nova-pro", 1024, _AWS),
    (r"nova-(lite|micro)", 1536, _AWS),
    (r"claude-opus-4-7", 4096, _THIRD),
    (r"claude-sonnet-4-6", 2048, _THIRD),
    (r"claude-(opus-4-[56]|haiku-4-5)", 4096, _SEVERAL),
    (r"claude-3-7-sonnet", 1024, _AWS),
    (r"claude-(sonnet-4-5|sonnet-4-2|opus-4-1|opus-4-2)", 1024, _SEVERAL),
    (r"claude-3-5-haiku", 2048, _AWS),
)
"""Shortest prefix that is cached, by model. AWS has its own table: a model that is not here has no
minimum that is known, whatever the Claude API asks for it."""

_UNKNOWN = "AWS does not say whether this is part of the cached prefix."
_MODEL = Effect(Section.tools, reason="model_changed", note="One cache per model.")
_OPEN: Mapping[str, Effect] = {
    "model": _MODEL,
    **dict.fromkeys(
        (
            "toolConfig.toolChoice",
            "outputConfig.textFormat",
            "additionalModelRequestFields.reasoningConfig",
            "additionalModelRequestFields.reasoning_config",
        ),
        Effect(Section.messages, certain=False, note=_UNKNOWN),
    ),
}
_LEVEL = "The messages are lost; whether tools and system are too depends on the model."
_CLAUDE: Mapping[str, Effect] = {
    **_OPEN,
    "toolConfig.toolChoice": Effect(Section.messages),
    "images": Effect(
        Section.messages,
        certain=False,
        note="The documentation says images added or removed, not whether it means each one.",
    ),
    **dict.fromkeys(
        (
            "additionalModelRequestFields.thinking",
            "additionalModelRequestFields.reasoning_config",
            "additionalModelRequestFields.output_config",
        ),
        Effect(Section.messages, certain=False, note=_LEVEL),
    ),
    "additionalModelRequestFields.anthropic_beta": Effect(
        Section.tools, certain=False, note="Which beta features key the cache is not published."
    ),
}

_FIVE_MINUTES = Ttl("5m", timedelta(minutes=5))
_ONE_HOUR = Ttl("1h", timedelta(hours=1))

_SOURCES: Mapping[str, Source] = {
    "order": _ORDER,
    "opt_in": _AWS,
    "ttls": _AWS,
    "markable": _BOTO,
    "max_breakpoints": _AWS,
    "usable_when_begun": _ASSUMED,
    "isolation": _PC,
    "reports_read": _BOTO,
    "reports_write": _BOTO,
    "inclusive": _BOTO,
    "effects": _ASSUMED,
}


@lru_cache(maxsize=256)
def bedrock_rules(wire: str, model: str | None) -> CacheRules:
    """The cache of Amazon Bedrock for ``model``, a model id, inference profile or ARN.

    Claude is cached at cache points only, Nova also of itself. Of other models, and of an ARN that
    does not name its model, only what holds for all is known.
    """
    name = model or ""
    minimum, where = _minimum(name)
    rules = CacheRules(
        name="Amazon Bedrock",
        opt_in=OptIn.both,
        minimum=minimum,
        ttls=(_FIVE_MINUTES, _ONE_HOUR),
        markable=True,
        max_breakpoints=4,
        best_effort=True,
        reports_read=True,
        reports_write=True,
        inclusive=False,
        effects=_OPEN,
        sources={**_SOURCES, "minimum": where, "best_effort": _AWS},
    )
    if "claude" in name:
        return replace(
            rules,
            name="Claude on Amazon Bedrock",
            opt_in=OptIn.explicit,
            best_effort=False,
            lookback=Lookback(20, runs_count_once=False),
            effects=_CLAUDE,
            sources={**_SOURCES, "minimum": where, "lookback": _SKILL, "effects": _PC},
        )
    if "nova" in name:
        return replace(rules, name="Amazon Nova on Bedrock", ttls=(_FIVE_MINUTES,))
    return rules


def _minimum(model: str) -> tuple[int | None, Source]:
    for pattern, tokens, source in _MINIMUMS:
        if re.search(pattern, model):
            return tokens, source
    return None, _AWS


BEDROCK = Dialect(
    name="bedrock",
    title="Amazon Bedrock (Converse)",
    wires=(NAME,),
    rules=bedrock_rules,
    hosts=("amazonaws.com",),
)

DIALECTS = (BEDROCK,)
