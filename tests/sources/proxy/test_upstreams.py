"""Upstreams that are stale, down, wrong or untrusted, and what clients are told."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.sources.conftest import Start
from tests.sources.wire import (
    Step,
    Wire,
    chunked,
    config,
    eventually,
    ok,
    post,
    request,
    upstream,
    wait,
)
from whycold.errors import UserError
from whycold.sources.proxy import Limits, ProxyConfig, Upstream
from whycold.sources.proxy.pool import Pool
from whycold.sources.proxy.upstream import UpstreamConnection

ANSWER: list[Step] = [request, ok()]


def told(answer: bytes) -> tuple[int, str, str]:
    """The status, the code in the marking header and the message of one of the proxy's own."""
    head, _, body = answer.partition(b"\r\n\r\n")
    [code] = [ln[17:].decode() for ln in head.split(b"\r\n") if ln.startswith(b"x-whycold-error: ")]
    assert body.endswith(b"}\n")
    assert body.count(b"\n") == 1
    error = json.loads(body)["error"]
    assert error["code"] == code
    return int(head.split()[1]), code, error["message"]


def test_connections_are_used_again(start_on_each_loop: Start):
    with upstream(ANSWER * 20) as server:
        proxy = start_on_each_loop(config(server))
        for _ in range(20):
            assert proxy.ask(post()).endswith(b"ok")
        assert server.connections == 1


def test_a_stale_connection_is_tried_once_more_with_the_same_request(
    start_on_each_loop: Start, tmp_path: Path
):
    """As llama-server does: it says keep-alive, and closes when the next request is on its way."""
    got: list[bytes] = []
    stale: list[Step] = [request, ok(), lambda wire: wire.until(b"\r\n\r\n"), Wire.reset]
    fresh: list[Step] = [lambda wire: got.append(wire.message()[1]), ok(b"again")]
    with upstream(stale, fresh) as server:
        proxy = start_on_each_loop(config(server, tmp_path))
        proxy.ask(post())
        body = bytes(range(256)) * 400
        assert proxy.ask(post(body)).endswith(b"again")
        assert got == [body]
        assert proxy.stats()["retried"] == 1
    assert [exchange.retried for exchange in proxy.recorded()] == [False, True]


def test_a_stale_connection_is_tried_once_more_while_the_body_is_still_coming(start: Start):
    closed = threading.Event()
    got: list[bytes] = []

    def close_early(wire: Wire) -> None:
        wire.until(b"\r\n\r\n")
        wire.close()
        closed.set()

    fresh: list[Step] = [lambda wire: got.append(wire.message()[1]), ok()]
    with upstream([request, ok(), close_early], fresh) as server:
        proxy = start(config(server))
        proxy.ask(post())
        wire = proxy.connect()
        wire.send(post(b"", b"Transfer-Encoding: chunked") + b"3\r\none\r\n")
        assert closed.wait(30)
        wire.send(b"3\r\ntwo\r\n0\r\n\r\n")
        assert wire.message()[1] == b"ok"
        wire.close()
    assert got == [chunked(b"one", b"two")]


def test_no_request_is_tried_three_times(start_on_each_loop: Start):
    with upstream([request, ok(), request], [request]) as server:
        proxy = start_on_each_loop(config(server))
        proxy.ask(post())
        assert told(proxy.ask(post()))[:2] == (502, "upstream_closed")
        assert server.connections == 2


def test_a_new_connection_that_closes_is_not_tried_again(start_on_each_loop: Start):
    with upstream([request]) as server:
        assert told(start_on_each_loop(config(server)).ask(post()))[:2] == (502, "upstream_closed")
        assert server.connections == 1


def test_nothing_is_tried_again_once_an_answer_has_begun(start: Start):
    with upstream([request, ok(), request, b"HTTP/1.1 200 O"]) as server:
        proxy = start(config(server))
        proxy.ask(post())
        assert told(proxy.ask(post()))[:2] == (502, "upstream_closed")
        assert server.connections == 1


def test_a_late_end_is_not_taken_for_staleness(start: Start):
    with upstream([request, ok(), request], ANSWER) as server:
        proxy = start(config(server, limits=Limits(stale_s=0.0)))
        proxy.ask(post())
        assert told(proxy.ask(post()))[:2] == (502, "upstream_closed")


