"""What the words of the providers' own diagnostics mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from whycold.core.diagnosis import Reason

__all__ = ["COMPACTED", "SAYINGS", "Saying"]

COMPACTED = "context_compacted"
"""OpenAI's word for a context that it made shorter."""


@dataclass(frozen=True, slots=True)
class Saying:
    """A word: the reason it is counted under, ``what`` changed, and advice of its own, if any."""

    reason: Reason
    what: str
    advice: str | None = None


SAYINGS: Mapping[str, Saying] = {
    "model_changed": Saying(Reason.model_changed, "the model or its speed"),
    "tools_changed": Saying(Reason.tools_changed, "the tools"),
    "system_changed": Saying(Reason.system_changed, "the system prompt"),
    "messages_changed": Saying(Reason.messages_changed, "earlier messages"),
    "input_changed": Saying(Reason.messages_changed, "instructions or earlier input"),
    "text_format_changed": Saying(Reason.settings_changed, "the text format"),
    "reasoning_effort_changed": Saying(Reason.settings_changed, "the reasoning effort"),
    "verbosity_changed": Saying(Reason.settings_changed, "the verbosity"),
    "prompt_cache_key_changed": Saying(
        Reason.settings_changed,
        "the cache key",
        "Send one prompt_cache_key for all requests of a conversation; whatever sets it on the way "
        "to the provider has to keep to one as well.",
    ),
    "service_tier_changed": Saying(
        Reason.settings_changed,
        "the service tier",
        "What counts is the tier that was really used: it can differ from the one asked for. Ask "
        "for one tier in all requests of a conversation.",
    ),
}
"""Words of Anthropic's cache diagnostics and OpenAI's prompt caching diagnostics (2026-11-23)."""
