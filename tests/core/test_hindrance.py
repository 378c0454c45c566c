"""What stood between a call and what its predecessor had left: one thing, then several."""

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
    TASK,
    TOOLS,
    Outcome,
    call,
    counted,
    outcome,
)
from whycold.core.call import Call, Usage
from whycold.core.cause import Obstacle
from whycold.core.diagnosis import Grade, Verdict
from whycold.core.prompt import Section
from whycold.core.rules import CacheRules
from whycold.core.tokens import count

SYSTEM, LAST = 2, -1
LOOK = "assistant: I look at the tests first."
THANKS = "user: Thank you, and now the other module that has the same fault, please."
POEM = "user: Write a poem about the sea in winter, eight lines, and no rhymes at all."
LONG = [TASK, LOOK, THANKS]
WROTE = counted(5000, read=0, write=5000)
NOTHING_READ = counted(5200, read=0, write=5200)


def two(first: dict, second: dict, *, rules: CacheRules = MARKED) -> Outcome:
    """A marked call that wrote 5,000 tokens, and a minute later a turn that read nothing."""
    before = {"messages": [TASK], "marks": [LAST], "usage": WROTE, **first}
    after = {"messages": LONG, "marks": [LAST], "usage": NOTHING_READ, "at": MINUTE, **second}
    return outcome(call("1", **before), call("2", **after), rules=rules)


def test_nothing_changed_and_nothing_was_read():
    seen = two({}, {})
    assert (seen.verdict, seen.missed, seen.obstacle) == (Verdict.miss, 5000, Obstacle.lost)
    assert seen.told.grade is Grade.inferred


@pytest.mark.parametrize(
    ("first", "second", "what"),
    [
        ({"origin": {"account": "a"}}, {"origin": {"account": "b"}}, Obstacle.account),
        ({"origin": {"host": "a"}}, {"origin": {"host": "b"}}, Obstacle.host),
        ({"marks": [], "asks": False, "usage": counted(5000, write=0)}, {}, Obstacle.not_asked),
        ({}, {"marks": [], "asks": False, "usage": counted(5200, write=0)}, Obstacle.not_asked),
        ({}, {"at": 10 * MINUTE}, Obstacle.expired),
        ({}, {"at": SECOND / 2}, Obstacle.not_begun),
        ({"marks": {LAST: "1h"}}, {}, Obstacle.retimed),
    ],
    ids=["account", "host", "never asked", "no longer asked", "expired", "too soon", "retimed"],
)
def test_one_thing_stands_in_the_way(first: dict, second: dict, what: Obstacle):
    seen = two(first, second)
    assert (seen.verdict, seen.missed, seen.obstacle) == (Verdict.miss, 5000, what)


def test_another_account_owes_nothing_to_an_entry_that_is_gone_for_its_owner_too():
    seen = two({"origin": {"account": "a"}}, {"origin": {"account": "b"}, "at": 10 * MINUTE})
    assert (seen.verdict, seen.missed) == (Verdict.first, 0)


@pytest.mark.parametrize(
    ("known", "unknown"), [("account", {}), ("host", {}), ("account", {"account": "a"})]
)
def test_what_is_not_known_is_no_difference(known: str, unknown: dict):
    seen = two({"origin": {known: "a"}}, {"origin": unknown})
    assert seen.obstacle is Obstacle.lost


def test_an_alias_that_another_model_answers_reads_another_cache():
    def by(id: str, messages: list[str], model: str, at: timedelta, usage: Usage) -> Call:
        made = call(id, messages, marks=[LAST], at=at, usage=usage)
        return replace(made, reply=replace(made.reply, model=model))

    first = by("1", [TASK], "model-a-1", timedelta(0), WROTE)
    assert outcome(first, by("2", LONG, "model-a-2", MINUTE, NOTHING_READ)).obstacle is (
        Obstacle.other_model
    )
    assert outcome(first, by("2", LONG, "model-a-1", MINUTE, NOTHING_READ)).obstacle is (
        Obstacle.lost
    )


