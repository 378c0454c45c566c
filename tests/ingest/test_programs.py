"""Programs that record their own calls: each in a folder of its own, all in one store."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.ingest.traffic import SERVED, Conversation, spool
from whycold.ingest.progress import Progress, behind
from whycold.ingest.recorder import Recorder, Settings
from whycold.sources.spool import SpoolConfig, SpoolFolder
from whycold.sources.spool_writer import SpoolWriter
from whycold.store.answers import Filters
from whycold.store.base import Store
from whycold.store.opening import open_store

NOW = datetime(2026, 9, 22, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> SpoolFolder:
    return SpoolFolder(tmp_path / "spool")


def opened(folder: SpoolFolder) -> tuple[Store, Recorder]:
    store = open_store(f"sqlite:///{folder.path.parent}/calls.db", write=True)
    return store, Recorder(store, Settings(folder.path, SERVED, lambda: NOW))


def recorded(folder: SpoolFolder) -> list[str]:
    """What a recorder finds until there is nothing left, as sessions of all that is kept."""
    store, recorder = opened(folder)
    while recorder.step():
        pass
    recorder.close()
    page = store.calls(Filters(), limit=100)
    left = behind(folder.path, Progress.read(store.state()))
    store.close()
    assert left == 0
    return sorted(kept.told.session or "" for kept in page.items)


def test_what_the_proxy_and_two_programs_wrote_is_in_one_store(folder: SpoolFolder):
    for number, name in enumerate(("proxy", "one", "two")):
        talk = Conversation(session=name, number=number * 100)
        where = folder.program(number) if number else folder
        spool(where.path, [talk.turn("a", after_s=number), talk.turn("b", after_s=number + 10)])
    assert recorded(folder) == ["one", "one", "proxy", "proxy", "two", "two"]


def test_what_is_there_twice_counts_once(folder: SpoolFolder):
    talk = Conversation()
    spool(folder.program(1).path, [talk.turn("a", after_s=0)])
    assert recorded(folder) == ["s1"]
    assert recorded(folder) == ["s1"]
    spool(folder.program(1).path, [talk.turn("b", after_s=9)])
    assert recorded(folder) == ["s1", "s1"]


def test_a_conversation_that_two_programs_hold_in_turns_is_one(folder: SpoolFolder):
    talk = Conversation()
    turns = [talk.turn(question, after_s=9 * n) for n, question in enumerate("abcd")]
    spool(folder.program(1).path, turns[::2])
    spool(folder.program(2).path, turns[1::2])
    recorded(folder)
    store = open_store(f"sqlite:///{folder.path.parent}/calls.db", write=False)
    told = [kept.told for kept in store.calls(Filters(), limit=9).items]
    store.close()
    assert [t.verdict for t in told] == ["hit", "hit", "hit", "first"]


def test_what_an_ended_program_left_is_removed_once_it_is_kept(folder: SpoolFolder):
    program = folder.program(1)
    spool(program.path, [Conversation().turn("a", after_s=0)])
    store, recorder = opened(folder)
    while recorder.step():
        pass
    recorder._sweep()  # pyright: ignore[reportPrivateUsage] - what run does while nothing comes
    recorder.step()
    recorder._spools.seal_left()  # pyright: ignore[reportPrivateUsage]
    recorder.close()
    store.close()
    assert program.size() == 0


def test_what_a_running_program_writes_to_stays(folder: SpoolFolder):
    program = folder.program(1)
    spool(program.path, [Conversation().turn("a", after_s=0)])
    writer = SpoolWriter(SpoolConfig(folder=str(program.path)), {})
    writer.start()
    store, recorder = opened(folder)
    while recorder.step():
        pass
    recorder._spools.seal_left()  # pyright: ignore[reportPrivateUsage]
    assert program.size() > 0
    recorder.close()
    store.close()
    assert writer.close(30.0)


def test_emptying_the_spool_takes_what_programs_wrote_too(folder: SpoolFolder):
    spool(folder.program(3).path, [Conversation().turn("a", after_s=0)])
    store, recorder = opened(folder)

    def steps():
        for _ in recorder.place.emptied():
            yield {}
        return {}

    recorder.carry_out(steps())
    kept = store.contents().calls
    recorder.close()
    store.close()
    assert kept == 1
    assert folder.program(3).size() == 0


def test_names_that_are_no_numbers_are_nobodys(folder: SpoolFolder):
    os.makedirs(folder.path / "programs" / "other")
    (folder.path / "programs" / "note.json").write_text(json.dumps({}))
    assert folder.programs() == []
