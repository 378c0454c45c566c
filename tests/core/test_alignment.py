"""Which block of one request is which block of the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.core.stories import block
from whycold.core.alignment import Alignment, align
from whycold.core.prompt import Block, Kind, Section


def messages(*told: str) -> list[Block]:
    return [block(words, number) for number, words in enumerate(told)]


def aligned(before: str, after: str) -> Alignment:
    """Each word is one user message, each letter of it a sentence."""
    return align(
        messages(*(f"user: {sentence(word)}" for word in before.split())),
        messages(*(f"user: {sentence(word)}" for word in after.split())),
    )


def sentence(word: str) -> str:
    return " ".join(
        f"{letter}{letter.upper()} says {letter} and nothing but {letter * 3}." for letter in word
    )


def same(found: Alignment) -> list[tuple[int, int]]:
    return sorted(found.same)


def test_the_same_blocks_stand_for_each_other():
    found = aligned("a b c", "a b c d")
    assert same(found) == [(0, 0), (1, 1), (2, 2)]
    assert found.tail == (3,)


def test_what_was_put_in_moves_the_rest():
    found = aligned("a b c", "a x b c")
    assert (same(found), found.added) == ([(0, 0), (1, 2), (2, 3)], (1,))


def test_what_was_taken_out_is_removed():
    found = aligned("a b c d", "a d")
    assert (same(found), found.removed) == ([(0, 0), (3, 1)], (1, 2))


def test_repeated_blocks_are_found_beside_a_unique_one():
    # "o" is everywhere, only "b" and "c" are unique
    found = aligned("a o o b o c o", "x o o b o c o")
    assert same(found) == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)]
    assert found.edited == ((0, 0),) or (found.removed, found.added) == ((0,), (0,))


def test_repeated_blocks_without_any_unique_one_are_paired_in_order():
    found = aligned("a o o", "b o o")
    assert sorted((*found.same, *found.edited)) == [(0, 0), (1, 1), (2, 2)]


def test_an_anchor_that_was_already_passed_is_not_used_twice():
    found = aligned("x p q r s", "y p q r s")
    assert same(found) == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_a_block_of_which_most_is_left_was_edited():
    found = aligned("a bcdef g", "a bcdxf g")
    assert found.edited == ((1, 1),)


def test_a_block_of_which_nothing_is_left_stays_in_its_place_between_its_neighbours():
    found = aligned("a b c", "a z c")
    assert found.edited == ((1, 1),)


def test_several_edits_between_two_anchors_are_paired_by_likeness():
    found = aligned("a bcde fghi z", "a x bcdX fghX z")
    assert found.edited == ((1, 2), (2, 3))
    assert found.added == (1,)


def test_a_block_that_went_elsewhere_was_moved():
    found = aligned("a b c d", "a c d b")
    assert found.moved == ((1, 3),)
    assert (found.removed, found.added, found.tail) == ((), (), ())


def test_a_text_cut_into_two_blocks_is_reshaped():
    found = aligned("a bc d", "a b c d")
    assert found.reshaped == (((1,), (1, 2)),)


def test_blocks_of_other_roles_are_not_joined():
    before = messages("user: one two", "assistant: three")
    after = messages("user: one", "user: two three")
    assert align(before, after).reshaped == ()


def test_a_gap_too_large_to_weigh_is_paired_by_place():
    many = " ".join(f"{chr(97 + n % 26)}{chr(97 + n // 26)}bcd" for n in range(50))
    found = aligned(many, many.replace("bcd", "bce"))
    assert found.edited == tuple((n, n) for n in range(50))


def result(value: dict[str, Any], *, name: str | None = None, number: int = 0) -> Block:
    return Block(
        Section.messages,
        f"messages[{number}].content[0]",
        Kind.tool_result,
        value,
        role="user",
        name=name,
        message=number,
        opens=True,
    )


def test_a_result_is_known_by_the_call_that_it_answers():
    before = [
        result({"tool_use_id": "t1", "content": "many lines of a file"}),
        result({"tool_use_id": "t2", "content": "other lines of it"}, number=1),
    ]
    after = [
        result({"tool_use_id": "t1", "content": "[cleared]"}),
        result({"tool_use_id": "t2", "content": "[cleared]"}, number=1),
    ]
    assert align(before, after).edited == ((0, 0), (1, 1))


def test_a_result_whose_id_stands_inside_its_wrapper_is_known_too():
    before = [result({"toolResult": {"toolUseId": "t1", "content": [{"text": "many lines"}]}})]
    after = [result({"toolResult": {"toolUseId": "t1", "content": []}}, number=1)]
    assert align(before, after).edited == ((0, 0),)


def test_a_result_without_an_id_is_known_by_its_tool_and_its_place():
    before = [result({"response": {"output": "many lines of a file"}}, name="Read")]
    assert align(before, [result({"response": {"cut": 1}}, name="Read")]).edited == ((0, 0),)
    other = {"exit": 1, "seconds": 20, "killed": True, "signal": None, "pages": [7, 8, 9, 10]}
    elsewhere = replace(result(other, name="Bash", number=3), opens=False)
    assert align(before, [elsewhere]).edited == ()


def test_nothing_aligns_with_nothing():
    assert align([], []) == Alignment((), (), (), (), (), (), ())
    assert align([], messages("user: a")).tail == (0,)
    assert align(messages("user: a"), []).removed == (0,)
