"""WebSocket and HTTP/2 upgrades pass through, are not recorded, and are counted."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from tests.sources.conftest import Start
from tests.sources.wire import (
    PATIENCE,
    Step,
    Wire,
    config,
    eventually,
    ok,
    open_files,
    post,
    request,
    upstream,
)
from whycold.sources.proxy import Limits, ProxyConfig
from whycold.sources.proxy.config import Upstream, Websockets
from whycold.sources.spool import SpoolConfig

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
ASK = (
    b"GET /v1/responses HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive, Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Key: abc=\r\n\r\n"
)


def echo(wire: Wire) -> None:
    while data := wire.some():
        wire.send(data.upper())


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
def test_both_sides_may_say_anything_after_an_upgrade(
    protocol: bytes, start_on_each_loop: Start, tmp_path: Path
):
    asked: list[bytes] = []
    switch = SWITCH.replace(b"websocket", protocol)
    script: list[Step] = [lambda w: asked.append(w.until(b"\r\n\r\n")), switch + b"early", echo]
    with upstream(script) as server:
        proxy = start_on_each_loop(config(server, tmp_path))
        wire = proxy.connect()
        line = b"HTTP2-Settings: AAMAAABk\r\n\r\n"
        wire.send(ASK.replace(b"websocket", protocol)[:-2] + line)
        head = wire.until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: " + protocol)
        assert wire.exactly(5) == b"early"
        for size in (1, 100, 1_000_000):
            wire.send(b"x" * size)
            assert wire.exactly(size) == b"X" * size
        assert proxy.stats()["unrecorded-upgrade"] == 1
        wire.close()
        proxy.until(lambda stats: stats["clients"] == 0)
    assert b"\r\nConnection: upgrade\r\nUpgrade: " + protocol + b"\r\n" in asked[0]
    assert b"\r\nHTTP2-Settings: AAMAAABk\r\n" in asked[0]
    assert proxy.recorded() == []


def test_what_a_client_sends_too_early_is_not_lost(start_on_each_loop: Start):
    with upstream([lambda wire: wire.until(b"\r\n\r\n"), SWITCH, echo]) as server:
        wire = start_on_each_loop(config(server)).connect()
        wire.send(ASK + b"early")
        wire.until(b"\r\n\r\n")
        assert wire.exactly(5) == b"EARLY"
        wire.close()


def test_an_upgrade_that_is_not_wanted_is_an_ordinary_call(start: Start, tmp_path: Path):
    with upstream([lambda wire: wire.until(b"\r\n\r\n"), ok(b"no"), request, ok(b"yes")]) as server:
        proxy = start(config(server, tmp_path))
        wire = proxy.connect()
        wire.send(ASK)
        assert wire.message()[1] == b"no"
        wire.send(post(path=b"/v1/responses"))
        assert wire.message()[1] == b"yes"
        wire.close()
    assert len(proxy.recorded()) == 2


def test_the_end_of_either_side_is_the_end_of_both(start_on_each_loop: Start):
    with upstream([lambda wire: wire.until(b"\r\n\r\n"), SWITCH, b"bye"]) as server:
        proxy = start_on_each_loop(config(server))
        wire = proxy.connect()
        wire.send(ASK)
        assert wire.rest().endswith(b"\r\n\r\nbye")
        wire.close()
        proxy.until(lambda stats: stats["clients"] == 0)


def test_a_silent_tunnel_is_ended(start: Start):
    with upstream([lambda wire: wire.until(b"\r\n\r\n"), SWITCH, Wire.closed]) as server:
        wire = start(config(server, limits=Limits(idle_s=0.2))).connect()
        wire.send(ASK)
        assert wire.rest().startswith(b"HTTP/1.1 101 ")
        wire.close()


def test_an_upgrade_that_the_connection_header_does_not_name_is_dropped(start: Start):
    asked: list[bytes] = []
    with upstream([lambda wire: asked.append(wire.message()[0]), ok()]) as server:
        start(config(server)).ask(post(b"{}", b"Upgrade: h2c"))
    assert b"pgrade" not in asked[0]


def shout(link: ServerConnection) -> None:
    for said in link:
        link.send(said.upper())


def test_a_websocket_client_and_server_talk_as_if_nothing_were_between(
    start_on_each_loop: Start, tmp_path: Path
):
    with serve(shout, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        proxy = start_on_each_loop(config(url, tmp_path))
        files = open_files()
        for number in range(5):
            with connect(f"{proxy.url.replace('http', 'ws')}/v1/responses", proxy=None) as link:
                link.send("hello")
                assert link.recv() == "HELLO"
                link.send(b"x" * 1_000_000)
                assert link.recv() == b"X" * 1_000_000
                assert link.ping().wait(PATIENCE)
            assert proxy.stats()["unrecorded-upgrade"] == number + 1
        proxy.until(lambda stats: stats["clients"] == 0)
        eventually(open_files, lambda now: now <= files)
        server.shutdown()
        thread.join(PATIENCE)
    assert proxy.recorded() == []


def refusing(url: str, folder: Path) -> ProxyConfig:
    up = Upstream.from_url("openai", url, websockets=Websockets.refuse)
    return ProxyConfig(port=0, upstreams={"openai": up}, spool=SpoolConfig(folder=str(folder)))


def test_where_a_websocket_is_refused_the_client_goes_on_over_http(
    start_on_each_loop: Start, tmp_path: Path
):
    with upstream([request, ok(b"yes")]) as server:
        proxy = start_on_each_loop(refusing(server.url, tmp_path))
        wire = proxy.connect()
        wire.send(ASK)
        head, body = wire.message()
        assert head.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
        assert b"\r\nupgrade: HTTP/1.1\r\nconnection: upgrade\r\n" in head
        assert b"upstreams.openai.websockets" in body
        wire.send(post(path=b"/v1/responses"))
        assert wire.message()[1] == b"yes"
        wire.close()
        assert server.connections == 1
        assert "unrecorded-upgrade" not in proxy.stats()
    assert len(proxy.recorded()) == 1


def test_another_upgrade_passes_also_where_websockets_are_refused(start: Start, tmp_path: Path):
    switch = SWITCH.replace(b"websocket", b"h2c")
    with upstream([lambda wire: wire.until(b"\r\n\r\n"), switch, echo]) as server:
        wire = start(refusing(server.url, tmp_path)).connect()
        wire.send(ASK.replace(b"websocket", b"h2c"))
        assert wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
        wire.close()
