"""An edit in one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whycold.core.diagnosis import Found
from whycold.core.prompt import Section
from whycold.frontends.reporting_edit import edit_line
from whycold.frontends.reporting_look import Look


def line(before: str, after: str, width: int = 80, *, colour: bool = False) -> str | None:
    found = Found(Section.system, "system[0].text", 0, before, after, "x", expected=False, title="")
    text = edit_line(found, width, Look(width, colour))
    return text.plain if text is not None else None


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (
            "Search the docs. Results",
            "Search the handbook and docs. Results",
            "Search the {+handbook and +}docs. Results",
        ),
        (
            "Today is 2026-11-17, and",
            "Today is 2026-11-18, and",
            "Today is [-2026-11-17,-]{+2026-11-18,+} and",
        ),
        ("Opus 4.8 (1M context) <x>", "Opus 4.8 <x>", "Opus 4.8 [-(1M context) -]<x>"),
        ("", "all new", "{+all new+}"),
        ("all gone", "", "[-all gone-]"),
        ("one\ntwo", "one\nthree", "one⏎[-two-]{+three+}"),
    ],
)
def test_what_went_and_what_came_are_marked(before: str, after: str, shown: str):
    assert line(before, after) == shown


def test_with_colours_there_are_no_marks():
    assert line("a docs b", "a texts b", colour=True) == "a docstexts b"


def test_a_text_that_is_not_kept_gives_no_line():
    assert line("", "") is None


def test_what_changed_is_shown_before_what_stands_around_it():
    before = "A long beginning that says little, and then: yes" + " and more" * 20
    shown = line(before, before.replace("yes", "certainly not"), 40)
    assert shown is not None
    assert "[-yes-]{+certainly not+}" in shown
    assert shown.startswith("…")


TEXT = st.text(max_size=120)


@given(TEXT, TEXT, st.integers(min_value=20, max_value=100), st.booleans())
def test_a_line_keeps_its_width_and_obeys_nothing(
    before: str, after: str, width: int, colour: bool
) -> None:
    found = Found(Section.system, "system[0]", 0, before, after, "x", expected=False, title="")
    text = edit_line(found, width, Look(width, colour))
    if text is None:
        assert before == after == ""
        return
    assert text.cell_len <= width
    assert text.plain.isprintable()
