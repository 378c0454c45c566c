"""The spool is emptied while the proxy goes on writing to it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.ingest.traffic import SERVED, START, Conversation, spool
from tests.serving import PATIENCE
from whycold.errors import UserError
from whycold.ingest.desk import Steps
from whycold.ingest.recorder import Recorder, Settings
from whycold.sources.spool import SpoolConfig, SpoolFolder, take_segment
from whycold.sources.spool_frame import Frame, encode_frame
from whycold.sources.spool_reader import SpoolReader
from whycold.sources.spool_record import Exchange, Record
from whycold.sources.spool_segment import SegmentFile
from whycold.store.answers import Filters
from whycold.store.base import Store
from whycold.store.opening import open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/calls.db", write=True)
    yield opened
    opened.close()


@pytest.fixture
def recorder(tmp_path: Path, store: Store) -> Iterator[Recorder]:
    now = datetime.fromtimestamp(START / 1e9, UTC)
    made = Recorder(store, Settings(tmp_path / "spool", SERVED, now=lambda: now))
    yield made
    made.close()


def talk(turns: int) -> list[Exchange]:
    made = Conversation()
    return [made.turn(f"question {n}", after_s=9.0 * n) for n in range(turns)]


def emptying(recorder: Recorder, times: int) -> Steps:
    for _ in range(times):
        for _ in recorder.place.emptied():
            yield {}
    return {}


def kept(store: Store) -> int:
    return store.totals(Filters()).calls


def segments(folder: Path) -> list[int]:
    """How large each segment is."""
    return [path.stat().st_size for path in sorted(folder.glob("*.seg"))]


def test_all_that_is_on_the_spool_is_kept_and_removed(
    recorder: Recorder, store: Store, tmp_path: Path
):
    spool(tmp_path / "spool", talk(5))
    recorder.carry_out(emptying(recorder, 1))
    assert kept(store) == 5
    assert segments(tmp_path / "spool") == [0]
    recorder.carry_out(emptying(recorder, 2))
    spool(tmp_path / "spool", talk(9)[5:])
    assert recorder.step()
    assert kept(store) == 9


def test_a_spool_that_is_not_there_is_empty(recorder: Recorder, store: Store):
    recorder.carry_out(emptying(recorder, 1))
    assert kept(store) == 0


def test_what_a_killed_writer_left_is_removed_too(recorder: Recorder, store: Store, tmp_path: Path):
    spool(tmp_path / "spool", talk(5))
    [segment] = (tmp_path / "spool").glob("*.seg")
    segment.write_bytes(segment.read_bytes()[:-99])
    recorder.carry_out(emptying(recorder, 1))
    assert kept(store) == 4
    assert segments(tmp_path / "spool") == [0]


def test_nothing_is_lost_that_is_written_meanwhile(
    recorder: Recorder, store: Store, tmp_path: Path
):
    exchanges = talk(300)

    def write() -> None:
        spool(tmp_path / "spool", exchanges, sync_s=0.0)

    writer = threading.Thread(target=write)
    writer.start()
    rounds = 0
    while writer.is_alive():
        recorder.carry_out(emptying(recorder, 1))
        rounds += 1
    writer.join(PATIENCE)
    recorder.carry_out(emptying(recorder, 1))
    assert rounds > 1
    assert kept(store) == len(exchanges)
    assert segments(tmp_path / "spool") == [0]


def test_a_writer_that_never_rests_is_told(recorder: Recorder, tmp_path: Path):
    spool(tmp_path / "spool", talk(1))
    [segment] = (tmp_path / "spool").glob("*.seg")
    with segment.open("rb") as writing:
        assert take_segment(writing.fileno())
        with pytest.raises(UserError, match=r"writes to .* all the time"):
            recorder.carry_out(emptying(recorder, 1))


def test_what_comes_while_a_segment_is_held_or_after_it_went_stands_in_another(tmp_path: Path):
    folder = SpoolFolder(tmp_path / "spool")
    writing = SegmentFile(folder, SpoolConfig(folder=str(folder.path)))
    frames = [encode_frame(Record.of(exchange)) for exchange in talk(3)]

    def write(frame: Frame) -> int | None:
        writing.take()
        assert writing.append([frame], START) == (1, None)
        writing.release()
        return writing.number

    numbers = [write(frames[0])]
    with folder.held(numbers[0] or 0) as held, folder.held(numbers[0] or 0) as again:
        assert (held, again) == (True, False)
        numbers.append(write(frames[1]))
    os.truncate(folder.segment(numbers[1] or 0), 0)
    folder.segment(numbers[1] or 0).unlink()
    write(frames[2])
    writing.close()
    assert numbers[0] != numbers[1]
    assert len(list(SpoolReader(folder.path).read())) == 2
