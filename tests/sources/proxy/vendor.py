# pyright: reportIncompatibleVariableOverride=false
# A handler knows which server it serves.
"""A server that answers like the vendors do, as far as their SDKs ask: text, tools, errors."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Vendor"]

WORDS = ["The", " answer", " is", " forty", "-two", "."]
Json = dict[str, Any]


class Vendor(ThreadingHTTPServer):
    """``received`` and ``replied`` are the SHA-256 of all request and reply bodies, in order.

    What a call wants is said in its last message: ``fail N`` is answered with that status,
    ``busy`` with 529 the first time and well the second, ``tool`` with a tool call."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.received: list[str] = []
        self.replied: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.busy_told = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendor

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._json(
            200, {"object": "list", "data": [{"id": "m", "type": "model", "object": "model"}]}
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append(hashlib.sha256(body).hexdigest())
        self.server.headers.append({k.lower(): v for k, v in self.headers.items()})
        asked = json.loads(body)
        wish = _wish(asked)
        if wish.startswith("fail "):
            status = int(wish.removeprefix("fail "))
            self._json(status, {"type": "error", "error": {"type": "wish", "message": wish}})
        elif wish == "busy" and not self.server.busy_told:
            self.server.busy_told = True
            self._json(529, {"type": "error", "error": {"type": "overloaded_error"}})
        elif self.path.startswith("/v1/messages"):
            self._reply(asked, _message(asked, wish), _message_events(asked, wish))
        elif self.path.startswith("/v1/chat/completions"):
            self._reply(asked, _completion(asked, wish), _completion_events(asked))
        else:
            self._reply(asked, _response(asked), _response_events(asked))

    def _reply(self, asked: Json, whole: Json, events: Iterator[str]) -> None:
        if not asked.get("stream"):
            self._json(200, whole)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        digest = hashlib.sha256()
        for event in events:
            data = event.encode()
            digest.update(data)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")
        self.server.replied.append(digest.hexdigest())

    def _json(self, status: int, value: Json) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        if "gzip" in self.headers.get("accept-encoding", ""):
            body = gzip.compress(body)
            self.send_header("content-encoding", "gzip")
        self.server.replied.append(hashlib.sha256(body).hexdigest())
        self.send_header("content-length", str(len(body)))
        self.send_header("request-id", "req_1")
        self.end_headers()
        self.wfile.write(body)


def _wish(asked: Json) -> str:
    last = asked.get("input") or asked["messages"][-1]["content"]
    return last if isinstance(last, str) else ""


def _sse(value: Json, name: str | None = None) -> str:
    return (f"event: {name}\n" if name else "") + f"data: {json.dumps(value)}\n\n"


def _message(asked: Json, wish: str) -> Json:
    content: list[Json] = [{"type": "text", "text": "".join(WORDS)}]
    if wish == "tool":
        content = [{"type": "tool_use", "id": "t_1", "name": "look", "input": {"at": "x"}}]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": content,
        "stop_reason": "tool_use" if wish == "tool" else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 7, "output_tokens": 6},
    }


def _message_events(asked: Json, wish: str) -> Iterator[str]:
    whole = _message(asked, wish)
    yield _sse({"type": "message_start", "message": {**whole, "content": []}}, "message_start")
    text: Json = {"type": "text", "text": ""}
    start = {"type": "content_block_start", "index": 0, "content_block": text}
    yield _sse(start, "content_block_start")
    for word in WORDS:
        delta = {"type": "text_delta", "text": word}
        event = {"type": "content_block_delta", "index": 0, "delta": delta}
        yield _sse(event, "content_block_delta")
    yield _sse({"type": "content_block_stop", "index": 0}, "content_block_stop")
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    usage = {"output_tokens": 6}
    yield _sse({"type": "message_delta", "delta": end, "usage": usage}, "message_delta")
    yield _sse({"type": "message_stop"}, "message_stop")


def _completion(asked: Json, wish: str) -> Json:
    message: Json = {"role": "assistant", "content": "".join(WORDS)}
    if wish == "tool":
        call = {"name": "look", "arguments": '{"at": "x"}'}
        message["tool_calls"] = [{"id": "t_1", "type": "function", "function": call}]
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 6, "total_tokens": 16}
    return {
        "id": "chat_1",
        "object": "chat.completion",
        "created": 1,
        "model": asked["model"],
        "choices": [choice],
        "usage": usage,
    }


def _completion_events(asked: Json) -> Iterator[str]:
    for word in WORDS:
        choice = {"index": 0, "delta": {"content": word}, "finish_reason": None}
        kind = "chat.completion.chunk"
        chunk: Json = {"id": "chat_1", "object": kind, "created": 1, "model": asked["model"]}
        yield _sse({**chunk, "choices": [choice]})
    yield "data: [DONE]\n\n"


def _response(asked: Json) -> Json:
    text = {"type": "output_text", "text": "".join(WORDS), "annotations": []}
    message = {"type": "message", "id": "m_1", "role": "assistant", "status": "completed"}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": asked["model"],
        "status": "completed",
        "output": [{**message, "content": [text]}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def _response_events(asked: Json) -> Iterator[str]:
    whole = _response(asked)
    started = {**whole, "output": [], "status": "in_progress"}
    yield _sse({"type": "response.created", "sequence_number": 0, "response": started})
    for number, word in enumerate(WORDS, start=1):
        at: Json = {"item_id": "m_1", "output_index": 0, "content_index": 0, "logprobs": []}
        kind = {"type": "response.output_text.delta", "sequence_number": number}
        yield _sse({**kind, **at, "delta": word})
    last = {"type": "response.completed", "sequence_number": len(WORDS) + 1}
    yield _sse({**last, "response": whole})
