"""Everything at once: both sides misbehave at random, and well-behaved calls are not disturbed."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sources.conftest import Start
from tests.sources.wire import (
    ScriptedUpstream,
    Wire,
    chunked,
    config,
    eventually,
    ok,
    open_files,
    post,
)
from whycold.sources.proxy import Limits
from whycold.sources.spool import SpoolConfig

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GOOD = b"/to/local/good"


def in_chunks(body: bytes) -> bytes:
    return chunked(*(body[at : at + 999] for at in range(0, len(body), 999)))


# What an upstream may do instead of answering, and whether its connection goes on after that.
MOODS: list[tuple[bytes, Callable[[Wire], object] | None]] = [
    (b"", Wire.reset),
    (b"", Wire.close),
    (HEAD + b"5\r\nhel", Wire.close),
    (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", Wire.close),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfive.", Wire.reset),
    (b"nonsense\r\n\r\n", None),
    (ok(b"surplus") + b"surplus", None),
    (b"HTTP/1.1 103 Early Hints\r\n\r\n" + ok(), None),
    (HEAD + chunked(b"a", b"b"), None),
]


def moody(wire: Wire) -> None:
    """Answers ``good`` calls well, and all others as the dice fall."""
    chance = random.Random(wire.sock.fileno())
    while True:
        head, body = wire.message()
        if b"good" in head.split(b"\r\n")[0]:
            wire.send(HEAD + in_chunks(body))
            continue
        data, end = chance.choice(MOODS)
        wire.send(data)
        if end is not None:
            end(wire)
            return


def behave_badly(wire: Wire, chance: random.Random) -> None:
    body = chance.randbytes(chance.choice((10, 5_000, 300_000)))
    sent = post(body, path=b"/to/local/bad", close=chance.random() < 0.5)
    match chance.randrange(6):
        case 0:
            wire.send(sent[: chance.randrange(len(sent))])
        case 1:
            wire.send(sent)
        case 2:
            wire.send(sent * 3)
            wire.some()
        case 3:
            wire.send(chance.randbytes(200) + b"\r\n\r\n")
            wire.rest()
        case 4:
            wire.send(post(b"", b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n" + sent[:20])
            wire.some()
        case _:
            wire.send(sent)
            wire.some()
    (wire.reset if chance.random() < 0.5 else wire.close)()


@pytest.mark.slow
def test_well_behaved_calls_are_not_disturbed(start_on_each_loop: Start, tmp_path: Path):
    server = ScriptedUpstream([moody])
    spool = SpoolConfig(folder=str(tmp_path), base_bytes=0)
    limits = Limits(linger_s=0.2, idle_s=5.0, header_s=2.0)
    proxy = start_on_each_loop(config(server, spool=spool, limits=limits))
    wrong: list[str] = []

    def misbehave(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(150):
            wire = proxy.connect()
            with contextlib.suppress(OSError, EOFError):
                behave_badly(wire, chance)
            wire.close()

    def behave(seed: int) -> None:
        chance = random.Random(seed)
        wire = proxy.connect()
        for _ in range(150):
            body = chance.randbytes(chance.choice((10, 5_000, 300_000)))
            wire.send(post(body, path=GOOD, close=False))
            head, raw = wire.message()
            if head != HEAD or raw != in_chunks(body):
                wrong.append(f"{head!r} {len(body)} {len(raw)}")
        wire.close()

    files = open_files()
    jobs = [(misbehave, n) for n in range(4)] + [(behave, n) for n in range(4, 7)]
    threads = [threading.Thread(target=job, args=(seed,)) for job, seed in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    proxy.until(lambda now: now["clients"] == 0 and now["held-bytes"] == 0)
    server.close()
    proxy.until(lambda now: now["idle-upstreams"] == 0)
    eventually(open_files, lambda now: now <= files + 2)
    good = [e for e in proxy.recorded() if e.target == "/good"]
    assert len(good) == 450
    assert all(e.request.content == e.response.content and not e.cut for e in good)
