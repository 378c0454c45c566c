"""What does not get through: requests that two readers could read differently, and strangers."""

from __future__ import annotations

import pytest

from tests.sources.conftest import Start
from tests.sources.proxy.test_upstreams import told
from tests.sources.wire import Step, chunked, config, ok, post, request, upstream
from whycold.sources.proxy import Limits

ANSWER: list[Step] = [request, ok()]
HOST = b"Host: 127.0.0.1\r\n"
START = b"POST /v1/messages HTTP/1.1\r\n" + HOST

SMUGGLED = {
    "two lengths": START + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "the same length twice": START + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab",
    "a list of lengths": START + b"Content-Length: 2, 2\r\n\r\nab",
    "a length and chunks": START
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": START
    + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a signed length": START + b"Content-Length: +2\r\n\r\nab",
    "a negative length": START + b"Content-Length: -1\r\n\r\n",
    "a length in hexadecimal": START + b"Content-Length: 0x2\r\n\r\nab",
    "an empty length": START + b"Content-Length: \r\n\r\n",
    "a length that is no number": START + b"Content-Length: 1_0\r\n\r\n",
    "chunks twice": START + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a space before the colon": START + b"Content-Length : 2\r\n\r\nab",
    "a folded header": START + b"X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a header that begins with a space": START + b" Content-Length: 2\r\n\r\nab",
    "a line without a colon": START + b"Content-Length\r\n\r\n",
    "a null byte": START + b"X-A: \0\r\n\r\n",
    "a carriage return in a value": START + b"X-A: b\rContent-Length: 5\r\n\r\n",
    "line feeds alone": b"GET /v1/models HTTP/1.1\nHost: 127.0.0.1\n\n",
    "one line feed alone": START + b"X-A: b\nContent-Length: 5\r\n\r\n",
    "no host": b"GET /v1/models HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /v1/models HTTP/1.1\r\n" + HOST * 2 + b"\r\n",
    "a space in the path": b"GET /v1/models x HTTP/1.1\r\n" + HOST + b"\r\n",
    "no path": b"GET  HTTP/1.1\r\n" + HOST + b"\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "HTTP/1.0 in chunks": b"POST /v1/messages HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0\r\n\r\n",
}

BAD_CHUNKS = {
    "no number": b"zz\r\nab\r\n",
    "no number yet": b"POST /v1/mess",
    "a signed size": b"+2\r\nab\r\n",
    "a prefixed size": b"0x2\r\nab\r\n",
    "a size with an underscore": b"1_0\r\n",
    "a size with a space before it": b" 2\r\nab\r\n",
    "a size beyond all bounds": b"fffffffffffffffff\r\n",
    "a line feed alone": b"2\nab\r\n0\r\n\r\n",
    "a chunk that is longer than its size": b"2\r\nabc\r\n0\r\n\r\n",
    "a line feed alone after a chunk": b"2\r\nab\n0\r\n\r\n",
    "a trailer without a colon": b"0\r\nabc\r\n\r\n",
    "a trailer with a line feed alone": b"0\r\na: b\n\r\n\r\n",
    "an endless extension": b"2;" + b"x" * 9000,
    "endless trailers": b"0\r\n" + b"a: b\r\n" * 20_000,
}


@pytest.mark.parametrize("case", SMUGGLED)
def test_a_head_that_can_be_read_in_two_ways_is_refused(case: str, start_on_each_loop: Start):
    with upstream(ANSWER) as server:
        proxy = start_on_each_loop(config(server))
        # What follows would be the smuggled request.
        assert told(proxy.ask(SMUGGLED[case] + post()))[:2] == (400, "bad_request")
        assert server.connections == 0
        assert proxy.stats()["refused"] == 1


