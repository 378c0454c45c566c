"""Which of the two OpenAI formats a body has, if any, judged by its shape alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

from whycold.core.content import JsonMap, as_list, as_map, as_text
from whycold.providers.openai_content import listed

__all__ = ["chat_answers", "looks_like_chat", "looks_like_responses", "responses_answers"]

_CHAT_KEYS: Mapping[str, int] = {
    "max_completion_tokens": 10,
    "response_format": 10,
    "functions": 10,
    "reasoning_effort": 10,
    "prompt_cache_key": 10,
    "prompt_cache_options": 10,
    "prompt_cache_retention": 10,
    "stream_options": 10,
    "parallel_tool_calls": 10,
    "frequency_penalty": 10,
    "presence_penalty": 10,
    "logit_bias": 10,
    "logprobs": 10,
    "stop": 10,
    "seed": 10,
    "n": 10,
    "verbosity": 10,
    "modalities": 10,
    "web_search_options": 10,
    "chat_template_kwargs": 10,
    "cache_prompt": 10,
    "cache_salt": 10,
    "user": 4,
}
_RESPONSES_KEYS = (
    "instructions",
    "previous_response_id",
    "conversation",
    "max_output_tokens",
    "reasoning",
    "text",
    "store",
    "include",
    "tools",
    "truncation",
    "prompt_cache_key",
    "prompt_cache_options",
)
_ELSEWHERE = frozenset(
    {
        "contents",
        "systemInstruction",
        "generationConfig",
        "inferenceConfig",
        "toolConfig",
        "additionalModelRequestFields",
        "anthropic_version",
        "stop_sequences",
    }
)
"""Top-level keys of other wire formats."""

_ROLES = frozenset({"system", "developer", "tool", "function"})
_PARTS = frozenset({"image_url", "input_audio", "file", "refusal", "video_url"})
_PARTS_ELSEWHERE = frozenset(
    {"tool_use", "tool_result", "redacted_thinking", "image", "document", None}
)
_FEW = 50
"""Messages that are looked at: the shape shows early."""

_NO_PROMPT = re.compile(r"embed|moderation|rerank|whisper|tts|dall-e|gpt-image", re.IGNORECASE)


def looks_like_chat(body: JsonMap) -> int:
    """How much a request body looks like Chat Completions; 0: not at all.

    A body that shows nothing else goes by its model: a bare ``claude-…`` is left to Anthropic.
    """
    if _ELSEWHERE & body.keys() or "input" in body:
        return 0
    messages = as_list(body.get("messages"))
    if messages is None:
        return 2 if isinstance(body.get("prompt"), (str, list)) else 0
    grade = 3 + _by_model(as_text(body.get("model")))
    grade += sum(weight for key, weight in _CHAT_KEYS.items() if body.get(key) is not None)
    grade -= 10 * (body.get("system") is not None)
    for tool in map(as_map, listed(body.get("tools"))):
        if tool is not None:
            grade += 10 if "function" in tool or "custom" in tool else -10
    for message in map(as_map, messages[:_FEW]):
        if message is None:
            continue
        grade += 10 * (as_text(message.get("role")) in _ROLES) + 10 * ("tool_calls" in message)
        for part in map(as_map, as_list(message.get("content")) or ()):
            kind = None if part is None else as_text(part.get("type"))
            grade += 10 * (kind in _PARTS) - 10 * (kind in _PARTS_ELSEWHERE)
    return max(grade, 0)


def _by_model(model: str | None) -> int:
    if model is None:
        return -1
    if model.startswith("claude"):
        return -2
    # a vendor's prefix is how routers name models, and they take this format
    return 8 if "/" in model else 4


def looks_like_responses(body: JsonMap) -> int:
    """How much a request body looks like the Responses API; 0: not at all."""
    if _ELSEWHERE & body.keys() or "messages" in body:
        return 0
    if _NO_PROMPT.search(as_text(body.get("model")) or ""):
        return 0
    given = body.get("input")
    items = as_list(given)
    if items is not None:
        # texts and token numbers alone are what embeddings take
        if all(as_map(item) is None for item in items[:_FEW]):
            return 0
    elif not isinstance(given, str) and not _refers(body):
        return 0
    return 4 + 4 * sum(body.get(key) is not None for key in _RESPONSES_KEYS)


def _refers(body: JsonMap) -> bool:
    """Whether a body without input goes on from something that the server holds."""
    return any(as_text(body.get(key)) for key in ("previous_response_id", "conversation")) or (
        as_map(body.get("prompt")) is not None
    )


def chat_answers(body: JsonMap) -> int:
    """How much a response body looks like a chat completion, or one chunk of it."""
    object_ = as_text(body.get("object")) or ""
    if object_.startswith("chat.completion") or object_ == "text_completion":
        return 10
    if object_ == "error":  # vLLM's flat one
        return 4
    return 5 if as_list(body.get("choices")) is not None else 2 * _an_error(body)


def responses_answers(body: JsonMap) -> int:
    """How much a response body looks like a Response."""
    if body.get("object") in ("response", "response.compaction"):
        return 10
    return 5 if as_list(body.get("output")) is not None else _an_error(body)


def _an_error(body: JsonMap) -> int:
    error = body.get("error")
    return int(as_map(error) is not None or isinstance(error, str))
