# pyright: reportIncompatibleVariableOverride=false
# A handler knows which server it serves.
"""A server that speaks OpenAI's chat, whole and streamed, and reads back what was sent before."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["ChatVendor", "chat_vendor"]

Json = dict[str, Any]
STEP, LEAST = 128, 1024
"""Tokens: the cache is read in such steps, and from so many on (OpenAI guide Prompt caching)."""


class ChatVendor(ThreadingHTTPServer):
    """``usages`` are what it reported, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.seen: list[str] = []
        self.usages: list[Json] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def usage(self, body: Json) -> Json:
        """What a request takes, of which what it has in common with an earlier one is read."""
        sent = json.dumps([body.get("tools"), body["messages"]])
        shared = max((_shared(sent, old) for old in self.seen), default=0)
        self.seen.append(sent)
        read = shared // 4 // STEP * STEP
        usage: Json = {
            "prompt_tokens": len(sent) // 4,
            "completion_tokens": 8,
            "total_tokens": len(sent) // 4 + 8,
            "prompt_tokens_details": {"cached_tokens": read if read >= LEAST else 0},
        }
        self.usages.append(usage)
        return usage


def _shared(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ChatVendor

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        usage = self.server.usage(body)
        whole = {
            "id": f"chatcmpl-{len(self.server.usages):04}",
            "created": 1_790_000_000,
            "model": body["model"],
        }
        said = {"role": "assistant", "content": "Yes."}
        if body.get("stream"):
            first = {"index": 0, "delta": said, "finish_reason": None}
            last = {"index": 0, "delta": {}, "finish_reason": "stop"}
            chunks = [{"choices": [first]}, {"choices": [last]}, {"choices": [], "usage": usage}]
            lines = [json.dumps({**whole, "object": "chat.completion.chunk", **c}) for c in chunks]
            events = "".join(f"data: {line}\n\n" for line in (*lines, "[DONE]"))
            self._answer("text/event-stream", events.encode())
            return
        choice = {"index": 0, "message": said, "finish_reason": "stop"}
        full = {**whole, "object": "chat.completion", "choices": [choice], "usage": usage}
        self._answer("application/json", json.dumps(full).encode())

    def _answer(self, kind: str, data: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def chat_vendor() -> Generator[ChatVendor]:
    """A vendor for the time of a ``with``."""
    server = ChatVendor()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
