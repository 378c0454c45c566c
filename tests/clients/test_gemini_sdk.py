# pyright: reportIncompatibleVariableOverride=false, reportArgumentType=false
# The SDK takes plain dicts where it names types; a handler knows which server it serves.
"""Google's own SDK through a whole serve: waited for and not, streamed, with tools, refused."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from tests.clients.both_ends import AsyncWatched, Ends, Watched
from tests.serving import Serve, serving
from whycold.core.diagnosis import Diagnosis
from whycold.store.answers import Filters

WORDS = ["The", " answer", " is", " forty", "-two", "."]
KEY = "AIzaPlantedPlantedPlantedPlantedPlant"
MODEL = "gemini-2.5-flash"


class Vendor(ThreadingHTTPServer):
    """``bodies`` and ``replies`` are SHA-256 of what came and what was answered."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.bodies: list[str] = []
        self.replies: list[str] = []
        self.paths: list[str] = []
        self.keys: list[str | None] = []


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendor

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.append(hashlib.sha256(body).hexdigest())
        self.server.paths.append(self.path)
        self.server.keys.append(self.headers["x-goog-api-key"])
        asked = json.loads(body)
        wish = asked["contents"][-1]["parts"][-1].get("text", "")
        if wish == "fail":
            error = {"code": 429, "message": "slower, please", "status": "RESOURCE_EXHAUSTED"}
            self._send(429, "application/json", json.dumps({"error": error}).encode())
        elif "streamGenerateContent" in self.path:
            events = [json.dumps(chunk(word)) for word in WORDS[:-1]]
            events.append(json.dumps(chunk(WORDS[-1]) | {"usageMetadata": USAGE}))
            stream = "".join(f"data: {event}\r\n\r\n" for event in events)
            self._send(200, "text/event-stream", stream.encode())
        else:
            part: dict[str, Any] = {"text": "".join(WORDS)}
            if wish == "tool":
                part = {"functionCall": {"name": "look", "args": {"at": "x"}}}
            content = {"role": "model", "parts": [part]}
            answer = {"candidates": [{"content": content, "finishReason": "STOP"}]}
            answer |= {"usageMetadata": USAGE, "modelVersion": MODEL, "responseId": "r1"}
            self._send(200, "application/json", json.dumps(answer).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.server.replies.append(hashlib.sha256(body).hexdigest())
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


USAGE = {
    "promptTokenCount": 5000,
    "cachedContentTokenCount": 4096,
    "candidatesTokenCount": 6,
    "totalTokenCount": 5006,
}


def chunk(word: str) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": word}]}
    return {"candidates": [{"content": content}], "modelVersion": MODEL, "responseId": "r1"}


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    server = Vendor()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def serve(tmp_path: Path, vendor: Vendor) -> Iterator[Serve]:
    with serving(tmp_path, f"--upstream=gemini=http://127.0.0.1:{vendor.server_port}") as started:
        yield started


@pytest.fixture
def ends() -> Ends:
    return Ends()


@pytest.fixture
def client(
    serve: Serve, ends: Ends, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> Iterator[genai.Client]:
    """A client that finds the proxy as any program does, by the variable; at the end its bodies
    are held against the vendor's."""
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", serve.url)
    watched = types.HttpOptions(
        client_args={"transport": Watched(ends)},
        async_client_args={"transport": AsyncWatched(ends)},
    )
    with genai.Client(api_key=KEY, http_options=watched) as made:
        yield made
    assert ends.sent
    assert sorted(ends.sent) == sorted(vendor.bodies)
    assert sorted(ends.got) == sorted(vendor.replies)


def kept(serve: Serve, calls: int) -> list[Diagnosis]:
    serve.recorded(calls)
    with serve.store() as store:
        page = store.calls(Filters(), limit=100)
    return [found.told for found in reversed(page.items)]


def test_an_answer_a_stream_and_a_tool(client: genai.Client, serve: Serve, vendor: Vendor):
    look = types.Tool(
        function_declarations=[types.FunctionDeclaration(name="look", description="Looks there.")]
    )
    whole = client.models.generate_content(model=MODEL, contents="hello")
    assert whole.text == "".join(WORDS)
    streamed = client.models.generate_content_stream(model=MODEL, contents="hello")
    assert [piece.text for piece in streamed] == WORDS
    config = types.GenerateContentConfig(tools=[look], automatic_function_calling={"disable": True})
    called = client.models.generate_content(model=MODEL, contents="tool", config=config)
    assert called.function_calls is not None
    assert called.function_calls[0].args == {"at": "x"}
    told = kept(serve, 3)
    assert {(t.provider, t.api, t.model) for t in told} == {("gemini", "gemini.generate", MODEL)}
    assert {(t.usage.input, t.usage.cache_read, t.usage.output) for t in told} == {(5000, 4096, 6)}
    assert vendor.keys == [KEY] * 3
    assert vendor.paths[0].endswith(f"/models/{MODEL}:generateContent")
    page = serve.get(f"/api/v1/calls/{told[2].call}")[1]
    assert "tools[look]" in [block["path"] for block in page["blocks"]]


def test_many_at_once_without_waiting(client: genai.Client, serve: Serve, vendor: Vendor):
    async def ask_all() -> list[str | None]:
        async with client.aio as models:
            ask = models.models.generate_content
            asks = (ask(model=MODEL, contents=f"hello {n}") for n in range(8))
            answers = await asyncio.gather(*asks)
            pieces = await models.models.generate_content_stream(model=MODEL, contents="hello")
            streamed = "".join([piece.text or "" async for piece in pieces])
        return [answer.text for answer in answers] + [streamed]

    assert asyncio.run(ask_all()) == ["".join(WORDS)] * 9
    assert len(kept(serve, 9)) == 9
    assert len(set(vendor.bodies)) == 9


def test_a_refusal_comes_as_the_vendor_said_it(client: genai.Client, serve: Serve):
    with pytest.raises(errors.ClientError) as error:
        client.models.generate_content(model=MODEL, contents="fail")
    assert (error.value.code, error.value.message) == (429, "slower, please")
    [told] = kept(serve, 1)
    assert (told.verdict, told.usage.input) != ("miss", 0)


def test_the_key_is_nowhere_on_disk(client: genai.Client, serve: Serve):
    client.models.generate_content(model=MODEL, contents="hello")
    kept(serve, 1)
    serve.end()
    files = [path for path in serve.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
