"""Whole requests and responses become the calls that were made, with an index and without one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.sources.claude_code_bodies.bodies import START, Session, seen, sums, talk, use
from tests.sources.claude_code_bodies.independent_count import totals
from whycold.core.call import Call
from whycold.core.prompt import Section
from whycold.diagnose import diagnose
from whycold.providers.registry import rules_for
from whycold.sources.claude_code_bodies import ClaudeCodeBodies

with_and_without = pytest.mark.parametrize("indexed", [True, False], ids=["index", "no index"])


def kept(made: Session, indexed: bool) -> list[Call]:
    if indexed:
        made.index()
    return seen(made.folder)


@with_and_without
def test_every_call_holds_all_of_its_request(indexed: bool, tmp_path: Path):
    calls = kept(talk(tmp_path), indexed)
    assert [len(call.prompt.section(Section.messages)) for call in calls] == [2, 5, 8]
    for call in calls:
        assert [block.name for block in call.prompt.section(Section.tools)] == ["Bash", "Read"]
        assert call.prompt.unseen == frozenset()
        assert call.prompt.breakpoints


@with_and_without
def test_every_call_has_its_own_response(indexed: bool, tmp_path: Path):
    calls = kept(talk(tmp_path), indexed)
    assert [call.reply.message_id for call in calls] == ["msg_s10", "msg_s11", "msg_s12"]
    assert [call.request_id for call in calls] == ["req_s10", "req_s11", "req_s12"]
    usage = calls[1].usage
    assert (usage.input, usage.cache_read, usage.cache_write_5m) == (9_703, 9_000, 700)


@with_and_without
def test_a_call_says_where_it_comes_from(indexed: bool, tmp_path: Path):
    call = kept(talk(tmp_path), indexed)[0]
    assert (call.provider, call.model) == ("anthropic", "claude-sonnet-4-5")
    assert (call.session, call.project, call.agent) == ("s1", "billing", None)
    assert call.release == "claude-cli 2.1.260"
    assert call.prompt.setting("betas") == ["interleaved-thinking-2025-05-14"]


@with_and_without
def test_a_conversation_that_only_grows_is_a_hit(indexed: bool, tmp_path: Path):
    told = diagnose(kept(talk(tmp_path), indexed), rules_for)
    assert [str(one.verdict) for one in told] == ["first", "hit", "hit"]


@with_and_without
def test_an_edit_of_a_tool_is_found(indexed: bool, tmp_path: Path):
    made = talk(tmp_path)
    made.more = {"tools": [{"name": "Bash", "description": "Other.", "input_schema": {}}]}
    made.user("Third.")
    made.call("Three.", written=9_800)
    told = diagnose(kept(made, indexed), rules_for)[-1]
    assert str(told.reason) == "tools_changed"
    assert told.divergences[0].path == "tools[Bash].description"


@pytest.mark.parametrize(
    ("asked_by", "agent"),
    [
        ("sdk", None),
        ("repl_main_thread:outputStyle:custom", None),
        ("agent:builtin:general-purpose", "general-purpose"),
        ("agent:custom:reviewer", "reviewer"),
        ("agent:custom", "subagent"),
        ("generate_session_title", "generate_session_title"),
    ],
)
def test_the_index_names_who_asked(asked_by: str, agent: str | None, tmp_path: Path):
    made = talk(tmp_path)
    for line in made.lines:
        line["query_source"] = asked_by
    assert {call.agent for call in kept(made, True)} == {agent}


def test_sessions_that_answer_alike_at_the_same_time_are_told_apart(tmp_path: Path):
    one, other = Session(tmp_path, "s1"), Session(tmp_path, "s2", start=0.5)
    for number in range(4):
        for made in (one, other):
            made.user(f"Question {number}.")
        for made in (one, other):
            made.ask()
        for made in (other, one):
            made.reply("Ok.", use(f"toolu_{made.id}{number}"), written=number)
    calls = seen(tmp_path)
    assert len(calls) == 8
    shown = [call for call in calls if call.prompt.blocks]
    assert len(shown) >= 6
    for call in shown:
        assert call.session is not None
        assert call.reply.message_id is not None
        assert call.reply.message_id.startswith(f"msg_{call.session}")


def test_what_cannot_be_told_apart_has_no_prompt_and_still_counts(tmp_path: Path):
    one, other = Session(tmp_path, "s1"), Session(tmp_path, "s2")
    for made in (one, other):
        made.user()
        made.ask()
    for made in (one, other):
        made.reply("Ok.", written=9_000)
    source = ClaudeCodeBodies([tmp_path])
    calls = [found.call for group in source.groups for found in group.calls()]
    assert [call.prompt.blocks for call in calls] == [(), ()]
    assert all(Section.messages in call.prompt.unseen for call in calls)
    assert sums(calls) == dict(totals(tmp_path))
    assert [trouble.what for trouble in source.troubles] == [
        "2 skipped: a request without a response, cut off or still running"
    ]


def test_a_request_that_is_still_running_is_told(tmp_path: Path):
    made = talk(tmp_path)
    made.user("Third.")
    made.ask()
    source = ClaudeCodeBodies([tmp_path])
    assert len([found for group in source.groups for found in group.calls()]) == 3
    [trouble] = source.troubles
    assert trouble.what.startswith("1 skipped: a request without a response")


def test_a_copied_folder_keeps_its_times_by_the_index(tmp_path: Path):
    made = talk(tmp_path)
    made.index()
    for path in tmp_path.iterdir():
        os.utime(path, (START + 90_000, START + 90_000))
    times = [call.at.timestamp() - START for call in seen(tmp_path)]
    assert times == [6.0, 7.0, 13.0]


def test_sessions_are_groups_of_their_own_where_there_is_an_index(tmp_path: Path):
    talk(tmp_path).index()
    talk(tmp_path, "s2", start=100).index()
    talk(tmp_path, "s3", start=200)
    assert [len(group.files) for group in ClaudeCodeBodies([tmp_path]).groups] == [6, 6, 6]


def test_ids_are_the_same_with_and_without_an_index(tmp_path: Path):
    made = talk(tmp_path)
    before = [call.id for call in seen(tmp_path)]
    made.index()
    assert [call.id for call in seen(tmp_path)] == before


@with_and_without
def test_totals_equal_an_independent_count(indexed: bool, tmp_path: Path):
    for number in range(5):
        made = talk(tmp_path / f"{number % 2}", f"s{number}", start=number * 3)
        if indexed:
            made.index()
    found = sums(seen(tmp_path))
    assert found["calls"] == 15
    assert found == dict(totals(tmp_path))


@pytest.mark.parametrize("bad", [b"", b"{", b"[1]", b"\xff\xfe\x00", b"[" * 10_000])
def test_a_body_that_cannot_be_read_is_told_in_one_line(bad: bytes, tmp_path: Path):
    made = talk(tmp_path)
    made.index()
    (tmp_path / "s1-0.request.json").write_bytes(bad)
    (tmp_path / "req_s11.response.json").write_bytes(bad)
    source = ClaudeCodeBodies([tmp_path])
    calls = [found.call for group in source.groups for found in group.calls()]
    assert [bool(call.prompt.blocks) for call in calls] == [False, True]
    told = sorted(trouble.path.name for trouble in source.troubles)
    assert told == ["req_s11.response.json", "s1-0.request.json"]


@pytest.mark.parametrize("value", [None, 7, "text", [], {}, [[]], {"a": [None]}, "\ud800"])
@with_and_without
def test_any_value_anywhere_is_survived(indexed: bool, value: object, tmp_path: Path):
    made = talk(tmp_path)
    for name in sorted(path.name for path in tmp_path.iterdir()):
        body = json.loads((tmp_path / name).read_text())
        for key in body:
            made.write(name, {**body, key: value})
            kept(made, False)
        made.write(name, body)
    for key in (*made.lines[0], "other"):
        made.lines[1] = {**made.lines[1], key: value}
        kept(made, indexed)
        (tmp_path / "index.jsonl").unlink(missing_ok=True)
    assert len(seen(tmp_path)) == 3
