"""What goes in comes out: every shape of request and response, byte for byte, at both ends."""

from __future__ import annotations

import gzip
import hashlib
import random
from pathlib import Path

import pytest

from tests.sources.conftest import Start
from tests.sources.wire import Step, Wire, chunked, config, ok, post, upstream

SMALL = random.Random(1).randbytes(2_000)
MEDIUM = random.Random(2).randbytes(400_000)
LARGE = random.Random(3).randbytes(50_000_000)


def pieces(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


REQUESTS = {
    "none": post(b"", method=b"GET"),
    "2 KB": post(SMALL),
    "400 KB": post(MEDIUM),
    "50 MB": post(LARGE),
    "chunked": post(b"", b"Transfer-Encoding: chunked") + chunked(*pieces(MEDIUM, 7_000)),
    "chunked, in one byte each": post(b"", b"Transfer-Encoding: chunked")
    + chunked(*pieces(SMALL, 1)),
    "chunked with extensions and trailers": post(b"", b"Transfer-Encoding: chunked", b"Trailer: a")
    + b"3;name=value\r\nabc\r\n2 ; x\r\nde\r\n0\r\na: b\r\n\r\n",
    "chunked 50 MB": post(b"", b"Transfer-Encoding: chunked") + chunked(*pieces(LARGE, 100_000)),
}

RESPONSES = {
    "empty": ok(b""),
    "2 KB": ok(SMALL),
    "400 KB": ok(MEDIUM),
    "50 MB": ok(LARGE),
    "gzip": ok(gzip.compress(MEDIUM), b"Content-Encoding: gzip"),
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + chunked(*pieces(MEDIUM, 700)),
    "chunked with padded sizes and trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
    b"Trailer: took\r\n\r\n3   \r\nabc\r\n0\r\ntook: 5\r\n\r\n",
    "chunked 50 MB": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + chunked(*pieces(LARGE, 30_000)),
    "until the connection ends": b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\n" + MEDIUM,
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n" + SMALL,
    "an error": b"HTTP/1.1 529 \r\nContent-Length: 4\r\nx-should-retry: true\r\n\r\nbusy",
    "no reason phrase": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def split(message: bytes) -> tuple[bytes, bytes]:
    head, _, body = message.partition(b"\r\n\r\n")
    return head, body


def cases(shapes: dict[str, bytes]) -> list[object]:
    return [
        pytest.param(name, marks=[pytest.mark.slow] if "50 MB" in name else []) for name in shapes
    ]


@pytest.mark.parametrize("shape", cases(REQUESTS))
def test_a_request_body_arrives_as_it_was_sent(
    shape: str, start_on_each_loop: Start, tmp_path: Path
):
    got: list[tuple[bytes, bytes]] = []
    with upstream([lambda wire: got.append(wire.message()), ok()]) as server:
        proxy = start_on_each_loop(config(server, tmp_path))
        assert split(proxy.ask(REQUESTS[shape]))[1] == b"ok"
    assert sha(got[0][1]) == sha(split(REQUESTS[shape])[1])
    [exchange] = proxy.recorded()
    assert exchange.request.wire_size == len(split(REQUESTS[shape])[1])


@pytest.mark.parametrize("shape", cases(RESPONSES))
def test_a_response_body_arrives_as_it_was_sent(
    shape: str, start_on_each_loop: Start, tmp_path: Path
):
    with upstream([lambda wire: wire.message(), RESPONSES[shape]]) as server:
        proxy = start_on_each_loop(config(server, tmp_path))
        answer = proxy.ask(post())
    assert sha(split(answer)[1]) == sha(split(RESPONSES[shape])[1])
    [exchange] = proxy.recorded()
    assert exchange.response.wire_size == len(split(RESPONSES[shape])[1])
    assert exchange.status == int(RESPONSES[shape].split()[1])
    assert exchange.cut is None


@pytest.mark.parametrize("chunks", [False, True])
def test_the_record_holds_the_body_without_its_chunks(chunks: bool, start: Start, tmp_path: Path):
    answer = RESPONSES["chunked" if chunks else "400 KB"]
    with upstream([lambda wire: wire.message(), answer]) as server:
        proxy = start(config(server, tmp_path))
        proxy.ask(REQUESTS["chunked" if chunks else "400 KB"])
    [exchange] = proxy.recorded()
    assert sha(exchange.request.content) == sha(MEDIUM)
    assert sha(exchange.response.content) == sha(MEDIUM)


def test_trailers_are_passed_on_and_kept_out_of_the_record(start: Start, tmp_path: Path):
    trailers = b"authorization: Bearer trailing-secret\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with upstream(
        [lambda wire: wire.message(), head + chunked(b"abc", trailers=trailers)]
    ) as server:
        proxy = start(config(server, tmp_path))
        assert proxy.ask(post()).endswith(b"0\r\n" + trailers + b"\r\n")
    [exchange] = proxy.recorded()
    assert exchange.response.content == b"abc"
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("*.seg"))
    assert b"trailing-secret" not in stored


