"""The recorder as a process: killed at any time, stopped by nothing, its store busy."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.ingest.traffic import SERVED, START, Conversation, body, exchange, spool, tool
from tests.serving import PATIENCE, eventually
from whycold.errors import UserError
from whycold.frontends.prices import price_list
from whycold.frontends.serve_parts import RecorderOrder, Upstreams, encode
from whycold.ingest.pipeline import Ingest
from whycold.ingest.progress import Progress, behind
from whycold.ingest.recorder import Recorder, Settings
from whycold.sources.spool import SpoolFolder
from whycold.sources.spool_reader import SpoolReader
from whycold.sources.spool_record import Exchange
from whycold.store.answers import Filters, Retention
from whycold.store.base import Store
from whycold.store.opening import open_store

ROOT = Path(__file__).parents[2]


@contextmanager
def recording(folder: Path, url: str) -> Generator[subprocess.Popen[bytes]]:
    """A recorder in a process of its own, which has answered."""
    upstreams = Upstreams({"anthropic": "api.anthropic.com"}, {})
    for_ever = Retention(texts=None, facts=None)
    order = RecorderOrder(url, str(folder), upstreams, for_ever, None, None)
    with subprocess.Popen(
        [sys.executable, "-m", "whycold.frontends.recorder_part"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(encode(order))
        process.stdin.flush()
        yield process
        if process.poll() is None:
            process.kill()


def talks(turns: int) -> list[Exchange]:
    """Two conversations, turn by turn, with an edit in the middle of each."""
    found: list[Exchange] = []
    both = [Conversation("one"), Conversation("two")]
    for n in range(turns):
        for offset, talk in enumerate(both):
            if n == turns // 2:
                talk.tools = (tool("Read", f"Reads a file, and counts {offset}. " * 20),)
            found.append(talk.turn(f"question {n}", after_s=20.0 * n + offset))
    return found


def reading(url: str) -> Store:
    return open_store(url, write=False)


@pytest.mark.slow
def test_however_often_it_is_killed_each_exchange_is_kept_once(tmp_path: Path):
    folder, url = tmp_path / "spool", f"sqlite:///{tmp_path}/calls.db"
    exchanges = talks(150)
    SpoolFolder(folder).create()

    def write() -> None:
        # Several writers one after another, as when the proxy is killed, too.
        for at in range(0, len(exchanges), 30):
            spool(folder, exchanges[at : at + 30], segment_bytes=1 << 18)
            time.sleep(0.25)

    writer = threading.Thread(target=write)
    writer.start()
    chance = random.Random(7)
    for _ in range(20):
        with recording(folder, url) as process:
            time.sleep(chance.uniform(0.1, 1.6))
            process.kill()
    writer.join()
    with recording(folder, url) as process:
        eventually(lambda: left(folder, url), lambda bytes_left: bytes_left == 0)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
    in_order = open_store(f"sqlite:///{tmp_path}/other.db", write=True)
    store = reading(url)
    try:
        whole = Ingest(in_order, SERVED, price_list(None))
        again = tmp_path / "again"
        spool(again, exchanges)
        whole.keep(whole.read(list(SpoolReader(again).read())))
        page = store.calls(Filters(), limit=1000)
        assert len({kept.told.call for kept in page.items}) == len(page.items) == len(exchanges)
        assert store.totals(Filters()) == in_order.totals(Filters())
        wanted = in_order.calls(Filters(), limit=1000).items
        assert [k.told for k in page.items] == [k.told for k in wanted]
    finally:
        store.close()
        in_order.close()


def left(folder: Path, url: str) -> int:
    try:
        store = reading(url)
    except UserError:  # it is not there yet
        return -1
    try:
        return behind(folder, Progress.read(store.state()))
    finally:
        store.close()


def test_what_kills_it_again_and_again_is_left_out(tmp_path: Path):
    folder, url = tmp_path / "spool", f"sqlite:///{tmp_path}/calls.db"
    deadly = exchange(9, body(model="deadly"), {"id": "m", "type": "message"}, after_s=30)
    exchanges = talks(3)
    spool(folder, [*exchanges[:3], deadly, *exchanges[3:]])
    codes: list[int] = []
    while not codes or codes[-1]:
        command = [sys.executable, "-m", "tests.ingest.dying_recorder", str(folder), url]
        codes.append(subprocess.run(command, cwd=ROOT, timeout=PATIENCE, check=False).returncode)
        assert len(codes) < 10, codes
    store = reading(url)
    try:
        assert store.totals(Filters()).calls == len(exchanges)
        counts = json.loads(store.state()["spool.counts"])
        assert counts["failed"] == {"the recorder died of it": 1}
    finally:
        store.close()
    assert codes[:-1] == [9] * 6


@contextmanager
def locked(path: Path) -> Generator[subprocess.Popen[str]]:
    """Another process that holds the store locked until its standard input ends."""
    program = (
        "import sqlite3, sys; other = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "other.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(PATIENCE)


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """On a store at calls.db and a spool of four exchanges."""
    spool(tmp_path / "spool", talks(2))
    store = open_store(f"sqlite:///{tmp_path}/calls.db", write=True)
    now = datetime.fromtimestamp(START / 1e9, UTC)
    made = Recorder(store, Settings(tmp_path / "spool", SERVED, now=lambda: now))
    yield made
    made.close()
    store.close()


def count(folder: Path) -> int:
    store = reading(f"sqlite:///{folder}/calls.db")
    try:
        return store.totals(Filters()).calls
    finally:
        store.close()


@pytest.mark.slow
def test_a_store_that_is_locked_is_waited_for(recorder: Recorder, tmp_path: Path):
    taken: list[bool] = []
    with locked(tmp_path / "calls.db") as other:
        thread = threading.Thread(target=lambda: taken.append(recorder.step()))
        thread.start()
        thread.join(6)
        assert thread.is_alive()
        assert other.stdin is not None
        other.stdin.close()
        thread.join(PATIENCE)
    assert taken == [True]
    assert count(tmp_path) == 4


@pytest.mark.slow
def test_told_to_stop_while_the_store_is_locked_it_stops(recorder: Recorder, tmp_path: Path):
    stop = threading.Event()
    stop.set()
    with locked(tmp_path / "calls.db"):
        assert not recorder.step(stop)
    assert count(tmp_path) == 0


def test_a_segment_of_garbage_is_set_aside_and_the_rest_is_kept(tmp_path: Path):
    folder = tmp_path / "spool"
    SpoolFolder(folder).create()
    (folder / "0000000000001.seg").write_bytes(os.urandom(100_000))
    spool(folder, talks(2))
    url = f"sqlite:///{tmp_path}/calls.db"
    with recording(folder, url) as process:
        eventually(lambda: left(folder, url), lambda bytes_left: bytes_left == 0)
        process.kill()
    assert count(tmp_path) == 4
    store = reading(url)
    assert Progress.read(store.state()).damaged == {"corrupt": 100_000}
    store.close()
    assert list(folder.glob("*.corrupt"))
    assert not (folder / "0000000000001.seg").exists()
