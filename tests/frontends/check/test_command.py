"""`whycold check`: green on a stable prompt, red with the cause on a broken one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.frontends.command import whycold
from tests.simulated_cache import SimulatedCache
from tests.traffic import recorded

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
RULES = " ".join(f"Rule {n}: answer in one plain sentence." for n in range(300))


def exchanges(turns: int, *, clock: bool, usage: bool = True) -> Iterable[dict[str, Any]]:
    """A conversation with a provider, as a test suite writes it down."""
    cache, said = SimulatedCache(), list[dict[str, Any]]()
    for turn in range(turns):
        at = AT + timedelta(seconds=20 * turn)
        first = f"It is {at:%H:%M:%S} now. " if clock else ""
        question = {"type": "text", "text": f"Question {turn}: what is next in the list?"}
        marked = {**question, "cache_control": {"type": "ephemeral"}}
        request = {
            "model": "claude-sonnet-5",
            "max_tokens": 100,
            "system": [{"type": "text", "text": f"You are brief. {first}{RULES}"}],
            "messages": [*said, {"role": "user", "content": [marked]}],
        }
        answer = {"role": "assistant", "content": [{"type": "text", "text": f"Item {turn}."}]}
        said += [{"role": "user", "content": [question]}, answer]
        response = {"id": f"msg_{turn}", "type": "message", **answer, "stop_reason": "end_turn"}
        if usage:
            began = at + timedelta(seconds=1)
            response["usage"] = cache.usage(request, at, began, "account")
        yield {"at": at.isoformat(), "request": request, "response": response}


def written(path: Path, lines: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def stable(tmp_path: Path) -> Path:
    return written(tmp_path / "stable.jsonl", exchanges(5, clock=False))


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    return written(tmp_path / "broken.jsonl", exchanges(5, clock=True))


def test_a_stable_prompt_is_green(stable: Path):
    ran = whycold("check", stable)
    assert (ran.code, ran.err) == (0, "")
    assert "ok    0 calls missed, none may" in ran.out


def test_a_time_in_the_system_prompt_is_red_and_named(broken: Path):
    ran = whycold("check", broken)
    assert ran.code == 1
    assert "FAIL  4 calls missed, none may" in ran.out
    assert "system[0].text  clock" in ran.out
    assert "It is [-09:01:00-]{+09:01:20+} now." in ran.out
    assert "Take the time out of the system prompt" in ran.out


def test_where_reads_are_not_reported_a_broken_prefix_counts(tmp_path: Path):
    silent = written(tmp_path / "silent.jsonl", exchanges(4, clock=True, usage=False))
    ran = whycold("check", silent)
    assert ran.code == 1
    assert "tokens at stake (reads are not reported)" in ran.out
    calm = written(tmp_path / "calm.jsonl", exchanges(4, clock=False, usage=False))
    assert whycold("check", calm).code == 0


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (["--max-misses", "4"], 0),
        (["--max-misses", "3"], 1),
        (["--max-missed-tokens", "1000000"], 0),
        (["--max-missed-tokens", "100"], 1),
        (["--max-cost", "0.0001"], 1),
        (["--max-cost", "$5"], 0),
        (["--min-read-ratio", "50%"], 1),
        (["--min-read-ratio", "0"], 0),
        (["--max-misses", "9", "--min-read-ratio", "0.9"], 1),
        (["--max-misses", "0", "--allow", "clock"], 0),
        (["--max-misses", "0", "--allow", "system_changed"], 0),
    ],
)
def test_each_limit_is_held_against_the_calls(broken: Path, limits: list[str], code: int):
    assert whycold("check", broken, *limits).code == code


def test_a_baseline_accepts_what_is_known_and_nothing_else(
    tmp_path: Path, broken: Path, stable: Path
):
    baseline = tmp_path / "whycold.json"
    assert whycold("check", broken, "--baseline", baseline, "--update-baseline").code == 0
    assert json.loads(baseline.read_text())["culprits"]
    ran = whycold("check", broken, "--baseline", baseline)
    assert (ran.code, "ok    all culprits are in the baseline" in ran.out) == (0, True)
    whycold("check", stable, "--baseline", baseline, "--update-baseline")
    ran = whycold("check", broken, "--baseline", baseline)
    assert (ran.code, "FAIL  1 culprit is not in the baseline" in ran.out) == (1, True)


def test_the_store_is_checked_under_the_same_filters(tmp_path: Path):
    url = recorded(tmp_path)
    ran = whycold("check", "--store", url, "--json", "--project", "shop")
    found = json.loads(ran.out)
    listed = json.loads(whycold("culprits", "--json", "--store", url, "--project", "shop").out)
    unexpected = [item for item in listed["items"] if not item["expected"]]
    assert ran.code == 1
    assert found["misses"] == sum(item["misses"] for item in unexpected)
    assert found["missed_tokens"] == sum(item["missed_tokens"] for item in unexpected)
    assert {c["id"] for c in found["culprits"]} == {item["id"] for item in unexpected}


def test_what_people_ignore_is_no_fault(tmp_path: Path):
    url = recorded(tmp_path)
    for item in json.loads(whycold("culprits", "--json", "--store", url).out)["items"]:
        whycold("culprits", "--ignore", item["id"], "--store", url)
    assert whycold("check", "--store", url).code == 0


def test_json_tells_each_limit_and_culprit(broken: Path):
    ran = whycold("check", broken, "--json", "--max-misses", "1", "--min-read-ratio", "0")
    found = json.loads(ran.out)
    assert (found["passed"], found["calls"], found["misses"]) == (False, 5, 4)
    assert [(one["name"], one["passed"]) for one in found["limits"]] == [
        ("max-misses", False),
        ("min-read-ratio", True),
    ]
    culprit = found["culprits"][0]
    assert culprit["latest"]["cause"] == culprit["cause"] == "clock"
    assert found["limits"][0]["culprits"] == [culprit["id"]]


def test_junit_has_a_case_per_limit(broken: Path, tmp_path: Path):
    file = tmp_path / "out.xml"
    limits = ("--max-misses", "0", "--min-read-ratio", "0")
    ran = whycold("check", broken, *limits, "--format", "junit", "--output", file)
    assert (ran.code, ran.out) == (1, "")
    suite = ElementTree.parse(file).getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "clock system[0].text" in (failure.text or "")


def test_sarif_is_valid_and_names_the_place(broken: Path):
    from sarif_pydantic import Sarif

    text = whycold("check", broken, "--format", "sarif").out
    Sarif.model_validate_json(text)
    run = json.loads(text)["runs"][0]
    (result,) = run["results"]
    assert result["ruleId"] == run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "clock"
    place = result["locations"][0]["logicalLocations"][0]
    assert place["fullyQualifiedName"] == "system[0].text"
    assert result["partialFingerprints"]["culprit/v1"]


def test_sarif_of_what_is_green_has_no_result(stable: Path):
    assert json.loads(whycold("check", stable, "--format", "sarif").out)["runs"][0]["results"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--max-misses", "-1"], "--max-misses"),
        (["--max-cost", "much"], "give dollars"),
        (["--min-read-ratio", "70"], "give a share such as 0.7 or 70%"),
        (["--update-baseline"], "name it"),
        (["--baseline", "none.json"], "none.json: cannot be read"),
        (["none.jsonl"], "none.jsonl: there is no such file or folder"),
        (["--from", "vcr"], "--from goes with RECORDINGS"),
        (["--upstream", "a=b"], "--upstream goes with --run"),
        (["--run", "a", "--store", "sqlite:///x"], "choose one"),
        (["--run", "'"], "No closing quotation"),
        (["--run", "true", "--upstream", "x"], "give NAME=URL"),
    ],
)
def test_mistakes_are_told_in_one_line(words: list[str], said: str):
    assert said in whycold("check", *words).mistake


def test_recordings_of_no_known_kind_ask_for_it(tmp_path: Path):
    (tmp_path / "x.txt").write_text("x")
    assert "say what it is with --from" in whycold("check", tmp_path / "x.txt").mistake
    (tmp_path / "x.jsonl").write_text("")
    assert "there is no call to check" in whycold("check", tmp_path / "x.jsonl").mistake


def test_a_file_that_is_no_baseline(tmp_path: Path, stable: Path):
    (tmp_path / "b.json").write_text('{"a": 1}')
    ran = whycold("check", stable, "--baseline", tmp_path / "b.json")
    assert "is no baseline of whycold check" in ran.mistake
