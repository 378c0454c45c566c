"""The verdict on a call: from what was reusable and what was read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.stories import (
    AUTOMATIC,
    ENGINE,
    MARKED,
    MINUTE,
    TASK,
    Outcome,
    call,
    counted,
    linked,
    outcome,
)
from whycold.core.call import Call, ProviderError, Usage
from whycold.core.cause import Obstacle
from whycold.core.diagnosis import Grade, Verdict
from whycold.core.judge import judge
from whycold.core.prompt import Prompt, Section
from whycold.diagnose import diagnose

SYSTEM, LAST = 2, -1
LOOK = "assistant: I look at the tests first."
THANKS = "user: Thank you, and now the other module that has the same fault, please."
LONG = [TASK, LOOK, THANKS]


def first(usage: Usage, **more) -> Call:
    return call("1", marks=[LAST], usage=usage, **more)


def second(usage: Usage, messages: list[str] | None = None, **more) -> Call:
    return call("2", messages or LONG, marks=[LAST], at=MINUTE, usage=usage, **more)


def test_a_first_call_is_no_miss():
    seen = outcome(first(counted(5000, read=0, write=5000)))
    assert (seen.verdict, seen.missed, seen.told.grade) == (Verdict.first, 0, None)


def test_a_first_call_that_reads_was_preceded_by_one_that_nobody_recorded():
    seen = outcome(first(counted(5000, read=4000, write=1000)))
    assert (seen.verdict, seen.missed, seen.reusable) == (Verdict.hit, 0, None)


def test_a_first_call_of_which_nothing_is_reported_is_a_first_call():
    assert outcome(first(Usage())).verdict is Verdict.first


def test_a_call_whose_prompt_was_not_recorded_is_not_called_the_first_of_its_kind():
    hidden = Prompt((), unseen=frozenset({Section.tools, Section.system, Section.messages}))
    seen = outcome(replace(first(counted(5000, read=0, write=5000)), prompt=hidden))
    assert (seen.verdict, seen.missed) == (Verdict.unknown, 0)
    assert seen.told.summary.startswith("The prompt is not recorded")


def test_a_first_call_below_the_minimum_cannot_be_cached():
    seen = outcome(first(counted(400, write=0)))
    assert (seen.verdict, seen.told.cause) == (Verdict.uncacheable, "too-short")


def test_a_later_call_below_the_minimum_cannot_either():
    seen = outcome(first(counted(400, write=0)), second(counted(600, write=0)))
    assert (seen.verdict, seen.missed, seen.reusable) == (Verdict.uncacheable, 0, 0)


def test_all_that_was_left_was_read():
    seen = outcome(
        first(counted(5000, read=0, write=5000)), second(counted(5200, read=5000, write=200))
    )
    assert (seen.verdict, seen.reusable, seen.missed) == (Verdict.hit, 5000, 0)
    assert seen.told.grade is Grade.consistent


def test_an_edit_without_a_loss_is_told_and_is_no_miss():
    before = call("1", LONG, marks=[SYSTEM], usage=counted(5000, read=0, write=4800))
    edited = [TASK, LOOK, THANKS.replace("fault", "error")]
    after = call("2", edited, marks=[SYSTEM], at=MINUTE, usage=counted(5000, read=4800, write=0))
    seen = outcome(before, after)
    assert (seen.verdict, seen.missed) == (Verdict.hit, 0)
    assert seen.edits == ["messages[2].content[0].text"]


def test_some_of_it_was_read():
    seen = outcome(
        first(counted(5000, read=0, write=5000)), second(counted(5200, read=2000, write=3200))
    )
    assert (seen.verdict, seen.missed) == (Verdict.partial, 3000)


def test_a_prompt_that_became_shorter_cannot_miss_more_than_it_has():
    before = call("1", LONG, usage=counted(9000))
    after = call("2", [TASK], at=MINUTE, usage=counted(3000, read=0))
    assert outcome(before, after, rules=AUTOMATIC).missed == 3000


def test_where_reads_are_not_reported_nothing_is_called_missed():
    rules = replace(ENGINE, keeps_reply=False)
    before = call("1", LONG, usage=counted(9000, read=None))
    edited = [TASK.replace("yesterday", "Monday"), LOOK, THANKS]
    after = call("2", edited, at=MINUTE, usage=counted(9000, read=None))
    seen = outcome(before, after, rules=rules)
    assert (seen.verdict, seen.missed) == (Verdict.unknown, 0)
    assert seen.told.at_stake_tokens > 2000
    assert seen.edits == ["messages[0].content[0].text"]


def test_where_reads_are_not_reported_and_nothing_changed_nothing_is_at_stake():
    before, after = (
        call("1", usage=counted(9000, read=None)),
        call("2", LONG, at=MINUTE, usage=counted(9200, read=None)),
    )
    seen = outcome(before, after, rules=AUTOMATIC)
    assert (seen.verdict, seen.told.at_stake_tokens, seen.told.grade) == (Verdict.unknown, 0, None)


@pytest.mark.parametrize(
    ("read", "verdict"),
    [(4992, Verdict.hit), (4800, Verdict.hit), (4480, Verdict.partial), (0, Verdict.miss)],
)
def test_a_cache_of_steps_that_promises_nothing_may_leave_a_little_unread(
    read: int, verdict: Verdict
):
    before, after = (
        call("1", usage=counted(5000)),
        call("2", LONG, at=MINUTE, usage=counted(5200, read=read)),
    )
    assert outcome(before, after, rules=AUTOMATIC).verdict is verdict


def test_a_cache_that_promises_hits_is_taken_at_its_word():
    seen = outcome(
        first(counted(5000, read=0, write=5000)), second(counted(5200, read=4990, write=210))
    )
    assert (seen.verdict, seen.missed) == (Verdict.partial, 10)


def test_the_last_token_of_a_local_engine_is_always_computed():
    again = call("2", at=MINUTE, usage=counted(1000, read=999))
    assert outcome(call("1", usage=counted(1000)), again, rules=ENGINE).verdict is Verdict.hit


def test_a_local_engine_s_count_is_taken_to_the_token():
    after = call("2", LONG, at=MINUTE, usage=counted(1200, read=990))
    seen = outcome(call("1", usage=counted(1000)), after, rules=ENGINE)
    assert (seen.verdict, seen.missed) == (Verdict.partial, 10)


def test_an_estimate_of_what_was_left_is_not_held_against_the_provider():
    before = call("1", [TASK], marks=[SYSTEM, LAST], usage=counted(5000, read=0, write=5000))
    after = call("2", ["user: Something else."], marks=[SYSTEM], at=MINUTE)
    told = diagnose([before, after], lambda _: MARKED)[1]
    left = told.reusable_tokens
    assert left is not None
    near = replace(
        after, reply=replace(after.reply, usage=counted(5000, read=int(left * 0.9), write=0))
    )
    assert outcome(before, near).verdict is Verdict.hit


def test_tokens_per_block_sum_to_what_was_reported_also_between_two_exact_positions():
    told = diagnose(
        [
            first(counted(5000, read=0, write=4990)),
            second(counted(5205, read=4990, write=205)),
        ],
        lambda _: MARKED,
    )[1]
    assert sum(block.tokens for block in told.blocks) == 5205
    # the first call's four blocks are what it counted
    assert sum(block.tokens for block in told.blocks[:4]) == 5000


def test_the_break_is_at_the_first_edit():
    before = call("1", LONG, usage=counted(9000))
    edited = [TASK, LOOK.replace("tests", "module"), THANKS.replace("module", "tests")]
    after = call("2", edited, at=MINUTE, usage=counted(9000, read=0))
    told = outcome(before, after, rules=AUTOMATIC).told
    assert [found.path for found in told.divergences] == [
        "messages[1].content[0].text",
        "messages[2].content[0].text",
    ]
    assert told.broke_at is not None and 4000 < told.broke_at < 8000


@pytest.mark.parametrize(("ttl", "exact"), [("1h", 4000), ("5m", None)])
def test_what_was_written_for_an_hour_ends_at_the_last_marker_that_asks_for_it(
    ttl: str, exact: int | None
):
    usage = replace(counted(5000, read=0, write=5000), cache_write_1h=4000, cache_write_5m=1000)
    made = call("1", marks={SYSTEM: ttl, LAST: "5m"}, usage=usage)
    system = sum(block.tokens for block in outcome(made).told.blocks[:3])
    assert (system == exact) == (exact is not None)


def test_a_call_without_counts_of_its_predecessor_is_judged_alone():
    before, after = first(counted(5000, write=5000)), second(counted(5200, read=0, write=5200))
    assert judge(after, linked(before, after), MARKED, (), None).verdict is Verdict.first


def test_what_a_refused_call_would_have_lost_is_not_claimed():
    refused = second(Usage(), error=ProviderError(400, "invalid_request_error", "no"))
    seen = outcome(first(counted(5000, read=0, write=5000)), refused)
    assert (seen.verdict, seen.missed) == (Verdict.unknown, 0)
    assert seen.obstacle is Obstacle.rejected


def unmarked(usage: Usage) -> Outcome:
    """Two calls without a marker, of which no read is reported."""
    return outcome(
        call("1", usage=usage, asks=False), call("2", LONG, at=MINUTE, usage=usage, asks=False)
    )


@pytest.mark.parametrize("usage", [Usage(), Usage(input=300)])
def test_a_short_prompt_without_a_marker_is_short_before_it_is_unmarked(usage: Usage):
    seen = unmarked(usage)
    assert (seen.verdict, seen.obstacle) == (Verdict.unknown, Obstacle.too_short)
    assert seen.told.at_stake_tokens == 0


def test_a_long_prompt_without_a_marker_needs_one_though_nothing_is_reported():
    assert unmarked(Usage(input=3000)).obstacle is Obstacle.not_asked
