from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from whycold.query.culprits import State, state_of, weekly
from whycold.store.answers import CulpritDay, CulpritRow, CulpritState, Mark, Seen

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ROW = CulpritRow(
    id="c",
    project=None,
    reason="tools_changed",
    cause="tool-edited",
    path=None,
    title=None,
    first_seen=NOW - 30 * DAY,
    last_seen=NOW,
    misses=30,
    missed_tokens=3000,
    missed_cost_usd=Decimal(30),
    unpriced=0,
    days=tuple(CulpritDay((NOW - n * DAY).date(), 1, 100, Decimal(1)) for n in range(29, -1, -1)),
)


def test_a_steady_culprit_costs_a_week_seven_times_what_it_costs_a_day():
    midnight = NOW.replace(hour=0)
    whole = replace(ROW, days=ROW.days[:-1])
    rate = weekly(whole, midnight)
    assert (rate.misses, rate.missed_tokens, rate.missed_cost_usd) == (7, 700, Decimal(7))


def test_a_culprit_of_two_days_is_taken_to_go_on_as_it_began():
    young = replace(ROW, first_seen=NOW - 2 * DAY, days=ROW.days[-2:])
    assert weekly(young, NOW).missed_cost_usd == Decimal(7)


def test_a_culprit_of_an_hour_counts_as_one_day():
    fresh = replace(ROW, first_seen=NOW - DAY / 24, days=ROW.days[-1:])
    assert weekly(fresh, NOW).missed_cost_usd == Decimal(7)


def test_of_a_question_about_one_day_that_day_is_the_rate():
    assert weekly(replace(ROW, days=ROW.days[-1:]), NOW, NOW - DAY).missed_tokens == 700


def test_what_has_no_price_has_no_rate():
    free = replace(ROW, missed_cost_usd=Decimal(0), unpriced=30)
    assert weekly(free, NOW).missed_cost_usd is None


def test_states():
    assert state_of(ROW) is State.open
    fixed = replace(ROW, mark=Mark(CulpritState.resolved, NOW))
    assert state_of(fixed) is State.resolved
    assert state_of(replace(fixed, recurred=Seen("x", NOW, "2"))) is State.regressed
    assert state_of(replace(ROW, mark=Mark(CulpritState.ignored, NOW))) is State.ignored
    assert state_of(replace(ROW, mark=Mark(CulpritState.open, NOW))) is State.open