@pytest.mark.parametrize(
    ("method", "head"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"),
        (b"HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n"),
    ],
)
def test_a_response_without_a_body_ends_with_its_head(method: bytes, head: bytes, start: Start):
    script: list[Step] = [lambda wire: wire.message(), head] * 2
    with upstream(script) as server:
        wire = start(config(server)).connect()
        for _ in range(2):
            wire.send(post(b"", method=method, close=False))
            assert wire.message(bodiless=True)[0] == head
        wire.close()
        assert server.connections == 1


def test_interim_responses_are_passed_on(start_on_each_loop: Start):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    with upstream([lambda wire: wire.message(), hints, hints, ok()]) as server:
        answer = start_on_each_loop(config(server)).ask(post())
    assert answer.startswith(hints + hints + b"HTTP/1.1 200 OK\r\n")


def test_expect_100_continue_is_the_upstreams_to_answer(start_on_each_loop: Start):
    def head_first(wire: Wire) -> None:
        assert b"Expect: 100-continue" in wire.until(b"\r\n\r\n")
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert wire.exactly(5) == b"hello"

    with upstream([head_first, ok()]) as server:
        wire = start_on_each_loop(config(server)).connect()
        head, body = split(post(b"hello", b"Expect: 100-continue"))
        wire.send(head + b"\r\n\r\n")
        assert wire.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.send(body)
        assert wire.message()[1] == b"ok"
        wire.close()


def test_a_refusal_instead_of_100_continue_ends_the_connection(start: Start):
    refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"
    with upstream(
        [lambda wire: wire.until(b"\r\n\r\n"), refusal, lambda wire: wire.closed()]
    ) as server:
        wire = start(config(server)).connect()
        head, _ = split(post(b"hello", b"Expect: 100-continue", close=False))
        wire.send(head + b"\r\n\r\n")
        assert wire.message()[1] == b"no"
        assert wire.closed()
        wire.close()


def test_an_answer_that_comes_before_the_body_was_sent_arrives(start: Start):
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge"
    with upstream(
        [lambda wire: wire.until(b"\r\n\r\n"), refusal, lambda wire: wire.closed()]
    ) as server:
        wire = start(config(server)).connect()
        head, body = split(post(LARGE))
        wire.send(head + b"\r\n\r\n" + body[:1000])
        assert wire.message()[1] == b"large"
        wire.close()


