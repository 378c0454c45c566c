"""`whycold releases`, on a store of made-up traffic: release 4.12 edits a tool."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.frontends.command import whycold
from tests.traffic import recorded
from whycold.store.opening import open_store


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("releases"))


def listed(url: str, *words: str) -> list[dict[str, Any]]:
    return json.loads(whycold("releases", "--json", "--store", url, *words).out)["items"]


def test_releases_come_newest_first_with_what_was_different(url: str):
    items = listed(url, "--kind", "release", "--project", "shop")
    assert [item["name"] for item in items] == ["agent 4.12", "agent 4.11"]
    newest, oldest = items
    assert newest["calls_after"] == newest["calls"]
    assert oldest["calls_before"] == 0
    assert oldest["read_ratio"]["before"] is None
    assert oldest["word"] == "too few calls to tell"


def test_the_sides_are_sums_of_the_calls_themselves(url: str):
    item = listed(url, "--kind", "release", "--project", "shop")[0]
    after = ("--project", "shop", "--release", "agent 4.12", "--since", item["at"])
    report = json.loads(whycold("report", "--json", "--store", url, *after).out)
    assert item["calls_after"] == report["calls"]
    assert item["read_ratio"]["after"] == pytest.approx(report["read_ratio"])
    assert item["missed_tokens_per_call"]["after"] == pytest.approx(
        report["missed_tokens"] / report["calls"]
    )


def test_new_tools_are_a_marker_at_the_time_of_the_edit(url: str):
    tools = listed(url, "--kind", "tools", "--project", "shop")
    release = listed(url, "--kind", "release", "--project", "shop")[0]
    assert tools[0]["at"] >= release["at"]
    assert len(tools) == 2


def test_the_same_as_a_table(url: str):
    rows = list(csv.DictReader(io.StringIO(whycold("releases", "--csv", "--store", url).out)))
    assert [row["name"] for row in rows] == [item["name"] for item in listed(url)]


def test_people_get_both_sides_and_a_word(url: str):
    out = whycold("releases", "--kind", "release", "--store", url, COLUMNS="110").out
    assert "agent 4.12" in out
    assert "no more different than by chance" in out


def test_nothing_is_there_yet(tmp_path: Path):
    empty = f"sqlite:///{tmp_path}/empty.db"
    open_store(empty, write=True).close()
    assert "Nothing is recorded yet." in whycold("releases", "--store", empty).out


def test_mistakes_are_told_in_one_line(url: str):
    assert "choose one" in whycold("releases", "--json", "--csv", "--store", url).mistake
    assert "limit 'x'" in whycold("releases", "--limit", "x", "--store", url).mistake


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_columns_that_do_not_fit_are_left_out_whole(url: str, columns: int):
    lines = whycold("releases", "--store", url, COLUMNS=str(columns)).out.splitlines()
    head, first = lines[1], lines[2]
    assert len(head) <= columns
    assert first.count("→") == sum(name in head for name in ("ratio", "missed/call", "cost/call"))
    assert ("cost/call" in head) is (columns == 120)