def test_a_body_too_long_to_be_sent_again_gets_a_connection_of_its_own(start: Start):
    with upstream(ANSWER * 2) as server:
        proxy = start(config(server, limits=Limits(replay_bytes=1000)))
        proxy.ask(post())
        assert proxy.ask(post(bytes(1001))).endswith(b"ok")
        assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok",
        ok() + b"surplus",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 O",
    ],
)
def test_a_connection_that_may_not_be_used_again_is_not(answer: bytes, start: Start):
    with upstream([request, answer, lambda wire: wire.closed()]) as server:
        proxy = start(config(server))
        for _ in range(3):
            assert b"ok" in proxy.ask(post())
        assert server.connections == 3


def test_an_idle_connection_that_the_upstream_closes_is_let_go(start_on_each_loop: Start):
    with upstream(ANSWER) as server:
        proxy = start_on_each_loop(config(server))
        proxy.ask(post())
        proxy.until(lambda stats: stats["idle-upstreams"] == 0)


def test_an_idle_connection_is_closed_in_time(start: Start):
    with upstream([*ANSWER, lambda wire: wire.closed()]) as server:
        proxy = start(config(server, limits=Limits(pool_idle_s=0.05, header_s=0.2)))
        proxy.ask(post())
        eventually(lambda: server.wires[0].sock.fileno(), lambda number: number < 0)


def test_an_upstream_that_is_down_is_named(start_on_each_loop: Start, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    proxy = start_on_each_loop(config(f"http://127.0.0.1:{port}", tmp_path))
    status, code, message = told(proxy.ask(post(bytes(100_000))))
    assert (status, code) == (502, "upstream_unreachable")
    assert f"anthropic (http://127.0.0.1:{port})" in message
    wire = proxy.connect()
    for _ in range(3):
        wire.send(post(close=False))
        assert wire.message()[0].startswith(b"HTTP/1.1 502 ")
    wire.close()
    exchanges = proxy.recorded()
    assert [exchange.own_answer for exchange in exchanges] == ["upstream_unreachable"] * 4
    assert exchanges[0].status is None


def test_a_name_that_leads_nowhere_is_told(start: Start):
    proxy = start(config("http://nowhere.invalid"))
    assert told(proxy.ask(post()))[:2] == (502, "upstream_unreachable")


def test_an_upstream_that_never_connects_is_told(start: Start):
    # On Linux a backlog of 0 takes one connection; all others wait for it.
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    with full, socket.create_connection(full.getsockname()):
        port = full.getsockname()[1]
        proxy = start(config(f"http://127.0.0.1:{port}", limits=Limits(connect_s=0.2)))
        assert told(proxy.ask(post()))[:2] == (502, "upstream_timeout")


def test_a_silent_upstream_is_told(start_on_each_loop: Start):
    with upstream([request, lambda wire: wire.closed()]) as server:
        proxy = start_on_each_loop(config(server, limits=Limits(idle_s=0.2)))
        assert told(proxy.ask(post()))[:2] == (504, "upstream_timeout")
        assert proxy.stats()["timed-out"] == 1


def test_a_stream_that_falls_silent_is_cut_off(start_on_each_loop: Start):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with upstream([request, head, b"1\r\na\r\n", lambda wire: wire.closed()]) as server:
        proxy = start_on_each_loop(config(server, limits=Limits(idle_s=0.2)))
        wire = proxy.connect()
        wire.send(post(close=False))
        assert wire.until(b"1\r\na\r\n")
        assert not wire.closed()
        wire.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/2 200 OK\r\n\r\n",
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000,
    ],
)
def test_an_answer_that_is_not_http_is_not_passed_on(answer: bytes, start_on_each_loop: Start):
    with upstream([request, answer, lambda wire: wire.closed()]) as server:
        assert told(start_on_each_loop(config(server)).ask(post()))[:2] == (502, "bad_response")


