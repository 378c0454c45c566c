"""Disks that are full, gone, closed or wrong: nothing is lost without being counted."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources.conftest import Start
from tests.sources.wire import Step, config, eventually, ok, post, request, spooled, upstream
from whycold.sources.spool import SpoolConfig
from whycold.sources.spool_counts import CountsFile
from whycold.sources.spool_reader import SpoolReader

ANSWER: list[Step] = [request, ok()] * 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    libc = ctypes.CDLL(None, use_errno=True)
    path = tmp_path / "disk"
    path.mkdir()
    where = os.fsencode(path)
    if libc.mount(b"tmpfs", where, b"tmpfs", 0, b"size=1m") != 0:
        pytest.skip(f"no file system may be mounted here: {os.strerror(ctypes.get_errno())}")
    yield path
    libc.umount2(where, 2)


def test_a_full_disk_costs_no_client_anything_and_is_recovered_from(
    small_disk: Path, start_on_each_loop: Start
):
    folder = small_disk / "spool"
    with upstream(ANSWER) as server:
        spool = SpoolConfig(folder=str(folder), base_bytes=0)
        proxy = start_on_each_loop(config(server, spool=spool))
        for _ in range(60):
            assert proxy.ask(post(os.urandom(40_000))).endswith(b"ok")
        stats = proxy.until(lambda now: now["held-bytes"] == 0)
        assert stats["body-disk"] > 0
        assert stats["recorded"] + stats.get("record-disk", 0) == 60
        # Room is made as the recorder makes it: by removing what it has read.
        reader = SpoolReader(folder)
        first = [item.exchange.request.content for item in reader.read()]
        assert len(first) == stats["recorded"]
        assert not reader.damage
        reader.remove_before(reader.position)
        assert proxy.ask(post(b"after" + bytes(40_000))).endswith(b"ok")
        proxy.until(lambda now: now["recorded"] == stats["recorded"] + 1)
        [after] = reader.read()
        assert after.exchange.request.content == b"after" + bytes(40_000)
        proxy.close()
    counts = CountsFile(folder / "counts.json").read().counts
    assert counts["recorded"] == stats["recorded"] + 1
    assert counts["body-disk"] == stats["body-disk"]


def test_a_folder_that_cannot_be_written_does_not_stop_the_start(
    tmp_path: Path, start_on_each_loop: Start
):
    (tmp_path / "file").write_text("in the way")
    with upstream(ANSWER) as server:
        proxy = start_on_each_loop(config(server, tmp_path / "file" / "spool"))
        assert proxy.ask(post()).endswith(b"ok")
        stats = proxy.until(lambda now: now.get("record-disk", 0) == 1)
        assert stats["held-bytes"] == 0


def test_a_folder_that_is_removed_is_made_again(tmp_path: Path, start: Start):
    folder = tmp_path / "spool"
    spool = SpoolConfig(folder=str(folder), sync_s=0.01)
    with upstream(ANSWER) as server:
        proxy = start(config(server, spool=spool))
        proxy.ask(post(b"before"))
        proxy.until(lambda now: now.get("recorded") == 1)
        shutil.rmtree(folder)

        def ask_and_look() -> list[bytes]:
            proxy.ask(post(b"after"))
            return [exchange.request.content for exchange in spooled(folder)]

        eventually(ask_and_look, lambda found: b"after" in found)


def test_a_full_spool_keeps_what_it_has_and_counts_what_it_leaves_out(tmp_path: Path, start: Start):
    spool = SpoolConfig(folder=str(tmp_path), total_bytes=200_000, segment_bytes=50_000)
    with upstream(ANSWER) as server:
        proxy = start(config(server, spool=spool))
        for n in range(120):
            assert proxy.ask(post(b"%05d" % n + os.urandom(9_995))).endswith(b"ok")
        stats = proxy.until(lambda now: now["held-bytes"] == 0)
        kept = [exchange.request.content[:5] for exchange in spooled(tmp_path)]
        assert kept[:10] == [b"%05d" % n for n in range(10)]
        assert stats["body-spool-full"] > 0
        assert stats["record-spool-full"] > 0
        assert stats["recorded"] + stats["record-spool-full"] == 120
        assert sum(path.stat().st_size for path in tmp_path.glob("*.seg")) <= 220_000
        # What has been read is removed, and there is room again.
        reader = SpoolReader(tmp_path)
        assert len(list(reader.read())) == stats["recorded"]
        reader.remove_before(reader.position)

        def ask_and_look() -> bool:
            proxy.ask(post(b"after" + os.urandom(9_995)))
            return any(item.exchange.request.content[:5] == b"after" for item in reader.read())

        eventually(ask_and_look, bool)


def test_an_old_segment_is_closed(tmp_path: Path, start: Start):
    spool = SpoolConfig(folder=str(tmp_path), segment_s=0.05)
    with upstream(ANSWER) as server:
        proxy = start(config(server, spool=spool))
        proxy.ask(post(b"one"))
        proxy.until(lambda now: now.get("recorded") == 1)

        def ask_and_count() -> int:
            proxy.ask(post(b"two"))
            return len(list(tmp_path.glob("*.seg")))

        eventually(ask_and_count, lambda files: files >= 2)


@pytest.mark.parametrize("left", [b"", b"garbage", b"\xf5WCSPOOL1\n\xf5WCF" + bytes(100)])
def test_what_is_left_of_a_segment_does_not_stop_the_start(
    left: bytes, tmp_path: Path, start: Start
):
    (tmp_path / "0000000000001.seg").write_bytes(left)
    (tmp_path / "counts.json").write_bytes(b"{garbage")
    with upstream(ANSWER) as server:
        proxy = start(config(server, tmp_path))
        assert proxy.ask(post(b"new")).endswith(b"ok")
        proxy.close()
    reader = SpoolReader(tmp_path)
    assert [item.exchange.request.content for item in reader.read()] == [b"new"]
    assert len(reader.damage) == bool(left)
