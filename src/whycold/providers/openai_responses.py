"""OpenAI Responses: a request to a prompt.

What the server holds is not in the request: after ``previous_response_id`` the conversation up to
that response comes first, while instructions and tools are not carried over (openai 3.54.0,
types/responses/response_create_params.py). A ``conversation`` is kept by the server alone, so its
messages are unseen. In both cases a system message at the head of the input stands in the middle
of the conversation, and stays in its place.

A system block that was a message of the input has that message's number, ``instructions`` have
none: the former belong to the conversation that a later response goes on from.
"""

from __future__ import annotations

from collections.abc import Mapping

from whycold.core.content import Json, JsonMap, as_map, as_text
from whycold.core.prompt import Breakpoint, Kind, Prompt, Section
from whycold.providers.base import Dialect, Wire
from whycold.providers.openai_content import Reading, listed, read_system, read_tools
from whycold.providers.openai_items import is_message, read_item
from whycold.providers.openai_messages import SYSTEM_ROLES
from whycold.providers.openai_responses_reply import ResponseStream, read_reply
from whycold.providers.openai_settings import (
    asks_for_caching,
    mark_implicit,
    read_links,
    read_settings,
    written_ttl,
)
from whycold.providers.openai_shape import looks_like_responses, responses_answers

__all__ = ["OPENAI_RESPONSES"]

_NAME = "openai.responses"

_SETTINGS = (
    "model",
    "tool_choice",
    "parallel_tool_calls",
    "text.format",
    "text.verbosity",
    "reasoning.effort",
    "reasoning.context",
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options.mode",
    "prompt_cache_options.ttl",
    "context_management",
    "truncation",
    "provider",  # OpenRouter: which hosts may answer
    "cache_prompt",  # llama.cpp
    "cache_salt",  # vLLM
)


def _read_request(body: JsonMap, dialect: Dialect, headers: Mapping[str, str]) -> Prompt:
    reading = Reading(model=_model(body), ttl=written_ttl(body))
    links = read_links(body, headers)
    read_tools(body.get("tools"), reading)
    _template(body.get("prompt"), reading)
    _instructions(body.get("instructions"), reading)
    goes_on = links.continues is not None or links.conversation is not None
    _input(body.get("input"), reading, opens=not goes_on)
    mark_implicit(body, reading)
    control = as_map(body.get("cache_control"))
    if control is not None:
        reading.mark_last(Breakpoint(as_text(control.get("ttl")), automatic=True))
    messages = frozenset({Section.messages})
    return Prompt(
        blocks=tuple(reading.blocks),
        settings=tuple(read_settings(body, _SETTINGS, headers)),
        links=links,
        unseen=messages if links.conversation is not None else frozenset(),
        inherits=messages if links.continues is not None else frozenset(),
        opaque=reading.opaque,
        stripped=reading.stripped,
        asks=asks_for_caching(body, reading, dialect, _NAME),
    )


def _template(raw: Json, reading: Reading) -> None:
    """A prompt that is stored with OpenAI: only its id, version and variables are known."""
    prompt = as_map(raw)
    if prompt is not None:
        reading.add(
            "system[prompt]",
            Kind.cached_content,
            prompt,
            section=Section.system,
            name=as_text(prompt.get("id")),
        )


def _instructions(raw: Json, reading: Reading) -> None:
    """Instructions are a text; a Response echoes them as items where a template made them."""
    for item in listed(raw):
        message = as_map(item)
        if message is not None and is_message(message):
            read_system(message.get("content"), reading, as_text(message.get("role")))
        else:
            read_system(item, reading, "system")


def _input(raw: Json, reading: Reading, *, opens: bool) -> None:
    if isinstance(raw, str):
        raw = [{"role": "user", "content": raw}]
    called: dict[str, str] = {}
    for index, item in enumerate(listed(raw)):
        message = as_map(item)
        is_system = message is not None and as_text(message.get("role")) in SYSTEM_ROLES
        opens = opens and is_system and message is not None and is_message(message)
        if opens and message is not None:
            read_system(message.get("content"), reading, as_text(message["role"]), index)
        else:
            read_item(item, reading, index, called)


def _model(body: JsonMap) -> str | None:
    return as_text(body.get("model"))


OPENAI_RESPONSES = Wire(
    name=_NAME,
    looks_like=looks_like_responses,
    answers=responses_answers,
    read_request=_read_request,
    read_reply=read_reply,
    stream=ResponseStream,
    model=_model,
)
