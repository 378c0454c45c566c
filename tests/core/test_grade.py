"""How sure a diagnosis is: held against the provider's own words, else against its counts."""

from __future__ import annotations

import pytest

from tests.core.stories import call
from whycold.core.call import Call, ProviderVerdict, Reply, Said
from whycold.core.diagnosis import Grade, Reason, Verdict
from whycold.core.divergence import Change, Divergence
from whycold.core.grade import grade, section_reason, spoken
from whycold.core.prompt import Links, Section


def told(said: Said | None, reason: str | None = None, *, compared: bool = True) -> Call:
    """A call on which the provider commented."""
    from dataclasses import replace

    verdict = ProviderVerdict(said, reason) if said is not None else None
    made = call("2", links=Links(compares="1") if compared else Links())
    return replace(made, reply=Reply(verdict=verdict))


def change(section: Section, setting: str | None = None) -> Divergence:
    return Divergence(section, "there", 0, "a", "b", Change.edited, kept=0, setting=setting)


def graded(
    made: Call,
    reason: Reason | None,
    *changes: Divergence,
    verdict: Verdict = Verdict.miss,
    predicted: bool = False,
) -> Grade | None:
    return grade(made, verdict, reason, changes, predicted=predicted)


SYSTEM, TOOLS = change(Section.system), change(Section.tools)
SILENT = told(None)


def test_without_a_word_of_the_provider_its_counts_decide():
    assert graded(SILENT, Reason.expired, predicted=True) is Grade.consistent
    assert graded(SILENT, Reason.expired) is Grade.inferred


@pytest.mark.parametrize("verdict", [Verdict.first, Verdict.unknown])
def test_where_nothing_was_found_nothing_is_graded(verdict: Verdict):
    assert graded(SILENT, None, verdict=verdict) is None
    assert graded(SILENT, Reason.tools_changed, verdict=verdict) is Grade.inferred


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("model_changed", Reason.model_changed),
        ("system_changed", Reason.system_changed),
        ("tools_changed", Reason.tools_changed),
        ("messages_changed", Reason.messages_changed),
        ("input_changed", Reason.system_changed),
        ("input_changed", Reason.messages_changed),
        ("context_compacted", Reason.messages_changed),
        ("prompt_cache_key_changed", Reason.settings_changed),
        ("reasoning_effort_changed", Reason.settings_changed),
    ],
)
def test_the_provider_s_word_for_the_same_reason_confirms_it(word: str, reason: Reason):
    assert graded(told(Said.changed, word), reason) is Grade.confirmed


def test_the_provider_s_word_for_another_reason_contradicts_it():
    assert graded(told(Said.changed, "tools_changed"), Reason.system_changed) is Grade.contradicted


def test_an_entry_that_had_expired_and_a_text_that_differs_are_both_true():
    said = told(Said.changed, "system_changed")
    assert graded(said, Reason.expired, SYSTEM) is Grade.consistent


@pytest.mark.parametrize(
    "reason", [Reason.expired, Reason.breakpoint, Reason.too_short, Reason.concurrent]
)
def test_a_word_for_a_change_that_is_not_recorded_does_not_deny_what_needs_no_change(
    reason: Reason,
):
    said = told(Said.changed, "system_changed")
    assert graded(said, reason, TOOLS, predicted=True) is Grade.inferred
    assert graded(said, reason) is Grade.inferred
    assert graded(said, Reason.provider) is Grade.contradicted


def test_a_word_that_nobody_knows_leaves_it_to_the_counts():
    said = told(Said.changed, "weather_changed")
    assert graded(said, Reason.system_changed, predicted=True) is Grade.consistent
    assert graded(told(Said.changed, None), Reason.system_changed) is Grade.inferred


def test_a_change_that_the_provider_saw_and_that_cost_nothing_is_left_to_the_counts():
    said = told(Said.changed, "system_changed")
    assert graded(said, None, verdict=Verdict.hit, predicted=True) is Grade.consistent


def test_a_hit_that_the_provider_calls_one_is_confirmed():
    assert graded(told(Said.hit), None, verdict=Verdict.hit) is Grade.confirmed
    assert graded(told(Said.hit), Reason.expired) is Grade.contradicted


def test_no_difference_found_agrees_with_everything_but_an_edit():
    same = told(Said.unchanged)
    assert graded(same, Reason.expired) is Grade.consistent
    assert graded(same, Reason.system_changed) is Grade.contradicted
    assert graded(same, Reason.system_changed, verdict=Verdict.hit) is Grade.consistent
    assert graded(same, None, verdict=Verdict.unknown) is None


def test_a_null_answer_counts_only_where_a_comparison_was_asked_for():
    assert spoken(told(Said.unchanged, compared=False)) is None
    assert spoken(told(Said.unchanged)) is not None
    assert graded(told(Said.unchanged, compared=False), Reason.system_changed) is Grade.inferred


def test_what_the_provider_compared_with_another_call_is_no_contradiction():
    said = told(Said.changed, "tools_changed")
    seen = grade(
        said, Verdict.miss, Reason.system_changed, (SYSTEM,), predicted=True, elsewhere=True
    )
    assert seen is Grade.consistent


def test_pending_or_not_found_says_nothing():
    for word in ("pending", "previous_message_not_found", "unavailable"):
        assert graded(told(Said.inconclusive, word), Reason.expired) is Grade.inferred


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (SYSTEM, Reason.system_changed),
        (TOOLS, Reason.tools_changed),
        (change(Section.messages), Reason.messages_changed),
        (change(Section.settings, "tool_choice"), Reason.settings_changed),
        (change(Section.settings, "model"), Reason.model_changed),
    ],
)
def test_a_change_is_counted_under_its_section(found: Divergence, reason: Reason):
    assert section_reason(found) is reason