@pytest.mark.parametrize("case", BAD_CHUNKS)
def test_chunks_that_can_be_read_in_two_ways_are_refused(case: str, start_on_each_loop: Start):
    head = START + b"Transfer-Encoding: chunked\r\n\r\n"
    with upstream([request, ok()]) as server:
        proxy = start_on_each_loop(config(server))
        assert told(proxy.ask(head + BAD_CHUNKS[case]))[:2] == (400, "bad_request")
        wire = proxy.connect()
        wire.send(head + b"3\r\nabc\r\n")
        proxy.until(lambda stats: stats["busy"] == 1)
        wire.send(BAD_CHUNKS[case])
        answer = wire.rest()
        if BAD_CHUNKS[case].startswith(b"0\r\n") or b"400" in answer[:12]:
            assert told(answer)[:2] == (400, "bad_request")
        wire.close()


@pytest.mark.parametrize("coding", [b"gzip", b"gzip, chunked", b"identity", b"chunked, gzip", b"x"])
def test_a_transfer_coding_that_is_not_chunked_is_refused(coding: bytes, start: Start):
    with upstream(ANSWER) as server:
        answer = start(config(server)).ask(START + b"Transfer-Encoding: " + coding + b"\r\n\r\n")
        assert told(answer)[:2] == (501, "bad_coding")


@pytest.mark.parametrize(
    "sent",
    [
        START + b"X-A: " + b"x" * 70_000 + b"\r\n\r\n",
        START + b"X-A: b\r\n" * 10_000 + b"\r\n",
        b"GET /v1/" + b"x" * 70_000,
    ],
)
def test_a_head_over_the_limit_is_refused(sent: bytes, start_on_each_loop: Start):
    with upstream(ANSWER) as server:
        assert told(start_on_each_loop(config(server)).ask(sent))[:2] == (431, "head_too_large")


@pytest.mark.parametrize("version", [b"HTTP/2", b"HTTP/2.0", b"HTTP/1.2", b"HTTP/0.9"])
def test_another_version_of_http_is_refused(version: bytes, start: Start):
    with upstream(ANSWER) as server:
        answer = start(config(server)).ask(b"GET /v1/models " + version + b"\r\n" + HOST + b"\r\n")
        assert told(answer)[:2] == (505, "bad_version")


def test_http_2_without_asking_is_refused(start: Start):
    with upstream(ANSWER) as server:
        answer = start(config(server)).ask(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert told(answer)[:2] == (505, "bad_version")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (b"/", 404, "unknown_path"),
        (b"/v2/messages", 404, "unknown_path"),
        (b"/v1messages", 404, "unknown_path"),
        (b"/to/nobody/v1/messages", 404, "unknown_upstream"),
        (b"/to/", 404, "unknown_path"),
        (b"*", 400, "bad_request"),
        (b"example.org:443", 400, "bad_request"),
        (b"ftp://127.0.0.1/v1/messages", 400, "bad_request"),
    ],
)
def test_a_path_that_leads_nowhere_is_told(
    path: bytes, status: int, code: str, start_on_each_loop: Start
):
    with upstream(ANSWER) as server:
        proxy = start_on_each_loop(config(server))
        assert told(proxy.ask(post(b"", path=path, method=b"GET")))[:2] == (status, code)
        assert told(proxy.ask(post(bytes(200_000), path=path)))[:2] == (status, code)
        assert server.connections == 0


def test_a_refused_request_without_a_body_leaves_the_connection_open(start_on_each_loop: Start):
    with upstream(ANSWER) as server:
        wire = start_on_each_loop(config(server)).connect()
        wire.send(post(b"", path=b"/x", method=b"GET", close=False) * 1000)
        for _ in range(1000):
            assert wire.message()[0].startswith(b"HTTP/1.1 404 ")
        wire.send(post())
        assert wire.message()[1] == b"ok"
        wire.close()


def test_a_refused_head_request_gets_no_body(start: Start):
    with upstream(ANSWER) as server:
        answer = start(config(server)).ask(post(b"", path=b"/", method=b"HEAD"))
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert answer.endswith(b"\r\n\r\n")


