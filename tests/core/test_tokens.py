"""Tokens per block: estimates in proportion, sums that are exact."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.stories import TASK, block, prompt
from whycold.core.prompt import Kind, Section
from whycold.core.tokens import count, estimate

LONG = [TASK, "assistant: I look at the tests first.", "user: Thank you."]


@pytest.mark.parametrize("total", [0, 1, 7, 1000, 123_457])
def test_blocks_sum_to_the_reported_total(total: int):
    counts = count(prompt(LONG), total)
    assert sum(counts.per_block) == counts.total == total
    assert min(counts.per_block) >= 0


def test_without_a_total_the_estimate_stands_and_says_so():
    counts = count(prompt(LONG), None, {2: 40})
    assert counts.total == pytest.approx(sum(map(estimate, prompt(LONG).blocks)), abs=1)
    assert not counts.reported
    assert not counts.is_exact(2) and counts.is_exact(0)


def test_a_known_position_is_kept_to_the_token():
    counts = count(prompt(LONG), 1000, {3: 400})
    assert counts.until(3) == 400
    assert counts.is_exact(3) and counts.is_exact(6) and not counts.is_exact(4)


@pytest.mark.parametrize(
    "anchors",
    [{3: 1200}, {9: 500}, {0: 100}, {3: 400, 4: 300}, {4: 0}],
    ids=["past the total", "past the blocks", "no blocks", "falling", "nothing counted"],
)
def test_a_position_that_cannot_be_is_left_out(anchors: dict[int, int]):
    counts = count(prompt(LONG), 1000, anchors)
    assert counts.total == 1000
    assert min(counts.per_block) >= 0
    assert not counts.is_exact(4)


def test_an_empty_prompt_holds_nothing():
    counts = count(prompt([], tools=(), system=()), 12)
    assert (counts.per_block, counts.total, counts.until(0)) == ((), 0, 0)


def test_a_place_inside_a_block_is_its_share():
    counts = count(prompt(LONG), 1000, {3: 400, 4: 800})
    assert counts.until(3, 0.5) == 600
    assert counts.until(6, 0.5) == 1000


def test_what_is_no_text_is_counted_by_the_provider_s_formula():
    picture = replace(block("user: x"), kind=Kind.image, tokens=1500)
    assert estimate(picture) == 1504


def test_structured_content_has_fewer_bytes_to_a_token():
    text, use = block("user: " + "a" * 400), block("use " + "a" * 170)
    assert text.size / estimate(text) > use.size / estimate(use)


@pytest.mark.parametrize(
    ("unseen", "opening"),
    [({Section.tools}, True), ({Section.settings}, False), ({Section.messages}, False)],
)
def test_tools_that_are_not_recorded_stand_before_the_system(unseen: set[Section], opening: bool):
    whole = prompt(LONG)
    known = [block for block in whole.blocks if block.section is not Section.tools]
    assert known[0].section is Section.system
    counts = count(replace(whole.with_blocks(tuple(known)), unseen=frozenset(unseen)), 50_000)
    assert (counts.opening > 40_000) == opening
    assert counts.total == 50_000
