"""Threads that go on from others: each call once, with what it really held."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sources.codex.independent_count import totals
from tests.sources.codex.rollouts import Order, Rollout, copied, seen, sums, texts, tool
from whycold.core.prompt import Section
from whycold.sources.codex import Codex

RECORDED = os.environ.get("WHYCOLD_ROLLOUTS")  # noqa: TID251


def talk(order: Order, id: str = "t1") -> Rollout:
    made = Rollout(id, order)
    made.user("First.")
    made.answer(tool(), total=9_000)
    made.answer("One.", total=9_400, read=8_960)
    return made


def go_on(made: Rollout, text: str) -> Rollout:
    made.user(text)
    made.answer(tool(), total=9_900, read=9_344)
    made.answer("Two.", total=11_000, read=9_856)
    return made


def by_reference(made: Rollout, id: str) -> Rollout:
    """A fork as 0.169 writes it: where it parts from the other thread, and what came since."""
    until = made.number
    fork = Rollout(
        id, made.version, 60, forked_from_id=made.id, forked_from_ordinal_exclusive=until
    )
    fork.number, fork.sum, fork.answers = until + 1, dict(made.sum), made.answers
    fork.lines[0]["ordinal"] = until
    return fork


def test_a_fork_by_reference_goes_on_from_where_it_parted(tmp_path: Path):
    made = talk(Order.record)
    fork, deeper = by_reference(made, "t2"), None
    go_on(made, "Second.").write(tmp_path)
    go_on(fork, "Other second.").write(tmp_path)
    deeper = by_reference(fork, "t3")
    go_on(deeper, "Third.").write(tmp_path)
    calls = seen(tmp_path)
    assert [call.session for call in calls] == ["t1"] * 4 + ["t2"] * 2 + ["t3"] * 2
    start = ["First.", "tool_use", "tool_result", "One."]
    assert texts(calls[4]) == [*start, "Other second."]
    assert texts(calls[6])[:5] == texts(calls[4])
    assert texts(calls[6])[-1] == "Third."
    assert calls[4].prompt.links.follows == "resp_t1_2"


def test_a_fork_of_a_thread_that_is_not_there_has_no_beginning(tmp_path: Path):
    go_on(by_reference(talk(Order.record), "t2"), "Second.").write(tmp_path)
    for call in seen(tmp_path):
        assert Section.messages in call.prompt.unseen
        assert not call.prompt.links.begins


@pytest.mark.parametrize("order", [Order.counts, Order.reply, Order.results])
def test_copies_of_calls_count_once_and_are_whose_they_were(order: Order, tmp_path: Path):
    made = talk(order)
    fork = go_on(copied(made, "t2"), "Other second.")
    go_on(made, "Second.").write(tmp_path)
    fork.write(tmp_path)
    go_on(copied(fork, "t3"), "Third.").write(tmp_path)
    calls = seen(tmp_path)
    assert [call.session for call in calls] == ["t1"] * 4 + ["t2"] * 2 + ["t3"] * 2
    assert len({call.id for call in calls}) == 8
    assert texts(calls[4])[-1] == "Other second."
    assert sums(calls) == dict(totals(tmp_path))


def test_copies_of_a_thread_that_is_not_there_have_no_time_and_are_told(tmp_path: Path):
    fork = go_on(copied(talk(Order.reply), "t2"), "Second.")
    source = Codex([fork.write(tmp_path)])
    calls = [found.call for family in source.groups for found in family.calls()]
    assert len(calls) == 2
    assert texts(calls[0])[0] == "First."
    [trouble] = source.troubles
    assert trouble.what.startswith("2 skipped: a copy of a call of another thread")


def test_threads_of_one_conversation_are_read_together_and_others_apart(tmp_path: Path):
    made = talk(Order.record)
    by_reference(made, "t2").write(tmp_path)
    made.write(tmp_path)
    talk(Order.record, "t9").write(tmp_path)
    assert [len(family.files) for family in Codex([tmp_path]).groups] == [2, 1]


def test_a_subagent_is_read_with_who_started_it(tmp_path: Path):
    talk(Order.record).write(tmp_path)
    spawned = {"parent_thread_id": "t1", "depth": 1}
    agent = Rollout("t2", start=30, source={"subagent": {"thread_spawn": spawned}})
    go_on(agent, "Look at it.").write(tmp_path)
    [family] = Codex([tmp_path]).groups
    assert [found.call.agent for found in family.calls()] == [None, None, "subagent", "subagent"]


@pytest.fixture(params=["invented", *(["recorded"] if RECORDED else [])])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "recorded":
        return Path(RECORDED or "")
    for number, order in enumerate(Order):
        made = go_on(talk(order, f"t{number}"), "Second.")
        made.again()
        made.write(tmp_path)
        fork = by_reference if order is Order.record else copied
        go_on(fork(made, f"f{number}"), "Third.").write(tmp_path)
    return tmp_path


def test_totals_equal_an_independent_count(folder: Path):
    found = sums(seen(folder))
    assert found["calls"] > 0
    assert found == dict(totals(folder))
