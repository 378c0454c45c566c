"""Answers within a budget: what is cut, what is said of it, and what is never left as it was."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whycold.errors import UserError
from whycold.frontends.mcp.fitting import (
    NOTE,
    estimate,
    fitted,
    offset_of,
    paged,
    recorded,
    rendered,
)

TEXTS = st.text(st.characters(codec=None), max_size=3000)
ITEMS = st.lists(st.fixed_dictionaries({"path": TEXTS, "n": st.integers(0, 9)}), max_size=40)


@given(ITEMS, st.integers(400, 2000), TEXTS)
def test_a_page_never_takes_more_than_its_budget(items: list[Any], budget: int, text: str):
    answer = paged({"note": NOTE, "title": text}, {"items": items}, 0, budget, 30)
    assert estimate(answer) <= budget
    assert len(rendered(answer)) / 4 <= budget


@given(ITEMS, st.integers(400, 4000))
def test_pages_hold_every_item_once(items: list[Any], budget: int):
    at: str | None = "0"
    shown = 0
    while at is not None:
        page: Any = paged({}, {"items": items}, offset_of(at), budget, 7)
        shown += len(page.get("items", []))
        at = page["next"]
    assert shown == len(items)


def test_what_fits_is_left_as_it_is():
    answer = {"a": [1, None, {"b": "c" * 900}], "d": True}
    assert fitted(answer, 400) == answer


def test_a_cut_text_says_how_much_is_missing():
    [text] = fitted({"text": "x" * 9000}, 600).values()
    assert text == "x" * 2000 + "… [7,000 more characters]"


def test_a_cut_list_says_how_much_is_missing():
    got: Any = fitted({"days": [{"n": n} for n in range(5000)]}, 400)
    assert len(got["days"]) == 50
    assert got["left_out"] == "days: 4,950 more"


def test_the_note_is_never_cut():
    assert fitted({"note": NOTE, "text": "x" * 9000}, 400)["note"] == NOTE


def test_a_long_script_counts_by_its_bytes():
    assert estimate({"text": "語" * 400}) == pytest.approx(303, abs=3)


@pytest.mark.parametrize("hidden", ["\x1b[31m", "\u202e", "\u200b", "\U000e0041", "\x00", "\ud800"])
def test_what_steers_a_screen_or_cannot_be_seen_is_shown(hidden: str):
    text = rendered({"a": f"x{hidden}y"})
    assert hidden not in text
    assert text.isprintable()
    assert "\\" in json.loads(text)["a"]


def test_lines_stay_lines():
    assert json.loads(rendered({"a": "one\n\ttwo"})) == {"a": "one\n\ttwo"}


def test_recorded_text_has_its_own_field():
    assert recorded(before="a", after=None) == {"recorded_text": {"before": "a"}}
    assert recorded(before=None) == {}


def test_a_cursor_behind_the_end_is_said():
    with pytest.raises(UserError, match="there are only 1 items"):
        paged({}, {"items": [1]}, 2, 400, 5)
