"""What the scripted model says, in the formats of three APIs.

Every reply is a pair: a JSON body, and the same as events of a stream.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clients.cache import Body, Counts

__all__ = ["ToolCall", "anthropic_reply", "chat_reply", "responses_reply"]

Json = dict[str, Any]
Event = tuple[str | None, Json]
OUTPUT = 12
"""Tokens that every reply is said to have."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that the client offered."""

    name: str
    arguments: Body


def chat_reply(
    id: str, model: str, said: str | ToolCall, counts: Counts
) -> tuple[Json, list[Event]]:
    """Chat Completions."""
    if isinstance(said, ToolCall):
        function = {"name": said.name, "arguments": json.dumps(said.arguments)}
        call = {"id": f"call_{id[-6:]}", "type": "function", "function": function}
        message: Json = {"role": "assistant", "content": None, "tool_calls": [call]}
        deltas: list[Json] = [{"role": "assistant", "tool_calls": [{"index": 0, **call}]}]
        reason = "tool_calls"
    else:
        message = {"role": "assistant", "content": said}
        deltas = [{"role": "assistant", "content": ""}, *({"content": p} for p in _pieces(said))]
        reason = "stop"
    usage = {
        "prompt_tokens": counts.total,
        "completion_tokens": OUTPUT,
        "total_tokens": counts.total + OUTPUT,
        "prompt_tokens_details": {"cached_tokens": counts.read},
    }
    head = {"id": id, "created": 1, "model": model}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    chunk = {**head, "object": "chat.completion.chunk"}
    events: list[Event] = [
        (None, {**chunk, "choices": [{"index": 0, "delta": d, "finish_reason": None}]})
        for d in deltas
    ]
    ended = {"index": 0, "delta": {}, "finish_reason": reason}
    events += [
        (None, {**chunk, "choices": [ended]}),
        (None, {**chunk, "choices": [], "usage": usage}),
    ]
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}, events


def responses_reply(
    id: str, model: str, said: str | ToolCall, counts: Counts
) -> tuple[Json, list[Event]]:
    """Responses."""
    if isinstance(said, ToolCall):
        item: Json = {
            "type": "function_call",
            "id": f"fc_{id[-6:]}",
            "call_id": f"call_{id[-6:]}",
            "name": said.name,
            "arguments": json.dumps(said.arguments),
            "status": "completed",
        }
    else:
        text = {"type": "output_text", "text": said, "annotations": []}
        item = {
            "type": "message",
            "id": f"msg_{id[-6:]}",
            "role": "assistant",
            "status": "completed",
            "content": [text],
        }
    usage = {
        "input_tokens": counts.total,
        "input_tokens_details": {"cached_tokens": counts.read},
        "output_tokens": OUTPUT,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": counts.total + OUTPUT,
    }
    head = {"id": id, "object": "response", "created_at": 1, "model": model}
    whole = {**head, "status": "completed", "output": [item], "usage": usage}
    begun = {**head, "status": "in_progress", "output": [], "usage": None}
    place = {"output_index": 0, "item_id": item["id"]}
    steps: list[tuple[str, Json]] = [
        ("response.created", {"response": begun}),
        (
            "response.output_item.added",
            {"output_index": 0, "item": {**item, "status": "in_progress"}},
        ),
        *_item_steps(item, place),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": whole}),
    ]
    return whole, [
        (kind, {"type": kind, "sequence_number": n, **data}) for n, (kind, data) in enumerate(steps)
    ]


def _item_steps(item: Json, place: Json) -> list[tuple[str, Json]]:
    if item["type"] == "function_call":
        done = ("response.function_call_arguments.done", {**place, "arguments": item["arguments"]})
        pieces = _pieces(item["arguments"])
        return [
            *(("response.function_call_arguments.delta", {**place, "delta": p}) for p in pieces),
            done,
        ]
    [part] = item["content"]
    inside = {**place, "content_index": 0}
    return [
        ("response.content_part.added", {**inside, "part": {**part, "text": ""}}),
        *(("response.output_text.delta", {**inside, "delta": p}) for p in _pieces(part["text"])),
        ("response.output_text.done", {**inside, "text": part["text"]}),
        ("response.content_part.done", {**inside, "part": part}),
    ]


def anthropic_reply(
    id: str, model: str, said: str | ToolCall, counts: Counts
) -> tuple[Json, list[Event]]:
    """Messages."""
    if isinstance(said, ToolCall):
        start: Json = {"type": "tool_use", "id": f"toolu_{id[-6:]}", "name": said.name, "input": {}}
        block = {**start, "input": said.arguments}
        deltas: list[Json] = [
            {"type": "input_json_delta", "partial_json": p}
            for p in _pieces(json.dumps(said.arguments))
        ]
        reason = "tool_use"
    else:
        start, block = {"type": "text", "text": ""}, {"type": "text", "text": said}
        deltas = [{"type": "text_delta", "text": p} for p in _pieces(said)]
        reason = "end_turn"
    usage = {
        "input_tokens": counts.total - counts.read - counts.written,
        "cache_read_input_tokens": counts.read,
        "cache_creation_input_tokens": counts.written,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counts.written,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": OUTPUT,
    }
    head = {"id": id, "type": "message", "role": "assistant", "model": model, "stop_sequence": None}
    whole = {**head, "content": [block], "stop_reason": reason, "usage": usage}
    begun = {**head, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    stopped = {"stop_reason": reason, "stop_sequence": None}
    steps: list[tuple[str, Json]] = [
        ("message_start", {"message": begun}),
        ("content_block_start", {"index": 0, "content_block": start}),
        *(("content_block_delta", {"index": 0, "delta": delta}) for delta in deltas),
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": stopped, "usage": {"output_tokens": OUTPUT}}),
        ("message_stop", {}),
    ]
    return whole, [(kind, {"type": kind, **data}) for kind, data in steps]


def _pieces(text: str) -> Sequence[str]:
    return [text[i : i + 16] for i in range(0, len(text), 16)]
