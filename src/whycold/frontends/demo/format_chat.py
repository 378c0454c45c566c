"""Chat Completions, as OpenAI, DeepSeek and llama.cpp answer them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from whycold.core.content import Json
from whycold.frontends.demo.caches import Sent
from whycold.frontends.demo.pieces import Message, Piece, Spent, piece
from whycold.frontends.demo.talk import Answer, Talk, ToolText

__all__ = ["ChatFormat"]

_encode = msgspec.json.encode


class ChatFormat:
    """``POST /v1/chat/completions``; ``speaks`` is whose usage the answers carry."""

    target = "/v1/chat/completions"

    def __init__(self, speaks: str) -> None:
        self._speaks = speaks

    def tool(self, tool: ToolText) -> Piece:
        function = {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.schema,
        }
        return piece({"type": "function", "function": function})

    def system(self, text: str) -> Piece:
        return piece({"role": "system", "content": text})

    def asked(self, *texts: str) -> Message:
        return _message({"role": "user", "content": "\n\n".join(texts)})

    def said(self, answer: Answer) -> Message:
        message: dict[str, Json] = {"role": "assistant", "content": answer.text}
        if answer.uses:
            message["tool_calls"] = [
                {
                    "id": use.id,
                    "type": "function",
                    "function": {
                        "name": use.name,
                        "arguments": _encode(use.given).decode(),
                    },
                }
                for use in answer.uses
            ]
        return _message(message)

    def results(self, results: Sequence[tuple[str, str]]) -> tuple[Message, ...]:
        return tuple(
            _message({"role": "tool", "tool_call_id": id, "content": text}) for id, text in results
        )

    def request(self, talk: Talk) -> bytes:
        head = {"model": talk.model, "user": talk.session, "max_tokens": 4096, **talk.settings}
        said = (part.data for message in talk.messages for part in message.pieces)
        messages = b",".join((*(part.data for part in talk.system), *said))
        tools = b",".join(tool.data for tool in talk.tools)
        listed = b',"tools":[%s]' % tools if tools else b""
        return _encode(head)[:-1] + b',"messages":[%s]%s}' % (messages, listed)

    def seen(self, talk: Talk, at: datetime, began: datetime) -> Sent:
        said = (part for message in talk.messages for part in message.pieces)
        pieces = [*talk.tools, *talk.system, *said]
        settings = [talk.settings.get(name) for name in ("reasoning_effort", "response_format")]
        seed = f"{talk.who.account} {talk.model} {settings}"
        return Sent(seed=seed, pieces=pieces, at=at, began=began)

    def response(self, talk: Talk, spent: Spent, id: str) -> tuple[str, bytes]:
        message = msgspec.json.decode(talk.reply.pieces[0].data)
        stop = "tool_calls" if talk.answer.uses else "stop"
        output = sum(part.tokens for part in talk.reply.pieces)
        body: dict[str, Json] = {
            "id": id,
            "object": "chat.completion",
            "model": talk.model,
            "choices": [{"index": 0, "message": message, "finish_reason": stop}],
            **self._counted(spent, output),
        }
        return "application/json", _encode(body)

    def _counted(self, spent: Spent, output: int) -> dict[str, Json]:
        details: dict[str, Json] = {"cached_tokens": spent.read}
        if "30m" in spent.written:
            details["cache_write_tokens"] = spent.written["30m"]
        usage: dict[str, Json] = {
            "prompt_tokens": spent.total,
            "completion_tokens": output,
            "total_tokens": spent.total + output,
            "prompt_tokens_details": details,
        }
        if self._speaks == "deepseek":
            usage |= {
                "prompt_cache_hit_tokens": spent.read,
                "prompt_cache_miss_tokens": spent.total - spent.read,
            }
        if self._speaks != "llama.cpp":
            return {"usage": usage}
        timings: dict[str, Json] = {
            "cache_n": spent.read,
            "prompt_n": spent.total - spent.read,
            "predicted_n": output,
        }
        return {"usage": usage, "timings": timings}


def _message(value: dict[str, Json]) -> Message:
    return Message(str(value["role"]), (piece(value),))