def test_markers_that_the_first_call_carried_and_that_were_not_heard():
    unheard = {"usage": counted(20_000, read=0, write=0)}
    seen = two(unheard, {"usage": counted(20_200, read=0, write=20_200)})
    assert (seen.verdict, seen.missed, seen.obstacle) == (
        Verdict.miss,
        20_000,
        Obstacle.ignored,
    )


def test_a_marker_on_too_short_a_prefix_leaves_nothing():
    rules = replace(MARKED, minimum=4000)
    early = {"marks": [1], "usage": counted(6000, read=0, write=0), "messages": [TASK * 20]}
    again = {**early, "messages": [TASK * 20, LOOK, THANKS], "usage": counted(6300, write=0)}
    seen = two(early, again, rules=rules)
    assert (seen.verdict, seen.obstacle) == (Verdict.miss, Obstacle.too_short)


def test_a_marker_on_a_prefix_of_about_the_minimum_proves_nothing():
    unheard = {"usage": counted(1100, read=0, write=0)}
    seen = two(unheard, {"usage": counted(1300, read=0, write=1300)})
    assert (seen.verdict, seen.obstacle) == (Verdict.miss, Obstacle.lost)


def test_a_marker_that_stands_early_leaves_most_of_the_conversation_out():
    early = [TASK * 30]
    first = {"messages": early, "marks": [SYSTEM], "usage": counted(9000, read=0, write=900)}
    second = {
        "messages": [*early, LOOK, THANKS],
        "marks": [SYSTEM],
        "usage": counted(9300, read=900, write=0),
    }
    seen = two(first, second)
    assert (seen.verdict, seen.missed) == (Verdict.partial, 8100)
    assert (seen.obstacle, seen.told.grade) == (Obstacle.marker_early, Grade.consistent)


def test_little_behind_the_marker_is_not_worth_one_more():
    first = {"marks": [SYSTEM], "usage": counted(5000, read=0, write=4400)}
    second = {"marks": [SYSTEM], "usage": counted(5200, read=4400, write=0)}
    seen = two(first, second)
    assert (seen.verdict, seen.reusable) == (Verdict.hit, 4400)


def test_a_marker_that_moved_to_the_front_cannot_find_the_entry_at_the_end():
    first = {"messages": [TASK * 30], "usage": counted(9000, read=0, write=9000)}
    second = {
        "messages": [TASK * 30, LOOK, THANKS],
        "marks": [SYSTEM],
        "usage": counted(9300, read=0, write=900),
    }
    assert two(first, second).obstacle is Obstacle.marker_early


def test_a_marker_on_a_passing_note_at_the_end_moves_with_it():
    note = "system: The user has 3 files open. This note is for this request alone."
    long = [TASK * 20, LOOK, THANKS]
    first = {"messages": [*long, note], "usage": counted(9000, read=0, write=9000)}
    second = {
        "messages": [*long, "assistant: Both are repaired.", "user: Good.", note],
        "usage": counted(9200, read=0, write=9200),
    }
    seen = two(first, second)
    assert (seen.obstacle, seen.missed) == (Obstacle.marker_moves, 9000)


def test_a_passing_note_behind_little_else_is_an_edit_like_others():
    note = "system: The user has 3 files open. This note is for this request alone."
    long = [TASK, LOOK, THANKS]
    first = {"messages": [*long, note], "usage": counted(900, read=0, write=900)}
    second = {
        "messages": [*long, "assistant: Both are repaired.", "user: Good.", note],
        "usage": counted(960, read=0, write=960),
    }
    seen = two(first, second, rules=replace(MARKED, minimum=None))
    assert (seen.obstacle, seen.missed) == (None, 900)


def test_a_note_behind_the_last_marker_moves_nothing():
    note = "system: The user has 3 files open. This note is for this request alone."
    long = [TASK * 20, LOOK, THANKS]
    first = {"messages": [*long, note], "marks": [-2], "usage": counted(9000, write=8950)}
    second = {
        "messages": [*long, "assistant: Both are repaired.", "user: Good.", note],
        "marks": [-2],
        "usage": counted(9200, read=8950, write=200),
    }
    assert two(first, second).verdict is Verdict.hit