def test_only_what_is_between_two_hops_is_changed(start: Start):
    got: list[bytes] = []
    lines = (
        b"X-First: 1",
        b"x-api-key: sk-ant-secret",
        b"TE: trailers",
        b"Keep-Alive: timeout=5",
        b"Proxy-Authorization: Basic x",
        b"Proxy-Connection: keep-alive",
        b"X-Mine: secret",
        b"Connection: keep-alive, X-Mine",
        b"X-First: 2",
        b"x-whycold-project: p",
        b"X-Whycold-Anything: q",
        b"Accept-Encoding: gzip, br, zstd",
        b"X-Odd:   two  spaces\t",
    )
    with upstream([lambda wire: got.append(wire.message()[0]), ok()]) as server:
        start(config(server)).ask(post(b"{}", *lines, path=b"/v1/messages?beta=true&x=%2F%20"))
        authority = b"127.0.0.1:%d" % server.port
    assert got[0].split(b"\r\n")[:-2] == [
        b"POST /v1/messages?beta=true&x=%2F%20 HTTP/1.1",
        b"Host: " + authority,
        b"X-First: 1",
        b"x-api-key: sk-ant-secret",
        b"X-First: 2",
        b"Accept-Encoding: gzip, br, zstd",
        b"X-Odd:   two  spaces\t",
        b"Content-Length: 2",
        got[0].split(b"\r\n")[-3],
    ]
    assert got[0].split(b"\r\n")[-3].startswith(b"x-whycold-via: ")


def test_response_headers_keep_their_order_and_spelling(start: Start):
    head = (
        b"HTTP/1.1 200 Fine\r\nServer: x\r\nset-cookie: a\r\nSet-Cookie: b\r\n"
        b"Connection: keep-alive, x-hop\r\nKeep-Alive: timeout=9\r\nX-Hop: 1\r\n"
        b"Content-Length: 2\r\nrequest-id: req_1\r\n\r\n"
    )
    with upstream([lambda wire: wire.message(), head + b"ok"]) as server:
        wire = start(config(server)).connect()
        wire.send(post(close=False))
        assert wire.message()[0] == (
            b"HTTP/1.1 200 Fine\r\nServer: x\r\nset-cookie: a\r\nSet-Cookie: b\r\n"
            b"Content-Length: 2\r\nrequest-id: req_1\r\n\r\n"
        )
        wire.close()


def test_requests_sent_at_once_are_answered_in_order(start_on_each_loop: Start):
    def answer_all(wire: Wire) -> None:
        while True:
            wire.send(ok(wire.message()[1]))

    with upstream([answer_all]) as server:
        wire = start_on_each_loop(config(server)).connect()
        sent = b"".join(
            post(b"n%d" % n, close=False)
            if n % 2
            else post(b"", b"Transfer-Encoding: chunked", close=False) + chunked(b"n%d" % n)
            for n in range(50)
        )
        wire.send(sent)
        bodies = [wire.message()[1] for _ in range(50)]
        wire.close()
    assert bodies == [b"n%d" % n if n % 2 else chunked(b"n%d" % n) for n in range(50)]


def test_a_client_of_http_1_0_gets_plain_bytes_and_the_end(start_on_each_loop: Start):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n"
    with upstream([lambda wire: wire.message(), head, chunked(b"abc", b"de")]) as server:
        answer = start_on_each_loop(config(server)).ask(b"GET /v1/models HTTP/1.0\r\n\r\n")
    assert answer == b"HTTP/1.1 200 OK\r\nX-A: b\r\nConnection: close\r\n\r\nabcde"


def test_a_client_of_http_1_0_gets_nothing_that_follows(start: Start):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with upstream([lambda wire: wire.message(), head + chunked(b"abc") + ok()]) as server:
        answer = start(config(server)).ask(b"GET /v1/models HTTP/1.0\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nabc")


def test_the_same_client_connection_reaches_several_upstreams(start: Start):
    script: list[Step] = [lambda wire: wire.message(), ok(b"one"), lambda wire: wire.closed()]
    with upstream(script) as server:
        wire = start(config(server)).connect()
        for path in (
            b"/v1/messages",
            b"/v1/chat/completions",
            b"/v1beta/models/x:y",
            b"/to/local/z",
        ):
            wire.send(post(path=path, close=False))
            assert wire.message()[1] == b"one"
        wire.close()
        assert server.connections == 4
