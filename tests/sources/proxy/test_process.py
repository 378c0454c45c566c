"""The proxy as a process: ready, drained, hurried, killed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.sources.wire import (
    PATIENCE,
    ScriptedUpstream,
    Step,
    Wire,
    config,
    eventually,
    ok,
    post,
    request,
    upstream,
    wait,
)
from whycold.sources.proxy import Limits, ProxyConfig
from whycold.sources.proxy.process import decode_config, encode_config
from whycold.sources.spool import START
from whycold.sources.spool_reader import Fault, Item, SpoolReader


class Process:
    """``python -m whycold.sources.proxy`` with its end of the pipes."""

    def __init__(self, config: ProxyConfig) -> None:
        command = [sys.executable, "-m", "whycold.sources.proxy"]
        pipe = subprocess.PIPE
        self.popen = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self.popen.stdin.write(encode_config(config))
        self.popen.stdin.flush()
        self.ready = json.loads(self.popen.stdout.readline() or b"{}")
        self.wires: list[Wire] = []

    def connect(self) -> Wire:
        wire = Wire(socket.create_connection(("127.0.0.1", self.ready["port"]), PATIENCE))
        self.wires.append(wire)
        return wire

    def ask(self, data: bytes) -> bytes:
        wire = self.connect()
        wire.send(data)
        return wire.rest()

    def end(self) -> tuple[int, str]:
        """Waits for the end: the exit code, and what was said on standard error."""
        _, said = self.popen.communicate(timeout=PATIENCE)
        return self.popen.returncode, said.decode()


@contextlib.contextmanager
def running(config: ProxyConfig) -> Iterator[Process]:
    process = Process(config)
    try:
        yield process
    finally:
        for wire in process.wires:
            wire.close()
        process.popen.kill()
        process.popen.__exit__(None, None, None)


def test_a_configuration_survives_the_way_to_the_process(tmp_path: Path):
    sent = config("http://127.0.0.1:1/x", tmp_path, allowed_hosts=("a.example",))
    line = encode_config(sent)
    assert line.count(b"\n") == 1
    assert decode_config(line) == sent


def test_it_says_when_and_where_it_is_ready(tmp_path: Path):
    with upstream([request, ok()]) as server, running(config(server, tmp_path)) as process:
        assert process.ready["host"] == "127.0.0.1"
        assert process.ready["pid"] == process.popen.pid
        assert process.ask(post()).endswith(b"ok")
        process.popen.send_signal(signal.SIGTERM)
        assert process.end() == (0, "")
    assert len(list(SpoolReader(tmp_path).read())) == 1


def test_the_end_of_its_parent_ends_it():
    with upstream([request, ok()]) as server, running(config(server)) as process:
        assert process.popen.stdin is not None
        process.popen.stdin.close()
        assert process.popen.wait(PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_exchanges_under_way_are_brought_to_their_end(number: signal.Signals, tmp_path: Path):
    go_on = threading.Event()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    script: list[Step] = [request, head, b"ha", wait(go_on), b"lf", Wire.closed]
    with upstream(script) as server, running(config(server, tmp_path)) as process:
        wire, idle = process.connect(), process.connect()
        wire.send(post(close=False))
        wire.until(b"ha")
        process.popen.send_signal(number)
        assert idle.closed()
        with pytest.raises(ConnectionRefusedError):
            eventually(process.connect, lambda _: False)
        go_on.set()
        assert wire.rest() == b"lf"
        assert process.end() == (0, "")
    [item] = SpoolReader(tmp_path).read()
    assert item.exchange.response.content == b"half"


def test_what_does_not_end_in_time_is_cut_off(tmp_path: Path):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    limits = Limits(drain_s=0.2)
    with (
        upstream([request, head, b"ha", Wire.closed]) as server,
        running(config(server, tmp_path, limits=limits)) as process,
    ):
        wire = process.connect()
        wire.send(post())
        wire.until(b"ha")
        process.popen.send_signal(signal.SIGTERM)
        assert not wire.closed()
        assert process.end() == (0, "")
    [item] = SpoolReader(tmp_path).read()
    assert item.exchange.cut == "proxy"


def test_a_second_signal_ends_it_at_once(tmp_path: Path):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    with (
        upstream([request, head, b"ha", Wire.closed]) as server,
        running(config(server, tmp_path, limits=Limits(drain_s=600.0))) as process,
    ):
        wire, idle = process.connect(), process.connect()
        wire.send(post())
        wire.until(b"ha")
        process.popen.send_signal(signal.SIGTERM)
        assert idle.closed()
        process.popen.send_signal(signal.SIGTERM)
        assert not wire.closed()
        assert process.end() == (0, "")


def test_a_port_that_is_taken_is_told_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(config("http://127.0.0.1:1", port=port)) as process:
            code, said = process.end()
    assert code == 2
    assert said.count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{port}" in said


def test_a_configuration_that_cannot_be_read_is_told_in_one_line():
    command = [sys.executable, "-m", "whycold.sources.proxy"]
    done = subprocess.run(command, input=b'{"port": "x"}\n', capture_output=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1


def test_it_knows_nothing_of_the_engine():
    code = (
        "import sys, whycold.sources.proxy.process; "
        "print([m for m in sys.modules if m.startswith('whycold.') and 'sources' not in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=PATIENCE)
    assert done.stdout.decode().strip() == "['whycold.errors', 'whycold.pieces']"


class Load:
    """Clients that ask without pause, and a ledger of what they sent and had answered."""

    def __init__(self, process: Process, seed: int) -> None:
        self.sent: set[str] = set()
        self.answered: set[str] = set()
        self._process = process
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(seed + n,)) for n in range(4)]
        for thread in self._threads:
            thread.start()

    def _ask(self, seed: int) -> None:
        chance = random.Random(seed)
        with contextlib.suppress(OSError, EOFError):
            wire = self._process.connect()
            conversation = chance.randbytes(60_000)
            while not self._stop.is_set():
                body = chance.randbytes(chance.choice((100, 3_000)))
                if chance.random() < 0.5:
                    body = conversation + body
                name = hashlib.sha256(body).hexdigest()
                self.sent.add(name)
                wire.send(post(body, close=False))
                if wire.message()[1] == body[::-1]:
                    self.answered.add(name)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)


def mirror(wire: Wire) -> None:
    while True:
        wire.send(ok(wire.message()[1][::-1]))


def digests(items: Iterable[Item]) -> dict[int, str]:
    """By id, after checking that each is there once and that its reply belongs to it."""
    found: dict[int, str] = {}
    for item in items:
        exchange = item.exchange
        assert exchange.id not in found
        assert exchange.cut or exchange.response.content == exchange.request.content[::-1]
        found[exchange.id] = hashlib.sha256(exchange.request.content).hexdigest()
    return found


@pytest.mark.slow
def test_a_killed_proxy_leaves_every_written_record_readable_exactly_once(tmp_path: Path):
    server = ScriptedUpstream([mirror])
    known: dict[int, str] = {}
    sent: set[str] = set()
    position = START
    for round_ in range(20):
        with running(config(server, tmp_path)) as process:
            load = Load(process, round_ * 100)
            growing = SpoolReader(tmp_path, position)
            new: dict[int, str] = {}
            while len(new) < 20:
                new |= digests(growing.read())
            os.kill(process.popen.pid, signal.SIGKILL)
            load.end()
        sent |= load.sent
        known |= new
        # What could be read while it lived, and after every kill before, can be read now, once.
        reader = SpoolReader(tmp_path)
        now = digests(reader.read())
        assert known.items() <= now.items()
        assert set(now.values()) <= sent
        assert {damage.fault for damage in reader.damage} <= {Fault.cut}
        known = now
        position = reader.position
    server.close()
    assert len(known) >= 20 * 20