def test_an_engine_renders_its_reply_otherwise_than_it_wrote_it():
    first = call("1", answer=LOOK, usage=counted(1000, output=100))
    second = call("2", LONG, at=MINUTE, usage=counted(1150, read=1000))
    seen = outcome(first, second, rules=ENGINE)
    assert (seen.missed, seen.obstacle, seen.edits) == (99, Obstacle.rerendered, [])


def test_a_reply_that_the_client_changed_is_an_edit():
    first = call("1", answer=LOOK, usage=counted(1000, output=100))
    changed = [TASK, "assistant: I look at the tests.", THANKS]
    second = call("2", changed, at=MINUTE, usage=counted(1150, read=1000))
    seen = outcome(first, second, rules=ENGINE)
    assert (seen.verdict, seen.obstacle) == (Verdict.partial, None)
    assert seen.edits == ["messages[1].content[0].text"]


def test_an_edit_leaves_the_entries_before_it():
    before = call("1", LONG, marks=[SYSTEM, LAST], usage=counted(9000, read=0, write=9000))
    kept = count(before.prompt, 9000).until(3)
    edited = [TASK.replace("yesterday", "Monday"), LOOK, THANKS]
    after = call(
        "2",
        [*edited, "assistant: Yes.", POEM],
        marks=[SYSTEM, LAST],
        at=MINUTE,
        usage=counted(9200, read=kept, write=9200 - kept),
    )
    seen = outcome(before, after)
    assert (seen.verdict, seen.missed) == (Verdict.partial, 9000 - kept)
    assert (seen.edits, seen.obstacle) == (["messages[0].content[0].text"], None)
    assert seen.told.grade is Grade.consistent


def test_an_edit_behind_what_was_lost_is_told_and_not_blamed():
    edited = [TASK, LOOK, THANKS.replace("Thank you", "Thanks")]
    seen = outcome(
        call("1", LONG, usage=counted(9000)),
        call("2", edited, at=MINUTE, usage=counted(9000, read=0)),
        rules=replace(AUTOMATIC, best_effort=False),
    )
    assert seen.edits == ["messages[2].content[0].text"]
    assert (seen.verdict, seen.missed) == (Verdict.miss, 8960)


def test_an_edit_that_the_counts_refute_is_not_the_cause():
    # the system changed, and yet more than stands before it was read: it cannot have mattered
    seen = two(
        {"settings": {"thinking": "on"}, "marks": [SYSTEM, LAST]},
        {
            "settings": {"thinking": "off"},
            "marks": [SYSTEM, LAST],
            "usage": counted(5200, read=4900, write=300),
        },
    )
    assert (seen.verdict, seen.missed, seen.obstacle) == (Verdict.partial, 100, Obstacle.lost)


@pytest.mark.parametrize("share", [0.7, 1.0, 1.3])
def test_a_read_that_one_marked_place_alone_can_end_is_where_that_stands(share: float):
    # bytes say little of tokens: the estimate of where the system prompt ends may be far off
    first = {"messages": [TASK, LOOK, POEM, THANKS], "marks": [SYSTEM, LAST]}
    before = call("1", **first, usage=WROTE)
    read = int(count(before.prompt, 5000).until(3) * share)
    seen = two(
        first,
        {
            "messages": [f"{TASK} Hurry.", LOOK, POEM, THANKS, LOOK, POEM],
            "marks": [SYSTEM, LAST],
            "usage": counted(5200, read=read, write=5200 - read),
        },
    )
    assert (seen.missed, seen.obstacle, seen.told.grade) == (5000 - read, None, Grade.consistent)
    assert sum(b.tokens for b in seen.told.blocks if b.cached) == read


@pytest.mark.parametrize(("tokens", "missed"), [(800, 0), (9000, 9000)])
def test_an_entry_that_was_never_written_is_owed_where_every_minimum_is_passed(
    tokens: int, missed: int
):
    rules = replace(MARKED, minimum=None)
    first = {"usage": counted(tokens, write=0)}
    seen = two(first, {"usage": counted(tokens + 50, read=0, write=0)}, rules=rules)
    assert seen.missed == missed
    assert "should still have been there" not in " ".join(seen.told.ruled_out)


