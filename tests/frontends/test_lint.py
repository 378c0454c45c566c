"""`whycold lint` on request dumps, each with one fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.frontends.command import whycold, write

MARK = {"cache_control": {"type": "ephemeral"}}
RULES = " ".join(f"Rule {n}: answer in one plain sentence." for n in range(600))
TOOL = {
    "name": "search",
    "description": "Search the handbook.",
    "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}},
}


def body(*, system: str = RULES, tools: Any = (TOOL,), texts: int = 1, **more: Any) -> Any:
    said = [{"type": "text", "text": f"Question {n}?"} for n in range(texts)]
    return {
        "model": "claude-sonnet-5",
        "max_tokens": 100,
        "tools": list(tools),
        "system": [{"type": "text", "text": system, **MARK}],
        "messages": [{"role": "user", "content": [*said[:-1], {**said[-1], **MARK}]}],
        **more,
    }


def findings(folder: Path, *bodies: Any) -> list[tuple[str, str, str]]:
    files = [write(folder, f"{n}.json", one) for n, one in enumerate(bodies)]
    ran = whycold("lint", "--json", *files)
    found = json.loads(ran.out)["findings"]
    assert ran.code == any(one["level"] != "note" for one in found)
    return [(one["flaw"], one["level"], one["path"]) for one in found]


def test_a_sound_request_has_none(tmp_path: Path):
    assert findings(tmp_path, body()) == []
    assert "1 request, nothing." in whycold("lint", tmp_path).out


@pytest.mark.parametrize(
    "value",
    [
        "The time is 2026-11-23T09:14:05Z.",
        "Request id: 7f1c2d3e-89ab-4cde-8123-456789abcdef",
        "Turn 14 of 20",
    ],
)
def test_a_value_that_changes_in_the_system_prompt_is_told(tmp_path: Path, value: str):
    found = findings(tmp_path, body(system=f"You are brief. {value} {RULES}"))
    assert found == [("volatile-early", "warning", "system[0].text")]


def test_a_value_that_changes_in_a_tool_is_told_with_its_place(tmp_path: Path):
    tool = TOOL | {"description": "Search it. Index built 2026-11-23 09:14:05."}
    found = findings(tmp_path, body(tools=[tool]))
    assert found == [("volatile-early", "warning", "tools[search].description")]


def test_the_same_value_in_the_newest_message_is_none(tmp_path: Path):
    request = body()
    request["messages"][0]["content"][0]["text"] = "It is 2026-11-23T09:14:05Z. What now?"
    assert findings(tmp_path, request) == []


def test_a_date_is_only_noted(tmp_path: Path):
    found = findings(tmp_path, body(system=f"Today is 2026-11-23. {RULES}"))
    assert found == [("volatile-early", "note", "system[0].text")]


def test_no_marker_at_all(tmp_path: Path):
    request = body()
    del request["system"][0]["cache_control"]
    del request["messages"][0]["content"][0]["cache_control"]
    assert [flaw for flaw, *_ in findings(tmp_path, request)] == ["breakpoint-missing"]


def test_more_markers_than_are_taken(tmp_path: Path):
    request = body(tools=[TOOL | {"name": f"t{n}"} | MARK for n in range(4)])
    assert ("too-many-breakpoints", "error") in {f[:2] for f in findings(tmp_path, request)}


@pytest.mark.parametrize(("texts", "flaws"), [(19, []), (20, ["lookback-exceeded"])])
def test_markers_too_far_apart(tmp_path: Path, texts: int, flaws: list[str]):
    assert [flaw for flaw, *_ in findings(tmp_path, body(texts=texts))] == flaws


def test_a_prefix_below_the_minimum(tmp_path: Path):
    assert [f[:2] for f in findings(tmp_path, body(system="Be brief."))] == [
        ("too-short", "warning")
    ]


def test_the_same_tool_with_its_keys_in_another_order(tmp_path: Path):
    turned = dict(reversed(TOOL.items()))
    found = findings(tmp_path, body(), body(tools=[turned]))
    assert found == [("keys-unsorted", "error", "tools[search]")]


def test_mistakes_are_told_in_one_line(tmp_path: Path):
    assert "there is no .json file" in whycold("lint", tmp_path).mistake
    assert "none.json" in whycold("lint", tmp_path / "none.json").mistake
    file = write(tmp_path, "a.json", body())
    assert "odd" in whycold("lint", "--provider", "odd", file).mistake


def test_people_get_the_place_and_what_to_do(tmp_path: Path):
    file = write(tmp_path, "a.json", body(system=f"It is 09:14:05 now. {RULES}"))
    out = whycold("lint", file).out
    assert "warning: system[0].text  volatile-early" in out
    assert "Take it out of the system prompt" in out
