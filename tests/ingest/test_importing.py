"""What an import leaves in the store: each call once, whatever was imported before and in which
order.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from tests.sources.claude_code.transcripts import LONG, Transcript, use
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import diagnose
from whycold.ingest.importing import Imported, Importer, Progress
from whycold.providers.registry import rules_for
from whycold.sources.claude_code import ClaudeCode
from whycold.sources.recorded import Group, Seen
from whycold.store.answers import Filters
from whycold.store.base import Store
from whycold.store.opening import open_store
from whycold.store.records import Capture, Record


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/calls.db", write=True)
    yield opened
    opened.close()


def session(name: str = "s1", turns: int = 3) -> Transcript:
    made = Transcript(name)
    made.user(f"{name}: {LONG}", uuid=f"{name}-first")
    for number in range(turns):
        read = 20_000 + number * 500 if number else 0
        made.answer(
            f"{name}-{number}", f"Answer {number}.", read=read, write=500 if number else 20_000
        )
        made.user(f"Question {number}.")
    return made


def imported(store: Store, *paths: Path) -> Imported:
    return Importer(store).take(ClaudeCode(paths))


def told(store: Store) -> dict[str, Diagnosis]:
    """Every diagnosis that is kept, by the id of its call."""
    found = (kept.told for kept in store.calls(Filters(), limit=1000).items)
    records = (store.record(one.call) for one in found)
    return {record.told.call: record.told for record in records if record is not None}


def test_calls_are_kept_with_their_diagnoses_and_prompts(store: Store, tmp_path: Path):
    session().write(tmp_path / "t/s1.jsonl")
    found = imported(store, tmp_path / "t")
    assert (found.groups, found.added, found.known) == (1, 3, 0)
    kept = store.calls(Filters()).items
    assert [one.source for one in kept] == ["claude-code"] * 3
    record = store.record("req_s1-2")
    earlier = store.find("req_s1-1")
    assert record is not None and earlier is not None
    assert record.told.predecessor == earlier.told.call
    assert len(record.call.prompt.blocks) == 5
    assert (found.first, found.last) == (kept[-1].told.at, kept[0].told.at)


def test_twice_imports_nothing_new_and_does_not_even_read(store: Store, tmp_path: Path):
    path = session().write(tmp_path / "t/s1.jsonl")
    imported(store, tmp_path / "t")
    again = imported(store, tmp_path / "t")
    assert (again.groups, again.unchanged, again.added, again.known) == (0, 1, 0, 0)
    path.touch()
    once_more = imported(store, tmp_path / "t")
    assert (once_more.groups, once_more.added, once_more.known) == (1, 0, 3)


def test_of_a_file_that_has_grown_only_what_is_new_is_added(store: Store, tmp_path: Path):
    made = session()
    path = made.write(tmp_path / "t/s1.jsonl")
    imported(store, path)
    before = told(store)
    made.answer("s1-3", "Answer 3.", read=21_500, write=500)
    made.write(path)
    found = imported(store, path)
    assert (found.added, found.amended, found.known) == (1, 0, 3)
    now = told(store)
    assert {id: now[id] for id in before} == before
    assert len(now) == 4


def test_a_call_that_was_still_being_answered_is_amended(store: Store, tmp_path: Path):
    made = session()
    made.answer("s1-3", "I look.", read=21_500, write=500, output=2)
    path = made.write(tmp_path / "t/s1.jsonl")
    imported(store, path)
    made.answer("s1-3", use("t1"), read=21_500, write=500, output=90)
    made.write(path)
    found = imported(store, path)
    assert (found.added, found.amended) == (0, 1)
    record = store.record("req_s1-3")
    assert record is not None and record.call.usage.output == 90
    assert len(record.call.reply.blocks) == 2


def copies(folder: Path) -> list[Path]:
    """Three sessions: one, a fork of it, and one of its own."""
    one = session("s1", 4)
    fork = Transcript("s2")
    fork.records = [{**record, "sessionId": "s2"} for record in one.records[:5]]
    fork.last = fork.records[-1]["uuid"]
    fork.at = one.at
    fork.answer("s2-9", "Otherwise.", read=12_000, write=9_100)
    other = session("s3", 2)
    return [made.write(folder / f"{made.session}.jsonl") for made in (one, fork, other)]


def test_calls_that_stand_in_two_sessions_are_kept_once(store: Store, tmp_path: Path):
    found = imported(store, *copies(tmp_path / "t"))
    assert (found.added, found.known) == (7, 2)


def test_the_order_in_which_files_are_imported_changes_no_diagnosis(tmp_path: Path):
    paths = copies(tmp_path / "t")
    seen: list[dict[str, Diagnosis]] = []
    for number, order in enumerate(permutations(paths)):
        store = open_store(f"sqlite:///{tmp_path}/{number}.db", write=True)
        for path in order:
            imported(store, path)
        # who has the copy of a call is the one thing that depends on who came first
        seen.append({id: replace(d, session=None) for id, d in told(store).items()})
        store.close()
    assert len(seen[0]) == 7
    assert all(found == seen[0] for found in seen)


def test_given_together_the_order_of_files_changes_nothing_at_all(tmp_path: Path):
    paths = copies(tmp_path / "t")
    seen: list[dict[str, Diagnosis]] = []
    for number, order in enumerate(permutations(paths)):
        store = open_store(f"sqlite:///{tmp_path}/{number}.db", write=True)
        imported(store, *order)
        seen.append(told(store))
        store.close()
    assert all(found == seen[0] for found in seen)


class Interrupted(Exception):
    pass


class Stopping:
    """A source that is stopped after so many calls."""

    name, troubles = "claude-code", ()

    def __init__(self, source: ClaudeCode, calls: int) -> None:
        self._source, self.left = source, calls

    @property
    def groups(self) -> Sequence[Group]:
        return [_StoppingGroup(group, self) for group in self._source.groups]


class _StoppingGroup:
    def __init__(self, group: Group, source: Stopping) -> None:
        self._group, self._source = group, source
        self.files, self.size = group.files, group.size

    def calls(self) -> Iterator[Seen]:
        for seen in self._group.calls():
            if not self._source.left:
                raise Interrupted
            self._source.left -= 1
            yield seen


def test_an_import_that_was_interrupted_goes_on_and_ends_the_same(tmp_path: Path):
    rng = random.Random(7)
    for name in ("s1", "s2", "s3"):
        session(name, 400).write(tmp_path / f"t/{name}.jsonl")
    whole = open_store(f"sqlite:///{tmp_path}/whole.db", write=True)
    imported(whole, tmp_path / "t")
    cut = open_store(f"sqlite:///{tmp_path}/cut.db", write=True)
    for _ in range(4):
        with pytest.raises(Interrupted):
            Importer(cut).take(Stopping(ClaudeCode([tmp_path / "t"]), rng.randrange(1, 400)))
    found = imported(cut, tmp_path / "t")
    assert found.unchanged + found.groups == 3
    assert whole.contents().calls == cut.contents().calls == 1200
    assert whole.totals(Filters()) == cut.totals(Filters())
    for store in (whole, cut):
        store.close()


def test_a_call_that_the_proxy_recorded_is_known(store: Store, tmp_path: Path):
    path = session(turns=1).write(tmp_path / "t/s1.jsonl")
    (seen,) = ClaudeCode([path]).groups[0].calls()
    recorded = replace(seen.call, id="by-the-proxy")
    (diagnosis,) = diagnose([recorded], rules_for)
    store.write("proxied", [Record(recorded, diagnosis, source="proxy")])
    assert imported(store, path).known == 1
    assert store.contents().calls == 1


def test_how_much_is_kept_is_asked_per_project(store: Store, tmp_path: Path):
    session().write(tmp_path / "t/s1.jsonl")
    asked: list[str | None] = []

    def usage(project: str | None) -> Capture:
        asked.append(project)
        return Capture.usage

    Importer(store, usage).take(ClaudeCode([tmp_path / "t"]))
    assert set(asked) == {"billing"}
    assert {kept.capture for kept in store.calls(Filters()).items} == {Capture.usage}


def test_progress_is_told_and_reaches_the_end(store: Store, tmp_path: Path):
    session("s1", 600).write(tmp_path / "t/s1.jsonl")
    session("s2", 2).write(tmp_path / "t/s2.jsonl")
    heard: list[Progress] = []
    Importer(store).take(ClaudeCode([tmp_path / "t"]), heard.append)
    done = [progress.done for progress in heard]
    assert done == sorted(done) and len(done) >= 4
    assert (heard[-1].done, heard[-1].added) == (heard[-1].total, 602)


def test_nothing_to_import_is_no_error(store: Store, tmp_path: Path):
    assert imported(store, tmp_path) == Imported()
