"""Every row of the catalogue of real causes has one cause, or a reason why none can be told."""

from __future__ import annotations

from collections import Counter

from whycold import causes
from whycold.causes.catalogue import NOT_VISIBLE

ROWS = range(1, 70)


def test_every_row_has_one_cause_or_cannot_be_seen():
    covered = Counter(row for cause in causes.ALL for row in cause.rows)
    covered.update(list(NOT_VISIBLE))
    assert {row: covered[row] for row in ROWS if covered[row] != 1} == {}
    assert set(covered) <= set(ROWS)


def test_a_row_that_cannot_be_seen_says_why():
    assert all(why.endswith(".") and len(why) > 40 for why in NOT_VISIBLE.values())
