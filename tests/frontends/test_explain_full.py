"""Whole texts before and after, with what did not change folded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from rich.console import Console

from whycold.core.prompt import Section
from whycold.frontends.explain_full import Value, full_view
from whycold.frontends.reporting_look import Look

LINES = [f"Line {number} of the instructions." for number in range(30)]


def shown(before: str | None, after: str | None, *, width: int = 90) -> str:
    console = Console(width=width + 2, color_system=None, highlight=False)
    value = Value(Section.system, "system[0].text", before, after)
    look = Look(width=width)
    with console.capture() as out:
        look.print(console, *full_view([value], look))
    return out.get()


def changed(*numbers: int) -> str:
    return "\n".join(f"{line} New." if n in numbers else line for n, line in enumerate(LINES))


def test_a_line_that_changed_has_two_lines_around_it():
    assert shown("\n".join(LINES), changed(10)) == snapshot("""\

 ● system[0].text  859 characters before, 864 after
     ⋯ 224 characters unchanged
     Line 8 of the instructions.
     Line 9 of the instructions.
   - Line 10 of the instructions.
   + Line 10 of the instructions.{+ New.+}
     Line 11 of the instructions.
     Line 12 of the instructions.
     ⋯ 492 characters unchanged
""")


def test_changes_that_stand_close_share_the_lines_between_them():
    assert shown("\n".join(LINES), changed(10, 12)) == snapshot("""\

 ● system[0].text  859 characters before, 869 after
     ⋯ 224 characters unchanged
     Line 8 of the instructions.
     Line 9 of the instructions.
   - Line 10 of the instructions.
   + Line 10 of the instructions.{+ New.+}
     Line 11 of the instructions.
   - Line 12 of the instructions.
   + Line 12 of the instructions.{+ New.+}
     Line 13 of the instructions.
     Line 14 of the instructions.
     ⋯ 434 characters unchanged
""")


def test_the_first_and_the_last_line_have_no_fold_beside_them():
    before = "\n".join(LINES[:4])
    assert shown(before, changed(0, 3)[: len(before) + 10]) == snapshot("""\

 ● system[0].text  111 characters before, 121 after
   - Line 0 of the instructions.
   + Line 0 of the instructions.{+ New.+}
     Line 1 of the instructions.
     Line 2 of the instructions.
   - Line 3 of the instructions.
   + Line 3 of the instructions.{+ New.+}
""")


def test_a_long_line_is_cut_around_its_changes():
    before = "word " * 300
    after = before[:500] + "NEW " + before[500:]
    assert shown(before, after) == snapshot("""\

 ● system[0].text  1,500 characters before, 1,504 after
   - ⋯ 420 characters ⋯ word word word word word word word word word word word word word
     word word word word word word word word word word word word word word word word word
     word word  ⋯ 920 characters ⋯
   + ⋯ 420 characters ⋯ word word word word word word word word word word word word word
     word word word {+NEW +}word word word word word word word word word word word word
     word word word word  ⋯ 920 characters ⋯
""")


def test_lines_that_came_are_marked():
    assert shown("one\ntwo\nthree", "one\ntwo\nand a half\nthree") == snapshot("""\

 ● system[0].text  13 characters before, 24 after
     one
     two
   + and a half
     three
""")


def test_a_value_that_came_is_shown_whole():
    assert shown(None, "Search the docs.\nThen answer.") == snapshot("""\

 ● system[0].text  added, 29 characters
   + Search the docs.
   + Then answer.
""")


def test_a_very_long_value_is_cut_and_that_is_said():
    assert "⋯ 96,000 more characters: --json has them" in shown("x" * 100_000, None)


def test_a_change_is_shown_however_far_from_the_beginning_it_stands():
    before = "word " * 40_000
    told = shown(before, before[:150_000] + "HERE " + before[150_000:])
    assert "{+HERE +}" in told
    assert len(told) < 2000


def test_a_line_of_very_many_changes_is_cut_and_that_is_said():
    before = "the quick brown fox jumps over a lazy dog and goes on " * 2000
    told = shown(before, before.replace("fox", "cat"))
    assert told.count("{+cat+}") > 20
    assert "more characters: --json has them" in " ".join(told.split())
    assert len(told) < 40_000


def test_very_many_lines_are_cut_and_that_is_said():
    told = shown("first", "first\n" + "\n".join(f"line {n}" for n in range(5000)))
    assert "+ line 3" in told
    assert "more characters: --json has them" in told
    assert len(told.splitlines()) < 1000


def test_control_characters_are_not_obeyed():
    told = shown("a\x1b[31mred\u202e", "a\x1b[32mred\u202e")
    assert "\x1b" not in told
    assert "\u202e" not in told


TEXT = st.text(st.sampled_from("ab \n\x1b語"), max_size=60)


@given(TEXT, TEXT)
def test_every_change_is_shown_on_its_side(before: str, after: str):
    told = shown(before, after)
    if before != after:
        signs = {line[3] for line in told.splitlines() if len(line) > 3 and line[:3] == "   "}
        assert signs & {"-", "+"}
    assert "\x1b" not in told


@pytest.mark.parametrize("width", [40, 60, 98])
def test_long_words_are_wrapped_within_the_width(width: int):
    told = shown("x" * 500, "y" * 500, width=width)
    assert max(map(len, told.splitlines())) <= width + 1
