"""Foreign text in a terminal."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from whycold.frontends.printable import clipped, name_of, printable, row_of

ANYTHING = st.text(alphabet=st.characters(exclude_categories=()))


@given(ANYTHING)
def test_nothing_is_left_that_a_terminal_could_obey(text: str):
    assert all(c.isprintable() or c == "\u3000" for c in printable(text))


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"])))
def test_what_can_be_printed_is_printed(text: str):
    assert printable(text) == text


def test_what_cannot_be_printed_is_shown_as_an_escape():
    assert printable("\x1b[31m\n\t\x85\u202e\ud800\U000e0001") == (
        "\\x1b[31m⏎→\\x85\\u202e\\ud800\\U000e0001"
    )


@given(ANYTHING, st.integers(min_value=1, max_value=60))
def test_a_row_is_never_wider_than_it_may_be(text: str, cells: int):
    assert cell_len(row_of(text, cells)) <= cells
    assert cell_len(clipped(printable(text), cells)) <= cells


def test_a_name_is_cut_in_its_middle():
    assert name_of("x" * 1_000_000) == f"{'x' * 133}…{'x' * 66}"
