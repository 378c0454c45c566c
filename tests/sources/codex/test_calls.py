"""Rollouts of each order in which versions write become the calls that were made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sources.codex.rollouts import Order, Rollout, calls_of, seen, texts, told_of, tool
from whycold.core.prompt import Section
from whycold.sources.codex import Codex

every_order = pytest.mark.parametrize("order", Order)


def talk(order: Order = Order.record, **meta: Any) -> Rollout:
    made = Rollout(version=order, **meta)
    made.says("developer", "Sandbox: none.")
    made.user("First.")
    made.answer(tool(), total=9_000)
    made.answer("One.", total=9_400, read=8_960)
    made.user("Second.")
    made.answer(tool(), tool("view_image"), total=9_900, read=9_344)
    made.answer("Two.", total=11_000, read=9_856)
    return made


@every_order
def test_every_call_holds_what_was_said_until_then(order: Order, tmp_path: Path):
    calls = calls_of(talk(order), tmp_path)
    head = ["Sandbox: none.", "First."]
    first = [*head, "tool_use", "tool_result"]
    second = [*first, "One.", "Second."]
    pairs = ["tool_use", "tool_use", "tool_result", "tool_result"]
    assert [texts(call) for call in calls] == [head, first, second, [*second, *pairs]]


@every_order
def test_every_call_has_its_own_reply(order: Order, tmp_path: Path):
    replies = [
        [b.name or b.value for b in call.reply.blocks] for call in calls_of(talk(order), tmp_path)
    ]
    assert replies == [["exec_command"], ["One."], ["exec_command", "view_image"], ["Two."]]


@every_order
def test_counts_that_come_again_are_no_calls(order: Order, tmp_path: Path):
    made = talk(order)
    made.again()
    made.event("token_count", info=None, rate_limits={"primary": None})
    usages = [call.usage for call in calls_of(made, tmp_path)]
    assert [(u.input, u.cache_read, u.uncached, u.output) for u in usages] == [
        (9_000, 0, 9_000, 10),
        (9_400, 8_960, 440, 10),
        (9_900, 9_344, 556, 10),
        (11_000, 9_856, 1_144, 10),
    ]


@every_order
def test_calls_are_sent_after_what_they_wait_for_and_before_their_counts(
    order: Order, tmp_path: Path
):
    made = talk(order)
    times = [call.at for call in calls_of(made, tmp_path)]
    assert times == sorted(set(times))
    assert made.lines[1]["timestamp"] < times[0].isoformat() < made.lines[-1]["timestamp"]


def test_a_call_says_where_it_comes_from(tmp_path: Path):
    call = calls_of(talk(), tmp_path)[1]
    assert (call.provider, call.api, call.model) == ("openai", "openai.responses", "gpt-5.1")
    assert (call.session, call.project, call.agent) == ("t1", "billing", None)
    assert call.release == "codex_exec 0.169.0"
    assert call.reply.message_id == "resp_t1_2"
    assert call.prompt.links.follows == "resp_t1_1"
    assert call.prompt.setting("reasoning.effort") == "high"


def test_tools_and_system_are_never_seen(tmp_path: Path):
    for call in calls_of(talk(), tmp_path):
        assert {Section.tools, Section.system} <= call.prompt.unseen
        assert {block.section for block in call.prompt.blocks} == {Section.messages}


@pytest.mark.parametrize(
    ("source", "agent"),
    [
        ("cli", None),
        ({"subagent": "review"}, "review"),
        ({"subagent": {"other": "guardian"}}, "guardian"),
        ({"subagent": {"thread_spawn": {"parent_thread_id": "t0", "depth": 1}}}, "subagent"),
        (
            {"subagent": {"thread_spawn": {"parent_thread_id": "t0", "agent_role": "explorer"}}},
            "explorer",
        ),
    ],
)
def test_a_subagent_is_named_by_what_it_is_for(source: object, agent: str | None, tmp_path: Path):
    assert calls_of(talk(source=source), tmp_path)[0].agent == agent


def test_a_change_of_the_model_is_seen_from_the_next_call_on(tmp_path: Path):
    made = talk()
    made.user("Third.", model="gpt-5.2")
    made.answer()
    assert [call.model for call in calls_of(made, tmp_path)[-2:]] == ["gpt-5.1", "gpt-5.2"]


@pytest.mark.parametrize(
    ("named", "model", "provider"),
    [
        ("openai", "gpt-5.1", "openai"),
        ("ollama", "gpt-oss:20b", "ollama"),
        ("my-proxy", "gpt-5.1", "openai"),
        ("my-proxy", "qwen3-coder", "qwen"),
    ],
)
def test_who_answered_is_told_by_name_or_by_model(
    named: str, model: str, provider: str, tmp_path: Path
):
    made = Rollout(model_provider=named)
    made.user(model=model)
    made.answer()
    assert calls_of(made, tmp_path)[0].provider == provider


def test_where_nobody_is_known_to_report_a_0_counts_only_after_another_count(tmp_path: Path):
    made = Rollout(model_provider="my-proxy")
    for read in (0, 0, 4_096, 0):
        made.user(model="home-made")
        made.answer(read=read)
    assert [c.usage.cache_read for c in calls_of(made, tmp_path)] == [None, None, 4_096, 0]


def test_writes_count_from_the_first_that_is_reported(tmp_path: Path):
    made = Rollout()
    for written in (0, 700, 0):
        made.user()
        made.answer(written=written)
    usages = [call.usage for call in calls_of(made, tmp_path)]
    assert [u.cache_write for u in usages] == [None, 700, 0]
    assert usages[1].uncached == 8_300


@every_order
def test_a_reply_that_was_cut_off_is_no_call_and_stays_in_the_conversation(
    order: Order, tmp_path: Path
):
    made = talk(order)
    made.user("Third.")
    if order is not Order.counts:
        made.says("assistant", "Half of a")
    made.event("turn_aborted", reason="interrupted")
    made.user("Fourth.")
    made.answer("Four.", total=12_000, read=10_880)
    last = calls_of(made, tmp_path)[-1]
    assert texts(last)[-1] == "Fourth."
    assert [block.value for block in last.reply.blocks] == ["Four."]


@every_order
def test_after_a_compaction_the_history_that_took_its_place_is_sent(order: Order, tmp_path: Path):
    made = talk(order)
    made.event("task_started")
    made.answer("A summary.", total=5_000)
    summary = [{"type": "message", "role": "user", "content": "In short: one, two."}]
    made.add("compacted", message="In short.", replacement_history=summary)
    # the window is counted anew, which is no call
    made.event("token_count", info=made.info(dict.fromkeys(made.sum, 0)))
    made.user("Third.")
    made.answer("Three.", total=6_000)
    calls = calls_of(made, tmp_path)
    assert len(calls) == 6
    assert texts(calls[-1]) == ["In short: one, two.", "Third."]
    assert calls[-1].prompt.links.follows == (calls[-2].reply.message_id or calls[-2].id)
    assert Section.messages not in calls[-1].prompt.unseen


def test_a_history_that_is_not_written_down_is_not_guessed(tmp_path: Path):
    made = talk(Order.reply)
    made.add("compacted", message="In short.")
    made.user("Third.")
    made.answer("Three.", total=6_000)
    last = calls_of(made, tmp_path)[-1]
    assert Section.messages in last.prompt.unseen
    assert not last.prompt.links.begins


@every_order
def test_turns_that_are_taken_back_are_sent_no_more(order: Order, tmp_path: Path):
    made = talk(order)
    made.says("developer", "It is noon.")
    made.user("Third.")
    made.answer("Three.", total=12_000)
    made.event("thread_rolled_back", num_turns=2)
    made.user("Other second.")
    made.answer("Two.", total=9_700)
    said = texts(calls_of(made, tmp_path)[-1])
    assert said == ["Sandbox: none.", "First.", "tool_use", "tool_result", "One.", "Other second."]


def test_ids_are_the_same_every_time(tmp_path: Path):
    path = talk().write(tmp_path)
    assert [call.id for call in seen(path)] == [call.id for call in seen(tmp_path)]


def test_a_call_is_told_where_it_stands_in_its_file(tmp_path: Path):
    path = talk().write(tmp_path)
    raw = path.read_bytes()
    for family in Codex([path]).groups:
        for number, found in enumerate(family.calls(), 1):
            assert f"resp_t1_{number}".encode() in raw[found.begins : found.ends]


@every_order
def test_every_call_goes_on_from_the_one_before(order: Order, tmp_path: Path):
    told = told_of(talk(order), tmp_path)
    assert [one.predecessor for one in told] == [None, *(one.call for one in told[:-1])]
