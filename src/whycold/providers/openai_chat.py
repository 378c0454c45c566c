"""OpenAI Chat Completions, and the many servers that speak it: a request to a prompt.

Facts: PyPI openai 3.54.0, type files (chat/); where another server adds to the format, the field
says whose it is. The older text completions (``prompt``, without messages) are read as one message.
"""

from __future__ import annotations

from collections.abc import Mapping

from whycold.core.content import JsonMap, as_map, as_text
from whycold.core.prompt import Breakpoint, Kind, Prompt
from whycold.providers.base import Dialect, Wire
from whycold.providers.openai_chat_reply import ChatStream, read_reply
from whycold.providers.openai_content import Reading, listed, read_parts, read_tools
from whycold.providers.openai_messages import (
    SYSTEM_ROLES,
    read_message,
    read_system_message,
    without_attribution,
)
from whycold.providers.openai_settings import (
    asks_for_caching,
    mark_implicit,
    read_links,
    read_settings,
    written_ttl,
)
from whycold.providers.openai_shape import chat_answers, looks_like_chat

__all__ = ["OPENAI_CHAT"]

_NAME = "openai.chat"

_SETTINGS = (
    "model",
    "tool_choice",
    "function_call",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "reasoning",  # OpenRouter
    "thinking",  # DeepSeek, Moonshot, Z.ai
    "enable_thinking",  # Qwen
    "verbosity",
    "modalities",
    "web_search_options",
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options.mode",
    "prompt_cache_options.ttl",
    "context_management",
    "truncation",
    "provider",  # OpenRouter: which hosts may answer
    "plugins",  # OpenRouter
    "chat_template_kwargs",  # llama.cpp, vLLM, SGLang
    "cache_prompt",  # llama.cpp
    "id_slot",  # llama.cpp
    "cache_salt",  # vLLM
)


def _read_request(body: JsonMap, dialect: Dialect, headers: Mapping[str, str]) -> Prompt:
    reading = Reading(model=_model(body), ttl=written_ttl(body))
    read_tools(body.get("tools"), reading)
    read_tools(body.get("functions"), reading)
    _messages(body, reading, dialect)
    mark_implicit(body, reading)
    control = as_map(body.get("cache_control"))
    if control is not None:
        reading.mark_last(Breakpoint(as_text(control.get("ttl")), automatic=True))
    return Prompt(
        blocks=tuple(reading.blocks),
        settings=tuple(read_settings(body, _SETTINGS, headers)),
        links=read_links(body, headers),
        opaque=reading.opaque,
        stripped=reading.stripped,
        asks=asks_for_caching(body, reading, dialect, _NAME),
    )


def _messages(body: JsonMap, reading: Reading, dialect: Dialect) -> None:
    if body.get("messages") is None:
        for number, part in enumerate(read_parts(body.get("prompt"), reading)):
            path = f"messages[0].content[{number}]"
            reading.add(path, part.kind, part.value, role="user", message=0)
        return
    called: dict[str, str] = {}
    leading = True
    for index, item in enumerate(listed(body.get("messages"))):
        message = as_map(item)
        if message is None:
            reading.add(f"messages[{index}]", Kind.opaque, item, message=index)
            leading = False
            continue
        is_system = as_text(message.get("role")) in SYSTEM_ROLES
        if is_system and dialect.attribution == "stripped":
            message, found = without_attribution(message)
            reading.stripped += found
        leading = leading and is_system
        if leading:
            read_system_message(message, reading, index)
        else:
            read_message(message, reading, index, called)


def _model(body: JsonMap) -> str | None:
    return as_text(body.get("model"))


OPENAI_CHAT = Wire(
    name=_NAME,
    looks_like=looks_like_chat,
    answers=chat_answers,
    read_request=_read_request,
    read_reply=read_reply,
    stream=ChatStream,
    model=_model,
)
