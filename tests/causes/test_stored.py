"""Explicit caches: which one was named, and how many tokens it held."""

from __future__ import annotations

import pytest

from tests.causes.pairs import told
from whycold.causes.system.stored import CAUSES
from whycold.core.diagnosis import Verdict

ANOTHER, SHORT, INLINE = CAUSES[0].examples


def test_another_cache_costs_the_tokens_that_the_first_one_held():
    seen = told(ANOTHER).diagnosis
    assert (seen.verdict, seen.missed_tokens) == (Verdict.miss, 40_000)
    assert (seen.title or "").endswith("cachedContents/manual-2 instead of cachedContents/manual-1")


def test_a_prompt_that_is_short_without_its_cache_is_told_by_the_cache():
    seen = told(SHORT).diagnosis
    assert (seen.verdict, seen.cause) == (Verdict.uncacheable, "explicit-cache-changed")
    assert "cachedContents/manual-1 is no longer named" in seen.summary


@pytest.mark.parametrize("path", ["tools[read]", "system[0]"])
def test_what_is_sent_instead_of_the_cache_is_shown_too(path: str):
    assert path in [found.path for found in told(INLINE).diagnosis.divergences]
