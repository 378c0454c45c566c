"""Disks that fill up, locks that are held, processes that die."""

import random
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from tests.store import oracle
from tests.store.samples import START, chains, miss, record, talk
from whycold.errors import UserError
from whycold.store import sqlite_database
from whycold.store.answers import Erase, Filters, Retention
from whycold.store.base import Store, Unavailable
from whycold.store.opening import open_store

ALL = Filters()
ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{path}", write=True)
    yield opened
    opened.close()


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_database, "_BUSY_MS", 1)


def sound(path: Path) -> bool:
    connection = apsw.Connection(str(path))
    found = connection.pragma("integrity_check")
    connection.close()
    return found == "ok"


def test_a_full_disk_keeps_nothing_of_a_batch_and_the_batch_can_be_sent_again(
    store: Store, path: Path
):
    store.write("a", [record(1)], {"spool": "1"})
    noise = random.Random(1)
    big = [record(n, prompt=talk(noise.randbytes(10**6).hex())) for n in range(2, 6)]
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, unlimited[1]))
    try:
        with pytest.raises(Unavailable, match="disk"):
            store.write("b", big, {"spool": "2"})
        assert store.state() == {"spool": "1"}
        assert store.totals(ALL).calls == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        signal.signal(signal.SIGXFSZ, ignored)
    assert store.write("b", big, {"spool": "2"}).added == 4
    assert store.prompt("call-5") == big[3].call.prompt
    assert sound(path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB; only root may make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    made = shutil.which("mount") and subprocess.run(mount, capture_output=True, check=False)
    if not made or made.returncode != 0:
        pytest.skip("no disk can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_what_is_on_a_disk_that_filled_up_is_there_when_there_is_room_again(small_disk: Path):
    url, noise = f"sqlite:///{small_disk / 'calls.db'}", random.Random(1)
    (small_disk / "ballast").write_bytes(bytes(2 << 20))
    records = [record(n, prompt=talk(noise.randbytes(20_000).hex())) for n in range(60)]
    store = open_store(url, write=True)
    kept = 0
    with pytest.raises(Unavailable, match="disk is full"):
        for kept, each in enumerate(records):
            store.write(str(kept), [each], {"spool": str(kept)})
    assert store.totals(ALL).calls == kept > 5
    store.close()
    (small_disk / "ballast").unlink()
    store = open_store(url, write=True)
    assert store.state() == {"spool": str(kept - 1)}
    assert store.write("again", records[: kept + 5]).added == 5
    assert [each.call for each in store.history()] == [r.call for r in records[: kept + 5]]
    assert store.notes == ()
    store.close()


@pytest.mark.usefixtures("no_patience")
def test_a_locked_store_is_said_and_the_batch_can_be_sent_again(path: Path):
    store = open_store(f"sqlite:///{path}", write=True)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"):
        store.write("a", [record(1)])
    assert store.totals(ALL).calls == 0
    other.execute("ROLLBACK")
    assert store.write("a", [record(1)]).added == 1
    other.close()
    store.close()


def test_readers_do_not_stop_the_writer_nor_the_writer_readers(store: Store, path: Path):
    store.write("a", [record(n) for n in range(50)])
    reader = apsw.Connection(str(path))
    reader.execute("BEGIN")
    seen = reader.execute("SELECT count(*) FROM call").fetchall()
    store.write("b", [record(n) for n in range(50, 60)])
    swept = store.erase(Erase(since=START))
    assert seen == reader.execute("SELECT count(*) FROM call").fetchall() == [(50,)]
    assert (swept.calls, swept.purged) == (60, False)
    reader.execute("ROLLBACK")
    reader.close()
    assert store.retain(Retention(), START).purged
    assert (path.parent / "calls.db-wal").stat().st_size == 0


DYING = """
import os, sys
sys.path[:0] = [{root!r}]
from tests.store.samples import chains
from whycold.store.opening import open_store

records = chains(600, 20)
store = open_store(sys.argv[1], write=True)
start = int(store.state().get("spool", 0))
print("ready", flush=True)
for at in range(start, len(records), 3):
    store.write(f"batch {{at}}", records[at : at + 3], {{"spool": str(at + 3)}})
    print(at + 3, flush=True)
"""


@pytest.mark.slow
def test_what_was_acknowledged_survives_kill_9_exactly_once(path: Path):
    chance, url = random.Random(1), f"sqlite:///{path}"
    acknowledged, records = 0, chains(600, 20)
    for _ in range(20):
        program = DYING.format(root=str(ROOT))
        with subprocess.Popen(
            [sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line, _ in zip(process.stdout, range(chance.randrange(1, 16)), strict=False):
                acknowledged = int(line) if line.strip().isdecimal() else acknowledged
            process.send_signal(signal.SIGKILL)
            rest = [int(line) for line in process.stdout if line.strip().isdecimal()]
            acknowledged = max([acknowledged, *rest])
        store = open_store(url, write=True)
        kept = int(store.state().get("spool", 0))
        assert kept >= acknowledged
        assert [each.call for each in store.history()] == [each.call for each in records[:kept]]
        assert store.totals(ALL) == oracle.totals(records[:kept])
        assert store.notes == ()
        store.close()
    assert acknowledged > 60
    assert sound(path)


WRITING = """
import sys
sys.path[:0] = [{root!r}]
from tests.store.samples import miss
from whycold.store.opening import open_store

store = open_store(sys.argv[1], write=True)
print("ready", flush=True)
sys.stdin.readline()
for n in range(200):
    store.write(str(n), [miss(n * 5 + k, session=f"s{{n}}") for k in range(5)])
print("done", flush=True)
"""


def test_readers_of_another_process_see_whole_batches_only(path: Path):
    program = WRITING.format(root=str(ROOT))
    with subprocess.Popen(
        [sys.executable, "-c", program, f"sqlite:///{path}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        reader = open_store(f"sqlite:///{path}", write=False)
        with pytest.raises(UserError, match=rf"process {process.pid}\) writes to"):
            open_store(f"sqlite:///{path}", write=True)
        process.stdin.write("go\n")
        process.stdin.flush()
        seen = []
        while process.poll() is None:
            found = reader.totals(ALL)
            assert found.calls % 5 == 0
            assert found.missed_tokens == found.calls * 800
            assert sum(row.calls for row in reader.sessions(ALL, limit=1000).items) >= found.calls
            seen.append(found.calls)
        assert process.stdout.readline() == "done\n"
    assert seen == sorted(seen)
    assert reader.totals(ALL).calls == 1000
    reader.close()


def test_a_process_that_died_does_not_keep_the_store(path: Path):
    program = "import os, sys; from whycold.store.opening import open_store\n"
    program += "store = open_store(sys.argv[1], write=True); os._exit(1)"
    subprocess.run([sys.executable, "-c", program, f"sqlite:///{path}"], check=False)
    open_store(f"sqlite:///{path}", write=True).close()


def test_threads_share_a_store(store: Store):
    def work(number: int) -> int:
        store.write(str(number), [miss(number)])
        return store.totals(ALL).calls

    with ThreadPoolExecutor(4) as pool:
        assert max(pool.map(work, range(40))) == 40


def test_conversations_cost_what_is_new_in_them(store: Store):
    noise = random.Random(1)
    texts: list[str] = []
    sizes: list[int] = []
    for turn in range(120):
        texts.append(noise.randbytes(1000).hex())
        before = f"call-{turn - 1}" if turn else None
        store.write(str(turn), [record(turn, prompt=talk(*texts), predecessor=before)])
        sizes.append(store.contents().bytes_used)
    first, last = sizes[39] - sizes[19], sizes[119] - sizes[99]
    assert last < 1.3 * first


def test_equal_texts_of_different_conversations_are_kept_once(store: Store):
    store.write("a", [record(1, prompt=talk("a long text " * 99, "b"))])
    before = store.contents().blocks
    store.write("b", [record(2, prompt=talk("c", "d", "a long text " * 99))])
    assert store.contents().blocks == before + 2
