"""Which cause a changed setting belongs to: one answer for every name of every wire format.

All causes of this family ask here, so that no two of them claim the same case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import ClassVar

from whycold.core.cause import Case, Cause, Evidence
from whycold.core.content import Json, JsonMap, as_map, same_as_sent
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Divergence
from whycold.core.prompt import Section

__all__ = ["SettingCause", "changed", "listed", "owner", "value"]

_OWNERS: Mapping[str, str] = {
    "model": "model-changed",
    "speed": "speed-changed",
    "output_config.effort": "effort-changed",
    "reasoning_effort": "effort-changed",
    "reasoning.effort": "effort-changed",
    "thinking": "thinking-changed",
    "enable_thinking": "thinking-changed",
    "reasoning.context": "thinking-changed",
    "reasoning.summary": "thinking-changed",
    "reasoningConfig": "thinking-changed",
    "reasoning_config": "thinking-changed",
    "generationConfig.thinkingConfig": "thinking-changed",
    "tool_choice": "tool-choice-changed",
    "function_call": "tool-choice-changed",
    "disable_parallel_tool_use": "tool-choice-changed",
    "parallel_tool_calls": "tool-choice-changed",
    "toolConfig.toolChoice": "tool-choice-changed",
    "toolConfig.functionCallingConfig": "tool-choice-changed",
    "output_config.format": "output-format-changed",
    "output_format": "output-format-changed",
    "response_format": "output-format-changed",
    "text.format": "output-format-changed",
    "outputConfig.textFormat": "output-format-changed",
    "generationConfig.responseMimeType": "output-format-changed",
    "generationConfig.responseSchema": "output-format-changed",
    "generationConfig.responseJsonSchema": "output-format-changed",
    "verbosity": "verbosity-changed",
    "text.verbosity": "verbosity-changed",
    "citations": "citations-changed",
    "images": "images-changed",
    "betas": "betas-changed",
    "anthropic_beta": "betas-changed",
    "context_management": "context-management-changed",
    "truncation": "context-management-changed",
    "mcp_servers": "mcp-servers-changed",
    "prompt_cache_key": "cache-key-changed",
    "cache_salt": "cache-key-changed",
    "x-grok-conv-id": "routing-changed",
    "provider": "routing-changed",
    "id_slot": "routing-changed",
    "service_tier": "service-tier-changed",
    "cache_prompt": "cache-disabled",
    "prompt_cache_options.mode": "cache-mode-changed",
}
_BY_MEMBER: Mapping[str, str] = {
    "effort": "effort-changed",
    "reasoning_effort": "effort-changed",
    "format": "output-format-changed",
    "enable_thinking": "thinking-changed",
    "thinking": "thinking-changed",
}
"""Members of a setting that holds several things, where no more than one of them differs."""
_MODEL_FIELDS = "additionalModelRequestFields."
"""Where Bedrock Converse takes a model's own parameters."""
_LONGEST = 60
_SHOWN = 3


class SettingCause(Cause):
    """A cause of this family: subclasses name the thing, or say what happened themselves."""

    reason = Reason.settings_changed
    thing: ClassVar[str] = ""

    def explains(self, case: Case) -> Evidence | None:
        """The evidence when ``owner`` names this cause."""
        d = case.divergence
        return self.tell(case, d) if d is not None and owner(case) == self.code else None

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What is said of a case that is this cause's."""
        return Evidence(changed(self.thing, d.old_value, d.new_value))


def owner(case: Case) -> str | None:
    """The code of the cause that claims the case; None for other sections and for obstacles."""
    d = case.divergence
    if d is None or case.obstacle is not None or d.section is not Section.settings:
        return None
    name = (d.setting or "").removeprefix(_MODEL_FIELDS)
    return _OWNERS.get(name) or _by_member(d.old_value, d.new_value) or _rest(name)


def _by_member(old: Json, new: Json) -> str | None:
    """Of a setting with members, the cause of the one that differs."""
    was, now = as_map(old), as_map(new)
    if (was is None and old is not None) or (now is None and new is not None):
        return None
    owners = {_BY_MEMBER.get(key) for key in _differing(was or {}, now or {})}
    return owners.pop() if len(owners) == 1 else None


def _rest(name: str) -> str:
    return "thinking-changed" if name == "reasoning" else "setting-changed"


def _differing(was: JsonMap, now: JsonMap) -> list[str]:
    keys = dict.fromkeys((*was, *now))
    return [key for key in keys if not same_as_sent(was.get(key), now.get(key))]


def changed(thing: str, old: Json, new: Json) -> str:
    """A clause that says how a value changed: "the effort changed from low to high"."""
    was, now = as_map(old), as_map(new)
    if was is not None and now is not None and len(keys := _differing(was, now)) == 1:
        old, new = was.get(keys[0]), now.get(keys[0])
        thing = f"{keys[0]} of {thing}"
    if old is None:
        return f"{thing} was set to {value(new)} and was not set before"
    if new is None:
        return f"{thing} was {value(old)} and is no longer set"
    return f"{thing} changed from {value(old)} to {value(new)}"


def listed(names: Sequence[str]) -> str:
    """Names for a title: the first few, and how many more there are."""
    shown = ", ".join(value(name) for name in names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def value(item: Json) -> str:
    """A value for a title, cut to fit."""
    text = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
