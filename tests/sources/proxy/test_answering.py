"""The provider's diagnostics answered on the way: what goes on, what comes back, byte for byte."""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.sources.conftest import Start
from tests.sources.wire import (
    RunningProxy,
    ScriptedUpstream,
    Step,
    Wire,
    chunked,
    config,
    ok,
    post,
    upstream,
)
from whycold.sources.proxy import Limits, ProxyConfig, Upstream
from whycold.sources.proxy.asking import Came, Compared, Frames, Sent, framed
from whycold.sources.proxy.config import Diagnostics
from whycold.sources.spool_record import dechunk

Json = dict[str, Any]
CHANGED = b'{"cache_miss_reason":{"type":"tools_changed","cache_missed_input_tokens":9}}'
MISS = b'{"type":"cache_miss","reason":"tools_changed","cache_missed_tokens":9}'
ASKS = b'{"model":"m", "diagnostics": {"previous_message_id": "a"}, "messages":[ 1 ]}'
LESS = b'{"model":"m","messages":[ 1 ]}'
COMPARES = b'{"prompt_cache_options":{"comparison_response_id":"a"},"input":"x"}'
MESSAGE = b'{"type": "message", "id": "b", "usage": {}}'
WITH_NULL = b'{"type":"message","diagnostics":null}'
OWN = b'{"type":"message","diagnostics":{"cache_miss_reason":{"type":"unavailable"}}}'
JSON = b"Content-Type: application/json"
EVENTS = b"Content-Type: text/event-stream; charset=utf-8"


