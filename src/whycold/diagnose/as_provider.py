"""What a provider's own diagnostics would say of two requests, in its words.

They compare texts and parameters and do not ask what the cache did (Claude docs, Cache diagnostics;
OpenAI guide Prompt caching diagnostics; both 2026-11-23).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from whycold.core.call import Call
from whycold.core.compare import compare
from whycold.core.divergence import Divergence
from whycold.core.prompt import Section
from whycold.core.rules import CacheRules
from whycold.core.tokens import count

__all__ = [
    "MODEL",
    "TIER",
    "UNAVAILABLE",
    "Difference",
    "messages_difference",
    "responses_difference",
]

UNAVAILABLE: Final = "unavailable"
MODEL: Final = "model_changed"
TIER: Final = "service_tier_changed"

_OF_SECTIONS: Final[Mapping[Section, str]] = {
    Section.tools: "tools_changed",
    Section.system: "system_changed",
    Section.messages: "messages_changed",
}
_OF_MESSAGES: Final[Mapping[str, str]] = {
    "model": MODEL,
    # PyPI anthropic 2.12.0, types/cache_miss_model_changed.py
    "speed": MODEL,
    # Claude docs, Cache diagnostics: parameters that affect the prompt beside the four
    **dict.fromkeys(
        (
            *("tool_choice", "disable_parallel_tool_use", "thinking", "context_management"),
            *("output_config.effort", "output_config.format", "output_format", "betas"),
            "mcp_servers",
        ),
        UNAVAILABLE,
    ),
}
"""Settings of Messages; others are read off the content, which is compared itself."""
_OF_RESPONSES: Final[Mapping[str, str]] = {
    "model": MODEL,
    "prompt_cache_key": "prompt_cache_key_changed",
    "text.format": "text_format_changed",
    "reasoning.effort": "reasoning_effort_changed",
    "text.verbosity": "verbosity_changed",
}
"""Settings of Responses that have a reason of their own; the tier that was asked for says less than
the one that was used."""
_INPUT: Final = "input_changed"
_COMPACTED: Final = "context_compacted"
_RANKS: Final = {
    word: rank
    for rank, word in enumerate(
        (
            *(MODEL, "prompt_cache_key_changed", TIER, "tools_changed", "system_changed"),
            *("text_format_changed", "reasoning_effort_changed", "verbosity_changed"),
            *(_COMPACTED, _INPUT, "messages_changed", UNAVAILABLE),
        )
    )
}
"""Which of several differences is told. Published is that Anthropic's model goes first and that its
messages and parameters go last; the rest goes by the order of the prefix."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first difference, in the provider's word; ``reason`` is None where the requests agree.

    ``missed`` are the tokens of the earlier request behind it: an estimate. ``whole`` is all of
    that request, ``reported`` what the provider itself counted.
    """

    reason: str | None
    missed: int = 0
    whole: int = 0
    reported: int | None = None

    def before(self, reason: str) -> bool:
        """Whether it is told before a difference of that word."""
        return self.reason is not None and _RANKS[self.reason] < _RANKS[reason]


def messages_difference(before: Call, after: Call, rules: CacheRules) -> Difference:
    """The difference in a word of Anthropic's diagnostics, "unavailable" where it has none."""

    def word(found: Divergence) -> str | None:
        if found.setting is not None:
            return _OF_MESSAGES.get(found.setting)
        return _OF_SECTIONS[found.section]

    return _first(before, after, rules, word)


def responses_difference(
    before: Call, after: Call, rules: CacheRules, *, compacted: bool
) -> Difference:
    """The difference in a word of OpenAI's diagnostics, "unavailable" where it has none;
    ``compacted``: the input holds a compaction that the earlier one did not.
    """

    def word(found: Divergence) -> str | None:
        if found.setting is not None:
            of_tier = found.setting == "service_tier"
            return None if of_tier else _OF_RESPONSES.get(found.setting, UNAVAILABLE)
        if found.section is Section.tools:
            return _OF_SECTIONS[found.section]
        return _COMPACTED if compacted else _INPUT

    return _first(before, after, rules, word)


def _first(
    before: Call, after: Call, rules: CacheRules, word: Callable[[Divergence], str | None]
) -> Difference:
    counts = count(before.prompt, before.usage.input)
    whole, reported = counts.total, before.usage.input
    found = [
        (told, divergence)
        for divergence in compare(before.prompt, after.prompt, rules)
        if (told := word(divergence)) is not None
    ]
    if not found:
        unseen = before.prompt.unseen | after.prompt.unseen
        return Difference(UNAVAILABLE if unseen else None, 0, whole, reported)
    told, first = min(found, key=lambda pair: _RANKS[pair[0]])
    return Difference(told, max(0, whole - counts.until(first.kept)), whole, reported)
