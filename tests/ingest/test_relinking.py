"""Calls whose source does not say what they go on from: found over files, sources and imports."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.made_sources import Made, calls_of, talk
from tests.ingest.test_joining import proxied, told
from tests.ingest.traffic import SERVED
from tests.serving import PATIENCE, eventually
from whycold.core.call import Call
from whycold.core.diagnosis import Diagnosis, Verdict
from whycold.diagnose import diagnose
from whycold.ingest.importing import Importer
from whycold.ingest.recorder import Recorder, Settings
from whycold.ingest.relinking import Relinker, Waiting
from whycold.providers.registry import rules_for
from whycold.store.base import Store
from whycold.store.opening import open_store

DAY = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/calls.db", write=True)
    yield opened
    opened.close()


def calls(turns: int = 6) -> list[Call]:
    """A conversation as files of single requests hold it: nothing says whose it is."""
    return [replace(call, id=f"one-{call.id}", session=None) for call in calls_of(talk(turns))]


def in_order() -> list[Diagnosis]:
    """What they are diagnosed as when they come one after the other."""
    return [replace(one, blocks=()) for one in diagnose(calls(), rules_for)]


def imported(folder: Path, sources: Sequence[Made], name: str = "calls") -> list[Diagnosis]:
    store = open_store(f"sqlite:///{folder}/{name}.db", write=True)
    for source in sources:
        Importer(store).take(source)
    found = told(store)
    store.close()
    return found


def test_the_call_before_is_found_in_another_file_of_the_source(tmp_path: Path):
    found = imported(tmp_path, [Made("har", *[[call] for call in calls()])])
    assert found == in_order()
    assert found[3].verdict is Verdict.miss


def test_files_may_be_imported_one_by_one_in_any_order(tmp_path: Path):
    sources = [Made("har", [call]) for call in calls()]
    wanted = in_order()
    for number in range(6):
        shuffled = random.Random(number).sample(sources, len(sources))
        assert imported(tmp_path, shuffled, str(number)) == wanted


def test_the_call_before_may_have_been_recorded_by_another_source(tmp_path: Path):
    one, other = calls()[::2], calls()[1::2]
    wanted = in_order()
    assert imported(tmp_path, [Made("har", one), Made("litellm", other)], "a") == wanted
    assert imported(tmp_path, [Made("litellm", other), Made("har", one)], "b") == wanted


def test_calls_that_are_far_apart_in_time_do_not_bring_in_what_lies_between(store: Store):
    for weeks in (0, 5, 10):
        shift = timedelta(weeks=weeks)
        Importer(store).take(
            Made("har", [replace(c, id=f"{weeks}-{c.id}", at=c.at + shift) for c in calls()])
        )
    verdicts = [one.verdict for one in told(store)]
    assert verdicts[:6] == verdicts[6:12] == verdicts[12:]


def another(call: Call) -> Call:
    """A call like that one, later."""
    reply = replace(call.reply, message_id=f"{call.reply.message_id}-2")
    at = call.at + timedelta(seconds=99)
    return replace(call, at=at, request_id=f"{call.request_id}-2", reply=reply)


class Killed(Exception):
    pass


def _die(_: Relinker) -> Iterator[int]:
    raise Killed


def test_a_process_that_dies_before_it_looked_again_leaves_that_to_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as changed:
        changed.setattr(Relinker, "steps", _die)
        with pytest.raises(Killed):
            Importer(store).take(Made("har", *[[call] for call in calls()]))
    assert Waiting.read(store.state()).spans
    Importer(store).take(Made("other"))
    assert told(store) == in_order()
    assert not Waiting.read(store.state()).spans


def test_a_recorder_that_starts_looks_again_at_what_an_import_left(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as changed:
        changed.setattr(Relinker, "steps", _die)
        with pytest.raises(Killed):
            Importer(store).take(Made("har", *[[call] for call in calls()]))
    (tmp_path / "spool").mkdir()
    orders = tmp_path / "calls.orders"
    now = calls()[-1].at
    settings = Settings(tmp_path / "spool", SERVED, now=lambda: now, orders=orders)
    recorder = Recorder(store, settings)
    stop = Event()
    running = Thread(target=recorder.run, args=(stop,))
    running.start()
    eventually(lambda: not Waiting.read(store.state()).spans)
    stop.set()
    running.join(PATIENCE)
    recorder.close()
    assert told(store) == in_order()


def test_what_a_recorder_took_in_is_not_looked_at_twice(store: Store):
    ingest = proxied(store, talk(2))
    later = [another(call) for call in calls()]
    for _ in Importer(store).steps(Made("otlp", later), ingest.refresh):
        pass
    assert not Waiting.read(store.state()).spans
    ingest.warm()
    found = told(store)
    assert len(found) == 8
    Importer(store).take(Made("nothing"))
    assert told(store) == found


@given(st.lists(st.integers(0, 400), max_size=12), st.integers(0, 12))
def test_spans_hold_all_times_and_lie_apart(hours: list[int], split: int):
    times = [DAY + timedelta(hours=n) for n in hours]
    waiting = Waiting().with_times(times[:split]).with_times(times[split:])
    assert Waiting.read(waiting.state()) == waiting
    assert waiting.spans == Waiting().with_times(times).spans
    assert all(any(a <= at <= b for a, b in waiting.spans) for at in times)
    ends = [b for _, b in waiting.spans]
    assert all(
        a - b > timedelta(days=2) for (a, _), b in zip(waiting.spans[1:], ends, strict=False)
    )


@pytest.mark.parametrize("state", ["", "[]", "{}", '{"number": 1}', '{"number": 1, "at": [["x"]]}'])
def test_a_state_that_cannot_be_read_says_that_nothing_waits(state: str):
    assert Waiting.read({"relink": state}) == Waiting()