class Comparer:
    """Whoever compares: gives every question ``answer``, if any, and remembers what it was told."""

    def __init__(self, answer: Compared | None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ask-"))
        self.path = str(self.folder / "ask")
        self.told: list[Sent | Came] = []
        self.asked = threading.Event()
        self._answer = answer
        self._listener = socket.socket(socket.AF_UNIX)
        self._link: socket.socket | None = None
        self._listener.bind(self.path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        try:
            link, _ = self._listener.accept()
        except OSError:
            return
        self._link = link
        frames = Frames()
        with link:
            while data := link.recv(65536):
                for frame in frames.take(data):
                    message = msgspec.msgpack.decode(frame, type=Sent | Came)
                    self.told.append(message)
                    if isinstance(message, Sent) and self._answer is not None:
                        answer = msgspec.structs.replace(self._answer, number=message.number)
                        link.sendall(b"".join(framed(answer)))
                    self.asked.set()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with contextlib.suppress(OSError):
            if self._link is not None:
                self._link.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        shutil.rmtree(self.folder)


Compare = Callable[..., Comparer]


@pytest.fixture
def compare(start: Start) -> Iterator[Compare]:
    """Starts who compares; ended before the proxies are looked at."""
    running: list[Comparer] = []

    def begin(answer: bytes | None = CHANGED, **more: Any) -> Comparer:
        running.append(Comparer(None if answer is None else Compared(0, answer, **more)))
        return running[-1]

    yield begin
    for comparer in running:
        comparer.close()


def answered(
    behind: ScriptedUpstream, comparer: Comparer | None, folder: Path, **more: Any
) -> ProxyConfig:
    """A proxy that answers for its one upstream."""
    ups = {
        name: Upstream.from_url(name, behind.url, diagnostics=Diagnostics.answer)
        for name in ("anthropic", "openai")
    }
    path = comparer.path if comparer is not None else str(folder / "nobody")
    return config(behind, folder, upstreams=ups, diagnoser=path, **more)


def once_asked(comparer: Comparer, got: list[tuple[bytes, bytes]] | None = None) -> Step:
    """A step: reads a request; goes on once the question has been answered, or soon."""

    def step(wire: Wire) -> None:
        message = wire.message()
        if got is not None:
            got.append(message)
        assert comparer.asked.wait(10)

    return step


def settled(proxy: RunningProxy) -> None:
    """Whatever has come to the proxy by now is taken."""
    for _ in range(20):
        proxy.stats()


def exchanged(
    start: Start, tmp_path: Path, comparer: Comparer, sent: bytes, answer: bytes
) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
    """What the upstream got and what the client got, of one call."""
    got: list[tuple[bytes, bytes]] = []
    with upstream([once_asked(comparer, got), lambda _: settled(proxy), answer]) as server:
        proxy = start(answered(server, comparer, tmp_path))
        reply = proxy.ask(sent)
        proxy.close()
    head, _, body = reply.partition(b"\r\n\r\n")
    chunks = b"transfer-encoding: chunked" in head.lower()
    return got[0], (head.lower(), dechunk(body) if chunks else body)


def test_the_question_is_taken_out_and_the_answer_put_in(
    start: Start, compare: Compare, tmp_path: Path
):
    lines = (b"Accept-Encoding: gzip", b"anthropic-beta: one, cache-diagnosis-2026-04-07,two")
    sent, came = exchanged(start, tmp_path, compare(), post(ASKS, *lines), ok(MESSAGE, JSON))
    head = sent[0].lower().split(b"\r\n")
    assert sent[1] == LESS
    assert {b"accept-encoding: identity", b"anthropic-beta: one,two"} < set(head)
    assert [ln for ln in head if b"length" in ln] == [b"content-length: %d" % len(LESS)]
    assert came[1] == MESSAGE[:-1] + b',"diagnostics":' + CHANGED + b"}"
    assert b"content-length" not in came[0]


def test_a_beta_that_was_the_only_one_goes_with_its_header(
    start: Start, compare: Compare, tmp_path: Path
):
    asks = post(ASKS, b"anthropic-beta: cache-diagnosis-2026-04-07")
    sent, _ = exchanged(start, tmp_path, compare(), asks, ok(MESSAGE, JSON))
    assert b"anthropic-beta" not in sent[0]


@pytest.mark.parametrize(
    "sent",
    [
        post(b"", b"Transfer-Encoding: chunked") + chunked(ASKS[:9], ASKS[9:]),
        post(ASKS, b"Expect: 100-continue"),
    ],
    ids=["in chunks", "that waits for 100"],
)
def test_a_request_is_answered_however_it_comes(
    sent: bytes, start: Start, compare: Compare, tmp_path: Path
):
    got, came = exchanged(start, tmp_path, compare(), sent, ok(MESSAGE, JSON))
    assert got[1] == LESS
    assert b"expect" not in got[0].lower()
    assert came[1].endswith(CHANGED + b"}") or CHANGED in dechunk(came[1].partition(b"\r\n\r\n")[2])


START = b'event: message_start\ndata: {"type": "message_start", "message": %b}\n\n'
STREAM = b": hello\n\nevent: ping\ndata: {}\n\n" + START % MESSAGE + b"data: {}\n\ndata: last"
FILLED = STREAM.replace(MESSAGE, MESSAGE[:-1] + b',"diagnostics":' + CHANGED + b"}")


def until_closed(content: bytes, *lines: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", content])


def in_chunks(content: bytes, size: int) -> bytes:
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    return until_closed(chunked(*pieces), EVENTS, b"Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    "answer",
    [
        in_chunks(STREAM, 1),
        in_chunks(STREAM, 70),
        in_chunks(STREAM, 1000),
        until_closed(STREAM, EVENTS),
        ok(STREAM, EVENTS),
    ],
    ids=["in single bytes", "in parts of events", "at once", "until it closes", "with a length"],
)
def test_an_event_is_filled_however_the_stream_is_cut(
    answer: bytes, start: Start, compare: Compare, tmp_path: Path
):
    _, came = exchanged(start, tmp_path, compare(), post(ASKS), answer)
    assert came[1] == FILLED


def test_lines_may_end_in_carriage_returns(start: Start, compare: Compare, tmp_path: Path):
    answer = until_closed(STREAM.replace(b"\n", b"\r\n"), EVENTS)
    _, came = exchanged(start, tmp_path, compare(), post(ASKS), answer)
    assert came[1] == FILLED.replace(b"\n", b"\r\n")


def test_what_was_asked_is_told_with_what_came(start: Start, compare: Compare, tmp_path: Path):
    comparer = compare()
    asks = post(ASKS, b"x-api-key: secret", b"anthropic-beta: one")
    exchanged(start, tmp_path, comparer, asks, in_chunks(STREAM, 70))
    sent, came = comparer.told
    assert isinstance(sent, Sent)
    assert (sent.upstream, sent.target, sent.body) == ("anthropic", "/v1/messages", ASKS)
    assert sent.headers == {"anthropic-beta": "one"}
    assert sent.account is not None
    assert "secret" not in sent.account
    assert isinstance(came, Came)
    assert (came.number, came.status, came.body) == (sent.number, 200, STREAM)


def test_the_record_holds_what_was_asked_and_what_the_upstream_said(
    start: Start, compare: Compare, tmp_path: Path
):
    comparer = compare()
    with upstream([once_asked(comparer), ok(MESSAGE, JSON)]) as server:
        proxy = start(answered(server, comparer, tmp_path))
        proxy.ask(post(ASKS))
        [exchange] = proxy.recorded()
    assert exchange.request.content == ASKS
    assert exchange.response.content == MESSAGE
    assert exchange.diagnosed


UNCHANGED: dict[str, tuple[bytes, bytes]] = {
    "that asks nothing": (post(b'{"messages": []}'), ok(MESSAGE, JSON)),
    "that only speaks of it": (post(b'{"messages": ["\\"diagnostics\\""]}'), ok(MESSAGE, JSON)),
    "that asks inside": (post(b'{"messages": [{"diagnostics": {}}]}'), ok(MESSAGE, JSON)),
    "that is no JSON": (post(b'{"diagnostics": {'), ok(MESSAGE, JSON)),
    "to another path": (post(ASKS, path=b"/v1/messages/count_tokens"), ok(MESSAGE, JSON)),
    "that is encoded": (post(ASKS, b"Content-Encoding: zstd"), ok(MESSAGE, JSON)),
    "of HTTP/1.0": (post(ASKS).replace(b"HTTP/1.1", b"HTTP/1.0"), ok(MESSAGE, JSON)),
}


@pytest.mark.parametrize("what", UNCHANGED)
def test_a_call_passes_as_it_is(what: str, start: Start, compare: Compare, tmp_path: Path):
    sent, answer = UNCHANGED[what]
    got: list[tuple[bytes, bytes]] = []
    with upstream([lambda wire: got.append(wire.message()), answer]) as server:
        proxy = start(answered(server, compare(), tmp_path))
        reply = proxy.ask(sent)
        [exchange] = proxy.recorded()
    assert got[0][1] == sent.partition(b"\r\n\r\n")[2]
    assert reply.partition(b"\r\n\r\n")[2] == MESSAGE
    assert not exchange.diagnosed


KEPT: dict[str, bytes] = {
    "an error": b"HTTP/1.1 400 \r\n" + JSON + b"\r\nContent-Length: 2\r\n\r\n{}",
    "one that is compressed all the same": ok(
        gzip.compress(MESSAGE), JSON, b"Content-Encoding: gzip"
    ),
    "one with an answer of the upstream's own": ok(OWN, JSON),
    "something else": ok(b'{"type": "list"}', JSON),
    "no JSON": ok(b"{", JSON),
    "text": ok(MESSAGE, b"Content-Type: text/plain"),
    "nothing": ok(b"", JSON),
}


@pytest.mark.parametrize("what", KEPT)
def test_a_response_keeps_its_bytes(what: str, start: Start, compare: Compare, tmp_path: Path):
    _, came = exchanged(start, tmp_path, compare(), post(ASKS), KEPT[what])
    assert came[1] == KEPT[what].partition(b"\r\n\r\n")[2]


def test_a_null_that_says_nothing_gives_way(start: Start, compare: Compare, tmp_path: Path):
    _, came = exchanged(start, tmp_path, compare(), post(ASKS), ok(WITH_NULL, JSON))
    assert json.loads(came[1])["diagnostics"] == json.loads(CHANGED)


def test_without_the_setting_nothing_changes(start: Start, tmp_path: Path):
    got: list[tuple[bytes, bytes]] = []
    with upstream([lambda wire: got.append(wire.message()), ok(MESSAGE, JSON)]) as server:
        proxy = start(config(server, tmp_path))
        reply = proxy.ask(post(ASKS, b"Accept-Encoding: gzip"))
    assert got[0][1] == ASKS
    assert b"Accept-Encoding: gzip" in got[0][0]
    assert reply == ok(MESSAGE, JSON).replace(b"OK\r\n", b"OK\r\n", 1).replace(
        b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1
    )


def test_an_answer_that_is_not_there_yet_is_pending(start: Start, compare: Compare, tmp_path: Path):
    _, came = exchanged(start, tmp_path, compare(None), post(ASKS), in_chunks(STREAM, 9))
    data = came[1].split(b"data: ")[2].partition(b"\n")[0]
    found = json.loads(data)["message"]["diagnostics"]
    assert found == {"cache_miss_reason": None, "answered_by": "whycold"}


def test_with_nobody_to_compare_the_call_goes_on_and_is_pending(start: Start, tmp_path: Path):
    got: list[tuple[bytes, bytes]] = []
    with upstream([lambda wire: got.append(wire.message()), ok(MESSAGE, JSON)]) as server:
        proxy = start(answered(server, None, tmp_path))
        reply = proxy.ask(post(ASKS))
    assert got[0][1] == LESS
    assert b'"cache_miss_reason":null' in reply


def test_events_go_out_while_the_stream_goes_on(start: Start, compare: Compare, tmp_path: Path):
    seen = threading.Event()
    head = until_closed(b"", EVENTS)
    comparer = compare()
    steps = [once_asked(comparer), head + START % MESSAGE, lambda _: seen.wait(10), b"data: 2\n\n"]
    with upstream(steps) as server:
        proxy = start(answered(server, comparer, tmp_path))
        wire = proxy.connect()
        wire.send(post(ASKS))
        wire.until(b"message_start")
        wire.until(b"\n\n")
        seen.set()
        assert wire.rest() == b"data: 2\n\n"
        wire.close()


def test_a_response_that_is_cut_is_cut_for_the_client_too(
    start: Start, compare: Compare, tmp_path: Path
):
    begun = b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\nContent-Length: 99\r\n\r\n" + MESSAGE[:9]
    comparer = compare()
    with upstream([once_asked(comparer), begun]) as server:
        proxy = start(answered(server, comparer, tmp_path))
        wire = proxy.connect()
        wire.send(post(ASKS))
        wire.until(b"\r\n\r\n")
        with pytest.raises((EOFError, ConnectionError)):
            wire.chunks()
        wire.close()
        [exchange] = proxy.recorded()
    assert exchange.cut == "upstream"


def test_a_connection_serves_one_call_after_the_other(
    start: Start, compare: Compare, tmp_path: Path
):
    comparer = compare()
    call = [once_asked(comparer), ok(MESSAGE, JSON)]
    with upstream(call * 3) as server:
        proxy = start(answered(server, comparer, tmp_path))
        wire = proxy.connect()
        for _ in range(3):
            wire.send(post(ASKS, close=False))
            assert b"diagnostics" in dechunk(wire.message()[1])
        wire.close()
        assert server.connections == 1


def test_a_body_too_long_to_be_held_passes_as_it_is(start: Start, compare: Compare, tmp_path: Path):
    got: list[tuple[bytes, bytes]] = []
    with upstream([lambda wire: got.append(wire.message()), ok(MESSAGE, JSON)]) as server:
        limits = Limits(asked_bytes=1000)
        proxy = start(answered(server, compare(), tmp_path, limits=limits))
        wire = proxy.connect()
        long = ASKS[:-1] + b" " * 2_000_000 + b"}"
        wire.send(post(long))
        assert wire.rest().endswith(MESSAGE)
        wire.close()
    assert got[0][1] == long


RESPONSE = b'{"object":"response","id":"b","service_tier":"default","usage":%b}'
USAGE = b'{"input_tokens_details":{"cached_tokens":%d}}'
TIER = b'{"type":"cache_miss","reason":"service_tier_changed","cache_missed_tokens":9}'


@pytest.mark.parametrize(
    ("usage", "more", "answer"),
    [
        (USAGE % 9, {}, json.loads(MISS)),
        (USAGE % 9, {"hit_at": 10}, json.loads(MISS)),
        (USAGE % 10, {"hit_at": 10}, {"type": "cache_hit", "answered_by": "whycold"}),
        (b"null", {"hit_at": 10}, json.loads(MISS)),
        (b"null", {"tier": "default", "of_tier": TIER}, json.loads(MISS)),
        (b"null", {"tier": "priority", "of_tier": TIER}, json.loads(TIER)),
    ],
)
def test_the_end_of_a_response_tells_hit_and_tier(
    usage: bytes, more: Json, answer: Json, start: Start, compare: Compare, tmp_path: Path
):
    ends = b'data: {"type":"response.completed","response":%b}\n\n' % (RESPONSE % usage)
    begins = ends.replace(b"completed", b"created")
    asks = post(COMPARES, path=b"/v1/responses")
    stream = in_chunks(begins + ends, 40)
    sent, came = exchanged(start, tmp_path, compare(MISS, **more), asks, stream)
    assert sent[1] == b'{"input":"x"}'
    first, last = came[1].split(b"\n\n")[:2]
    assert first + b"\n\n" == begins
    found = json.loads(last.removeprefix(b"data: "))["response"]
    assert found["prompt_cache_diagnostics"] == answer


def test_other_cache_options_stay(start: Start, compare: Compare, tmp_path: Path):
    options = b'{"prompt_cache_options":{"ttl": "12h", "comparison_response_id":"a"},"input":1}'
    asks = post(options, path=b"/v1/responses")
    sent, _ = exchanged(start, tmp_path, compare(), asks, ok(RESPONSE % b"{}", JSON))
    assert json.loads(sent[1]) == {"prompt_cache_options": {"ttl": "12h"}, "input": 1}


def test_a_response_that_asks_nothing_is_told_of_and_passes_as_it_is(
    start: Start, compare: Compare, tmp_path: Path
):
    comparer = compare(MISS)
    packed = gzip.compress(RESPONSE % b"{}")
    answer = ok(packed, JSON, b"Content-Encoding: gzip")
    asks = post(b'{ "input": 1 }', path=b"/v1/responses")
    sent, came = exchanged(start, tmp_path, comparer, asks, answer)
    assert (sent[1], came[1]) == (b'{ "input": 1 }', packed)
    told = comparer.told[1]
    assert isinstance(told, Came)
    assert (told.headers, told.body) == ({"content-encoding": "gzip"}, packed)
