"""Blocks and their chain."""

from __future__ import annotations

from dataclasses import replace

from tests.core.stories import TASK, block, prompt
from whycold.core.prompt import Prompt

LOOK = "assistant: I look at the tests first."
THANKS = "user: Thank you."


def test_a_block_in_another_place_holds_the_same():
    was = block(TASK, 0)
    digest = was.digest
    moved = was.at("messages[4].content[1]", 4, opens=False)
    assert moved == replace(was, path="messages[4].content[1]", message=4, opens=False)
    assert moved.content == was.content
    assert moved.digest != digest == was.at("x", 1, opens=True).digest


def test_a_chain_that_goes_on_from_another_s_is_the_same_as_one_of_its_own():
    older = prompt([TASK])
    newer = older.with_blocks((*older.blocks, block(LOOK, 1), block(THANKS, 2)))
    alone = Prompt(newer.blocks).chain
    assert newer.going_on(older).chain == alone
    assert older.chain == alone[: len(older.blocks)]


def test_a_chain_goes_on_only_as_far_as_the_blocks_are_the_same():
    older, other = prompt([TASK]), prompt([LOOK])
    assert other.going_on(older).chain == Prompt(other.blocks).chain
    assert Prompt(()).going_on(older).chain == ()


def test_a_long_row_of_prompts_that_go_on_from_each_other_is_chained_at_once():
    row = [prompt([TASK])]
    for number in range(1, 3000):
        more = row[-1].with_blocks((*row[-1].blocks[:3], block(THANKS, number)))
        row.append(more.going_on(row[-1]))
    assert row[-1].chain == Prompt(row[-1].blocks).chain
