"""Reads what llama-server itself says of an answer: counts and text, from JSON and from a stream.

Kept apart from the project's own readers on purpose: it is what they are compared with.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.llama.engine.server import Exchange

__all__ = ["Api", "Counts", "counts", "reply"]


class Api(StrEnum):
    """A wire format that the server speaks; the value is its path."""

    messages = "/v1/messages"
    chat = "/v1/chat/completions"
    responses = "/v1/responses"


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of the prompt (cached ones included), of these from the cache, and of the reply.

    ``timed`` is ``timings.cache_n``, the same number by another way; None where the answer has no
    timings.
    """

    prompt: int
    cached: int
    output: int
    timed: int | None


def counts(api: Api, answer: Exchange) -> Counts:
    """What the answer reports. Raises ``KeyError`` where it lacks a count that llama.cpp sends."""
    whole = _whole(api, answer)
    usage = whole["usage"]
    timed = whole.get("timings", {}).get("cache_n")
    match api:
        case Api.messages:
            cached = usage["cache_read_input_tokens"]
            return Counts(usage["input_tokens"] + cached, cached, usage["output_tokens"], timed)
        case Api.chat:
            cached = usage["prompt_tokens_details"]["cached_tokens"]
            return Counts(usage["prompt_tokens"], cached, usage["completion_tokens"], timed)
        case Api.responses:
            cached = usage["input_tokens_details"]["cached_tokens"]
            return Counts(usage["input_tokens"], cached, usage["output_tokens"], timed)


def reply(api: Api, answer: Exchange) -> str:
    """The text that a client got and would send back."""
    match api:
        case Api.messages if _streamed(answer):
            deltas = (event.get("delta", {}) for event in _events(answer))
            return "".join(delta.get("text", "") for delta in deltas)
        case Api.messages:
            return "".join(part.get("text", "") for part in answer.json["content"])
        case Api.chat if _streamed(answer):
            choices = (choice for event in _events(answer) for choice in event["choices"])
            return "".join(choice["delta"].get("content") or "" for choice in choices)
        case Api.chat:
            return answer.json["choices"][0]["message"]["content"]
        case Api.responses:
            items = _whole(api, answer)["output"]
            return "".join(part["text"] for item in items for part in item.get("content", []))


def _streamed(answer: Exchange) -> bool:
    return answer.headers.get("content-type", "").startswith("text/event-stream")


def _whole(api: Api, answer: Exchange) -> Mapping[str, Any]:
    """``usage``, ``timings`` and (responses) ``output``, wherever the stream put them."""
    if not _streamed(answer):
        return answer.json
    whole: dict[str, Any] = {"usage": {}}
    for event in _events(answer):
        match api, event.get("type"):
            case Api.messages, "message_start":
                whole["usage"] |= event["message"]["usage"]
            case Api.messages, "message_delta":
                whole["usage"] |= event["usage"]
            case Api.chat, _:
                whole |= {key: event[key] for key in ("usage", "timings") if event.get(key)}
            case Api.responses, "response.completed":
                whole |= event["response"] | {"timings": event.get("timings", {})}
            case _:
                pass
    return whole


def _events(answer: Exchange) -> Iterator[Mapping[str, Any]]:
    for line in answer.body.decode().split("\n"):
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))
