"""Two requests, and what the provider's own diagnostics would say of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from whycold.core.call import Call
from whycold.diagnose.as_provider import Difference, messages_difference, responses_difference
from whycold.providers.registry import read_call, rules_for

Json = dict[str, Any]
TOOL: Json = {"name": "look", "description": "Look at it.", "input_schema": {"type": "object"}}
OTHER: Json = {"name": "run", "description": "Run it.", "input_schema": {"type": "object"}}
TALK = [
    {"role": "user", "content": "What is it?"},
    {"role": "assistant", "content": "A stone."},
    {"role": "user", "content": "And this?"},
]
MORE = [{"role": "assistant", "content": "A leaf."}, {"role": "user", "content": "Thanks."}]
MESSAGES: Json = {
    "model": "claude-sonnet-5",
    "max_tokens": 9,
    "tools": [TOOL, OTHER],
    "system": "You name things.",
    "messages": TALK,
}
FUNCTIONS = [{"type": "function", "name": name, "parameters": {}} for name in ("look", "run")]
RESPONSES: Json = {
    "model": "gpt-6-sol",
    "tools": FUNCTIONS,
    "instructions": "You name things.",
    "input": TALK,
}


def call(body: Json, usage: Json | None = None, **headers: str) -> Call:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    owner = "anthropic" if "messages" in body else "openai"
    at = datetime(2026, 11, 23, tzinfo=UTC)
    reply = {"id": "one", "type": "message", "usage": usage} if usage else None
    return read_call(body, reply, id="one", at=at, provider=owner, headers=named)


def of_messages(after: Json, before: Json = MESSAGES, **headers: str) -> Difference:
    earlier = call(before)
    return messages_difference(earlier, call(after, None, **headers), rules_for(earlier))


def of_responses(after: Json, before: Json = RESPONSES, *, compacted: bool = False) -> Difference:
    earlier = call(before)
    rules = rules_for(earlier)
    return responses_difference(earlier, call(after), rules, compacted=compacted)


SAME: dict[str, Json] = {
    "the same again": MESSAGES,
    "a new turn": MESSAGES | {"messages": TALK + MORE},
    "a text as a block": MESSAGES | {"system": [{"type": "text", "text": "You name things."}]},
    "another marker": MESSAGES | {"cache_control": {"type": "ephemeral"}},
    "a parameter that is not in the prompt": MESSAGES | {"max_tokens": 8, "temperature": 1},
}


@pytest.mark.parametrize("what", SAME)
def test_messages_agree(what: str):
    assert of_messages(SAME[what]).reason is None


CHANGED: dict[str, tuple[str, Json]] = {
    "model": ("model_changed", {"model": "claude-opus-5"}),
    "speed": ("model_changed", {"speed": "fast"}),
    "a tool gone": ("tools_changed", {"tools": [TOOL]}),
    "a tool more": ("tools_changed", {"tools": [TOOL, OTHER, TOOL | {"name": "see"}]}),
    "tools in another order": ("tools_changed", {"tools": [OTHER, TOOL]}),
    "a tool with its keys in another order": (
        "tools_changed",
        {"tools": [dict(reversed(TOOL.items())), OTHER]},
    ),
    "system": ("system_changed", {"system": "You name all things."}),
    "no system": ("system_changed", {"system": ""}),
    "a message altered": ("messages_changed", {"messages": [TALK[0], MORE[0], TALK[2]]}),
    "a message gone": ("messages_changed", {"messages": TALK[2:]}),
    "the last message gone": ("messages_changed", {"messages": TALK[:1]}),
    "messages in another order": ("messages_changed", {"messages": [TALK[2], *TALK[1::-1]]}),
    "tool_choice": ("unavailable", {"tool_choice": {"type": "any"}}),
    "thinking": ("unavailable", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
    "effort": ("unavailable", {"output_config": {"effort": "low"}}),
    "context management": ("unavailable", {"context_management": {"edits": []}}),
    "model and tools": ("model_changed", {"tools": [], "model": "claude-opus-5"}),
    "tools and system": ("tools_changed", {"tools": [OTHER], "system": "No."}),
    "system and messages": ("system_changed", {"system": "No.", "messages": TALK[2:]}),
    "messages and thinking": (
        "messages_changed",
        {"messages": TALK[2:], "thinking": {"type": "disabled"}},
    ),
}


@pytest.mark.parametrize("what", CHANGED)
def test_messages_name_the_first_difference(what: str):
    reason, edit = CHANGED[what]
    assert of_messages(MESSAGES | edit).reason == reason


def test_other_betas_leave_no_diagnosis():
    assert of_messages(MESSAGES, anthropic_beta="context-1m").reason == "unavailable"


def test_what_is_missed_is_what_stands_behind_the_difference():
    earlier = call(MESSAGES, {"input_tokens": 900})
    rules = rules_for(earlier)
    missed = {
        what: messages_difference(earlier, call(MESSAGES | CHANGED[what][1]), rules).missed
        for what in ("model", "a tool gone", "system", "the last message gone")
    }
    assert missed["model"] == 900
    assert 900 > missed["a tool gone"] > missed["system"] > missed["the last message gone"] > 0


OF_RESPONSES: dict[str, tuple[str | None, Json]] = {
    "the same again": (None, {}),
    "a new turn": (None, {"input": TALK + MORE}),
    "another tier was asked for": (None, {"service_tier": "priority"}),
    "tool_choice": (None, {"tool_choice": "none"}),
    "model": ("model_changed", {"model": "gpt-6-luna"}),
    "key": ("prompt_cache_key_changed", {"prompt_cache_key": "two"}),
    "tools": ("tools_changed", {"tools": FUNCTIONS[1:]}),
    "format": (
        "text_format_changed",
        {"text": {"format": {"type": "json_schema", "name": "a", "schema": {}}}},
    ),
    "effort": ("reasoning_effort_changed", {"reasoning": {"effort": "low"}}),
    "verbosity": ("verbosity_changed", {"text": {"verbosity": "low"}}),
    "instructions": ("input_changed", {"instructions": "No."}),
    "an item altered": ("input_changed", {"input": [MORE[1], *TALK[1:]]}),
    "parallel calls": ("unavailable", {"parallel_tool_calls": False}),
    "model and input": ("model_changed", {"model": "gpt-6-luna", "input": MORE}),
    "effort and input": (
        "reasoning_effort_changed",
        {"reasoning": {"effort": "low"}, "input": MORE},
    ),
}


@pytest.mark.parametrize("what", OF_RESPONSES)
def test_responses_name_the_first_difference(what: str):
    reason, edit = OF_RESPONSES[what]
    assert of_responses(RESPONSES | edit).reason == reason


def test_a_compaction_is_told_as_one():
    compacted: Json = {"type": "compaction", "encrypted_content": "abc"}
    after = RESPONSES | {"input": [compacted, *MORE]}
    assert of_responses(after, compacted=True).reason == "context_compacted"


def test_nothing_is_said_of_a_conversation_that_only_the_server_holds():
    held = RESPONSES | {"conversation": "conv_1"}
    assert of_responses(held, held).reason == "unavailable"
