"""What is kept of an exchange, what is not, and that keeping never stands in traffic's way."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sources.conftest import Start
from tests.sources.wire import (
    Step,
    Wire,
    config,
    eventually,
    ok,
    post,
    request,
    spooled,
    upstream,
    wait,
)
from whycold.errors import UserError
from whycold.sources.proxy import ProxyConfig, Upstream
from whycold.sources.spool import SpoolConfig
from whycold.sources.spool_counts import CountsFile
from whycold.sources.spool_record import Capture, Exchange, Missing

ANSWER: list[Step] = [request, ok(b"reply-text", b"request-id: req_1")]

SECRETS = {
    b"Authorization": b"Bearer plant-authorization",
    b"x-api-key": b"plant-x-api-key",
    b"x-goog-api-key": b"plant-goog",
    b"api-key": b"plant-azure",
    b"Cookie": b"session=plant-cookie",
    b"Proxy-Authorization": b"Basic plant-proxy",
    b"X-Amz-Security-Token": b"plant-amz",
    b"X-Custom-Secret": b"plant-custom",
    b"X-My-Password": b"plant-password",
    b"X-CSRF": b"plant-csrf",
    b"X-Vendor-Credential": b"plant-credential",
    b"X-Signature": b"plant-signature",
    b"X-Harmless": b"sk-ant-api03-plant-harmless",
    b"X-Also-Harmless": b"before Bearer plant-in-value after",
    b"X-Google": b"AIzaSyD-plantplantplantplantplantplant",
    b"Referer": b"https://user:plant-userinfo@example.org/a?api_key=plant-referer&b=c",
}


def stored(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.name != "writer.lock")


def test_a_record_holds_the_whole_exchange(start_on_each_loop: Start, tmp_path: Path):
    with upstream(ANSWER) as server:
        proxy = start_on_each_loop(config(server, tmp_path))
        lines = [b"x-whycold-%b: %b" % (n, n[::-1]) for n in (b"project", b"session", b"agent")]
        proxy.ask(post(b"request-text", *lines, b"X-Whycold-Release: 1.2\xc3\xa9\x07"[:-1]))
    [exchange] = proxy.recorded()
    assert exchange.upstream == "anthropic"
    assert (exchange.method, exchange.target) == ("POST", "/v1/messages")
    assert exchange.request.content == b"request-text"
    assert exchange.response.content == b"reply-text"
    assert exchange.status == 200
    assert ("request-id", "req_1") in exchange.response_headers
    assert ("content-length", "12") in exchange.request_headers
    assert exchange.labels == {
        "project": "tcejorp",
        "session": "noisses",
        "agent": "tnega",
        "release": "1.2é",
    }
    assert exchange.peer == "127.0.0.1"
    assert exchange.sent is not None
    assert exchange.answered is not None
    assert exchange.started <= exchange.sent <= exchange.answered <= exchange.ended
    assert exchange.id >> 22 == exchange.started // 1_000_000


def test_no_secret_reaches_the_disk(start: Start, tmp_path: Path):
    lines = [b"%b: %b" % line for line in SECRETS.items()]
    reply = ok(
        b"ok", b"Set-Cookie: a=plant-set-cookie", b"Location: /x?access_token=plant-location"
    )
    path = b"/v1beta/models/m:generateContent?key=plant-query&alt=sse&%61ccess_token=plant-encoded"
    with upstream([request, reply]) as server:
        proxy = start(config(server, tmp_path))
        for _ in range(3):
            proxy.ask(post(b"body", *lines, path=path))
    [exchange, _, _] = proxy.recorded()
    found = stored(tmp_path)
    assert b"plant" not in found
    assert exchange.target == (
        "/v1beta/models/m:generateContent?key=[redacted]&alt=sse&%61ccess_token=[redacted]"
    )
    headers = dict(exchange.request_headers)
    assert headers["x-harmless"] == "[redacted]"
    assert headers["x-also-harmless"] == "before [redacted] after"
    assert headers["referer"] == "https://[redacted]@example.org/a?api_key=[redacted]&b=c"


def test_the_files_are_their_owners_alone(start: Start, tmp_path: Path):
    folder = tmp_path / "deep" / "spool"
    with upstream(ANSWER) as server:
        proxy = start(config(server, folder))
        proxy.ask(post())
    assert len(proxy.recorded()) == 1
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_accounts_are_told_apart_without_their_keys(start: Start, tmp_path: Path):
    lines = [b"x-api-key: one", b"Authorization: Bearer one", b"x-api-key: two", b"x-none: one"]
    with upstream(ANSWER) as server:
        proxy = start(config(server, tmp_path))
        for line in lines:
            proxy.ask(post(b"{}", line))
        proxy.ask(post(path=b"/v1beta/models/m:generateContent?key=one"))
        proxy.close()
        again = start(config(server, tmp_path))
        again.ask(post(b"{}", lines[0]))
    accounts = [exchange.account for exchange in again.recorded()]
    assert accounts[0] == accounts[1] == accounts[4] == accounts[5]
    assert accounts[2] not in (accounts[0], None)
    assert accounts[3] is None
    assert len(accounts[0] or "") == 32


def test_the_fingerprint_depends_on_the_installation(start: Start, tmp_path: Path):
    found: set[str | None] = set()
    with upstream(ANSWER) as server:
        for name in ("a", "b"):
            proxy = start(config(server, tmp_path / name))
            proxy.ask(post(b"{}", b"x-api-key: one"))
            found |= {exchange.account for exchange in proxy.recorded()}
    assert len(found) == 2


# Capture modes


def modes(server_url: str, folder: Path, capture: Capture) -> ProxyConfig:
    return ProxyConfig(
        port=0,
        upstreams={
            "anthropic": Upstream.from_url("anthropic", server_url),
            "openai": Upstream.from_url("openai", server_url, capture=Capture.usage),
            "gemini": Upstream.from_url("gemini", server_url, capture=Capture.none),
        },
        capture=capture,
        project_capture={"private": Capture.hash, "secret": Capture.none, "open": Capture.full},
        spool=SpoolConfig(folder=str(folder)),
    )


@pytest.mark.parametrize("capture", [Capture.usage, Capture.hash])
def test_a_mode_that_keeps_no_text_leaves_none_on_disk(
    capture: Capture, start: Start, tmp_path: Path
):
    seen: list[Exchange] = []

    def reduce(exchange: Exchange) -> Exchange:
        seen.append(exchange)
        return exchange

    with upstream(ANSWER) as server:
        proxy = start(modes(server.url, tmp_path, capture), reduce)
        proxy.ask(post(b"request-text"))
    [exchange] = proxy.recorded()
    found = stored(tmp_path)
    assert b"request-text" not in found
    assert b"reply-text" not in found
    assert exchange.capture is capture
    assert exchange.response.missing is Missing.capture
    assert (exchange.request.wire_size, exchange.response.wire_size) == (12, 10)
    # In memory the reducer has what it needs: digests are made of both, usage is in the reply.
    assert seen[0].response.content == b"reply-text"
    assert seen[0].request.content == (b"request-text" if capture is Capture.hash else b"")


def test_a_reducer_turns_text_into_what_may_be_kept(start: Start, tmp_path: Path):
    def reduce(exchange: Exchange) -> Exchange:
        size = len(exchange.response.content)
        return replace(exchange, extract=b"%d" % size, capture=Capture.full)

    with upstream(ANSWER) as server:
        proxy = start(modes(server.url, tmp_path, Capture.usage), reduce)
        proxy.ask(post(b"request-text"))
    [exchange] = proxy.recorded()
    assert exchange.extract == b"10"
    # Whatever the reducer says of the mode, the text of a call that came in under it is gone.
    assert b"-text" not in stored(tmp_path)


def test_the_strictest_mode_holds(start: Start, tmp_path: Path):
    with upstream(ANSWER) as server:
        proxy = start(modes(server.url, tmp_path, Capture.full))
        for path, project in (
            (b"/v1/messages", b""),
            (b"/v1/messages", b"open"),
            (b"/v1/messages", b"private"),
            (b"/v1/messages", b"secret"),
            (b"/v1/responses", b""),
            (b"/v1/responses", b"open"),
            (b"/v1/responses", b"private"),
            (b"/v1beta/models/m:g", b"open"),
        ):
            proxy.ask(post(b"{}", b"x-whycold-project: " + project, path=path))
        assert proxy.stats()["unrecorded-capture"] == 2
    assert [exchange.capture for exchange in proxy.recorded()] == [
        Capture.full,
        Capture.full,
        Capture.hash,
        Capture.usage,
        Capture.usage,
        Capture.usage,
    ]


def test_a_reducer_that_fails_costs_its_own_record_alone(start: Start, tmp_path: Path):
    def reduce(exchange: Exchange) -> Exchange | None:
        if exchange.request.content == b"bad":
            raise RuntimeError("a fault in the reducer")
        return None if exchange.request.content == b"unwanted" else exchange

    with upstream(ANSWER) as server:
        proxy = start(config(server, tmp_path), reduce)
        for body in (b"good", b"bad", b"unwanted", b"fine"):
            assert proxy.ask(post(body)).endswith(b"reply-text")
    assert [exchange.request.content for exchange in proxy.recorded()] == [b"good", b"fine"]
    counts = CountsFile(tmp_path / "counts.json").read().counts
    assert (counts["record-failed"], counts["unrecorded-capture"]) == (1, 1)


# Bounds


def test_a_stalled_writer_costs_records_and_nothing_else(start_on_each_loop: Start, tmp_path: Path):
    budget = 1 << 20
    go_on = threading.Event()

    def stall(exchange: Exchange) -> Exchange:
        assert go_on.wait(60)
        return exchange

    spool = SpoolConfig(folder=str(tmp_path), budget_bytes=budget)
    with upstream([request, ok(bytes(1000))] * 2) as server:
        proxy = start_on_each_loop(config(server, spool=spool), stall)
        for _ in range(300):
            assert proxy.ask(post(bytes(20_000))).endswith(bytes(1000))
            assert proxy.server.stats()["held-bytes"] <= budget
        stats = proxy.stats()
        assert stats["body-budget"] > 10
        assert stats["record-budget"] > 10
        go_on.set()
        proxy.until(lambda now: now["held-bytes"] == 0)
        proxy.ask(post(bytes(20_000)))
    exchanges = proxy.recorded()
    assert len(exchanges) + stats["record-budget"] == 301
    # Bodies go before records, prompts before replies.
    kept = [(bool(e.request.parts), bool(e.response.parts)) for e in exchanges]
    assert kept[0] == kept[-1] == (True, True)
    assert (False, True) in kept
    assert (False, False) in kept
    assert {e.request.missing for e in exchanges} == {None, Missing.budget}


def test_a_body_over_the_limit_is_passed_on_and_not_kept(start: Start, tmp_path: Path):
    spool = SpoolConfig(folder=str(tmp_path), body_bytes=1000)
    bodies = [bytes(1000), bytes(1001)]
    with upstream([lambda wire: wire.send(ok(wire.message()[1]))]) as server:
        proxy = start(config(server, spool=spool))
        for body in bodies:
            assert proxy.ask(post(body)).endswith(body)
        assert proxy.stats()["body-too-large"] == 2
    small, large = proxy.recorded()
    assert (small.request.missing, small.response.missing) == (None, None)
    assert (large.request.missing, large.response.missing) == (Missing.too_large,) * 2
    assert (large.request.wire_size, large.response.wire_size) == (1001, 1001)


def test_a_proxy_without_a_spool_records_nothing(start: Start):
    with upstream(ANSWER) as server:
        proxy = start(config(server))
        assert proxy.ask(post()).endswith(b"reply-text")
        assert "recorded" not in proxy.stats()


def test_one_folder_has_one_writer(start: Start, tmp_path: Path):
    with upstream(ANSWER) as server:
        first = start(config(server, tmp_path))
        with pytest.raises(UserError, match="another whycold proxy records into"):
            start(config(server, tmp_path))
        first.close()
        start(config(server, tmp_path)).ask(post())


def test_what_was_counted_survives_the_process(start: Start, tmp_path: Path):
    with upstream(ANSWER) as server:
        for n in (1, 2):
            proxy = start(config(server, tmp_path))
            proxy.ask(post())
            proxy.close()
            found = CountsFile(tmp_path / "counts.json").read()
            assert found.counts == {"recorded": n}
            assert 0 < found.since <= found.updated
    assert len(spooled(tmp_path)) == 2


def test_a_slow_exchange_is_recorded_when_it_ends(start: Start, tmp_path: Path):
    go_on = threading.Event()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    with upstream([request, head, b"ha", wait(go_on), b"lf", Wire.closed]) as server:
        proxy = start(config(server, tmp_path))
        wire = proxy.connect()
        wire.send(post())
        wire.until(b"ha")
        assert spooled(tmp_path) == []
        go_on.set()
        wire.exactly(2)
        wire.close()
    [exchange] = proxy.recorded()
    assert exchange.response.content == b"half"


def test_what_happened_to_traffic_is_counted_without_a_record(start: Start, tmp_path: Path):
    spool = SpoolConfig(folder=str(tmp_path), sync_s=0.01)
    with upstream(ANSWER) as server:
        proxy = start(config(server, spool=spool))
        proxy.ask(post(path=b"/nowhere"))
        file = CountsFile(tmp_path / "counts.json")
        eventually(lambda: file.read().counts, lambda counts: counts == {"refused": 1})
