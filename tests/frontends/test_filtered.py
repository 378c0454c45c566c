"""Every filter on every command that takes it, as text, JSON and CSV: the answers agree."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.frontends.command import whycold
from tests.traffic import END, START, recorded
from whycold.frontends.filters import FILTERS

ALL = (f"--since={START.isoformat()}", f"--until={END.isoformat()}")
GIVEN = {
    "since": "2026-11-17T00:00",
    "until": "2026-11-19",
    "project": "shop",
    "model": "claude-sonnet-5",
    "session": "shop-11-0",
    "agent": "main",
    "release": "agent 4.12",
    "provider": "anthropic",
    "reason": "tools_changed",
    "cause": "tool-edited",
}
WRONG = {
    "since": "when I was young",
    "until": "7 parsecs",
    "reason": "weather_changed",
    "cause": "weather-changed",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("store"))


def asked(*words: str) -> Any:
    ran = whycold(*words, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def rows(*words: str) -> list[dict[str, str]]:
    ran = whycold(*words, "--csv")
    assert ran.code == 0, ran.err
    return list(csv.DictReader(io.StringIO(ran.out)))


def test_every_filter_is_tried():
    assert list(GIVEN) == list(FILTERS)


@pytest.mark.parametrize("name", FILTERS)
def test_report_and_misses_mean_the_same_calls(name: str, store: str):
    words = (*ALL, f"--{name}={GIVEN[name]}", f"--store={store}")
    report, all_of_it = asked("report", *words), asked("report", *ALL, f"--store={store}")
    misses = asked("misses", *words, "--limit=1000")["items"]
    assert report["misses"] == len(misses)
    assert report["missed_tokens"] == sum(miss["missed_tokens"] for miss in misses)
    assert report["misses"] > 0
    narrower = name not in ("agent", "provider")
    assert report["misses"] < all_of_it["misses"] or not narrower
    if name in misses[0]:
        assert {miss[name] for miss in misses} == {GIVEN[name]}
    reasons = {reason: sums["misses"] for reason, sums in report["by_reason"].items()}
    assert sum(reasons.values()) == report["misses"]
    assert sum(sums["misses"] for sums in report["by_model"].values()) == report["misses"]
    table = rows("misses", *words, "--limit=1000")
    assert [row["call"] for row in table] == [miss["call"] for miss in misses]
    assert rows("report", *words)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("command", ["report", "misses"])
def test_text_is_there_for_every_filter(command: str, name: str, store: str):
    ran = whycold(command, *ALL, f"--{name}={GIVEN[name]}", f"--store={store}")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.strip()


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("command", ["report", "misses"])
def test_what_a_filter_cannot_mean_is_one_line(command: str, name: str, store: str):
    told = whycold(command, f"--{name}={WRONG[name]}", f"--store={store}").mistake
    assert told.startswith(f"{name}")
    assert WRONG[name] in told


@pytest.mark.parametrize("name", [name for name in FILTERS if name not in WRONG])
@pytest.mark.parametrize("command", ["report", "misses"])
def test_a_value_that_nothing_has_is_no_mistake(
    command: str, name: str, store: str, tmp_path: Path
):
    words = (command, *ALL, f"--{name}=nobody", f"--store={store}")
    assert "No " in whycold(*words).out
    found = asked(*words)
    assert (found["misses"] if command == "report" else len(found["items"])) == 0


def test_a_call_is_explained_under_each_of_its_ids(store: str):
    [miss] = asked("misses", *ALL, "--limit=1", f"--store={store}")["items"]
    by_id = [asked("explain", miss[id], f"--store={store}") for id in ("call", "message_id")]
    assert by_id[0] == by_id[1]
    assert {key: by_id[0][key] for key in miss} == miss
    assert sum(block["tokens"] for block in by_id[0]["blocks"]) == by_id[0]["usage"]["input"]


def test_doctor_counts_the_same_calls(store: str):
    found = asked("doctor", f"--store={store}")
    assert found["store"]["calls"] == asked("report", *ALL, f"--store={store}")["calls"]
