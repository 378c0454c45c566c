"""Where two JSON values differ, leaf by leaf."""

from __future__ import annotations

import pytest

from whycold.core.content import Json
from whycold.core.divergence import Change
from whycold.core.edit import TextChange
from whycold.core.values import Leaf, differences


def found(old: Json, new: Json) -> list[tuple[str, Change]]:
    return [(leaf.path, leaf.change) for leaf in differences(old, new)]


def only(old: Json, new: Json) -> Leaf:
    (leaf,) = differences(old, new)
    return leaf


def test_equal_values_have_no_difference():
    assert found({"a": [1, {"b": "c"}]}, {"a": [1, {"b": "c"}]}) == []


def test_a_text_tells_the_place_and_the_words():
    leaf = only({"description": "Reads a file."}, {"description": "Reads any file."})
    assert (leaf.path, leaf.offset) == (".description", 7)
    assert (leaf.before, leaf.after) == ("Reads a file.", "Reads any file.")


def test_several_edits_of_a_text_are_told_one_by_one():
    old = "one two three four five six seven eight nine ten " * 8
    new = old.replace("one", "ONE", 1)[:-4] + "TEN "
    assert [leaf.offset for leaf in differences(old, new)] == [0, len(old) - 4]


def test_a_text_that_was_only_indented_is_told_once():
    old = "a = 1\nb = 2\nc = 3\nd = 4\n"
    leaf = only(old, old.replace("\n", "\n  "))
    assert leaf.text is TextChange.whitespace
    assert len(leaf.edits) > 1


def test_keys_that_came_and_went():
    assert found({"a": 1, "b": 2}, {"b": 2, "c": 3}) == [
        (".a", Change.edited),
        (".c", Change.edited),
    ]
    gone, come = differences({"a": 1}, {"c": 3})
    assert (gone.text, come.text) == (TextChange.deleted, TextChange.inserted)
    assert (gone.before, gone.after, come.before, come.after) == ("1", "", "", "3")


def test_only_the_order_of_keys_is_told_for_the_outermost_object():
    old, new = {"a": {"x": 1, "y": 2}, "b": 3}, {"b": 3, "a": {"y": 2, "x": 1}}
    assert found(old, new) == [("", Change.keys_reordered)]


def test_the_order_of_keys_deep_inside_is_told_where_it_is():
    old = {"a": [1, {"x": 1, "y": 2}], "b": 3}
    new = {"a": [1, {"y": 2, "x": 1}], "b": 3}
    assert found(old, new) == [(".a[1]", Change.keys_reordered)]


def test_an_edit_and_another_order_of_keys_are_two_things():
    assert found({"a": 1, "b": 2}, {"b": 5, "a": 1}) == [
        (".b", Change.edited),
        ("", Change.keys_reordered),
    ]


def test_the_same_items_in_another_order():
    assert found({"required": ["a", "b"]}, {"required": ["b", "a"]}) == [
        (".required", Change.items_reordered)
    ]


def test_an_item_in_the_middle_of_a_list_is_told_by_its_place():
    assert found(["a", "b", "c"], ["a", "x", "c"]) == [("[1]", Change.edited)]
    assert found(["a", "c"], ["a", "b", "c"]) == [("[1]", Change.edited)]
    assert found(["a", "b", "c"], ["a", "c"]) == [("[1]", Change.edited)]
    assert found(["a"], ["a", "b", "c"]) == [("[1]", Change.edited), ("[2]", Change.edited)]


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (1, 2, Change.edited),
        (1, 1.5, Change.edited),
        (1, "1", Change.retyped),
        (True, 1, Change.retyped),
        (["a"], {"a": 1}, Change.retyped),
        (None, "a", Change.retyped),
    ],
)
def test_numbers_stay_numbers_and_everything_else_has_its_type(
    old: Json, new: Json, change: Change
):
    assert found({"k": old}, {"k": new}) == [(".k", change)]


def test_a_whole_number_is_another_text_than_the_same_number_with_a_point():
    assert found({"k": 1}, {"k": 1.0}) == [(".k", Change.edited)]


def test_a_key_that_is_no_plain_name_is_quoted():
    assert found({"a b": 1, "ä": 1}, {"a b": 2, "ä": 2}) == [
        ('["a b"]', Change.edited),
        ('["ä"]', Change.edited),
    ]


def test_no_more_than_two_hundred_leaves_are_told():
    old, new = {str(n): n for n in range(500)}, {str(n): -n - 1 for n in range(500)}
    assert len(found(old, new)) == 200
