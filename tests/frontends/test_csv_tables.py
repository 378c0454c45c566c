"""CSV that a spreadsheet reads as it was meant."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whycold.frontends.csv_tables import Cell, csv_text

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_is_never_a_formula(text: str):
    assert read(csv_text([[text]])) == [[f"'{text}"]]


def test_numbers_and_nothing_stay_what_they_are():
    cells: list[Cell] = [-1, 0.5, Decimal("0.10"), Decimal("1E-7"), None, "", "plain"]
    assert csv_text([cells]) == "-1,0.5,0.1,0.0000001,,,plain\r\n"


@given(st.lists(st.lists(st.text(), min_size=2, max_size=4), min_size=1, max_size=4))
def test_whatever_the_texts_are_the_table_keeps_its_shape(rows: list[list[str]]):
    found = read(csv_text(rows))
    assert [len(row) for row in found] == [len(row) for row in rows]
    for cells, row in zip(found, rows, strict=True):
        for cell, text in zip(cells, row, strict=True):
            assert cell.removeprefix("'") == text.replace("\0", "").removeprefix("'")
            assert cell[:1] not in set("=+-@\t\r\n")


def test_what_cannot_be_encoded_is_replaced():
    assert csv_text([["a\udc80b"]]) == "a?b\r\n"
