"""Properties that every pair of texts must keep, then what a reader sees."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whycold.core.edit import (
    Edit,
    TextChange,
    apply_edits,
    classify,
    common_prefix,
    common_suffix,
    excerpt,
    find_edits,
    similarity,
)

SIGNS = st.sampled_from("ab \n,é😀\ud800")
TEXTS = st.text(SIGNS, max_size=80) | st.text(max_size=40)
CHANGES = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 9), TEXTS), max_size=6)
SEEDS = st.integers(0, 2**32)
MEMBERS = ["read", "write", "edit", "list files", "search the web"]


def changed(text: str, changes: list[tuple[int, int, str]]) -> str:
    for at, length, new in changes:
        text = text[:at] + new + text[at + length :]
    return text


PAIRS = st.tuples(TEXTS, TEXTS) | st.builds(
    lambda text, changes: (text, changed(text, changes)), st.text(SIGNS, max_size=400), CHANGES
)


def parts(before: str, after: str) -> list[tuple[str, str]]:
    return [
        (before[edit.before_start : edit.before_end], after[edit.after_start : edit.after_end])
        for edit in find_edits(before, after)
    ]


@given(PAIRS, st.sampled_from([1, 2, 5, 200]))
def test_the_edits_turn_one_text_into_the_other(pair: tuple[str, str], limit: int):
    edits = find_edits(*pair, limit=limit)
    assert apply_edits(*pair, edits) == pair[1]
    assert len(edits) <= limit


@given(PAIRS)
def test_the_first_edit_starts_at_the_first_differing_character(pair: tuple[str, str]):
    edits = find_edits(*pair, limit=3)
    longest = min(len(pair[0]), len(pair[1]))
    same = next((i for i in range(longest) if pair[0][i] != pair[1][i]), longest)
    assert (edits[0].before_start, edits[0].after_start) == (same, same) if edits else not edits


@given(PAIRS)
def test_edits_never_touch_and_have_equal_text_between_them(pair: tuple[str, str]):
    for first, second in pairwise(find_edits(*pair)):
        old = pair[0][first.before_end : second.before_start]
        assert old and old == pair[1][first.after_end : second.after_start]


@given(PAIRS)
def test_an_edit_starts_and_ends_with_characters_that_differ(pair: tuple[str, str]):
    for old, new in parts(*pair):
        assert not old or not new or (old[0] != new[0] and old[-1] != new[-1])


@given(PAIRS)
def test_prefix_and_suffix_are_the_longest_and_never_overlap(pair: tuple[str, str]):
    before, after = pair
    head = common_prefix(before, after)
    tail = common_suffix(before, after, floor=head)
    end, new_end = len(before) - tail, len(after) - tail
    assert before[:head] == after[:head] and before[end:] == after[new_end:]
    assert head <= min(end, new_end)
    assert head == min(end, new_end) or (
        before[head] != after[head] and before[end - 1] != after[new_end - 1]
    )


@given(PAIRS, st.sampled_from([0, 5, 40]), st.sampled_from([8, 20, 400]))
def test_an_excerpt_is_short_and_shows_the_difference(
    pair: tuple[str, str], context: int, limit: int
):
    for edit in find_edits(*pair):
        old, new = excerpt(*pair, edit, context=context, limit=limit)
        assert old != new
        assert max(len(old), len(new)) <= limit


@given(PAIRS)
def test_similarity_is_a_share_and_is_whole_for_equal_texts(pair: tuple[str, str]):
    assert 0 <= similarity(*pair) <= 1
    assert similarity(pair[0], pair[0]) == 1


@given(SEEDS, st.integers(1, 30), st.sampled_from(["\n", " ", ","]))
def test_scattered_edits_are_found_where_they_were_made(seed: int, count: int, separator: str):
    rng = random.Random(seed)
    words = [f"{rng.randrange(10**9):x}" for _ in range(3000)]
    places = sorted(rng.sample(range(0, 3000, 10), count))
    new = list(words)
    for place in places:
        new[place] = "<changed>"
    before, after = separator.join(words), separator.join(new)
    starts = [len(separator.join(words[:place])) + (place > 0) for place in places]
    assert [edit.before_start for edit in find_edits(before, after)] == starts


@given(SEEDS)
def test_scattered_edits_are_found_in_a_text_without_words_or_lines(seed: int):
    rng = random.Random(seed)
    before = "".join(rng.choices("ABCDEFGHabcdefgh01234567+/", k=50_000))
    places = sorted(rng.sample(range(0, 50_000, 100), 20))
    after = before
    for shift, place in enumerate(places):
        after = after[: place + shift] + "!?" + after[place + shift + 1 :]
    expected = [Edit(at, at + 1, at + n, at + n + 2) for n, at in enumerate(places)]
    assert find_edits(before, after) == tuple(expected)


@given(SEEDS)
def test_a_long_text_put_in_between_other_edits_is_one_edit(seed: int):
    rng = random.Random(seed)
    lines = [f"{rng.randrange(10**9):x} line\n" for _ in range(2000)]
    new = [*lines[:1000], *(f"{rng.randrange(10**9):x} new\n" for _ in range(5000)), *lines[1000:]]
    new[7] = new[-7] = "<changed>\n"
    assert len(find_edits("".join(lines), "".join(new))) == 3


def test_equal_texts_have_no_edits():
    assert find_edits("same", "same") == ()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("at 12:03:44 UTC", "at 12:04:01 UTC", [("3:44", "4:01")]),
        ("Turn 7 of 20", "Turn 8 of 20", [("7", "8")]),
        ("the quick fox jumps", "the slow fox jumps", [("quick", "slow")]),
        ("f(a, b)\n  return 1\n", "f(a, b, c)\n  return 2\n", [("", ", c"), ("1", "2")]),
        ("one two three", "one two two three", [("", "wo t")]),
        ('{"a":1,"keep":2,"b":3}', '{"a":9,"keep":2,"b":8}', [("1", "9"), ("3", "8")]),
        ("", "all new", [("", "all new")]),
        ("読み書き、検索、一覧です", "読み取り、検索、一覧です", [("書き", "取り")]),
    ],
)
def test_edits_read_as_a_person_would_tell_them(
    before: str, after: str, expected: list[tuple[str, str]]
):
    assert parts(before, after) == expected


def test_an_unrelated_text_is_one_edit_not_a_confetti_of_common_words():
    before = "Reads a file from the local disk and returns the numbered lines of it to the model."
    after = "Searches the web for a query; the results are given as a list of titles and links."
    assert len(find_edits(before, after)) == 1


def test_beyond_the_limit_the_first_half_stays_exact():
    before = "".join(f"line {n} of the text\n" for n in range(1000))
    after = before.replace("of", "in")
    edits = find_edits(before, after, limit=10)
    assert len(edits) == 10
    assert [before[e.before_start : e.before_end] for e in edits[:5]] == ["of"] * 5
    assert apply_edits(before, after, edits) == after


def test_a_repeated_line_with_changes_is_still_cut_at_the_changes():
    before = "the same line again\n" * 5000
    after = before[: 20 * 1000] + "new\n" + before[: 20 * 2000] + "newer\n" + before[20 * 3000 :]
    assert parts(before, after) == [("", "new\n"), ("", "newer\n")]


def test_an_excerpt_has_context_on_both_sides():
    before, after = "x" * 50 + "12:03" + "y" * 50, "x" * 50 + "12:04" + "y" * 50
    (edit,) = find_edits(before, after)
    assert excerpt(before, after, edit, context=5) == ("x12:03yyyyy", "x12:04yyyyy")


def test_a_long_difference_is_shown_by_its_beginning_and_its_end():
    before, after = "<" + "a" * 1000 + "b>", "<" + "c" * 1000 + "d>"
    (edit,) = find_edits(before, after)
    old, new = excerpt(before, after, edit, limit=12)
    assert (old, new) == ("<aaaa…aaaab>", "<cccc…ccccd>")


def test_the_end_of_a_text_put_in_can_be_seen():
    old, new = excerpt("ab", "a" + "1" * 500 + "2b", Edit(1, 1, 1, 502), limit=10)
    assert (old, new) == ("ab", "a111…1112b")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a b", "a b", TextChange.equal),
        ("a\r\nb ", "a\nb", TextChange.whitespace),
        ("foo  bar", "foo bar\n", TextChange.whitespace),
        ("\n".join(MEMBERS), "\n".join(MEMBERS[::-1]), TextChange.line_order),
        (", ".join(MEMBERS), ", ".join(MEMBERS[::-1]), TextChange.line_order),
        ('{"a":1,"b":[2,3]}', '{"b":[2,3],"a":1}', TextChange.line_order),
        ("to do", "to do, and more", TextChange.appended),
        ("to do, and more", "to do", TextChange.truncated),
        ("read a file", "read a small file", TextChange.inserted),
        ("read a small file", "read a file", TextChange.deleted),
        ("read a file", "read a page", TextChange.replaced),
        ("dog bites man", "man bites dog", TextChange.replaced),
        ("costs 1,5 euros", "costs 5,1 euros", TextChange.replaced),
        ("auto", "none", TextChange.replaced),
        (
            "Reads a file from the local disk and returns its lines.",
            "Searches the web and gives a list of titles with links.",
            TextChange.rewritten,
        ),
    ],
)
def test_the_kind_of_change_is_named(before: str, after: str, expected: TextChange):
    assert classify(before, after, find_edits(before, after)) is expected


def test_many_edits_in_a_text_that_was_kept_do_not_make_it_rewritten():
    before = "".join(f"line {n} speaks about the number {n}\n" for n in range(2000))
    after = before.replace("number", "digits")
    assert classify(before, after, find_edits(before, after, limit=4)) is TextChange.replaced


def test_a_changed_block_is_nearer_to_its_old_self_than_to_another():
    old = "Runs a shell command and returns what it prints. Ask before anything that deletes files."
    new = "Runs one shell command and returns what it printed. Ask before you delete any files."
    other = (
        "Reads a file and returns its lines. Ask before reading anything outside of the project."
    )
    assert similarity(old, new) > 2 * similarity(old, other)
