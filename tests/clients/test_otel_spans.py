# pyright: reportIncompatibleVariableOverride=false, reportArgumentType=false
# A handler knows which server it serves; the SDK takes plain dicts where it names types.
"""Diagnosed calls come as spans to a receiver of OTLP, in the caller's own trace."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anthropic
import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.clients.caching_vendor import asked, caching_vendor, tool
from tests.frontends.told import told
from tests.serving import eventually, serving
from whycold.core.call import Call
from whycold.core.prompt import Prompt
from whycold.frontends.spans.sender import Sender
from whycold.frontends.spans.span import request_of, span_of
from whycold.ingest.heard import Heard
from whycold.sources.otlp_telemetry import read_telemetry
from whycold.store.records import Record

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Collector(ThreadingHTTPServer):
    """``bodies`` are what it took; it answers with each of ``refusals`` first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Takes)
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[str | None] = []
        self.refusals: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self) -> list[dict[str, Any]]:
        found = [
            span
            for body in self.bodies
            for resource in body["resourceSpans"]
            for scoped in resource["scopeSpans"]
            for span in scoped["spans"]
        ]
        return sorted(found, key=lambda span: int(span["startTimeUnixNano"]))


class _Takes(BaseHTTPRequestHandler):
    server: Collector

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert self.path == "/v1/traces"
        status = self.server.refusals.pop(0) if self.server.refusals else 200
        if status == 200:
            self.server.bodies.append(body)
            self.server.headers.append(self.headers["x-key"])
        self.send_response(status)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


@contextmanager
def collector() -> Generator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


def test_every_call_through_serve_is_a_span_in_its_callers_trace(tmp_path: Path):
    with collector() as taking, caching_vendor() as vendor:
        (tmp_path / "whycold.toml").write_text(
            f'[otel]\nendpoint = "{taking.url}"\nheaders = "x-key=secret%20word"\n'
        )
        with serving(tmp_path, f"--upstream=anthropic={vendor.url}") as serve:
            client = anthropic.Anthropic(api_key="none", base_url=serve.url, max_retries=0)
            edited = tool("look", "Look for a file, and say where.")
            for count, tools in ((1, [tool("look", "Look.")]), (2, [edited])):
                client.messages.create(
                    **json.loads(asked(["one", "two"][:count], tools)),
                    extra_headers={"traceparent": f"00-{TRACE}-{SPAN}-01"},
                )
            spans = eventually(taking.spans, lambda found: len(found) == 2)
            ids = [one["call"] for one in serve.get("/api/v1/misses")[1]["items"]]
    assert {(span["traceId"], span["parentSpanId"]) for span in spans} == {(TRACE, SPAN)}
    assert set(taking.headers) == {"secret word"}
    found = attributes(spans[1])
    assert found["whycold.cause"] == "tool-edited"
    assert found["whycold.reason"] == "tools_changed"
    assert found["whycold.path"] == "tools[look].description"
    assert found["whycold.call"] == ids[0]
    assert int(found["whycold.missed_tokens"]) > 2000
    assert found["whycold.missed_cost_usd"] > 0
    assert found["gen_ai.request.model"] == "claude-sonnet-5"
    assert found["gen_ai.response.id"] == "msg_0002"
    assert int(found["gen_ai.usage.cache_read.input_tokens"]) == 0
    for body in taking.bodies:
        Parse(json.dumps(body), ExportTraceServiceRequest())


def record(call: str = "c1") -> Record:
    made = Call(call, NOW, "openai", "openai.chat", "gpt-5.5", Prompt(()))
    return Record(made, told(call=call, at=NOW))


def test_our_own_spans_are_no_calls_when_they_come_back():
    span = span_of(record(), None)
    assert span is not None
    document = request_of([span], "0.1.0")
    assert not list(read_telemetry(document, Counter()))
    document["resourceSpans"][0]["scopeSpans"][0]["scope"]["name"] = "other"  # type: ignore
    assert [one.name for one in read_telemetry(document, Counter())] == [span["name"]]


@pytest.mark.parametrize("header", [None, "", "garbage", f"00-{'0' * 32}-{SPAN}-01"])
def test_without_a_callers_trace_a_call_is_its_own(header: str | None):
    span = span_of(record(), Heard(NOW, header))
    assert span is not None
    assert span["parentSpanId"] == ""
    assert span == span_of(record(), Heard(NOW, header))


def test_a_trace_that_is_not_sampled_stays_so():
    assert span_of(record(), Heard(NOW, f"00-{TRACE}-{SPAN}-00")) is None


def test_a_receiver_that_is_busy_gets_it_later():
    with collector() as taking:
        taking.refusals = [503]
        sender = Sender(f"{taking.url}/v1/traces", {})
        sender.tell(record(), None)
        eventually(taking.spans)
        sender.close()
    assert (sender.sent, sender.dropped) == (1, 0)


def test_what_a_receiver_refuses_is_dropped_and_told_once(caplog: pytest.LogCaptureFixture):
    with collector() as taking:
        taking.refusals = [400, 401]
        sender = Sender(taking.url, {})
        for n in range(2):
            sender.tell(record(f"c{n}"), None)
            eventually(lambda n=n: sender.dropped, lambda dropped, n=n: dropped == n + 1)
        sender.close()
    assert [one.levelname for one in caplog.records] == ["WARNING"]
