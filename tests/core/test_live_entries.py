"""What is in the cache when a call comes: entries, their lifetimes, and who can find them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.core.stories import (
    AUTOMATIC,
    EITHER,
    ENGINE,
    MARKED,
    MINUTE,
    SECOND,
    START,
    TASK,
    call,
    counted,
    outcome,
)
from whycold.core.call import Call, ProviderError, Usage
from whycold.core.cause import Obstacle
from whycold.core.diagnosis import Verdict
from whycold.core.ledger import Ledger
from whycold.core.live_entries import entries, positions_between, reach, sent_back
from whycold.core.rules import CacheRules, Ttl
from whycold.core.tokens import count

SYSTEM, LAST = 2, -1
LOOK = "assistant: I look at the tests first."
THANKS = "user: Thank you, and now the other module that has the same fault, please."
POEM = "user: Write a poem about the sea in winter, eight lines, and no rhymes at all."


def left(made: Call, rules: CacheRules = MARKED) -> list[tuple[int, int, bool]]:
    """What a call leaves: leading blocks, tokens, and whether they were counted."""
    counts = count(made.prompt, made.usage.input)
    return [(e.blocks, e.tokens, e.exact) for e in entries(made, rules, counts)]


def test_every_marker_leaves_an_entry_and_the_last_one_s_size_is_known():
    made = call("1", marks=[SYSTEM, LAST], usage=counted(5000, read=0, write=4990))
    (first, _, exact), last = left(made)
    assert (first, exact) == (3, False)
    assert last == (4, 4990, True)


def test_automatic_caching_leaves_the_whole_prompt():
    assert left(call("1", usage=counted(5000)), AUTOMATIC) == [(4, 5000, True)]


def test_automatic_caching_with_a_marker_leaves_what_was_marked():
    assert left(call("1", marks=[SYSTEM], usage=counted(5000)), EITHER)[0][0] == 3
    assert left(call("1", usage=counted(5000)), EITHER) == [(4, 5000, True)]


@pytest.mark.parametrize(
    "made",
    [
        call("1", usage=counted(5000)),
        call("1", marks=[LAST], usage=counted(5000, read=0, write=0)),
        call("1", marks=[LAST], usage=counted(900, read=0, write=900)),
        call("1", marks=[LAST], usage=Usage(input=5000), error=ProviderError(400, None, "no")),
        call("1", [], tools=(), system=(), usage=counted(5000)),
    ],
    ids=["no marker", "nothing written", "below the minimum", "refused", "empty"],
)
def test_nothing_is_left_by(made: Call):
    assert left(made) == []


def test_an_engine_of_one_s_own_keeps_what_nobody_asked_it_to_keep():
    unasked = call("1", usage=counted(5000), asks=False)
    assert left(unasked, AUTOMATIC) == []
    assert left(unasked, ENGINE) == [(4, 5000, True)]


def test_a_call_can_read_up_to_its_last_marker():
    assert reach(call("1", marks=[SYSTEM]), MARKED) == 3
    assert reach(call("1"), MARKED) == 0
    assert reach(call("1"), AUTOMATIC) is None
    assert reach(call("1"), EITHER) is None
    assert reach(call("1", marks=[SYSTEM]), EITHER) == 3


def test_an_entry_is_gone_when_its_lifetime_is_over():
    calls = (
        call("1", marks=[LAST], usage=counted(5000, read=0, write=5000)),
        call(
            "2",
            [TASK, LOOK, THANKS],
            marks=[LAST],
            at=6 * MINUTE,
            usage=counted(5200, read=0, write=5200),
        ),
    )
    seen = outcome(*calls)
    assert (seen.verdict, seen.missed, seen.obstacle) == (Verdict.miss, 5000, Obstacle.expired)
    assert seen.case is not None and seen.case.lapsed == "5m"


def test_a_read_starts_the_lifetime_anew():
    def turn(id: str, messages: list[str], minute: int, usage: Usage) -> Call:
        return call(id, messages, marks=[LAST], at=minute * MINUTE, usage=usage)

    calls = (
        turn("1", [TASK], 0, counted(5000, read=0, write=5000)),
        turn("again", [TASK], 4, counted(5000, read=5000, write=0)),
        turn("2", [TASK, LOOK, THANKS], 8, counted(5200, read=0, write=5200)),
    )
    assert outcome(*calls).obstacle is Obstacle.lost
    assert outcome(calls[0], calls[2]).obstacle is Obstacle.expired


def test_another_conversation_s_read_keeps_the_shared_system_prompt_alive():
    def talk(id: str, task: str, minute: int, read: int) -> Call:
        usage = counted(4100, read=read, write=4000 - read)
        return call(id, [task], marks=[SYSTEM], at=minute * MINUTE, usage=usage)

    first, sibling = talk("1", TASK, 0, 0), talk("2", POEM, 4, 4000)
    late = talk("3", TASK + " And quickly.", 8, 0)
    assert outcome(first, sibling, late).obstacle is Obstacle.lost
    assert outcome(first, late).verdict is Verdict.first


def test_an_hour_s_marker_outlives_the_five_minutes_behind_it():
    def turn(id: str, messages: list[str], minute: int, usage: Usage) -> Call:
        marks = {SYSTEM: "1h", LAST: "5m"}
        return call(id, messages, marks=marks, at=minute * MINUTE, usage=usage)

    first = turn("1", [TASK, LOOK, THANKS], 0, counted(9000, read=0, write=9000))
    parts = count(first.prompt, 9000)
    kept = parts.until(3)
    second = turn(
        "2",
        [TASK, LOOK, THANKS, LOOK, POEM],
        10,
        counted(9200, read=kept, write=9200 - kept),
    )
    seen = outcome(first, second)
    assert (seen.verdict, seen.missed) == (Verdict.partial, 9000 - kept)
    assert seen.obstacle is Obstacle.expired
    assert seen.case is not None and seen.case.lapsed == "5m"


def test_what_was_asked_for_an_hour_and_written_for_five_minutes_lives_five_minutes():
    usage = replace(counted(5000, read=0, write=5000), cache_write_5m=5000, cache_write_1h=0)
    first = call("1", marks={LAST: "1h"}, usage=usage)
    assert [e.ttl for e in entries(first, MARKED, count(first.prompt, 5000))] == [MARKED.ttls[0]]


@pytest.mark.parametrize(
    ("minutes", "what"), [(50, Obstacle.lost), (70, Obstacle.expired)], ids=["within", "after"]
)
def test_a_lifetime_asked_for_by_a_setting_counts(minutes: int, what: Obstacle):
    rules = replace(AUTOMATIC, ttls=(Ttl("in_memory", 10 * MINUTE), Ttl("1h", 60 * MINUTE)))
    asked = {"prompt_cache_retention": "1h"}
    calls = (
        call("1", settings=asked, usage=counted(5000)),
        call("2", [TASK, LOOK, THANKS], settings=asked, at=minutes * MINUTE, usage=counted(5200)),
    )
    assert outcome(*calls, rules=rules).obstacle is what


def test_a_lifetime_that_nobody_knows_is_taken_as_the_provider_s_own():
    first = call("1", settings={"prompt_cache_retention": "forever"}, usage=counted(5000))
    (entry,) = entries(first, AUTOMATIC, count(first.prompt, 5000))
    assert entry.ttl == AUTOMATIC.ttls[0]


def test_an_entry_without_a_lifetime_lives_and_cannot_be_refreshed():
    first = call("1", usage=counted(5000))
    (entry,) = entries(first, ENGINE, count(first.prompt, 5000))
    assert entry.alive(START + timedelta(days=300))
    assert entry.used(START + MINUTE) is entry


def test_an_entry_can_be_read_once_its_answer_has_begun():
    first = call("1", marks=[LAST], usage=counted(5000, read=0, write=5000), took=3 * SECOND)
    (entry,) = entries(first, MARKED, count(first.prompt, 5000))
    assert not entry.readable(START + 2 * SECOND)
    assert entry.readable(START + 3 * SECOND)


def test_when_the_answer_began_is_not_known_the_entry_counts_as_there():
    first = call("1", marks=[LAST], usage=counted(5000, read=0, write=5000), took=None)
    (entry,) = entries(first, MARKED, count(first.prompt, 5000))
    assert entry.readable(START)


def test_concurrent_first_calls_all_write():
    def first(id: str, seconds: float) -> Call:
        usage = counted(5000, read=0, write=5000)
        return call(id, marks=[LAST], at=seconds * SECOND, usage=usage)

    seen = outcome(first("1", 0), first("2", 0.5))
    assert (seen.verdict, seen.missed, seen.obstacle) == (
        Verdict.miss,
        5000,
        Obstacle.not_begun,
    )


def test_parallel_turns_still_read_what_was_there_before_them():
    def turn(id: str, messages: list[str], at: timedelta, usage: Usage) -> Call:
        return call(id, messages, marks=[LAST], at=at, usage=usage)

    long = [TASK, LOOK, THANKS]
    calls = (
        turn("1", [TASK], timedelta(0), counted(5000, read=0, write=5000)),
        turn("2a", long, MINUTE, counted(9000, read=5000, write=4000)),
        turn("2b", long, MINUTE + SECOND / 2, counted(9000, read=5000, write=4000)),
    )
    seen = outcome(*calls)
    assert (seen.verdict, seen.missed, seen.obstacle) == (
        Verdict.partial,
        4000,
        Obstacle.not_begun,
    )
    assert seen.told.grade == "consistent"


def grown_by(blocks: list[str], usage: Usage, *, rules: CacheRules = MARKED):
    """A marked call, and one that goes on by so many blocks and is marked at its end."""
    first = call("1", marks=[LAST], usage=counted(5000, read=0, write=5000))
    after = call("2", [TASK, *blocks], marks=[LAST], at=MINUTE, usage=usage)
    return first, after, outcome(first, after, rules=rules)


def test_an_entry_further_back_than_the_provider_looks_is_not_found():
    many = [f"user: Line {n} of what I wanted to say to you today." for n in range(25)]
    first, after, seen = grown_by(many, counted(5600, read=0, write=5600))
    assert positions_between(after, MARKED, len(first.prompt.blocks)) == 26
    assert (seen.verdict, seen.obstacle) == (Verdict.miss, Obstacle.lookback)
    assert seen.case is not None and seen.case.positions == 26


@pytest.mark.parametrize(("count_", "found"), [(19, True), (20, False)])
def test_the_marker_is_the_first_of_the_positions(count_: int, found: bool):
    blocks = [f"user: Line {n} of what I wanted to say." for n in range(count_)]
    _, _, seen = grown_by(blocks, counted(5600, read=0, write=5600))
    assert (seen.obstacle is Obstacle.lost) == found


def test_a_run_of_tool_blocks_is_one_position():
    run = [f"use t{n}" for n in range(15)] + [f"result t{n}: done" for n in range(15)]
    first, after, seen = grown_by(run, counted(5600, read=5000, write=600))
    assert positions_between(after, MARKED, len(first.prompt.blocks)) == 3
    assert seen.verdict is Verdict.hit


def test_where_runs_do_not_count_once_every_block_is_a_position():
    assert MARKED.lookback is not None
    rules = replace(MARKED, lookback=replace(MARKED.lookback, runs_count_once=False))
    run = [f"use t{n}" for n in range(15)] + [f"result t{n}: done" for n in range(15)]
    _, _, seen = grown_by(run, counted(5600, read=0, write=5600), rules=rules)
    assert seen.obstacle is Obstacle.lookback


def test_a_marker_in_between_is_a_stepping_stone():
    many = [f"user: Line {n} of what I wanted to say to you today." for n in range(25)]
    first = call("1", marks=[LAST], usage=counted(5000, read=0, write=5000))
    after = call("2", [TASK, *many], marks=[15, LAST], usage=counted(5600, read=5000, write=600))
    assert positions_between(after, MARKED, len(first.prompt.blocks)) == 13


def test_positions_are_none_without_a_marker_behind_the_entry_or_without_a_limit():
    made = call("1", [TASK, LOOK, THANKS], marks=[SYSTEM])
    assert positions_between(made, MARKED, 4) is None
    assert positions_between(made, AUTOMATIC, 3) is None


def test_a_fork_of_an_automatic_cache_loses_the_turn_it_replaced_and_no_more():
    long = [TASK, LOOK, THANKS]
    first = call("1", long, usage=counted(6400))
    shared = count(first.prompt, 6400).until(5) // 128 * 128
    fork = call("2", [TASK, LOOK, POEM], at=MINUTE, usage=counted(6400, read=shared))
    seen = outcome(first, fork, rules=AUTOMATIC)
    assert (seen.told.predecessor, seen.verdict, seen.obstacle) == ("1", Verdict.partial, None)
    assert seen.missed == first.usage.input - shared  # type: ignore[operator]


def test_an_engine_keeps_what_it_generated():
    first = call("1", answer=LOOK, usage=counted(1000, output=100))
    second = call("2", [TASK, LOOK, THANKS], at=MINUTE, usage=counted(1150, read=1099))
    seen = outcome(first, second, rules=ENGINE)
    assert (seen.verdict, seen.reusable) == (Verdict.hit, 1099)


def test_an_engine_s_reply_that_was_not_sent_back_is_not_owed():
    first = call("1", answer=LOOK, usage=counted(1000, output=100))
    second = call("2", [TASK, THANKS], at=MINUTE, usage=counted(1050, read=1000))
    seen = outcome(first, second, rules=ENGINE)
    assert (seen.verdict, seen.reusable) == (Verdict.hit, 1000)


def test_a_reply_is_sent_back_also_when_it_was_changed():
    first = call("1", answer=LOOK)
    assert sent_back(call("2", [TASK, "assistant: I look."]), first) == 1
    assert sent_back(call("2", [TASK, THANKS]), first) is None
    assert sent_back(call("2", [TASK]), first) is None
    assert sent_back(call("2", [TASK, LOOK]), call("1")) is None


def test_after_a_switch_of_models_and_back_the_first_model_s_entry_is_still_there():
    def turn(id: str, messages: list[str], minute: float, model: str, usage: Usage) -> Call:
        return call(id, messages, marks=[LAST], model=model, at=minute * MINUTE, usage=usage)

    long = [TASK, LOOK, THANKS]
    calls = (
        turn("1", [TASK], 0, "model-a", counted(5000, read=0, write=5000)),
        turn("2", long, 1, "model-b", counted(9000, read=0, write=9000)),
        turn("3", [*long, LOOK, POEM], 2, "model-a", counted(9300, read=5000, write=4300)),
    )
    seen = outcome(*calls)
    assert (seen.verdict, seen.missed, seen.edits) == (Verdict.partial, 4000, ["settings.model"])
    assert seen.obstacle is None


def test_entries_under_another_setting_are_not_live():
    def turn(id: str, minute: float, choice: str, usage: Usage, *more: str) -> Call:
        chosen = {"tool_choice": choice}
        return call(
            id,
            [TASK, *more],
            marks=[SYSTEM, LAST],
            settings=chosen,
            at=minute * MINUTE,
            usage=usage,
        )

    first = turn("1", 0, "auto", counted(5000, read=0, write=5000))
    kept = count(first.prompt, 5000).until(3)
    after = turn("2", 1, "any", counted(5200, read=kept, write=5200 - kept), LOOK, THANKS)
    seen = outcome(first, after)
    assert (seen.verdict, seen.missed) == (Verdict.partial, 5000 - kept)
    assert (seen.edits, seen.obstacle) == (["settings.tool_choice"], None)


def test_a_count_that_was_exact_is_not_given_up_for_an_estimate():
    ledger = Ledger()
    long = [TASK, LOOK, THANKS]
    first = call("1", [TASK], marks=[LAST], usage=counted(5000, read=0, write=4990))
    later = call("2", long, marks=[3, LAST], at=MINUTE, usage=counted(6000, read=4990, write=1000))
    for made in (first, later):
        ledger.remember(made, MARKED, count(made.prompt, made.usage.input), ())
    live = ledger.live(replace(later, at=later.at + MINUTE), MARKED)
    assert [(e.blocks, e.tokens, e.exact) for e in live] == [(4, 4990, True), (6, 5990, True)]


def test_entries_last_used_before_a_time_can_be_let_go():
    ledger = Ledger()
    made = call("1", marks=[LAST], usage=counted(5000, read=0, write=5000))
    ledger.remember(made, MARKED, count(made.prompt, 5000), ())
    again = replace(made, at=made.at + MINUTE)
    ledger.forget(START)
    assert len(ledger.live(again, MARKED)) == 1
    ledger.forget(START + 6 * MINUTE)
    assert ledger.live(again, MARKED) == ()
