# pyright: reportIncompatibleVariableOverride=false
# A handler knows which server it serves.
"""A server that speaks Anthropic's Messages and caches by its published rules."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.simulated_cache import SimulatedCache

__all__ = ["CachingVendor", "asked", "caching_vendor", "tool"]

Json = dict[str, Any]
MARK = {"cache_control": {"type": "ephemeral"}}
SYSTEM = "You are a careful engineer who explains every step. " * 200


class CachingVendor(ThreadingHTTPServer):
    """``usages`` are what it reported, in order. A question that begins with "refuse" is refused
    with a message that repeats it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.cache = SimulatedCache()
        self.usages: list[Json] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CachingVendor

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        question = body["messages"][-1]["content"][-1]["text"]
        if question.startswith("refuse"):
            error = {"type": "invalid_request_error", "message": f"cannot: {question}"}
            self._answer(400, {"type": "error", "error": error})
            return
        now = datetime.now(UTC)  # noqa: TID251 - a server has a clock
        with self.server.lock:
            usage = self.server.cache.usage(body, now, now, "account")
            self.server.usages.append(usage)
            number = len(self.server.usages)
        self._answer(
            200,
            {
                "id": f"msg_{number:04}",
                "type": "message",
                "role": "assistant",
                "model": body["model"],
                "content": [{"type": "text", "text": f"To {question}: yes."}],
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "usage": usage,
            },
        )

    def _answer(self, status: int, value: Json) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def caching_vendor() -> Generator[CachingVendor]:
    """A vendor for the time of a ``with``."""
    server = CachingVendor()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def tool(name: str, description: str) -> Json:
    schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    return {"name": name, "description": description, "input_schema": schema}


def asked(
    questions: Sequence[str],
    tools: Sequence[Mapping[str, Any]],
    system: str = SYSTEM,
    **more: object,
) -> bytes:
    """A request with all questions so far, their answers in between, as the vendor gave them."""
    messages: list[Json] = []
    for question in questions:
        messages.append({"role": "user", "content": [{"type": "text", "text": question}]})
        answer = {"type": "text", "text": f"To {question}: yes."}
        messages.append({"role": "assistant", "content": [answer]})
    messages.pop()
    messages[-1]["content"][-1] |= MARK
    body = {
        "model": "claude-sonnet-5",
        "max_tokens": 64,
        "tools": list(tools),
        "system": [{"type": "text", "text": system, **MARK}],
        "messages": messages,
    }
    return json.dumps(body | more).encode()