def test_bad_chunks_end_the_response(start: Start):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    go_on = threading.Event()
    with upstream([request, head + b"1\r\na\r\n", wait(go_on), b"zz\r\nb", Wire.closed]) as server:
        wire = start(config(server)).connect()
        wire.send(post())
        wire.until(b"1\r\na\r\n")
        go_on.set()
        assert wire.rest() == b""
        wire.close()


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ssl.SSLContext, Path]]:
    """A server's context, and the file of the authority that vouches for it."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    yield context, path


def secured(url: str, ca_file: Path | None) -> ProxyConfig:
    up = Upstream.from_url("anthropic", url, ca_file=str(ca_file) if ca_file else None)
    return ProxyConfig(port=0, upstreams={"anthropic": up})


def test_a_secured_upstream_is_reached(
    start_on_each_loop: Start, authority: tuple[ssl.SSLContext, Path]
):
    context, ca_file = authority
    body = bytes(range(256)) * 4000
    got: list[bytes] = []
    script: list[Step] = [lambda wire: got.append(wire.message()[1]), ok(body)] * 2
    with upstream(script, tls=context) as server:
        proxy = start_on_each_loop(secured(f"https://localhost:{server.port}", ca_file))
        for _ in range(2):
            assert proxy.ask(post(body)).endswith(body)
        assert got == [body, body]
        assert server.connections == 1


def test_an_upstream_nobody_vouches_for_is_refused(
    start_on_each_loop: Start, authority: tuple[ssl.SSLContext, Path]
):
    with upstream(ANSWER, tls=authority[0]) as server:
        proxy = start_on_each_loop(secured(f"https://localhost:{server.port}", None))
        status, code, message = told(proxy.ask(post()))
    assert (status, code) == (502, "upstream_untrusted")
    assert "certificate is not trusted" in message


def test_a_certificate_of_another_name_is_refused(
    start: Start, authority: tuple[ssl.SSLContext, Path]
):
    with upstream(ANSWER, tls=authority[0]) as server:
        proxy = start(secured(f"https://ip6-localhost:{server.port}", authority[1]))
        told_code = told(proxy.ask(post()))[1]
    assert told_code in ("upstream_untrusted", "upstream_unreachable")


def test_a_plain_server_at_a_secured_address_is_told(start: Start):
    with upstream([b"HTTP/1.1 400 Bad Request\r\n\r\n"]) as server:
        proxy = start(secured(f"https://localhost:{server.port}", None))
        assert told(proxy.ask(post()))[:2] == (502, "upstream_unreachable")


def test_a_file_that_holds_no_authorities_stops_the_start(start: Start, tmp_path: Path):
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(UserError, match="not a file of certificates"):
        start(secured("https://localhost:1", tmp_path / "ca.pem"))


# Loops


def test_the_proxys_own_address_is_no_upstream(start: Start):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for host in ("127.0.0.1", "localhost", "[::1]", "127.0.0.2", "0.0.0.0"):
        with pytest.raises(UserError, match="whycold's own address"):
            start(config(f"http://{host}:{port}", port=port))
        with pytest.raises(UserError, match="whycold's own address"):
            start(config(f"http://{host}:{port}", dashboard_port=port))


def test_a_call_that_comes_back_is_refused(start_on_each_loop: Start):
    """Through another server, so that no address gives it away."""
    proxies = []

    def pass_on(wire: Wire) -> None:
        head, body = wire.message()
        wire.send(
            proxies[0].ask(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + body)
        )

    with upstream([pass_on]) as server:
        proxies.append(start_on_each_loop(config(server)))
        assert told(proxies[0].ask(post()))[:2] == (508, "loop")


def test_a_connection_that_leads_back_is_refused_whatever_its_name_was():
    told: list[str] = []

    class Asking:
        def dialed(self, connection: UpstreamConnection) -> None:
            told.append("connected")
            connection.abort()

        def dial_failed(self, code: str, message: str) -> None:
            told.append(code)

    async def dial(url: str, own_ports: set[int]) -> None:
        pool = Pool(Limits(), {}, own_ports)
        await pool.dial(Upstream.from_url("a", url), Asking())

    with upstream(ANSWER) as server:
        asyncio.run(dial(server.url, {server.port}))
        asyncio.run(dial(server.url, {server.port + 1}))
    assert told == ["loop", "connected"]


def test_vendors_are_not_sent_the_loop_guard():
    assert Upstream.from_url("anthropic", "https://api.anthropic.com").vendor
    assert not Upstream.from_url("anthropic", "https://api.anthropic.com.example.org").vendor
    assert not Upstream.from_url("anthropic", "http://api.anthropic.com").vendor
