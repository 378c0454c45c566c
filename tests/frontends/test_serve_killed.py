"""kill -9 of the proxy, the recorder and both, again and again while clients call.

What counts: every exchange that stands whole on the spool is in the store once. Segments are kept
under a second name as they appear, so that what stood there can be read after the recorder has
removed it. A client may see the death of the proxy that held its connection, and nothing else: a
failed call that did not overlap the time from such a kill until the port answered again is an
error of recording, and there must be none.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.serving import PATIENCE, Serve, eventually
from whycold.ingest.progress import Progress
from whycold.sources.spool_reader import SpoolReader
from whycold.sources.spool_record import Exchange
from whycold.store.answers import Filters

CLIENTS = 6
ROUNDS = (
    ("proxy", "recorder", "both", "recorder", "proxy", "both", "all"),
    ("recorder", "both", "proxy", "recorder", "both", "proxy", "all"),
    ("both", "recorder", "proxy", "both", "recorder", "proxy"),
)
"""Twenty kills, under three serves; "all" ends one of them, its supervisor and dashboard too."""
PARTS = {"proxy": ["proxy"], "recorder": ["recorder"], "both": ["proxy", "recorder"]}
SYSTEM = "You are a careful engineer. " * 1500


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        answer = answer_to(body)
        for at in range(0, len(answer), 150):
            piece = answer[at : at + 150]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")


def answer_to(body: bytes) -> bytes:
    name = hashlib.sha256(body).hexdigest()
    answer = {
        "id": f"msg_{name[:24]}",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5",
        "content": [{"type": "text", "text": f"I have seen {name}."}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 9, "cache_read_input_tokens": 10_000, "output_tokens": 9},
    }
    return json.dumps(answer).encode()


@contextmanager
def vendor() -> Generator[str]:
    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Whoever asked was killed."""

    with Server(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(PATIENCE)


@dataclass
class Load:
    """Clients that hold conversations. ``failed`` are the times of calls without an answer."""

    port: int
    answered: Counter[str] = field(default_factory=Counter[str])
    failed: list[tuple[float, float, str]] = field(default_factory=list[tuple[float, float, str]])
    wrong: list[str] = field(default_factory=list[str])
    stop: threading.Event = field(default_factory=threading.Event)

    def failed_outside(self, outages: Sequence[tuple[float, float]]) -> list[str]:
        """Calls that failed although the proxy was there all the time."""
        return [
            f"{why}, from {began:.3f} to {end:.3f}"
            for began, end, why in self.failed
            if not any(began <= to and end >= since for since, to in outages)
        ]

    @contextmanager
    def calling(self) -> Generator[None]:
        threads = [threading.Thread(target=self._call, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(PATIENCE)

    def _call(self, client: int) -> None:
        link = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        number = 0
        messages: list[dict[str, Any]] = []
        while not self.stop.wait(0.03):
            if number % 40 == 0:
                messages = []
            number += 1
            messages.append({"role": "user", "content": f"Client {client}, question {number}"})
            sent = {"model": "claude-sonnet-5", "system": SYSTEM, "messages": messages}
            body = json.dumps(sent).encode()
            began = time.monotonic()
            try:
                link.request("POST", "/v1/messages", body, {"x-whycold-session": f"s{client}"})
                answer = link.getresponse()
                got = answer.read()
            except (OSError, HTTPException) as error:
                link.close()
                self.failed.append((began, time.monotonic(), repr(error)))
                continue
            if answer.status == 200 and got == answer_to(body):
                self.answered[json.loads(got)["id"]] += 1
            else:
                self.wrong.append(f"{answer.status} {got[:200]!r}")
            messages.append({"role": "assistant", "content": f"Seen {number}."})
        link.close()


class Witness:
    """Gives each segment a second name, so that it stays when the recorder removes it."""

    def __init__(self, spool: Path, folder: Path) -> None:
        self._spool, self._folder = spool, folder
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    @contextmanager
    def looking(self) -> Generator[None]:
        self._folder.mkdir()
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join(PATIENCE)

    def _look(self) -> None:
        while not self._stop.wait(0.002):
            for path in self._spool.glob("*.seg"):
                if not (other := self._folder / path.name).exists():
                    other.hardlink_to(path)

    def exchanges(self) -> list[Exchange]:
        return [item.exchange for item in SpoolReader(self._folder).read()]


def kill(serve: Serve, what: str) -> None:
    """kill -9, and wait until all is there again, unless the supervisor was killed too."""
    now = serve.state().processes
    if what == "all":
        for pid in (serve.process.pid, *now.values()):
            os.kill(pid, signal.SIGKILL)
        serve.end()
        return
    for part in PARTS[what]:
        os.kill(now[part], signal.SIGKILL)
    for part in PARTS[what]:
        eventually(lambda part=part: serve.pid(part), lambda pid, part=part: pid != now[part])


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except OSError:
        return False
    return True


@pytest.mark.slow
def test_however_often_proxy_and_recorder_are_killed_each_exchange_is_kept_once(tmp_path: Path):
    chance = random.Random(11)
    outages: list[tuple[float, float]] = []
    with ExitStack() as stack:
        upstream = f"--upstream=anthropic={stack.enter_context(vendor())}"
        serve = Serve(tmp_path, upstream)
        stack.callback(lambda: serve.end())  # the last of them
        port = int(serve.url.rpartition(":")[2])
        witness = Witness(Path(serve.state().spool), tmp_path / "seen")
        stack.enter_context(witness.looking())
        load = Load(port)
        with load.calling():
            for number, kills in enumerate(ROUNDS):
                if number:
                    serve = Serve(tmp_path, upstream, "--port", str(port))
                    eventually(lambda: listens(port))
                    outages[-1] = (outages[-1][0], time.monotonic())
                for what in kills:
                    time.sleep(chance.uniform(0.2, 0.9))
                    began = time.monotonic()
                    kill(serve, what)
                    if what not in ("recorder", "all"):
                        eventually(lambda: listens(port))
                    if what != "recorder":
                        outages.append((began, time.monotonic()))
            time.sleep(0.5)
        serve.settled()
        assert serve.end() == 0
        whole = {f"{e.id:016x}": e for e in witness.exchanges()}
        with serve.store() as store:
            kept = list(store.history())
            totals = store.totals(Filters())
            progress = Progress.read(store.state())
    finished = {id for id, e in whole.items() if e.status == 200 and e.cut is None}
    messages = Counter(id for record in kept if (id := record.call.reply.message_id))
    assert sum(map(len, ROUNDS)) == 20
    assert load.failed_outside(outages) == []
    assert load.wrong == []
    assert len(finished) > 500
    assert finished <= {record.call.id for record in kept} <= set(whole)
    assert messages.most_common(1)[0][1] == 1
    assert len({record.call.id for record in kept}) == len(kept) == totals.calls
    assert totals.cache_read == 10_000 * len(messages)
    assert not progress.failed