def test_of_two_edits_the_first_one_is_what_broke_it():
    tools = ("Read: Reads any file from the disk and numbers its lines.", TOOLS[1])
    seen = two({}, {"tools": tools, "system": ["You are a careless programmer."]})
    assert seen.edits[0] == "tools[Read].description"
    assert (seen.verdict, seen.obstacle, seen.told.broke_at is not None) == (
        Verdict.miss,
        None,
        True,
    )


def test_an_edit_before_an_entry_that_had_expired_anyway_leaves_both_and_the_entry_counts():
    tools = ("Read: Reads any file from the disk and numbers its lines.", TOOLS[1])
    seen = two({}, {"tools": tools, "at": 20 * MINUTE})
    assert seen.obstacle is Obstacle.expired
    assert seen.edits == ["tools[Read].description"]


def test_an_uncertain_setting_is_blamed_only_when_nothing_certain_is():
    thinking = {"settings": {"thinking": "on"}}, {"settings": {"thinking": "off"}}
    assert two(*thinking).obstacle is None
    assert two(thinking[0], {**thinking[1], "at": 10 * MINUTE}).obstacle is Obstacle.expired


def test_what_may_stand_in_a_part_that_nobody_recorded_is_not_invented():
    hidden = {"unseen": frozenset({Section.system})}
    seen = two(hidden, hidden)
    assert (seen.obstacle, seen.missed) == (Obstacle.unseen, 5000)


def test_a_new_conversation_is_owed_the_tools_and_the_system_alone():
    before = call("1", marks=[SYSTEM, LAST], usage=WROTE)
    kept = count(before.prompt, 5000).until(3)
    after = call("2", [POEM], marks=[SYSTEM, LAST], at=MINUTE, usage=NOTHING_READ)
    seen = outcome(before, after)
    assert (seen.verdict, seen.reusable, seen.missed) == (Verdict.miss, kept, kept)
    assert seen.edits == []


@pytest.mark.parametrize("minutes", [1, 10])
def test_a_new_conversation_is_owed_nothing_where_the_system_was_too_short_or_is_gone(minutes: int):
    rules = replace(MARKED, minimum=4000) if minutes == 1 else MARKED
    before = call("1", marks=[SYSTEM, LAST], usage=WROTE)
    after = call("2", [POEM], marks=[SYSTEM, LAST], at=minutes * MINUTE, usage=NOTHING_READ)
    assert outcome(before, after, rules=rules).verdict is Verdict.first


def test_a_new_conversation_with_an_edited_system_prompt_misses_its_tools_and_system():
    before = call("1", marks=[SYSTEM, LAST], usage=WROTE)
    system = ["You are a careful programmer. You read before you write. You run all the tests."]
    after = call("2", [POEM], system=system, marks=[SYSTEM, LAST], at=MINUTE, usage=NOTHING_READ)
    seen = outcome(before, after)
    assert (seen.verdict, seen.obstacle) == (Verdict.miss, None)
    assert seen.edits == ["system[0].text"]


def test_of_an_automatic_cache_a_new_conversation_is_owed_whole_steps():
    before = call("1", ["user: hello"], usage=counted(5000))
    kept = count(before.prompt, 5000).until(3) // 128 * 128
    after = call("2", [POEM], at=MINUTE, usage=counted(5200, read=0))
    seen = outcome(before, after, rules=AUTOMATIC)
    assert (seen.reusable, seen.obstacle) == (kept, Obstacle.lost)


def test_automatic_caching_with_markers_is_found_without_any_limit_on_looking_back():
    many = [f"user: Line {n} of what I wanted to say to you today." for n in range(40)]
    seen = two({}, {"messages": [TASK, *many]}, rules=EITHER)
    assert seen.obstacle is Obstacle.lost


def test_counts_of_a_server_side_loop_are_no_positions():
    # the first call counted 20,000 over its rounds, the next one's whole prompt has 6,000
    first = {"usage": counted(20_000, read=9000, write=11_000)}
    second = {"usage": counted(6000, read=5600, write=400)}
    seen = two(first, second)
    assert seen.verdict is Verdict.hit
    assert seen.reusable is not None and seen.reusable < 6000
