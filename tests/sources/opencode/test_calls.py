"""Sessions of opencode, from a database or from files, become the calls that were made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sources.opencode.independent_count import totals
from tests.sources.opencode.sessions import Made, database, files, seen, sums, texts, tool
from whycold.core.prompt import Kind, Section
from whycold.diagnose import diagnose
from whycold.providers.registry import rules_for
from whycold.sources.opencode import Opencode

Keep = Callable[..., Path]
both = pytest.mark.parametrize("keep", [database, files])


def talk(id: str = "ses_1", **more: Any) -> Made:
    made = Made(id, **more)
    made.user("First.")
    made.answer(tool(), written=9_000, finish="tool-calls")
    made.answer("One.", read=9_000, written=700)
    made.user("Second.")
    made.answer("Two.", read=9_700, written=40)
    return made


@both
def test_every_call_holds_what_was_said_until_then(keep: Keep, tmp_path: Path):
    keep(tmp_path, talk())
    calls = seen(tmp_path)
    first = ["First.", "tool_use", "tool_result"]
    assert [texts(call) for call in calls] == [["First."], first, [*first, "One.", "Second."]]
    assert [[b.name or b.value for b in call.reply.blocks] for call in calls] == [
        ["bash"],
        ["One."],
        ["Two."],
    ]


@both
def test_a_call_says_where_it_comes_from(keep: Keep, tmp_path: Path):
    keep(tmp_path, talk())
    call = seen(tmp_path)[0]
    assert (call.provider, call.api, call.model) == (
        "anthropic",
        "anthropic.messages",
        "claude-sonnet-4-5",
    )
    assert (call.session, call.project, call.agent) == ("ses_1", "billing", None)
    assert call.release in ("opencode 1.18.33", "opencode 1.1.65")
    assert (call.request_id, call.reply.message_id) == (None, None)


@both
def test_counts_add_up_to_the_whole_prompt(keep: Keep, tmp_path: Path):
    keep(tmp_path, talk())
    usage = seen(tmp_path)[1].usage
    assert (usage.input, usage.cache_read, usage.cache_write) == (9_700, 9_000, 700)
    assert (usage.uncached, usage.output) == (0, 10)


def test_the_same_session_in_a_database_and_in_files_is_one(tmp_path: Path):
    database(tmp_path, talk())
    files(tmp_path, talk())
    calls = seen(tmp_path)
    assert len(calls) == 6
    assert len({call.id for call in calls}) == 3


@both
def test_copies_in_a_fork_are_the_calls_that_they_were(keep: Keep, tmp_path: Path):
    made = talk()
    fork = made.fork("ses_2")
    fork.user("Other third.")
    fork.answer("Three.", read=9_740, written=30)
    keep(tmp_path, fork, made)
    calls = seen(tmp_path)
    assert [call.session for call in calls] == ["ses_1"] * 3 + ["ses_2"] * 4
    assert [c.id for c in calls[3:6]] == [c.id for c in calls[:3]]
    assert texts(calls[-1])[-1] == "Other third."
    assert sums(calls) == dict(totals(tmp_path))


@both
def test_subagents_are_read_with_who_started_them_and_named(keep: Keep, tmp_path: Path):
    agent = talk("ses_2", parent="ses_1", start=2_000)
    for info, _ in agent.messages:
        info["agent"] = "explore"
    keep(tmp_path, talk(), agent, talk("ses_9", start=9_000))
    trees = Opencode([tmp_path]).groups
    assert [len(tree.files) for tree in trees] == [2, 1]
    assert [found.call.agent for found in trees[0].calls()] == [None] * 3 + ["explore"] * 3


@both
def test_after_a_compaction_its_summary_is_sent(keep: Keep, tmp_path: Path):
    made = talk()
    made.compact()
    made.user("Third.")
    made.answer("Three.", read=0, written=8_000)
    keep(tmp_path, made)
    calls = seen(tmp_path)
    assert calls[3].agent == "compaction"
    assert texts(calls[4]) == ["What did we do so far?", "In short.", "Third."]


@both
def test_what_a_compaction_was_asked_with_is_not_guessed(keep: Keep, tmp_path: Path):
    made = talk()
    made.compact()
    keep(tmp_path, made)
    prompt = seen(tmp_path)[-1].prompt
    assert prompt.blocks == ()
    assert Section.messages in prompt.unseen


@both
def test_messages_that_a_compaction_kept_stand_behind_its_summary(keep: Keep, tmp_path: Path):
    made = talk()
    second = made.messages[3][0]["id"]
    made.compact(tail_start_id=second)
    made.user("Third.")
    made.answer("Three.", written=8_000)
    keep(tmp_path, made)
    kept = ["What did we do so far?", "In short.", "Second.", "Two."]
    assert texts(seen(tmp_path)[-1]) == [*kept, "Third."]


@both
def test_results_are_sent_until_they_are_cleared(keep: Keep, tmp_path: Path):
    made = talk()
    image = {"mime": "image/png", "url": "data:image/png;base64,AAAA"}
    state = made.messages[1][1][1]["state"]
    state["attachments"] = [image]
    state["time"]["compacted"] = made.at + 1
    made.user("Third.")
    made.answer("Three.", read=9_000, written=600)
    keep(tmp_path, made)
    _, _, before, after = seen(tmp_path)
    assert texts(before)[2:4] == ["tool_result", "image"]
    assert texts(after)[2:4] == ["[Old tool result content cleared]", "One."]
    assert after.prompt.blocks[2].kind is Kind.tool_result


@both
def test_a_reply_that_failed_is_no_call_and_is_not_sent_back(keep: Keep, tmp_path: Path):
    made = talk()
    made.user("Third.")
    none = {"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}}
    error = {"name": "APIError", "data": {"message": "overloaded"}}
    made.add(
        {"type": "step-start"},
        {"type": "text", "text": "Half of a"},
        role="assistant",
        parentID=made.asked,
        providerID="anthropic",
        modelID="claude-sonnet-4-5",
        tokens=none,
        error=error,
        time={"created": made.at + 20, "completed": made.at + 30},
    )
    made.user("Fourth.")
    made.answer("Four.", read=9_740, written=90)
    keep(tmp_path, made)
    calls = seen(tmp_path)
    assert len(calls) == 4
    assert texts(calls[-1])[-2:] == ["Third.", "Fourth."]


@both
def test_a_reply_that_was_stopped_is_sent_back_with_what_it_said(keep: Keep, tmp_path: Path):
    made = talk()
    made.messages[-1][0]["error"] = {"name": "MessageAbortedError", "data": {}}
    made.user("Third.")
    made.answer("Three.", read=9_740)
    keep(tmp_path, made)
    assert texts(seen(tmp_path)[-1])[-2:] == ["Two.", "Third."]


@both
def test_a_message_that_is_still_being_written_is_left_for_later(keep: Keep, tmp_path: Path):
    made = talk()
    made.user("Third.")
    info = made.answer("Thr", read=9_740)
    del info["time"]["completed"], made.messages[-1][1][-1]
    keep(tmp_path, made)
    assert len(seen(tmp_path)) == 3


@both
def test_a_message_of_several_steps_is_as_many_calls(keep: Keep, tmp_path: Path):
    made = Made()
    made.user("First.")
    made.answer(tool(), written=9_000)
    end = made.messages[-1][1][-1]
    more = [{"type": "step-start"}, {"type": "text", "text": "One."}, end]
    for n, part in enumerate(more):
        made.messages[-1][1].append({**part, "id": f"prt_{made.id}_0001_9{n}"})
    keep(tmp_path, made)
    first, second = seen(tmp_path)
    assert texts(second) == ["First.", "tool_use", "tool_result"]
    assert first.at < second.at
    assert first.id != second.id


@both
def test_what_the_user_adds_is_sent_as_opencode_sends_it(keep: Keep, tmp_path: Path):
    made = Made()
    made.user(
        "Look.",
        {"type": "text", "text": "Not this.", "ignored": True},
        {"type": "file", "mime": "text/plain", "url": "file:///a", "filename": "a"},
        {"type": "file", "mime": "image/png", "url": "data:image/png;base64,AAAA"},
        {"type": "subtask", "prompt": "x"},
    )
    made.answer()
    keep(tmp_path, made)
    assert texts(seen(tmp_path)[0]) == [
        "Look.",
        "image",
        "The following tool was executed by the user",
    ]


@pytest.mark.parametrize(
    ("model", "provider", "api"),
    [
        ("openai/gpt-5.1", "openai", "openai.responses"),
        ("google/gemini-3-pro", "gemini", "gemini.generate"),
        ("amazon-bedrock/anthropic.claude-sonnet-4-5", "bedrock", "bedrock.converse"),
        ("openrouter/z-ai-glm-4.6", "openrouter", "openai.chat"),
        ("moonshotai/kimi-k3", "moonshot", "openai.chat"),
        ("my-proxy/gpt-5.1", "openai", "openai.chat"),
        ("my-proxy/deepseek-chat", "deepseek", "openai.chat"),
    ],
)
def test_who_answered_is_told_by_name_or_by_model(
    model: str, provider: str, api: str, tmp_path: Path
):
    database(tmp_path, talk(model=model))
    call = seen(tmp_path)[0]
    assert (call.provider, call.api) == (provider, api)


def test_where_nobody_is_known_to_report_a_0_counts_only_after_another_count(tmp_path: Path):
    made = Made(model="my-proxy/home-made")
    for read in (0, 4_096, 0):
        made.user()
        made.answer(rest=9_000, read=read)
    database(tmp_path, made)
    usages = [call.usage for call in seen(tmp_path)]
    assert [u.cache_read for u in usages] == [None, 4_096, 0]
    assert [u.uncached for u in usages] == [None, 9_000, 9_000]
    assert [u.cache_write for u in usages] == [None] * 3


def test_a_provider_that_says_when_it_writes_is_taken_at_its_word(tmp_path: Path):
    database(tmp_path, talk())
    assert [c.usage.cache_write for c in seen(tmp_path)] == [9_000, 700, 40]
    made = Made("ses_2")
    made.user()
    made.answer(rest=500)
    usage = seen(database(tmp_path / "b", made))[0].usage
    assert (usage.cache_read, usage.cache_write) == (0, 0)


def test_only_zeros_are_no_report(tmp_path: Path):
    made = Made()
    made.user()
    made.answer(output=0)
    database(tmp_path, made)
    usage = seen(tmp_path)[0].usage
    assert (usage.input, usage.cache_read, usage.output) == (None, None, None)


@pytest.mark.parametrize(("whole", "output"), [(1_030, 30), (1_020, 20), (None, 20)])
def test_reasoning_counts_once(whole: int | None, output: int, tmp_path: Path):
    """Versions differ in whether ``output`` holds it; their ``total`` tells."""
    made = Made()
    made.user()
    made.answer(rest=1_000, output=20, reasoning=10)["tokens"]["total"] = whole
    database(tmp_path, made)
    assert seen(tmp_path)[0].usage.output == output


@both
def test_totals_equal_an_independent_count(keep: Keep, tmp_path: Path):
    made = talk()
    made.compact()
    made.user("Third.")
    made.answer(tool(), "Three.", written=8_000, reasoning=300)
    keep(tmp_path, made, made.fork("ses_2"), talk("ses_3", parent="ses_1", start=70_000))
    found = sums(seen(tmp_path))
    assert found["calls"] == 8
    assert found == dict(totals(tmp_path))


@both
def test_ids_are_the_same_every_time(keep: Keep, tmp_path: Path):
    keep(tmp_path, talk())
    assert [call.id for call in seen(tmp_path)] == [call.id for call in seen(tmp_path)]


@both
def test_tools_and_system_are_never_seen(keep: Keep, tmp_path: Path):
    keep(tmp_path, talk())
    for call in seen(tmp_path):
        assert {Section.tools, Section.system} <= call.prompt.unseen
        assert {block.section for block in call.prompt.blocks} == {Section.messages}


@both
def test_every_call_goes_on_from_the_one_before(keep: Keep, tmp_path: Path):
    keep(tmp_path, talk())
    told = diagnose(seen(tmp_path), rules_for)
    assert [one.predecessor for one in told] == [None, *(one.call for one in told[:-1])]
