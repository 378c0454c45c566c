"""Every cause proves itself: it claims its examples, alone, and leaves its near misses."""

from __future__ import annotations

import re

import pytest

from tests.causes.pairs import claimants, told
from whycold import causes
from whycold.core.cause import Cause, Example

EXAMPLES = [
    pytest.param(cause, example, id=f"{cause.code}: {example.name}")
    for cause in causes.ALL
    for example in cause.examples
]
NEAR_MISSES = [
    pytest.param(cause, example, id=f"{cause.code}, not: {example.name}")
    for cause in causes.ALL
    for example in cause.near_misses
]
NAMED = [pytest.param(cause, id=cause.code) for cause in causes.ALL]


@pytest.mark.parametrize(("cause", "example"), EXAMPLES)
def test_an_example_is_diagnosed_as_its_cause(cause: Cause, example: Example):
    seen = told(example)
    assert seen.at(example.at) == (cause.code,), seen.diagnosis.divergences


@pytest.mark.parametrize(("cause", "example"), [*EXAMPLES, *NEAR_MISSES])
def test_no_case_is_claimed_twice(cause: Cause, example: Example):
    claimed = [claimants(case) for case in told(example).cases]
    assert [codes for codes in claimed if len(codes) > 1] == []


@pytest.mark.parametrize(("cause", "example"), EXAMPLES)
def test_what_is_said_of_an_example_is_one_clause(cause: Cause, example: Example):
    seen = told(example)
    title = (
        seen.diagnosis.title
        if example.at is None
        else next(d.title for d in seen.diagnosis.divergences if d.cause == cause.code)
    )
    assert title and not title.endswith(".") and "\n" not in title and len(title) <= 200


@pytest.mark.parametrize(("cause", "example"), NEAR_MISSES)
def test_a_near_miss_is_not_claimed(cause: Cause, example: Example):
    seen = told(example)
    if example.at is not None:
        assert cause.code not in seen.at(example.at)
    else:
        assert cause.code not in {code for case in seen.cases for code in claimants(case)}


@pytest.mark.parametrize("cause", NAMED)
def test_a_cause_speaks_plainly(cause: Cause):
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", cause.code)
    assert cause.title and not cause.title.endswith(".")
    for prose in (cause.what, cause.advice):
        assert prose.endswith(".") and "  " not in prose and 40 <= len(prose) <= 420


@pytest.mark.parametrize("cause", [p for p in NAMED if p.id != "unexplained"])
def test_a_cause_has_two_examples_and_two_near_misses(cause: Cause):
    assert len(cause.examples) >= 2 and len(cause.near_misses) >= 2
    names = [example.name for example in (*cause.examples, *cause.near_misses)]
    assert len(set(names)) == len(names)


def test_no_two_causes_have_the_same_code():
    codes = [cause.code for cause in causes.ALL]
    assert sorted(set(codes)) == sorted(codes)
