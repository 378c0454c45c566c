"""Whether a condition holds, over calls of two windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.store.samples import HOUR, START, miss, record
from whycold.frontends.alert_rules import Condition, Measure, Rule
from whycold.frontends.alerts.judging import Judged, judge
from whycold.query import Query
from whycold.store.base import Store
from whycold.store.opening import open_store
from whycold.store.records import Record

NOW = START + 2 * HOUR
"""The window is the second hour of the samples, the one before it the first."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/calls.db", write=True)
    yield opened
    opened.close()


def judged(store: Store, measure: Measure, condition: Condition, limit: str, **more: Any) -> Judged:
    rule = Rule(name="r", measure=measure, condition=condition, threshold=Decimal(limit))
    return judge(replace(rule, **more), Query(store), NOW, START, {})


def later(first: int, count: int, make: Any = record, **given: Any) -> list[Record]:
    """Calls of the second hour."""
    return [make(60 + first + n, **given) for n in range(count)]


@pytest.mark.parametrize(
    ("limit", "holds"), [("2", True), ("3", False), ("4", False)], ids=["under", "at", "over"]
)
def test_above_means_above(store: Store, limit: str, holds: bool):
    store.write("a", [miss(59), *later(0, 3, miss)])
    found = judged(store, Measure.misses, Condition.above, limit)
    assert (found.holds, found.value) == (holds, 3)


def test_costs_without_a_price_are_not_judged(store: Store):
    store.write("a", later(0, 2, miss, missed_cost_usd=None))
    found = judged(store, Measure.missed_cost_usd, Condition.above, "1")
    assert (found.holds, found.why) == (None, "no missed call has a price")


def test_a_ratio_of_few_calls_is_not_judged(store: Store):
    store.write("a", [*later(0, 4), *later(9, 30, cache_read=None)])
    found = judged(store, Measure.read_ratio, Condition.below, "0.95", least_calls=5)
    assert (found.holds, found.why) == (None, "4 calls in the window, fewer than 5")
    enough = judged(store, Measure.read_ratio, Condition.below, "0.95", least_calls=4)
    assert (enough.holds, enough.value) == (True, Decimal("0.9"))


def test_a_sum_that_is_low_enough_is_well_however_few_calls(store: Store):
    store.write("a", later(0, 2, miss))
    few = judged(store, Measure.misses, Condition.above, "1", least_calls=5)
    assert (few.holds, few.value) == (None, 2)
    assert judged(store, Measure.misses, Condition.above, "2", least_calls=5).holds is False


@pytest.mark.parametrize(("limit", "holds"), [("0.5", True), ("0.51", False)])
def test_a_fall_is_a_part_of_what_was_before(store: Store, limit: str, holds: bool):
    store.write("a", [record(1, cache_read=800), *later(0, 1, cache_read=400)])
    found = judged(store, Measure.read_ratio, Condition.falls_by, limit)
    assert (found.holds, found.value, found.before) == (holds, Decimal("0.4"), Decimal("0.8"))


@pytest.mark.parametrize(("limit", "holds"), [("0.5", True), ("0.6", False)])
def test_a_rise_is_a_part_of_what_was_before(store: Store, limit: str, holds: bool):
    store.write("a", [miss(1), miss(2), *later(0, 3, miss)])
    assert judged(store, Measure.misses, Condition.rises_by, limit).holds is holds


def test_from_nothing_any_rise_is_enough_and_none_is_none(store: Store):
    store.write("a", [record(1), *later(0, 1)])
    assert judged(store, Measure.misses, Condition.rises_by, "0.5").holds is False
    store.write("b", later(5, 1, miss))
    assert judged(store, Measure.misses, Condition.rises_by, "0.5").holds is True


def test_a_change_against_a_window_without_calls_is_not_judged(store: Store):
    store.write("a", later(0, 3, miss))
    found = judged(store, Measure.misses, Condition.rises_by, "0.5")
    assert (found.holds, found.why) == (None, "0 calls in the window before, fewer than 1")


def test_filters_narrow_what_is_judged(store: Store):
    store.write("a", [*later(0, 2, miss, project="shop"), *later(9, 5, miss)])
    shop = {"filters": {"project": "shop"}}
    assert judged(store, Measure.misses, Condition.above, "0", **shop).value == 2
    none = {"filters": {"project": ""}}
    assert judged(store, Measure.misses, Condition.above, "0", **none).value == 5


def test_the_rate_of_misses_is_by_call(store: Store):
    store.write("a", [*later(0, 1, miss), *later(5, 3)])
    assert judged(store, Measure.miss_rate, Condition.above, "0.2").value == Decimal("0.25")


def test_a_window_ends_now(store: Store):
    store.write("a", [miss(n, at=NOW + timedelta(seconds=s)) for n, s in ((1, -1), (2, 0), (3, 1))])
    assert judged(store, Measure.misses, Condition.above, "0").value == 1
