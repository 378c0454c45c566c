"""Numbers of exchanges."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from whycold.sources.proxy.tee import Ids


@given(st.lists(st.integers(-5, 5), max_size=60))
def test_numbers_grow_whatever_the_clock_does(steps: list[int]):
    ids = Ids()
    now = 1_795_410_000_000_000_000
    last = 0
    for step in steps:
        now += step * 1_000_000
        new = ids.next(now)
        assert last < new < 1 << 63
        last = new


def test_numbers_of_one_millisecond_are_distinct_and_near_it():
    ids = Ids()
    now = 1_795_410_000_000_000_000
    numbers = [ids.next(now) for _ in range(10_000)]
    assert len(set(numbers)) == 10_000
    assert numbers[0] >> 22 == now // 1_000_000
    assert numbers[-1] >> 22 <= now // 1_000_000 + 3
