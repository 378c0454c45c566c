from typing import Any

import pytest

from whycold.core.content import JsonMap
from whycold.providers.openai_chat import OPENAI_CHAT
from whycold.providers.openai_responses import OPENAI_RESPONSES
from whycold.providers.registry import DIALECTS, WIRES, guess

HI: JsonMap = {"role": "user", "content": "Hi"}
TOOL: JsonMap = {"name": "find", "parameters": {"type": "object"}}
CALLS: JsonMap = {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "find"}}]}
THINKING: JsonMap = {"type": "thinking", "thinking": "Hm.", "signature": "x"}


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [HI]},
        {"model": "gpt-5.2", "messages": [HI]},
        {"model": "my-deployment", "messages": [HI], "max_tokens": 100},
        {"model": "anthropic/claude-sonnet-4.5", "messages": [HI], "max_tokens": 100},
        {"model": "kimi-k3", "messages": [HI], "thinking": {"type": "enabled"}, "max_tokens": 9},
        {"model": "claude-opus-5", "messages": [{"role": "system", "content": "x"}, HI]},
        {
            "model": "claude-opus-5",
            "messages": [HI],
            "tools": [{"type": "function", "function": TOOL}],
        },
        {"model": "claude-opus-5", "messages": [HI, CALLS], "max_tokens": 100},
        {"model": "claude-opus-5", "messages": [HI], "max_completion_tokens": 100},
        {"model": "claude-opus-5", "messages": [HI], "stop": "END", "max_tokens": 100},
        {"model": "claude-opus-5", "messages": [HI], "prompt_cache_key": "k"},
        {"model": "codestral-2508", "prompt": "def f("},
    ],
)
def test_a_chat_completion_is_told_by_its_shape(body: Any):
    assert guess(body)[0] is OPENAI_CHAT


@pytest.mark.parametrize(
    "body",
    [
        {"model": "gpt-5.2", "input": "Hi"},
        {"model": "gpt-5.2", "input": [HI], "tools": [TOOL]},
        {"model": "gpt-5.2", "previous_response_id": "resp_1"},
        {"model": "gpt-5.2", "conversation": "conv_1"},
        {"model": "gpt-5.2", "prompt": {"id": "pmpt_1"}},
    ],
)
def test_a_response_request_is_told_by_its_shape(body: Any):
    assert guess(body)[0] is OPENAI_RESPONSES


@pytest.mark.parametrize(
    "body",
    [
        {"model": "claude-opus-5", "messages": [HI]},
        {"model": "claude-opus-5", "messages": [HI], "max_tokens": 100},
        {"model": "my-model", "messages": [HI], "max_tokens": 100, "system": "x"},
        {"model": "my-model", "messages": [HI], "tools": [{"name": "f", "input_schema": {}}]},
        {"model": "claude-opus-5", "messages": [HI, {"role": "assistant", "content": [THINKING]}]},
        {"contents": [{"parts": [{"text": "Hi"}]}]},
        {"messages": [{"role": "user", "content": [{"text": "Hi"}]}], "inferenceConfig": {}},
    ],
)
def test_requests_of_other_apis_do_not_look_like_openais(body: Any):
    assert guess(body)[0] not in (OPENAI_CHAT, OPENAI_RESPONSES)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": "Hi"},
        {"model": "text-embedding-3-large", "input": "Hi"},
        {"model": "omni-moderation-latest", "input": [{"type": "text", "text": "Hi"}]},
        {"model": "gpt-5.2", "input": ["a", "b"]},
        {"model": "gpt-5.2", "input": [1, 2]},
        {"model": "gpt-5.2", "input": []},
    ],
)
def test_what_is_no_prompt_looks_like_neither(body: Any):
    assert (OPENAI_CHAT.looks_like(body), OPENAI_RESPONSES.looks_like(body)) == (0, 0)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-5.2", "openai"),
        (None, "openai"),
        ("deepseek-chat", "deepseek"),
        ("deepseek/deepseek-chat", "openrouter"),
        ("Qwen3-Max", "qwen"),
        ("litellm_proxy/claude-opus-5", "litellm"),
        ("grok-4.7", "xai"),
        ("kimi-k3", "moonshot"),
        ("glm-5.3", "zai"),
    ],
)
def test_the_model_points_to_the_provider(model: str | None, provider: str):
    body: JsonMap = {"model": model, "messages": [{"role": "system", "content": "x"}]}
    assert guess(body)[1] is DIALECTS[provider]


@pytest.mark.parametrize(
    ("body", "wire"),
    [
        ({"object": "chat.completion.chunk", "choices": []}, "openai.chat"),
        ({"choices": [{"text": "x"}]}, "openai.chat"),
        ({"object": "error", "message": "No.", "code": 400}, "openai.chat"),
        ({"object": "response", "output": []}, "openai.responses"),
        ({"object": "response.compaction", "output": []}, "openai.responses"),
    ],
)
def test_answers_are_told_by_their_shape(body: Any, wire: str):
    assert max(WIRES.values(), key=lambda w: w.answers(body)).name == wire
