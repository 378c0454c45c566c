"""Losses that only the response explains: what the provider did to the request, or says changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.stories import MINUTE, TASK, call, counted, outcome
from whycold.core.call import Alteration, Call, ProviderVerdict, Said
from whycold.core.cause import Obstacle
from whycold.core.diagnosis import Grade, Reason
from whycold.core.prompt import Links

SYSTEM, LAST = 2, -1
LOOK = "thinking: I look at the tests first."
TALK = [TASK, LOOK, "assistant: In which module?", "user: In the one that sends the invoices."]
DROPPED = Alteration("thinking_dropped", "messages[1].content[0]", "model_binding_mismatch")


def before(**more) -> Call:
    usage = counted(5000, read=0, write=5000)
    return call("1", TALK[:3], marks=[SYSTEM, LAST], usage=usage, **more)


def after(*alterations: Alteration, read: int = 2000, **more) -> Call:
    usage = counted(5200, read=read, write=5200 - read)
    made = call("2", TALK, marks=[SYSTEM, LAST], at=MINUTE, usage=usage, **more)
    return replace(made, reply=replace(made.reply, alterations=alterations))


def said(word: str, *, compares: str = "1", read: int = 0, **more) -> Call:
    made = after(links=Links(compares=compares), read=read, **more)
    verdict = ProviderVerdict(Said.changed, word)
    return replace(made, reply=replace(made.reply, verdict=verdict))


def test_thinking_that_the_provider_left_out_is_what_broke_the_prefix():
    seen = outcome(before(), after(DROPPED))
    assert (seen.obstacle, seen.told.grade) == (Obstacle.altered, Grade.confirmed)
    assert "messages[1].content[0]" in (seen.told.title or "")
    assert "made by another model" in (seen.told.title or "")


def test_thinking_that_was_left_out_before_is_not_lost_again():
    old = before()
    old = replace(old, reply=replace(old.reply, alterations=(DROPPED,)))
    assert outcome(old, after(DROPPED)).obstacle is Obstacle.lost


def test_thinking_left_out_behind_what_was_read_explains_nothing():
    late = replace(DROPPED, path="messages[3].content[0]")
    assert outcome(before(), after(late)).obstacle is Obstacle.lost


def test_an_edit_before_the_thinking_is_the_cause_of_both():
    seen = outcome(before(), after(DROPPED, read=0, system=["You are somebody else."]))
    assert (seen.obstacle, seen.told.reason) == (None, Reason.system_changed)


def test_a_provider_that_null_compares_does_not_contradict_what_it_left_out():
    made = after(DROPPED, links=Links(compares="1"))
    same = replace(made, reply=replace(made.reply, verdict=ProviderVerdict(Said.unchanged)))
    assert outcome(before(), same).told.grade is Grade.confirmed


@pytest.mark.parametrize(
    ("word", "cause", "reason"),
    [
        ("context_compacted", "compacted-by-provider", Reason.messages_changed),
        ("prompt_cache_key_changed", "told-by-provider", Reason.settings_changed),
        ("tools_changed", "told-by-provider", Reason.tools_changed),
        ("weather_changed", "told-by-provider", Reason.provider),
    ],
)
def test_where_nothing_recorded_shows_a_change_the_provider_s_word_counts(
    word: str, cause: str, reason: Reason
):
    told = outcome(before(), said(word)).told
    assert (told.cause, told.reason, told.grade) == (cause, reason, Grade.confirmed)


def test_what_the_provider_compared_with_another_call_is_not_its_word_for_this_loss():
    assert outcome(before(), said("tools_changed", compares="0")).obstacle is Obstacle.lost


def test_a_miss_without_a_reason_is_no_word():
    assert outcome(before(), said("cache_miss")).obstacle is Obstacle.lost


def test_an_entry_that_ran_out_is_told_as_such_whatever_the_provider_says():
    late = replace(said("context_compacted"), at=before().at + 20 * MINUTE)
    seen = outcome(before(), late)
    assert (seen.obstacle, seen.told.grade) == (Obstacle.expired, Grade.inferred)


def test_a_change_that_is_recorded_is_told_instead_of_the_word():
    seen = outcome(before(), said("system_changed", system=["You are somebody else."]))
    assert (seen.obstacle, seen.told.grade) == (None, Grade.confirmed)
