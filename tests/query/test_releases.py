import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from whycold.core.prompt import Section
from whycold.query.releases import Marker, MarkerKind, Side, Word, change, first_sights, sides
from whycold.store.answers import Filters, OpeningRow, Point, ReleaseRow, Totals

AT = datetime(2026, 11, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
MARKER = Marker(MarkerKind.release, "4.12", "shop", AT, AT + 9 * HOUR, 900)


def totals(calls: int, ratio: float, missed: float) -> Totals:
    tokens = round(calls * missed)
    return Totals(
        calls=calls,
        misses=calls // 10,
        missed_tokens=tokens,
        missed_cost_usd=tokens * Decimal("0.000004"),
        reporting=calls,
        reporting_input=calls * 1000,
        cache_read=round(calls * 1000 * ratio),
    )


def side(seed: int, ratio: float, missed: float, hours: int = 48, spread: float = 0.05) -> Side:
    chance = random.Random(seed)
    points = [
        Point(
            AT + n * HOUR,
            None,
            totals(chance.randint(20, 60), chance.gauss(ratio, spread), missed * chance.random()),
        )
        for n in range(hours)
    ]
    sums = [p.totals for p in points]
    whole = Totals(
        calls=sum(t.calls for t in sums),
        missed_tokens=sum(t.missed_tokens for t in sums),
        missed_cost_usd=sum((t.missed_cost_usd for t in sums), Decimal(0)),
        reporting_input=sum(t.reporting_input for t in sums),
        cache_read=sum(t.cache_read or 0 for t in sums),
    )
    return Side(whole, points)


def test_a_drop_of_ten_points_is_more_than_noise():
    found = change(MARKER, side(1, 0.8, 100), side(2, 0.7, 200))
    assert found.read_ratio.word is Word.worse
    assert found.missed_tokens.word is Word.worse
    assert found.word is Word.worse
    assert change(MARKER, side(2, 0.7, 200), side(1, 0.8, 100)).word is Word.better


@pytest.mark.parametrize("seed", range(0, 200, 2))
def test_the_same_traffic_on_both_sides_is_noise(seed: int):
    found = change(MARKER, side(seed, 0.75, 100), side(seed + 1, 0.75, 100))
    assert found.read_ratio.word is Word.noise


def test_few_hours_allow_no_word():
    found = change(MARKER, side(1, 0.9, 10, hours=4), side(2, 0.1, 900, hours=4))
    assert found.read_ratio.word is Word.too_few


def test_what_is_not_reported_has_no_ratio():
    silent = Side(Totals(calls=5), [Point(AT, None, Totals(calls=5))])
    assert change(MARKER, silent, silent).read_ratio.before is None


def test_the_ratio_is_a_sum_over_a_sum():
    before, after = side(1, 0.8, 100), side(2, 0.7, 200)
    found = change(MARKER, before, after)
    assert found.read_ratio.before == before.totals.read_ratio
    assert found.missed_tokens.after == after.totals.missed_tokens / after.totals.calls


def test_before_a_release_stand_all_calls_of_its_project_and_behind_it_its_own():
    before, after = sides(MARKER, Filters(), 24 * HOUR)
    assert before == Filters(since=AT - 24 * HOUR, until=AT, project="shop")
    assert after == Filters(since=AT, until=AT + 24 * HOUR, project="shop", release="4.12")


def test_first_sights_come_newest_first_and_only_of_the_time_asked_for():
    releases = [
        ReleaseRow("4.11", "shop", AT - 30 * HOUR, AT, Totals(calls=9)),
        ReleaseRow("4.12", "shop", AT, AT + HOUR, Totals(calls=4)),
    ]
    tools = OpeningRow(Section.tools, "ab12", "shop", AT + HOUR, AT + HOUR, 7)
    found = first_sights(releases, [tools], Filters(since=AT - HOUR))
    assert [(m.kind, m.name) for m in found] == [("tools", "ab12"), ("release", "4.12")]
