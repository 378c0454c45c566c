"""OpenAI Responses, stateless: the whole conversation is sent with every request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from whycold.core.content import Json
from whycold.frontends.demo.caches import Sent
from whycold.frontends.demo.pieces import Message, Piece, Spent, piece
from whycold.frontends.demo.talk import Answer, Talk, ToolText

__all__ = ["ResponsesFormat"]

_encode = msgspec.json.encode


class ResponsesFormat:
    """``POST /v1/responses`` with ``store`` off; answers are streamed."""

    target = "/v1/responses"

    def tool(self, tool: ToolText) -> Piece:
        return piece(
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.schema,
            }
        )

    def system(self, text: str) -> Piece:
        return piece({"role": "developer", "content": text})

    def asked(self, *texts: str) -> Message:
        content: list[Json] = [{"type": "input_text", "text": text} for text in texts]
        return Message("user", (piece({"role": "user", "content": content}),))

    def said(self, answer: Answer) -> Message:
        said: list[Piece] = []
        if answer.text:
            content: list[Json] = [{"type": "output_text", "text": answer.text, "annotations": []}]
            said.append(piece({"type": "message", "role": "assistant", "content": content}))
        for use in answer.uses:
            call: dict[str, Json] = {"type": "function_call", "call_id": use.id, "name": use.name}
            said.append(piece({**call, "arguments": _encode(use.given).decode()}))
        return Message("assistant", tuple(said))

    def results(self, results: Sequence[tuple[str, str]]) -> tuple[Message, ...]:
        given = (
            {"type": "function_call_output", "call_id": id, "output": text} for id, text in results
        )
        return (Message("user", tuple(map(piece, given))),)

    def request(self, talk: Talk) -> bytes:
        head: dict[str, Json] = {
            "model": talk.model,
            "prompt_cache_key": talk.who.agent,
            "safety_identifier": talk.session,
            "store": False,
            "stream": True,
            **talk.settings,
        }
        if talk.compares and talk.last:
            head["prompt_cache_options"] = {"comparison_response_id": talk.last}
        said = (part.data for message in talk.messages for part in message.pieces)
        items = b",".join((*(part.data for part in talk.system), *said))
        tools = b",".join(tool.data for tool in talk.tools)
        return _encode(head)[:-1] + b',"tools":[%s],"input":[%s]}' % (tools, items)

    def seen(self, talk: Talk, at: datetime, began: datetime) -> Sent:
        said = (part for message in talk.messages for part in message.pieces)
        pieces = [*talk.tools, *talk.system, *said]
        seed = f"{talk.who.account} {talk.model} {talk.settings.get('reasoning')}"
        return Sent(seed=seed, pieces=pieces, at=at, began=began)

    def response(self, talk: Talk, spent: Spent, id: str) -> tuple[str, bytes]:
        output = [msgspec.json.decode(part.data) for part in talk.reply.pieces]
        count = sum(part.tokens for part in talk.reply.pieces)
        details: dict[str, Json] = {
            "cached_tokens": spent.read,
            "cache_write_tokens": sum(spent.written.values()),
        }
        usage: dict[str, Json] = {
            "input_tokens": spent.total,
            "input_tokens_details": details,
            "output_tokens": count,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": spent.total + count,
        }
        begun: dict[str, Json] = {
            "id": id,
            "object": "response",
            "status": "in_progress",
            "model": talk.model,
        }
        ended = {**begun, "status": "completed", "output": output, "usage": usage}
        if talk.compares and talk.last:
            hit: Json = {"type": "cache_hit"} if spent.read else {"type": "unavailable"}
            ended["prompt_cache_diagnostics"] = talk.verdict or hit
        told: list[dict[str, Json]] = [
            {"type": "response.created", "response": begun},
            {"type": "response.completed", "response": ended},
        ]
        stream = b"".join(
            b"event: %s\ndata: %s\n\n" % (str(event["type"]).encode(), _encode(event))
            for event in told
        )
        return "text/event-stream; charset=utf-8", stream
