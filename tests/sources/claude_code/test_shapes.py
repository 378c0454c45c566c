"""Compaction, subagents, forks and copies, of all generations of the format."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sources.claude_code.independent_count import totals
from tests.sources.claude_code.transcripts import (
    LONG,
    Transcript,
    calls_of,
    seen,
    sums,
    texts,
    told_of,
    use,
)
from whycold.core.diagnosis import Verdict
from whycold.core.prompt import Section

SUMMARY = (
    "This session is being continued from a previous conversation that ran out of context. "
    "The summary below covers the earlier portion of the conversation."
)


def compacted(**boundary: Any) -> Transcript:
    made = Transcript()
    made.user(LONG)
    made.answer("1", "One.", write=30_000)
    made.user("Second. " + LONG)
    last = made.answer("2", "Two.", read=30_000, write=1_000)
    made.add(
        "system",
        subtype="compact_boundary",
        after=None,
        logicalParentUuid=last,
        compactMetadata={"trigger": "auto", **boundary},
    )
    made.user(SUMMARY, isCompactSummary=True)
    made.answer("3", "Three.", read=20_000, write=900)
    return made


def test_a_compacted_conversation_begins_with_its_summary_and_follows_the_old_one(tmp_path: Path):
    third = calls_of(compacted(), tmp_path)[2]
    assert texts(third) == [SUMMARY]
    assert (third.prompt.links.follows, third.prompt.links.begins) == ("msg_2", False)


def test_a_compaction_is_a_loss_that_was_meant(tmp_path: Path):
    told = told_of(compacted(), tmp_path)[2]
    assert (told.verdict, told.cause, told.expected) == (Verdict.partial, "compacted", True)
    assert told.missed_tokens == 903


def test_what_a_compaction_took_over_stands_behind_its_summary(tmp_path: Path):
    segment = {"headUuid": "s1-2", "tailUuid": "s1-3", "anchorUuid": "s1-5"}
    third = calls_of(compacted(preservedSegment=segment), tmp_path)[2]
    assert texts(third) == [SUMMARY, "Second. " + LONG, "Two."]


def test_a_segment_that_is_not_there_leaves_a_gap(tmp_path: Path):
    segment = {"headUuid": "gone", "tailUuid": "s1-3"}
    third = calls_of(compacted(preservedSegment=segment), tmp_path)[2]
    assert Section.messages in third.prompt.unseen


def test_an_old_compaction_is_known_by_its_summary_alone(tmp_path: Path):
    made = Transcript()
    made.user(LONG)
    made.answer("1", "One.", write=30_000)
    made.user(SUMMARY, isCompactSummary=True, after=None)
    made.answer("2", "Two.", read=20_000, write=900)
    second = calls_of(made, tmp_path)[1]
    assert (texts(second), second.prompt.links.follows) == ([SUMMARY], "msg_1")


def inline() -> Transcript:
    """A subagent in the file of its session, as until Claude Code 1."""
    made = Transcript()
    made.user("First.")
    task = use("t1", "Task", prompt="Look at the tests.", subagent_type="explorer")
    one = made.answer("1", task)
    made.user("Look at the tests.", after=None, isSidechain=True)
    made.answer("a", use("t2"), isSidechain=True)
    made.result("t2", isSidechain=True)
    made.answer("b", "They fail.", isSidechain=True)
    made.result("t1", after=one)
    made.answer("2", "Two.")
    return made


def test_a_subagent_within_the_file_has_a_conversation_of_its_own(tmp_path: Path):
    found = {call.request_id: call for call in calls_of(inline(), tmp_path)}
    assert texts(found["req_b"]) == ["Look at the tests.", "Bash", "Bash"]
    assert texts(found["req_2"]) == ["First.", "Task", "Task"]
    agents = {name: call.agent for name, call in found.items()}
    assert agents == {"req_1": None, "req_a": "explorer", "req_b": "explorer", "req_2": None}


def subagent(folder: Path, name: str = "a1b2c3", **more: Any) -> Transcript:
    """A session with a file for its subagent."""
    main = Transcript()
    main.user("First.")
    one = main.answer(
        "1", use("t1", "Agent", prompt="Look.", subagent_type="explorer"), write=9_000
    )
    main.result("t1", after=one, wait=30)
    main.answer("2", "Two.", read=9_000, write=50)
    main.write(folder / "s1.jsonl")
    agent = Transcript(start=timedelta(seconds=3), agentId=name, isSidechain=True, **more)
    agent.session = "s1"
    return agent


def test_a_subagent_s_own_file_belongs_to_its_session(tmp_path: Path):
    agent = subagent(tmp_path)
    agent.user("Look.", uuid="x1")
    agent.answer("a", "They fail.", uuid="x2")
    agent.write(tmp_path / "s1/subagents/agent-a1b2c3.jsonl")
    found = {call.request_id: call for call in seen(tmp_path)}
    assert found["req_a"].agent == "explorer"
    assert (found["req_a"].session, found["req_a"].project) == ("s1", "billing")
    assert found["req_a"].prompt.links.begins


@pytest.mark.parametrize("place", ["agent-a1b2c3.jsonl", "s1/subagents/w/agent-a1b2c3.jsonl"])
def test_a_subagent_s_file_may_stand_elsewhere(place: str, tmp_path: Path):
    agent = subagent(tmp_path)
    agent.user("Look.", uuid="x1")
    agent.answer("a", "They fail.", uuid="x2")
    agent.write(tmp_path / place)
    assert {call.session for call in seen(tmp_path)} == {"s1"}


def test_the_kind_of_a_subagent_is_taken_from_its_records_or_from_beside_them(tmp_path: Path):
    agent = subagent(tmp_path)
    agent.user("Another task.", uuid="x1")
    agent.answer("a", "Done.", uuid="x2")
    path = agent.write(tmp_path / "s1/subagents/agent-a1b2c3.jsonl")
    named = {call.request_id: call.agent for call in seen(tmp_path)}
    assert named["req_a"] == "a1b2c3"
    path.with_name("agent-a1b2c3.meta.json").write_text('{"agentType": "reviewer"}')
    named = {call.request_id: call.agent for call in seen(tmp_path)}
    assert named["req_a"] == "reviewer"
    agent.records[1]["attributionAgent"] = "planner"
    agent.write(path)
    assert {call.request_id: call.agent for call in seen(tmp_path)}["req_a"] == "planner"


def test_a_forked_agent_goes_on_from_where_it_was_forked(tmp_path: Path):
    agent = subagent(tmp_path)
    agent.add("fork-context-ref", uuid="x0", parentLastUuid="s1-1", parentSessionId="s1")
    agent.user("Suggest a title.", uuid="x1", after=None)
    agent.answer("a", "Tests.", uuid="x2", read=9_000, write=20)
    agent.write(tmp_path / "s1/subagents/agent-a1b2c3.jsonl")
    found = {call.request_id: call for call in seen(tmp_path)}
    assert texts(found["req_a"]) == ["First.", "Agent", "Suggest a title."]
    assert found["req_a"].prompt.links.follows == "msg_1"


def test_a_forked_agent_of_an_older_version_shows_only_what_was_added(tmp_path: Path):
    agent = subagent(tmp_path, "acompact-fffbd0")
    agent.user("Your task is to create a detailed summary.", uuid="x1", after=None)
    agent.answer("a", "Done.", uuid="x2", read=166_758, write=2_487)
    agent.write(tmp_path / "s1/subagents/agent-acompact-fffbd0.jsonl")
    found = {call.request_id: call for call in seen(tmp_path)}
    prompt = found["req_a"].prompt
    assert Section.messages in prompt.unseen and not prompt.links.begins


def forked(folder: Path, **origin: Any) -> Transcript:
    """A session, and one that was made from its first turn and goes on otherwise."""
    main = Transcript()
    main.user(LONG)
    main.answer("1", "One.", write=20_000)
    copied = json.loads(json.dumps(main.records))
    main.user("Second.")
    main.answer("2", "Two.", read=20_000, write=100)
    main.write(folder / "s1.jsonl")
    fork = Transcript("s2", start=timedelta(hours=2))
    fork.records = [{**record, "sessionId": "s2", **origin} for record in copied]
    fork.last = fork.records[-1]["uuid"]
    fork.user("Another second.")
    fork.answer("3", "Three.", read=19_000, write=1_200)
    fork.write(folder / "s2.jsonl")
    return fork


def test_calls_that_were_copied_to_another_session_are_the_same_calls(tmp_path: Path):
    forked(tmp_path)
    calls = seen(tmp_path)
    assert [call.request_id for call in calls] == ["req_1", "req_2", "req_1", "req_3"]
    assert calls[0].id == calls[2].id
    assert sums(calls)["calls"] == 3
    assert sums(calls) == dict(totals(tmp_path))


def test_a_forked_session_goes_on_from_the_copied_turn(tmp_path: Path):
    fork = forked(tmp_path)
    told = told_of(fork, tmp_path / "alone")
    assert told[1].predecessor == told[0].call
    assert (told[1].verdict, told[1].missed_tokens) == (Verdict.partial, 1_000)


def test_a_copy_that_names_where_it_comes_from_belongs_there(tmp_path: Path):
    fork = forked(tmp_path, forkedFrom={"sessionId": "s1", "messageUuid": "s1-1"})
    sessions = {call.request_id: call.session for call in calls_of(fork, tmp_path / "alone")}
    assert sessions == {"req_1": "s1", "req_3": "s2"}


def test_the_session_that_was_copied_is_read_before_its_copy(tmp_path: Path):
    fork = forked(tmp_path)
    (tmp_path / "s2.jsonl").unlink()
    fork.write(tmp_path / "a.jsonl")
    assert [call.session for call in seen(tmp_path)] == ["s1", "s1", "s2", "s2"]


def with_subagent(folder: Path) -> None:
    agent = subagent(folder)
    agent.user("Look.", uuid="x1")
    agent.answer("z", "Yes.", uuid="x2", write=700, lifetime="5m", output=3)
    agent.write(folder / "s1/subagents/agent-a1b2c3.jsonl")


@pytest.mark.parametrize(
    "write",
    [
        forked,
        with_subagent,
        lambda folder: inline().write(folder / "s1.jsonl"),
        lambda folder: compacted().write(folder / "s1.jsonl"),
    ],
    ids=["forked", "a subagent's file", "a subagent within", "compacted"],
)
def test_totals_equal_an_independent_count(write: Callable[[Path], object], tmp_path: Path):
    write(tmp_path)
    assert sums(seen(tmp_path)) == dict(totals(tmp_path))
