"""Numbers as they are shown."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whycold.core.numbers import exact, percent, short, span, usd


def test_an_exact_number_has_separators():
    assert [exact(n) for n in (0, 999, 1000, 24_164, 10**9)] == [
        "0",
        "999",
        "1,000",
        "24,164",
        "1,000,000,000",
    ]


def test_what_is_not_reported_is_a_dash():
    assert [exact(None), short(None), percent(None, 3), percent(3, None), usd(None)] == ["-"] * 5
    assert percent(0, 0) == "-"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.0k"),
        (31_683, "31.7k"),
        (999_949, "999.9k"),
        (999_999, "1.0M"),
        (1_460_000_000, "1.46B"),
        (999_999_999, "1.00B"),
        (42_180_000_000, "42.18B"),
        (10**15, "1000.00T"),
        (-31_683, "-31.7k"),
    ],
)
def test_a_short_number_never_shows_a_thousand_of_a_unit_that_has_a_larger_one(
    number: int, text: str
):
    assert short(number) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 7, "0.0%"),
        (1, 10**9, "0.1%"),
        (687, 1000, "68.7%"),
        (9999, 10_000, "99.9%"),
        (7, 7, "100.0%"),
    ],
)
def test_none_and_all_are_said_only_of_none_and_all(part: int, whole: int, text: str):
    assert percent(part, whole) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0"),
        ("0.00000001", "$0.0000000100"),
        ("0.00404", "$0.00404"),
        ("0.1389", "$0.139"),
        ("0.5", "$0.500"),
        ("0.9999", "$1.00"),
        ("1", "$1.00"),
        ("99.99", "$99.99"),
        ("99.996", "$100"),
        ("6716.4", "$6,716"),
        ("-0.1389", "-$0.139"),
    ],
)
def test_dollars_have_the_digits_that_matter(amount: str, text: str):
    assert usd(Decimal(amount)) == text


@given(st.decimals(min_value=0, max_value=10**9, allow_nan=False, places=9))
def test_dollars_are_never_off_by_more_than_half_a_percent_or_half_a_dollar(amount: Decimal):
    shown = Decimal(usd(amount).replace("$", "").replace(",", ""))
    assert abs(shown - amount) <= max(amount / 200, Decimal(0))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (73, "1 min 13 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (3601, "1 h"),
        (90_000, "1 d 1 h"),
        (-90, "1 min 30 s"),
    ],
)
def test_a_span_shows_its_two_largest_units(seconds: float, text: str):
    assert span(seconds) == text
