"""Telemetry on the dashboard's port: what is taken, what is refused, and how both are said."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from starlette.testclient import TestClient

from tests.sources.otlp.documents import event, logs, span, spans
from tests.sources.otlp.test_spellings import NEW
from whycold.frontends.web.otlp import KIND
from whycold.frontends.web.server import Dashboard, application
from whycold.ingest.orders import Orders
from whycold.sources.otlp_protobuf import Signal, read_protobuf
from whycold.sources.otlp_received import looked_over

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
CALL = json.dumps(spans(span(NEW))).encode()


@pytest.fixture
def orders(tmp_path: Path) -> Orders:
    return Orders(tmp_path / "orders")


@pytest.fixture
def port(tmp_path: Path) -> TestClient:
    about = Dashboard(f"sqlite:///{tmp_path}/x.db", "no-spool", orders=str(tmp_path / "orders"))
    return TestClient(application(about), base_url="http://127.0.0.1:4142")


def waiting(orders: Orders) -> dict[str, Any] | None:
    order = orders.first()
    assert order is None or (order.kind, order.quiet) == (KIND, True)
    return json.loads(order.payload()) if order is not None else None


def as_protobuf() -> ExportTraceServiceRequest:
    """A call as exporters put it into protobuf: ids are bytes."""
    request = ExportTraceServiceRequest()
    made = request.resource_spans.add().scope_spans.add().spans.add()
    made.trace_id, made.span_id = bytes(range(16)), bytes(range(8))
    made.name, made.start_time_unix_nano = "chat", 1_790_000_000_000_000_000
    for name, said in NEW.items():
        attribute = made.attributes.add(key=name)
        if isinstance(said, int):
            attribute.value.int_value = said
        else:
            attribute.value.string_value = said
    return request


def test_json_is_taken_and_left_for_the_recorder(port: TestClient, orders: Orders):
    got = port.post("/v1/traces", content=CALL, headers=JSON)
    assert (got.status_code, got.headers["content-type"], got.json()) == (
        *(200, "application/json", {}),
    )
    assert waiting(orders) == json.loads(CALL)


def test_protobuf_is_taken_and_answered_as_such(port: TestClient, orders: Orders):
    got = port.post("/v1/traces", content=as_protobuf().SerializeToString(), headers=PROTOBUF)
    assert (got.status_code, got.headers["content-type"]) == (200, "application/x-protobuf")
    answer = ExportTraceServiceResponse.FromString(got.content)
    assert not answer.HasField("partial_success")
    document = waiting(orders)
    assert document is not None
    assert looked_over(document)[0]


def test_gzip_is_unpacked(port: TestClient, orders: Orders):
    packed = {"content-encoding": "gzip"}
    got = port.post("/v1/traces", content=gzip.compress(CALL), headers=JSON | packed)
    assert got.status_code == 200
    assert waiting(orders) == json.loads(CALL)


def test_logs_have_a_path_of_their_own(port: TestClient, orders: Orders):
    said = {"session.id": "s1", "model": "claude-opus-5", "input_tokens": 3}
    body = json.dumps(logs(event("claude_code.api_request", said))).encode()
    assert port.post("/v1/logs", content=body, headers=JSON).status_code == 200
    assert waiting(orders) is not None


def test_what_tells_of_no_call_is_not_kept(port: TestClient, orders: Orders):
    body = json.dumps(spans(span({"http.request.method": "GET"}))).encode()
    assert port.post("/v1/traces", content=body, headers=JSON).json() == {}
    assert waiting(orders) is None


def test_what_is_left_out_is_said(port: TestClient):
    broken = {"resourceSpans": [{"scopeSpans": [{"spans": [span(NEW), 7]}]}]}
    got = port.post("/v1/traces", content=json.dumps(broken), headers=JSON)
    assert got.json() == {
        "partialSuccess": {
            "rejectedSpans": "1",
            "errorMessage": "1 skipped: a record that is no object",
        }
    }


def test_what_is_left_out_of_protobuf_is_said(port: TestClient):
    request = as_protobuf()
    request.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="k" * 10_000)
    got = port.post("/v1/traces", content=request.SerializeToString(), headers=PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(got.content).partial_success
    assert partial.rejected_spans == 1
    assert "a key that is none" in partial.error_message
    bare = ExportLogsServiceRequest().SerializeToString()
    got = port.post("/v1/logs", content=bare, headers=PROTOBUF)
    assert not ExportLogsServiceResponse.FromString(got.content).HasField("partial_success")


BOMB = gzip.compress(bytes(80 << 20))


@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        (b"{", JSON, 400, "is not JSON"),
        (b"[]", JSON, 400, "not an object"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, JSON, 400, "nested deeper"),
        (b"\xff\xff\xff", PROTOBUF, 400, "is no protobuf of OTLP traces"),
        (BOMB, JSON | {"content-encoding": "gzip"}, 400, "unpacks to more than 64 MB"),
        (b"nonsense", JSON | {"content-encoding": "gzip"}, 400, "is not gzip"),
        (CALL, JSON | {"content-encoding": "lzma"}, 415, "gzip"),
        (CALL, {"content-type": "text/plain"}, 415, "application/x-protobuf"),
        (CALL, {}, 415, "application/json"),
        (bytes(17 << 20), JSON, 413, "no more than 16 MB"),
        (CALL, JSON | {"origin": "https://evil.example"}, 403, "other sites"),
        (CALL, JSON | {"sec-fetch-site": "cross-site"}, 403, "other sites"),
    ],
)
def test_what_is_refused_is_said_in_the_encoding_of_the_request(
    port: TestClient, orders: Orders, body: bytes, headers: dict[str, str], status: int, says: str
):
    got = port.post("/v1/traces", content=body, headers=headers)
    assert got.status_code == status
    if headers.get("content-type") == PROTOBUF["content-type"]:
        assert got.headers["content-type"] == PROTOBUF["content-type"]
        # google.rpc.Status: field 2, as text
        assert (got.content[0], got.content[1]) == (0x12, len(got.content) - 2)
        assert says in got.content[2:].decode()
    else:
        assert says in got.json()["message"]
    assert waiting(orders) is None


def test_while_the_recorder_has_too_much_to_do_exporters_come_again(tmp_path: Path):
    (tmp_path / "orders").touch()
    for folder in (str(tmp_path / "orders"), None):
        about = Dashboard(f"sqlite:///{tmp_path}/x.db", "no-spool", orders=folder)
        with TestClient(application(about), base_url="http://127.0.0.1:4142") as port:
            got = port.post("/v1/traces", content=CALL, headers=JSON)
        assert (got.status_code, got.headers["retry-after"]) == (503, "5")


def test_nobody_else_may_send(tmp_path: Path):
    orders = str(tmp_path / "orders")
    about = Dashboard(f"sqlite:///{tmp_path}/x.db", "no-spool", (), "0123456789abcdef", orders)
    with TestClient(application(about), base_url="http://127.0.0.1:4142") as port:
        assert port.post("/v1/traces", content=CALL, headers=JSON).status_code == 401
        known = JSON | {"authorization": "Bearer 0123456789abcdef"}
        assert port.post("/v1/traces", content=CALL, headers=known).status_code == 200
        elsewhere = known | {"host": "evil.example"}
        assert port.post("/v1/traces", content=CALL, headers=elsewhere).status_code == 421


def test_only_posts_are_answered(port: TestClient):
    for path in ("/v1/traces", "/v1/logs"):
        for method in ("GET", "PUT", "DELETE", "OPTIONS"):
            assert port.request(method, path).status_code == 405


def test_fields_stand_for_the_same_in_both_requests():
    """What is read as the data of a signal is what exporters send as requests of it."""
    pairs: list[tuple[type[Message], type[Message]]] = [
        (ExportTraceServiceRequest, TracesData),
        (ExportLogsServiceRequest, LogsData),
    ]
    for sent, read in pairs:
        fields = [[(f.number, f.name) for f in kind.DESCRIPTOR.fields] for kind in (sent, read)]
        assert fields[0] == fields[1]


def test_protobuf_comes_to_what_json_says():
    document = read_protobuf(Signal.traces, as_protobuf().SerializeToString())
    assert looked_over(document) == (True, {})


def test_what_reads_protobuf_is_not_there_until_protobuf_comes():
    look = (
        "import sys, whycold.frontends.dashboard_part, whycold.frontends.recorder_part\n"
        "print([name for name in sys.modules if name.startswith('google.protobuf')])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "[]\n"
