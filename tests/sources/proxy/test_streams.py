"""Event streams: at once, cut anywhere, many at a time, and at the reader's own speed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.sources.conftest import Start
from tests.sources.wire import (
    Step,
    Wire,
    chunked,
    config,
    eventually,
    ok,
    open_files,
    post,
    request,
    upstream,
    wait,
)
from whycold.sources.proxy import Limits
from whycold.sources.spool_record import Cut

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENTS = [b"event: a\ndata: {}\n\n", b"event: b\ndata: {}\n\n"]


def test_each_event_is_passed_on_before_the_next_is_there(start_on_each_loop: Start):
    seen = [threading.Event() for _ in range(5)]
    steps: list[Step] = [request, HEAD]
    for event in seen:
        steps += [b"6\r\nevent\n\r\n", wait(event)]
    with upstream([*steps, b"0\r\n\r\n"]) as server:
        wire = start_on_each_loop(config(server)).connect()
        wire.send(post())
        assert wire.until(b"\r\n\r\n")
        for event in seen:
            assert wire.exactly(11) == b"6\r\nevent\n\r\n"
            event.set()
        assert wire.rest() == b"0\r\n\r\n"
        wire.close()


def test_a_stream_that_arrives_in_two_pieces_is_whole_wherever_it_was_split(
    start_on_each_loop: Start, tmp_path: Path
):
    answer = HEAD + chunked(*EVENTS)
    go_on = threading.Semaphore(0)

    def answer_in_two(wire: Wire) -> None:
        for cut in range(1, len(answer)):
            wire.message()
            wire.send(answer[:cut])
            go_on.acquire()
            wire.send(answer[cut:])

    with upstream([answer_in_two]) as server:
        proxy = start_on_each_loop(config(server, tmp_path))
        wire = proxy.connect()
        for cut in range(1, len(answer)):
            wire.send(post(close=False))
            first = b""
            if cut >= len(HEAD):
                first = wire.exactly(cut)
            go_on.release()
            assert first + wire.exactly(len(answer) - len(first)) == answer
        wire.close()
        assert server.connections == 1
    exchanges = proxy.recorded()
    assert len(exchanges) == len(answer) - 1
    assert {exchange.response.content for exchange in exchanges} == {b"".join(EVENTS)}


def test_an_upstream_that_dies_in_a_stream_is_passed_on_as_just_that(
    start_on_each_loop: Start, tmp_path: Path
):
    with upstream([request, HEAD + b"6\r\nevent\n\r\n"]) as server:
        proxy = start_on_each_loop(config(server, tmp_path))
        wire = proxy.connect()
        wire.send(post(close=False))
        assert wire.rest() == HEAD + b"6\r\nevent\n\r\n"
        wire.close()
        assert proxy.stats()["upstream-cut"] == 1
    [exchange] = proxy.recorded()
    assert exchange.cut is Cut.upstream
    assert exchange.response.content == b"event\n"


def test_a_stream_that_ends_at_any_byte_is_passed_on_up_to_there(
    start_on_each_loop: Start, tmp_path: Path
):
    answer = HEAD + chunked(*EVENTS)
    ends = range(len(HEAD), len(answer))

    def answer_up_to(wire: Wire) -> None:
        _, body = wire.message()
        wire.send(answer[: int(body)])
        wire.close()

    with upstream([answer_up_to]) as server:
        proxy = start_on_each_loop(config(server, tmp_path))
        for end in ends:
            wire = proxy.connect()
            wire.send(post(b"%d" % end, close=False))
            assert wire.rest() == answer[:end]
            wire.close()
        assert proxy.stats()["upstream-cut"] == len(ends)
    whole = b"".join(EVENTS)
    for exchange in proxy.recorded():
        assert exchange.cut is Cut.upstream
        assert whole.startswith(exchange.response.content)


def test_a_reset_in_a_body_without_a_length_does_not_look_like_its_end(start_on_each_loop: Start):
    with upstream(
        [request, b"HTTP/1.1 200 OK\r\n\r\nhalf", wait(half := threading.Event()), Wire.reset]
    ) as server:
        wire = start_on_each_loop(config(server)).connect()
        wire.send(post())
        assert wire.until(b"half")
        half.set()
        assert not wire.closed()
        wire.close()


def test_a_client_that_hangs_up_ends_the_call(start_on_each_loop: Start, tmp_path: Path):
    ended = threading.Event()

    def until_the_end(wire: Wire) -> None:
        wire.closed()
        ended.set()

    with upstream([request, HEAD + b"6\r\nevent\n\r\n", until_the_end]) as server:
        proxy = start_on_each_loop(config(server, tmp_path))
        wire = proxy.connect()
        wire.send(post())
        wire.until(b"event\n\r\n")
        wire.close()
        assert ended.wait(30)
        proxy.until(lambda stats: stats["clients"] == 0)
    [exchange] = proxy.recorded()
    assert exchange.cut is Cut.client
    assert exchange.response.content == b"event\n"


def test_a_client_that_hangs_up_before_the_answer_ends_the_call(start_on_each_loop: Start):
    ended = threading.Event()
    asked = threading.Event()

    def until_the_end(wire: Wire) -> None:
        asked.set()
        wire.closed()
        ended.set()

    with upstream([request, until_the_end]) as server:
        wire = start_on_each_loop(config(server)).connect()
        wire.send(post())
        assert asked.wait(30)
        wire.close()
        assert ended.wait(30)


def test_two_hundred_clients_that_hang_up_leave_nothing_behind(
    start_on_each_loop: Start, tmp_path: Path
):
    script: list[Step] = [request, HEAD + b"6\r\nevent\n\r\n", lambda wire: wire.closed()]
    with upstream(script) as server:
        proxy = start_on_each_loop(config(server, tmp_path))
        wire = proxy.connect()
        wire.send(post())
        wire.until(b"event\n\r\n")
        wire.close()
        proxy.until(lambda stats: stats["clients"] == 0 and stats.get("recorded") == 1)
        eventually(lambda: all(w.sock.fileno() < 0 for w in server.wires), bool)
        files, tasks = open_files(), proxy.tasks()
        for n in range(200):
            wire = proxy.connect()
            wire.send(post())
            if n % 2:
                wire.until(b"event\n\r\n")
            (wire.reset if n % 3 else wire.close)()
        proxy.until(lambda stats: stats["clients"] == 0 and stats["dialing"] == 0)
        eventually(lambda: all(w.sock.fileno() < 0 for w in server.wires), bool)
        eventually(open_files, lambda now: now <= files)
        assert eventually(proxy.tasks, lambda now: now <= tasks) == tasks
        assert proxy.until(lambda stats: not stats["held-bytes"])["client-cut"] == 201
    assert len(proxy.recorded()) == 201


def test_three_hundred_slow_streams_at_once(start_on_each_loop: Start, tmp_path: Path):
    start_together = threading.Event()
    script: list[Step] = [
        request,
        HEAD,
        wait(start_together),
        *[b"6\r\nevent\n\r\n"] * 5,
        b"0\r\n\r\n",
    ]
    with upstream(script) as server:
        proxy = start_on_each_loop(config(server, tmp_path))
        wires = [proxy.connect() for _ in range(300)]
        for n, wire in enumerate(wires):
            wire.send(post(b"%d" % n))
        proxy.until(lambda stats: stats["busy"] == 300)
        start_together.set()
        for wire in wires:
            assert wire.rest().endswith(chunked(*[b"event\n"] * 5))
            wire.close()
        assert "upstream-failed" not in proxy.stats()
    exchanges = proxy.recorded()
    assert sorted(int(exchange.request.content) for exchange in exchanges) == list(range(300))
    assert {exchange.response.content for exchange in exchanges} == {b"event\n" * 5}
    assert len({exchange.id for exchange in exchanges}) == 300


def test_a_slow_reader_slows_the_upstream_down(start_on_each_loop: Start):
    """What the reader has not taken waits in the kernel and in one buffer, not in the proxy."""
    sent = 0
    size = 64 << 20

    def send_much(wire: Wire) -> None:
        nonlocal sent
        for _ in range(size >> 16):
            wire.send(bytes(65536))
            sent += 65536

    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
    with upstream([request, head, send_much]) as server:
        proxy = start_on_each_loop(config(server, limits=Limits(buffer_bytes=65536)))
        wire = proxy.connect()
        wire.send(post())
        wire.until(b"\r\n\r\n")
        before = eventually(lambda: (sent, settled(lambda: sent)), lambda pair: pair[0] == pair[1])
        assert before[0] < size // 2
        assert len(wire.rest()) == size
        wire.close()


def test_a_slow_upstream_slows_the_client_down(start_on_each_loop: Start):
    size = 64 << 20
    sent = 0
    go_on = threading.Event()

    def send_much(wire: Wire) -> None:
        nonlocal sent
        for _ in range(size >> 16):
            wire.send(bytes(65536))
            sent += 65536

    with upstream([wait(go_on), request, ok()]) as server:
        wire = start_on_each_loop(config(server)).connect()
        wire.send(post(b"", b"Content-Length: %d" % size))
        sender = threading.Thread(target=send_much, args=(wire,))
        sender.start()
        before = eventually(lambda: (sent, settled(lambda: sent)), lambda pair: pair[0] == pair[1])
        assert before[0] < size // 2
        go_on.set()
        sender.join()
        assert wire.message()[1] == b"ok"
        wire.close()


def settled(look: Callable[[], int]) -> int:
    """What ``look`` finds a moment later."""
    time.sleep(0.2)
    return look()