def test_it_is_no_forward_proxy(start: Start):
    with upstream(ANSWER) as server:
        proxy = start(config(server))
        answer = proxy.ask(post(b"", path=b"api.anthropic.com:443", method=b"CONNECT"))
        assert told(answer)[:2] == (405, "not_a_forward_proxy")
        answer = proxy.ask(post(path=b"http://api.anthropic.com/v1/messages"))
        assert told(answer)[:2] == (421, "host_not_allowed")
        own = b"http://127.0.0.1:%d/v1/messages" % proxy.port
        assert proxy.ask(post(path=own)).endswith(b"ok")


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        (b"127.0.0.1", True),
        (b"localhost", True),
        (b"LocalHost:4141", True),
        (b"[::1]:4141", True),
        (b"192.168.1.7:4141", True),
        (b"host.docker.internal:4141", True),
        (b"proxy.example.org", True),
        (b"proxy.example.org:80", True),
        (b"attacker.example", False),
        (b"attacker.example:4141", False),
        (b"localhost.attacker.example", False),
        (b"127.0.0.1.attacker.example", False),
        (b"127.0.0.1@attacker.example", False),
        (b"attacker.example:127.0.0.1", False),
        (b"", False),
    ],
)
def test_only_known_host_names_are_answered(host: bytes, allowed: bool, start: Start):
    """A web page can make a name of its own point at 127.0.0.1, but has to call it by that name."""
    sent = b"GET /v1/models HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % host
    with upstream(ANSWER) as server:
        proxy = start(config(server, allowed_hosts=("proxy.example.org",)))
        for _ in range(2):
            answer = proxy.ask(sent)
            if allowed:
                assert answer.endswith(b"ok")
            else:
                assert told(answer)[:2] == (421, "host_not_allowed")


def test_a_head_that_does_not_come_to_its_end_is_not_waited_for(start_on_each_loop: Start):
    with upstream(ANSWER) as server:
        proxy = start_on_each_loop(config(server, limits=Limits(header_s=0.2)))
        assert told(proxy.ask(START))[:2] == (408, "client_timeout")


def test_a_body_that_does_not_come_to_its_end_is_not_waited_for(start_on_each_loop: Start):
    with upstream([request, ok()]) as server:
        proxy = start_on_each_loop(config(server, limits=Limits(idle_s=0.2)))
        answer = proxy.ask(START + b"Content-Length: 10\r\n\r\nhalf")
        assert told(answer)[:2] == (408, "client_timeout")


def test_an_idle_client_is_let_go(start_on_each_loop: Start):
    with upstream(ANSWER) as server:
        proxy = start_on_each_loop(config(server, limits=Limits(keep_alive_s=0.2)))
        wire = proxy.connect()
        wire.send(post(close=False))
        assert wire.rest().endswith(b"ok")
        wire.close()


def test_a_client_that_ignores_its_refusal_is_let_go(start_on_each_loop: Start):
    with upstream(ANSWER) as server:
        proxy = start_on_each_loop(config(server, limits=Limits(linger_s=0.2)))
        wire = proxy.connect()
        wire.send(post(bytes(10), path=b"/x")[:-5])
        wire.until(b"}\n")
        proxy.until(lambda stats: stats["clients"] == 0)
        wire.close()


def test_a_body_after_its_refusal_is_read_and_forgotten(start_on_each_loop: Start):
    """Closing at once would reset the connection, and the client would not see why."""
    with upstream(ANSWER) as server:
        wire = start_on_each_loop(config(server)).connect()
        sent = post(bytes(8 << 20), path=b"/x")
        wire.send(sent)
        assert told(wire.rest())[:2] == (404, "unknown_path")
        wire.close()


def test_chunks_after_a_refusal_are_no_request(start: Start):
    with upstream(ANSWER) as server:
        wire = start(config(server)).connect()
        head = b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
        wire.send(head + chunked(post()))
        assert told(wire.rest())[0] == 404
        wire.close()
        assert server.connections == 0
