"""A whole serve on a disk that fills up, with a store that stalls or is locked, and with files that
were damaged before it starts: no client ever notices, and what can be kept is kept."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.caching_vendor import CachingVendor, asked, caching_vendor, tool
from tests.ingest.traffic import Conversation, spool
from tests.serving import Serve, eventually, serving, whycold
from whycold.store.answers import Filters

TOOLS = [tool("Read", "Reads.")]


@pytest.fixture
def vendor() -> Iterator[CachingVendor]:
    with caching_vendor() as started:
        yield started


@pytest.fixture
def serve(tmp_path: Path, vendor: CachingVendor) -> Iterator[Serve]:
    with serving(tmp_path, "--upstream", f"anthropic={vendor.url}") as started:
        yield started


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    libc = ctypes.CDLL(None, use_errno=True)
    path = tmp_path / "disk"
    path.mkdir()
    if libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", 0, b"size=6m") != 0:
        pytest.skip(f"no file system may be mounted here: {os.strerror(ctypes.get_errno())}")
    yield path
    libc.umount2(os.fsencode(path), 2)


def call(serve: Serve, number: int) -> int:
    """A call's status."""
    return serve.post("/v1/messages", asked([f"question {number}"], TOOLS))[0]


def count(serve: Serve) -> int:
    with serve.store() as store:
        return store.totals(Filters()).calls


def problems(serve: Serve) -> list[str]:
    told = whycold(serve.folder, "doctor", "--json", "--store", serve.store_url)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)["problems"]


def test_a_store_that_stalls_holds_up_no_client_and_catches_up(serve: Serve):
    recorder = serve.pid("recorder")
    os.kill(recorder, signal.SIGSTOP)
    assert {call(serve, n) for n in range(50)} == {200}
    assert count(serve) == 0
    os.kill(recorder, signal.SIGCONT)
    serve.settled()
    assert count(serve) == 50
    assert serve.state().restarts["recorder"] == 0


@pytest.mark.slow
def test_a_store_that_is_locked_holds_up_no_client_and_catches_up(serve: Serve):
    assert call(serve, 0) == 200
    eventually(lambda: count(serve), lambda found: found == 1)
    other = sqlite3.connect(serve.folder / "calls.db", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        assert {call(serve, n) for n in range(1, 50)} == {200}
        eventually(serve.errors, lambda said: "waiting for the store" in said)
        assert count(serve) == 1
        other.execute("ROLLBACK")
    finally:
        other.close()
    serve.settled()
    assert count(serve) == 50


@pytest.mark.slow
def test_a_disk_that_is_full_holds_up_no_client_and_is_recovered_from(
    small_disk: Path, vendor: CachingVendor
):
    with serving(small_disk, "--upstream", f"anthropic={vendor.url}") as serve:
        assert call(serve, 0) == 200
        eventually(lambda: count(serve), lambda found: found == 1)
        filler = small_disk / "filler"
        fill(filler)
        assert {call(serve, n) for n in range(1, 60)} == {200}
        filler.unlink()
        assert {call(serve, n) for n in range(60, 70)} == {200}
        serve.settled()
        assert serve.end() == 0
        counts = json.loads((small_disk / "calls.spool" / "counts.json").read_bytes())["counts"]
        # Whatever was not recorded was counted, by whole records or by bodies.
        lost = counts.get("record-disk", 0)
        assert counts["recorded"] + lost == 70
        assert lost + counts.get("body-disk", 0) > 0
        assert count(serve) == counts["recorded"]
        assert f"{lost} calls that the disk did not take" in problems(serve) or not lost


def fill(path: Path) -> None:
    """Takes all the room there is."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


def test_what_was_damaged_before_the_start_is_set_aside_and_told(
    tmp_path: Path, vendor: CachingVendor
):
    folder = tmp_path / "calls.spool"
    talk = Conversation()
    spool(folder, [talk.turn(f"question {n}", after_s=9.0 * n) for n in range(6)])
    [segment] = folder.glob("*.seg")
    with segment.open("r+b") as file:
        file.seek(segment.stat().st_size // 2)
        file.write(b"\xff" * 64)
    (folder / "0000000000001.seg").write_bytes(os.urandom(50_000))
    (tmp_path / "calls.db").write_bytes(b"SQLite format 3\0" + os.urandom(50_000))
    with serving(tmp_path, "--upstream", f"anthropic={vendor.url}") as serve:
        assert call(serve, 0) == 200
        serve.settled()
        # One of the six exchanges was hit.
        assert count(serve) == 6
        assert "set aside" in serve.errors()
        found = "\n".join(problems(serve))
        assert f"a damaged file was set aside: {tmp_path}/calls.db.damaged-1" in found
        assert f"a damaged file was set aside: {folder}/0000000000001.corrupt" in found
        assert f"a damaged file was set aside: {segment.with_suffix('.corrupt')}" in found
        assert "of the spool could not be read" in found
