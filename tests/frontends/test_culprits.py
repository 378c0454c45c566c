"""`whycold culprits`, on a store of made-up traffic."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.frontends.command import whycold
from tests.traffic import END, recorded
from whycold.store.answers import CulpritState, Filters, Mark
from whycold.store.opening import open_store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return recorded(tmp_path)


def listed(url: str, *words: str) -> list[dict[str, Any]]:
    return json.loads(whycold("culprits", "--json", "--store", url, *words).out)["items"]


def reworded(url: str) -> dict[str, Any]:
    return next(item for item in listed(url) if item["cause"] == "tool-edited")


def test_every_miss_belongs_to_one_culprit(url: str):
    misses = json.loads(whycold("misses", "--json", "--limit", "1000", "--store", url).out)["items"]
    culprits = listed(url, "--limit", "1000")
    assert sum(item["misses"] for item in culprits) == len(misses)
    assert sum(item["missed_tokens"] for item in culprits) == sum(
        miss["missed_tokens"] for miss in misses
    )
    by_cause = Counter(miss["cause"] for miss in misses)
    assert by_cause == sum(
        (Counter({item["cause"]: item["misses"]}) for item in culprits), Counter[str]()
    )


def test_a_culprit_tells_the_edit_where_and_since_when(url: str):
    item = reworded(url)
    assert item["path"] == "tools[search_docs].description"
    assert "handbook and " in item["after"]
    assert "handbook and " not in item["before"]
    assert item["state"] == "open"
    assert item["releases"] == ["agent 4.12"]
    assert item["examples"]


def test_resolved_ignored_and_open_again(url: str):
    id = reworded(url)["id"]
    ran = whycold("culprits", "--resolve", id[:6], "--in", "agent 4.13", "--store", url)
    assert ran.out.startswith(f"{id} is resolved: ")
    assert reworded(url)["mark"]["release"] == "agent 4.13"
    assert [item["id"] for item in listed(url, "--state", "resolved")] == [id]
    whycold("culprits", "--ignore", id, "--note", "we know", "--store", url)
    assert id not in {item["id"] for item in listed(url)}
    assert listed(url, "--state", "ignored")[0]["mark"]["note"] == "we know"
    whycold("culprits", "--reopen", id, "--store", url)
    assert reworded(url)["state"] == "open"


def test_a_culprit_that_comes_back_is_regressed_and_names_the_release(url: str):
    id = reworded(url)["id"]
    store = open_store(url, write=True)
    store.mark(id, Mark(CulpritState.resolved, END, "agent 4.13"))
    latest = store.misses(Filters(culprit=id), limit=1).items[0].told.call
    record = store.record(latest)
    assert record is not None
    again = {"id": "back", "at": END + timedelta(hours=1), "release": "agent 4.14"}
    call = replace(record.call, **again, request_id=None)
    told = replace(record.told, call="back", at=again["at"], release="agent 4.14")
    store.write("again", [replace(record, call=call, told=told, also=())])
    store.close()
    item = listed(url, "--state", "regressed")[0]
    assert (item["id"], item["regressed"]["release"]) == (id, "agent 4.14")
    assert "back in agent 4.14" in whycold("culprits", "--store", url, COLUMNS="120").out


def test_the_same_as_a_table(url: str):
    rows = list(csv.DictReader(io.StringIO(whycold("culprits", "--csv", "--store", url).out)))
    items = listed(url)
    assert [row["culprit"] for row in rows] == [item["id"] for item in items]
    assert [int(row["missed_tokens"]) for row in rows] == [i["missed_tokens"] for i in items]


def test_people_get_the_edit_the_numbers_and_an_id_to_go_on_with(url: str):
    out = whycold("culprits", "--store", url, COLUMNS="120").out
    assert "tools[search_docs].description" in out
    assert "{+handbook and +}" in out
    assert reworded(url)["id"][:8] in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--resolve", "none-such"], "no culprit 'none-such'"),
        (["--in", "4.13"], "--in and --note go with a decision"),
        (["--ignore", "x", "--in", "4.13"], "--in RELEASE goes with --resolve ID"),
        (["--json", "--csv"], "--json and --csv: choose one"),
        (["--since", "tomorrow"], "is no time"),
        (["--state", "odd"], "'odd' is not one of"),
    ],
)
def test_mistakes_are_told_in_one_line(url: str, words: list[str], said: str):
    assert said in whycold("culprits", *words, "--store", url).mistake


def test_a_culprit_takes_one_decision_at_a_time(url: str):
    id = reworded(url)["id"]
    ran = whycold("culprits", "--resolve", id, "--ignore", id[:8], "--store", url)
    assert "choose one for each culprit" in ran.mistake
    assert reworded(url)["state"] == "open"


def test_of_several_decisions_one_that_cannot_be_made_undoes_all(url: str):
    id = reworded(url)["id"]
    assert whycold("culprits", "--resolve", id, "--ignore", "none-such", "--store", url).code == 2
    assert reworded(url)["state"] == "open"


def test_nothing_is_there_yet(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/empty.db"
    open_store(url, write=True).close()
    assert "Nothing is recorded yet." in whycold("culprits", "--store", url).out
    assert listed(url) == []
