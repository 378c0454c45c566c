"""The same call seen by several sources is one call, whoever comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from tests.ingest.made_sources import Made, calls_of, talk, telemetry, transcript
from tests.ingest.test_pipeline import items
from tests.ingest.traffic import SERVED
from whycold.core.diagnosis import Diagnosis, Grade
from whycold.ingest.importing import Imported, Importer
from whycold.ingest.pipeline import Ingest
from whycold.sources.recorded import Source
from whycold.sources.spool_record import Exchange
from whycold.store.base import Store
from whycold.store.opening import open_store
from whycold.store.records import Capture, Record


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/calls.db", write=True)
    yield opened
    opened.close()


def proxied(store: Store, exchanges: list[Exchange], start: int = 0) -> Ingest:
    """What a recorder that is started now makes of exchanges."""
    ingest = Ingest(store, SERVED)
    ingest.warm()
    ingest.keep(ingest.read(items(exchanges, start)))
    return ingest


def imported(store: Store, source: Source) -> Imported:
    return Importer(store).take(source)


def records(store: Store) -> list[Record]:
    """All that is kept, oldest first."""
    return list(store.history())


def told(store: Store) -> list[Diagnosis]:
    return [record.told for record in records(store)]


def both_orders(
    folder: Path, first: Callable[[Store], object], second: Callable[[Store], object]
) -> tuple[list[Record], list[Record]]:
    """What is in the store after the two, one way and the other."""
    out: list[list[Record]] = []
    for name, order in (("a", (first, second)), ("b", (second, first))):
        store = open_store(f"sqlite:///{folder}/{name}.db", write=True)
        for step in order:
            step(store)
        out.append(records(store))
        store.close()
    return out[0], out[1]


def test_text_is_the_proxys_and_the_verdict_is_the_transcripts(tmp_path: Path):
    turns = talk()
    one, other = both_orders(
        tmp_path,
        lambda store: proxied(store, turns),
        lambda store: imported(store, transcript(turns, tmp_path / "t", verdict=3)),
    )
    assert one == other
    assert len(one) == 6
    assert {record.source for record in one} == {"proxy"}
    missed = one[3]
    assert len(missed.call.prompt.section(missed.call.prompt.blocks[0].section)) == 2
    assert missed.told.provider_reason == "tools_changed"
    assert (missed.told.cause, missed.told.grade) == ("tool-edited", Grade.confirmed)
    assert missed.call.project == "billing"
    assert missed.call.release == "claude-cli 2.1.119" or missed.call.release == "test 1.0.0"


def test_three_sources_come_to_the_same_in_any_order(tmp_path: Path):
    turns = talk()
    steps: tuple[Callable[[Store], object], ...] = (
        lambda store: proxied(store, turns),
        lambda store: imported(store, transcript(turns, tmp_path / "t", verdict=3)),
        lambda store: imported(store, telemetry(turns)),
    )
    seen: list[list[Record]] = []
    for number, order in enumerate(permutations(steps)):
        store = open_store(f"sqlite:///{tmp_path}/{number}.db", write=True)
        for step in order:
            step(store)
        seen.append([replace(one, also=tuple(sorted(one.also))) for one in records(store)])
        store.close()
    assert len(seen[0]) == 6
    assert all(len(record.also) == 2 for record in seen[0])
    assert {record.call.agent for record in seen[0]} == {"planner"}
    assert all(found == seen[0] for found in seen)


def test_a_joined_call_is_known_by_the_ids_of_all_its_sources(store: Store, tmp_path: Path):
    turns = talk(2)
    proxied(store, turns)
    source = transcript(turns, tmp_path / "t")
    ids = [seen.call.id for group in source.groups for seen in group.calls()]
    found = imported(store, source)
    assert (found.added, found.joined) == (0, 2)
    assert [store.find(id) for id in ids] == [store.find(f"req_{n}") for n in range(2)]


def test_joined_once_it_is_known_the_next_time(store: Store, tmp_path: Path):
    turns = talk()
    proxied(store, turns)
    imported(store, transcript(turns, tmp_path / "t", verdict=3))
    before = records(store)
    path = tmp_path / "t/s1.jsonl"
    path.touch()
    again = imported(store, transcript(turns, tmp_path / "t", verdict=3))
    assert (again.added, again.joined, again.amended) == (0, 0, 0)
    assert records(store) == before


def test_what_adds_nothing_changes_nothing(store: Store):
    turns = talk(2)
    proxied(store, turns)
    bare = [replace(call, id=f"copy-{call.id}") for call in calls_of(turns)]
    found = imported(store, Made("copies", bare))
    assert (found.added, found.joined, found.known) == (0, 0, 2)


def test_of_a_project_of_which_no_text_may_be_kept_none_comes_from_elsewhere(
    store: Store, tmp_path: Path
):
    turns = talk()
    imported(store, telemetry(turns))
    Importer(store, lambda _: Capture.usage).take(transcript(turns, tmp_path / "t"))
    assert {record.capture for record in records(store)} == {Capture.usage}
    assert all(not record.call.prompt.blocks for record in records(store))


def test_a_response_that_was_played_again_is_another_call(store: Store):
    turns = talk(2)
    proxied(store, turns)
    later = [
        replace(call, id=f"again-{call.id}", at=call.at + timedelta(days=30))
        for call in calls_of(turns)
    ]
    assert imported(store, Made("cassettes", later)).added == 2


def test_calls_whose_counts_differ_are_two(store: Store):
    turns = talk(1)
    proxied(store, turns)
    (call,) = calls_of(turns)
    usage = replace(call.usage, input=7)
    other = replace(call, id="other", reply=replace(call.reply, usage=usage))
    assert imported(store, Made("others", [other])).added == 1


def test_a_conversation_that_began_without_the_proxy_goes_on_with_it(tmp_path: Path):
    turns = talk()
    first, rest = turns[:2], turns[2:]
    one, other = both_orders(
        tmp_path,
        lambda store: proxied(store, rest),
        lambda store: imported(store, transcript(first, tmp_path / "t")),
    )
    assert [record.told for record in one] == [record.told for record in other]
    assert one[2].told.predecessor == one[1].call.id


def test_a_running_recorder_knows_what_was_imported_meanwhile(tmp_path: Path):
    turns = talk()
    in_turn = open_store(f"sqlite:///{tmp_path}/a.db", write=True)
    imported(in_turn, transcript(turns[:3], tmp_path / "t"))
    proxied(in_turn, turns[2:])
    meanwhile = open_store(f"sqlite:///{tmp_path}/b.db", write=True)
    ingest = proxied(meanwhile, turns[2:3])
    for _ in Importer(meanwhile).steps(transcript(turns[:3], tmp_path / "t"), ingest.refresh):
        pass
    ingest.keep(ingest.read(items(turns[3:], 1)))
    assert told(meanwhile) == told(in_turn)
    in_turn.close()
    meanwhile.close()


def test_what_is_recorded_while_the_recorder_takes_up_the_store_anew_is_not_forgotten(
    tmp_path: Path,
):
    turns = talk(40)
    in_turn = open_store(f"sqlite:///{tmp_path}/a.db", write=True)
    proxied(in_turn, turns)
    meanwhile = open_store(f"sqlite:///{tmp_path}/b.db", write=True)
    ingest = proxied(meanwhile, turns[:36])
    steps = ingest.refresh()
    next(steps)
    ingest.keep(ingest.read(items(turns[36:38], 36)))
    for _ in steps:
        pass
    ingest.keep(ingest.read(items(turns[38:], 38)))
    assert told(meanwhile) == told(in_turn)
    in_turn.close()
    meanwhile.close()
