"""Anthropic Messages, as a streaming client sends them and the API answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from whycold.core.content import Json, JsonMap
from whycold.frontends.demo.caches import Sent
from whycold.frontends.demo.pieces import Message, Piece, Spent, piece
from whycold.frontends.demo.talk import Answer, Talk, ToolText

__all__ = ["AnthropicFormat"]

_encode = msgspec.json.encode


class AnthropicFormat:
    """``POST /v1/messages`` with markers behind the system prompt and the last message."""

    target = "/v1/messages"

    def tool(self, tool: ToolText) -> Piece:
        return piece(
            {
                "name": tool.name,
                "description": tool.description,
                "input_schema": tool.schema,
            }
        )

    def system(self, text: str) -> Piece:
        return piece({"type": "text", "text": text})

    def asked(self, *texts: str) -> Message:
        return Message("user", tuple(piece({"type": "text", "text": t}, "user") for t in texts))

    def said(self, answer: Answer) -> Message:
        said = [piece({"type": "text", "text": answer.text}, "assistant")] if answer.text else []
        uses = (
            {"type": "tool_use", "id": use.id, "name": use.name, "input": use.given}
            for use in answer.uses
        )
        return Message("assistant", (*said, *(piece(use, "assistant") for use in uses)))

    def results(self, results: Sequence[tuple[str, str]]) -> tuple[Message, ...]:
        given = (
            {"type": "tool_result", "tool_use_id": id, "content": text} for id, text in results
        )
        return (Message("user", tuple(piece(result, "user") for result in given)),)

    def request(self, talk: Talk) -> bytes:
        before, behind = talk.marks
        user = f"user_{talk.who.account}_session_{talk.session}"
        head: dict[str, Json] = {
            "model": talk.model,
            "max_tokens": 16000,
            "stream": True,
            "metadata": {"user_id": user},
            **talk.settings,
        }
        if talk.compares:
            head["diagnostics"] = {"previous_message_id": talk.last}
        system = _list(_marked(talk.system, before))
        last = len(talk.messages) - 1
        messages = _list(
            b'{"role":"%s","content":%s}'
            % (m.role.encode(), _list(_marked(m.pieces, behind if n == last else "")))
            for n, m in enumerate(talk.messages)
        )
        tools = _list(tool.data for tool in talk.tools)
        parts = b',"system":%s,"tools":%s,"messages":%s}' % (system, tools, messages)
        return _encode(head)[:-1] + parts

    def seen(self, talk: Talk, at: datetime, began: datetime) -> Sent:
        opening = [*talk.tools, *talk.system]
        pieces = [*opening, *(part for m in talk.messages for part in m.pieces)]
        before, behind = talk.marks
        places = ((len(opening) - 1, before), (len(pieces) - 1, behind))
        return Sent(
            seed=f"{talk.who.account} {talk.model}",
            pieces=pieces,
            at=at,
            began=began,
            talk=len(opening),
            voids=repr([talk.settings.get("tool_choice"), talk.settings.get("thinking")]),
            marks=[(place, ttl) for place, ttl in places if ttl],
        )

    def response(self, talk: Talk, spent: Spent, id: str) -> tuple[str, bytes]:
        short, long = spent.written.get("5m", 0), spent.written.get("1h", 0)
        usage: dict[str, Json] = {
            "input_tokens": spent.rest,
            "cache_creation_input_tokens": short + long,
            "cache_read_input_tokens": spent.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": short,
                "ephemeral_1h_input_tokens": long,
            },
            "output_tokens": 1,
            "service_tier": "standard",
        }
        content = [msgspec.json.decode(part.data) for part in talk.reply.pieces]
        message: dict[str, Json] = {
            "id": id,
            "type": "message",
            "role": "assistant",
            "model": talk.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
            **({"diagnostics": talk.verdict} if talk.compares else {}),
        }
        output = 2 + sum(part.tokens for part in talk.reply.pieces)
        return "text/event-stream; charset=utf-8", _events(message, content, output)


def _marked(pieces: Sequence[Piece], ttl: str) -> Iterator[bytes]:
    """The pieces, the last one with a marker."""
    for number, part in enumerate(pieces, 1):
        yield part.marked(ttl) if ttl and number == len(pieces) else part.data


def _list(items: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"


def _events(message: dict[str, Json], content: Sequence[dict[str, Json]], output: int) -> bytes:
    told: list[JsonMap] = [{"type": "message_start", "message": message}]
    for index, block in enumerate(content):
        start, delta = _opened(block)
        told += [
            {"type": "content_block_start", "index": index, "content_block": start},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    stop = "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"
    delta: Json = {"stop_reason": stop, "stop_sequence": None}
    usage: Json = {"output_tokens": output}
    told += [
        {"type": "message_delta", "delta": delta, "usage": usage},
        {"type": "message_stop"},
    ]
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (str(event["type"]).encode(), _encode(event)) for event in told
    )


def _opened(block: dict[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """A block as a stream begins it, and what then comes."""
    if block["type"] == "text":
        return {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
    given = _encode(block["input"]).decode()
    return {**block, "input": {}}, {"type": "input_json_delta", "partial_json": given}
