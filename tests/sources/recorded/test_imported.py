"""Recordings in the store, beside others: what is held against what."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sources.recorded import cassettes
from tests.sources.recorded.writing import conversation, turn, written
from whycold.core.diagnosis import Diagnosis, Verdict
from whycold.ingest.importing import Imported, Importer
from whycold.sources.blocks import Blocks
from whycold.sources.jsonl import Jsonl
from whycold.sources.recorded import Source
from whycold.sources.vcr import Vcr
from whycold.store.answers import Filters
from whycold.store.base import Store
from whycold.store.opening import open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/calls.db", write=True)
    yield opened
    opened.close()


def take(store: Store, source: Source) -> Imported:
    return Importer(store).take(source)


def told(store: Store) -> list[Diagnosis]:
    kept = store.calls(Filters(), limit=1000).items
    return sorted((one.told for one in kept), key=lambda told: told.at)


def undated(path: Path) -> Path:
    """A cassette without times, as old as the first exchange of the others."""
    made = [turn(n, 3000 * n, 3000) for n in range(2)]
    for one in made:
        one.response["id"] = f"{path.stem}_{one.response['id']}"
    cassettes.vcrpy(path, *made)
    path.write_text(path.read_text().replace("Date:", "Dated:"))
    os.utime(path, (1_772_445_605, 1_772_445_605))
    return path


@pytest.mark.parametrize("kind", [Vcr, Jsonl, Blocks])
def test_a_second_import_brings_nothing_new(kind: Any, store: Store, tmp_path: Path):
    cassettes.vcrpy(tmp_path / "in/a.yaml", *conversation())
    for number, made in enumerate(conversation()):
        line = {"request": made.request, "response": made.response, "at": 1.7e9 + number}
        with (written(tmp_path / "in/a.jsonl", "") if not number else tmp_path / "in/a.jsonl").open(
            "a"
        ) as file:
            file.write(json.dumps(line) + "\n")
    trace = {"id": "t", "requests": [{"t": 0.0, "in": 64, "out": 1, "hash_ids": [1]}]}
    written(tmp_path / "in/t.json", json.dumps(trace))
    assert take(store, kind([tmp_path / "in"])).added > 0
    for path in (tmp_path / "in").iterdir():
        path.touch()
    again = take(store, kind([tmp_path / "in"]))
    assert (again.added, again.amended) == (0, 0)


def test_calls_without_times_are_held_against_those_of_their_file_only(
    store: Store, tmp_path: Path
):
    cassettes.vcrpy(tmp_path / "dated.yaml", *conversation()[:2])
    undated(tmp_path / "one.yaml")
    undated(tmp_path / "two.yaml")
    take(store, Vcr([tmp_path]))
    files = {one.call: (one.message_id or "").partition("msg")[0] for one in told(store)}
    linked = {files[one.call]: files[one.predecessor] for one in told(store) if one.predecessor}
    assert linked == {"": "", "one_": "one_", "two_": "two_"}
    assert [one.verdict for one in told(store)].count(Verdict.first) == 3


def test_ids_of_one_trace_say_nothing_in_another(store: Store, tmp_path: Path):
    for name in ("a", "b"):
        requests = [
            {"t": 9.0 * n, "in": 640 * (n + 1), "out": 1, "hash_ids": [*range(10 * (n + 1))]}
            for n in range(3)
        ]
        written(
            tmp_path / f"{name}.json",
            json.dumps({"id": name, "block_size": 64, "requests": requests}),
        )
    take(store, Blocks([tmp_path]))
    sessions = {one.call: one.session for one in told(store)}
    linked = [one for one in told(store) if one.predecessor]
    assert len(linked) == 4
    assert all(sessions[one.predecessor or ""] == one.session for one in linked)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_import_changes_no_diagnosis(seed: int, tmp_path: Path):
    cassettes.vcrpy(tmp_path / "a/a.yaml", *conversation()[:1])
    cassettes.ruby(tmp_path / "b/b.yaml", *conversation()[1:])
    undated(tmp_path / "c/c.yaml")
    folders, outcomes = ["a", "b", "c"], list[Any]()
    for attempt in range(2):
        random.Random(seed + attempt).shuffle(folders)
        opened = open_store(f"sqlite:///{tmp_path}/{attempt}.db", write=True)
        for folder in folders:
            take(opened, Vcr([tmp_path / folder]))
        outcomes.append([(one.call, one.verdict, one.predecessor) for one in told(opened)])
        opened.close()
    assert outcomes[0] == outcomes[1]
