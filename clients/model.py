"""A model server with a script: it asks for a tool once per turn, then answers in a sentence.

It speaks Chat Completions, Responses and Messages, streamed or not, and reports what a cache of
the provider whose API it is would have read.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from clients.cache import Body, Counts, MarkedCache, PrefixCache
from clients.replies import Event, Json, ToolCall, anthropic_reply, chat_reply, responses_reply

__all__ = ["Asked", "Model", "answering"]

Answer = Callable[[str, str, "str | ToolCall", Counts], "tuple[Json, list[Event]]"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came: its path, headers (names in lower case) and body; the reply's ``id`` and
    what it said was cached. ``tool`` is what the reply asked for.
    """

    path: str
    headers: Mapping[str, str]
    body: Body
    id: str
    counts: Counts
    tool: str | None


@dataclass
class Model:
    """``tools`` are the calls it can make; it makes the first that a client offers."""

    tools: Sequence[ToolCall]
    asked: list[Asked] = field(default_factory=list[Asked])
    others: list[str] = field(default_factory=list[str])
    prefix: PrefixCache = field(default_factory=PrefixCache)
    marked: MarkedCache = field(default_factory=MarkedCache)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def answer(
        self, path: str, headers: Mapping[str, str], body: Body
    ) -> tuple[Json, list[Event]] | None:
        """The reply to a call; None when the path is no call to a model."""
        make: Answer
        with self.lock:
            match path.partition("?")[0]:
                case "/v1/chat/completions":
                    prefix, make, counts = "chatcmpl-", chat_reply, self.prefix.take(body)
                case "/v1/responses":
                    prefix, make, counts = "resp_", responses_reply, self.prefix.take(body)
                case "/v1/messages":
                    prefix, make, counts = "msg_", anthropic_reply, self.marked.take(body)
                case _:
                    self.others.append(path)
                    return None
            id = f"{prefix}{len(self.asked):024d}"
            said = self._says(body)
            tool = said.name if isinstance(said, ToolCall) else None
            self.asked.append(Asked(path, headers, body, id, counts, tool))
        return make(id, str(body["model"]), said, counts)

    def _says(self, body: Body) -> str | ToolCall:
        if _ends_with_result(body):
            return "The notes say that the harbour opens at six and closes at nine."
        offered = {_name(tool) for tool in body.get("tools") or ()}
        call = next((tool for tool in self.tools if tool.name in offered), None)
        return call or "Harbour hours"


def _name(tool: Body) -> object:
    return tool["function"]["name"] if "function" in tool else tool.get("name")


def _ends_with_result(body: Body) -> bool:
    last = (body.get("messages") or body["input"])[-1]
    if isinstance(last, str):
        return False
    if last.get("role") == "tool" or last.get("type") == "function_call_output":
        return True
    content = last.get("content")
    return isinstance(content, list) and any(part["type"] == "tool_result" for part in content)


@contextlib.contextmanager
def answering(model: Model) -> Generator[Model]:
    """The model on a port of its own, for the time of a ``with``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            body = json.loads(self.rfile.read(length) or b"{}")
            headers = {name.lower(): value for name, value in self.headers.items()}
            found = model.answer(self.path, headers, body)
            if found is None:
                self._send(404, "application/json", b'{"error": {"message": "no such thing"}}')
            elif body.get("stream"):
                self._send(200, "text/event-stream", _stream(found[1]), found[0]["id"])
            else:
                self._send(200, "application/json", json.dumps(found[0]).encode(), found[0]["id"])

        def do_GET(self) -> None:
            model.others.append(self.path)
            self._send(200, "application/json", b'{"object": "list", "data": []}')

        def do_CONNECT(self) -> None:
            model.others.append(f"CONNECT {self.path}")
            self._send(403, "text/plain", b"")

        def _send(self, status: int, kind: str, content: bytes, id: str | None = None) -> None:
            self.send_response(status)
            if id is not None:
                # OpenAI's name for it; Anthropic's has no x-
                named = "request-id" if id.startswith("msg_") else "x-request-id"
                self.send_header(named, f"req_{id}")
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()


def _stream(events: Sequence[Event]) -> bytes:
    out = list[str]()
    for kind, data in events:
        if kind is not None:
            out.append(f"event: {kind}\n")
        out.append(f"data: {json.dumps(data)}\n\n")
    if events[0][0] is None:
        out.append("data: [DONE]\n\n")
    return "".join(out).encode()
