# pyright: reportArgumentType=false, reportCallIssue=false
# Fields are filled from parametrised dicts, whose values have many types.
"""Prompts of which a source shows a part: no tools, no system, no markers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.core.stories import MARKED, MINUTE, SECOND, TASK, call, linked, outcome, prompt
from whycold.core.call import Call, ProviderVerdict, Said, Usage
from whycold.core.cause import Obstacle
from whycold.core.compare import compare
from whycold.core.diagnosis import Grade, Reason, Verdict
from whycold.core.live_entries import entries, reach
from whycold.core.predecessor import Link
from whycold.core.prompt import Links, Prompt, Section
from whycold.core.tokens import count, estimate, grown

HIDDEN = frozenset({Section.settings, Section.tools, Section.system})
LOOK = "assistant: I look at the tests first."
THANKS = "user: Thank you, and now the other module that has the same fault, please."


def usage(read: int, write: int, *, lifetime: str = "1h", rest: int = 0) -> Usage:
    split = {"cache_write_5m": 0, "cache_write_1h": 0, f"cache_write_{lifetime}": write}
    return Usage(read + write + rest, read, write, output=50, **split)


def turn(id: str, *messages: str, at: timedelta = MINUTE, used: Usage, **more: object) -> Call:
    links = more.pop("links", None)
    return call(
        id, messages, at=at, usage=used, links=links, tools=(), system=(), unseen=HIDDEN, **more
    )


def first(used: Usage | None = None) -> Call:
    begun = Links(begins=True)
    return turn("1", TASK, at=0 * MINUTE, used=used or usage(0, 20_000), links=begun)


def second(used: Usage, at: timedelta = MINUTE, **more: object) -> Call:
    follows = Links(follows="1")
    return turn("2", TASK, LOOK, THANKS, at=at, used=used, links=follows, **more)


def hidden(messages: list[str], **more: object) -> Prompt:
    return prompt(messages, tools=(), system=(), unseen=HIDDEN, **more)


def test_what_was_not_recorded_holds_what_the_recorded_blocks_do_not():
    asked = hidden([TASK, LOOK])
    counts = count(asked, 20_000)
    assert counts.opening == 20_000 - round(sum(map(estimate, asked.blocks)))
    assert counts.opening + sum(counts.per_block) == counts.total == 20_000
    assert counts.until(0) == counts.opening
    assert not counts.is_exact(0) and counts.is_exact(2)


def test_an_opening_that_is_known_is_kept():
    counts = count(hidden([TASK, LOOK, THANKS]), 20_000, {0: 15_000, 2: 18_000})
    assert (counts.opening, counts.until(2), counts.total) == (15_000, 18_000, 20_000)


def test_recorded_blocks_that_are_estimated_at_more_than_there_is_share_it_all():
    assert count(hidden([TASK, LOOK]), 10).opening == 0


def test_where_tools_and_system_are_recorded_nothing_opens_unseen():
    assert count(prompt([TASK], unseen=frozenset({Section.messages})), 9_000).opening == 0
    assert count(hidden([TASK]), None).opening == 0


def test_a_prompt_without_any_recorded_block_is_all_opening():
    counts = count(hidden([]), 9_000)
    assert (counts.total, counts.opening, counts.per_block) == (9_000, 9_000, ())


def test_tokens_of_a_turn_that_only_goes_on_are_what_the_total_grew_by():
    read = usage(20_000, 1_000)
    told = outcome(first(), second(read)).told
    opening, task, look, thanks = (block.tokens for block in told.blocks)
    assert opening + task == 20_000 and look + thanks == 1_000
    assert (told.blocks[0].path, told.blocks[0].section) == (
        "(tools, system: not recorded)",
        Section.tools,
    )
    assert sum(block.tokens for block in told.blocks) == read.input


def test_markers_that_are_not_recorded_leave_one_entry_of_known_size():
    made = first(usage(500, 19_000, rest=40))
    (entry,) = entries(made, MARKED, count(made.prompt, made.usage.input))
    assert (entry.blocks, entry.tokens, entry.exact) == (1, 19_500, True)
    assert entry.ttl == MARKED.ttl("1h")
    assert reach(made, MARKED) is None


@pytest.mark.parametrize(
    ("used", "lifetime"),
    [(usage(0, 9_000), "1h"), (usage(0, 9_000, lifetime="5m"), "5m"), (usage(9_000, 0), None)],
)
def test_the_lifetime_of_an_unseen_marker_is_the_one_that_was_written(
    used: Usage, lifetime: str | None
):
    (entry,) = entries(first(used), MARKED, count(first().prompt, used.input))
    assert (entry.ttl and entry.ttl.name) == lifetime
    assert (entry.expires is None) == (lifetime is None)


def test_the_reply_that_the_source_puts_before_a_call_leads_to_its_predecessor():
    found = linked(first(), second(usage(20_000, 1_000)))
    assert found is not None and (found.call.id, found.link) == ("1", Link.named)


def test_a_conversation_that_is_known_to_begin_has_no_predecessor():
    other = turn("2", TASK, used=usage(0, 20_000), links=Links(begins=True))
    assert linked(first(), other) is None


def test_settings_that_one_side_did_not_record_are_not_compared():
    before = hidden([TASK], settings={"model": "a", "tool_choice": "any"})
    after = hidden([TASK], settings={"model": "b"})
    assert [d.setting for d in compare(before, after, MARKED)] == ["model"]
    both = [replace(asked, unseen=frozenset[Section]()) for asked in (before, after)]
    assert {d.setting for d in compare(*both, MARKED)} == {"model", "tool_choice"}


def test_a_loss_that_nothing_recorded_explains_is_left_to_what_was_not():
    seen = outcome(first(), second(usage(12_000, 9_000)))
    assert (seen.verdict, seen.missed) == (Verdict.partial, 8_000)
    assert (seen.obstacle, seen.told.reason) == (Obstacle.unseen, Reason.unseen)
    assert seen.edits == []


def test_an_entry_that_ran_out_may_leave_what_others_keep_alive():
    gap = 3 * 60 * MINUTE
    seen = outcome(first(), second(usage(12_000, 9_000), at=gap))
    assert (seen.obstacle, seen.missed) == (Obstacle.expired, 8_000)


def test_an_entry_of_an_hour_is_alive_after_half_of_it():
    seen = outcome(first(), second(usage(12_000, 9_000), at=30 * MINUTE))
    assert seen.obstacle is Obstacle.unseen


def test_without_markers_nothing_is_said_of_markers():
    seen = outcome(first(), second(usage(0, 21_000), at=SECOND * 30))
    assert seen.obstacle is Obstacle.unseen


def test_a_provider_that_compared_and_found_no_difference_lost_it_itself():
    said = ProviderVerdict(Said.unchanged)
    after = second(usage(12_000, 9_000))
    links = Links(compares="1", asked=True, follows="1")
    after = replace(
        after,
        prompt=replace(after.prompt, links=links),
        reply=replace(after.reply, verdict=said),
    )
    seen = outcome(first(), after)
    assert (seen.obstacle, seen.told.grade) == (Obstacle.lost, Grade.consistent)


def test_another_model_is_told_although_settings_are_not_all_recorded():
    seen = outcome(first(), second(usage(12_000, 9_000), model="model-b"))
    assert (seen.told.cause, seen.edits) == ("model-changed", ["settings.model"])


def test_messages_that_changed_allow_what_stands_before_them_to_be_read():
    summary = "user: This session is being continued from a previous conversation. Summary: done."
    after = turn("2", summary, used=usage(12_000, 9_000), links=Links(follows="1"))
    seen = outcome(first(), after)
    assert (seen.told.reason, seen.missed) == (Reason.messages_changed, 8_000)


def test_a_read_that_ends_where_an_older_turn_did_shows_that_the_opening_was_the_same():
    follows = Links(follows="2")
    more = (TASK, LOOK, THANKS, LOOK, TASK)
    third = turn("3", *more, at=2 * MINUTE, used=usage(20_000, 1_500), links=follows)
    seen = outcome(first(), second(usage(20_000, 1_000)), third)
    assert (seen.obstacle, seen.missed, seen.told.cause) == (Obstacle.lost, 1_000, "evicted")


def test_a_turn_that_goes_on_keeps_the_tokens_of_all_turns_before_it():
    was = count(hidden([TASK]), 20_000)
    now = grown(hidden([TASK, LOOK, THANKS]), 21_000, was)
    assert now is not None
    assert (now.opening, now.per_block[:1]) == (was.opening, was.per_block)
    assert (now.until(1), now.total) == (20_000, 21_000)
    assert now.is_exact(1) and not now.is_exact(2) and now.is_exact(3)


@pytest.mark.parametrize(
    ("messages", "total"), [([TASK, LOOK], 19_000), ([TASK], 21_000)], ids=["less", "nothing new"]
)
def test_a_prompt_that_did_not_grow_is_counted_anew(messages: list[str], total: int):
    assert grown(hidden(messages), total, count(hidden([TASK]), 20_000)) is None
