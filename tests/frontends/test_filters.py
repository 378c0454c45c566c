"""Filters in words: times, closed sets, pages; and what is said of words that mean nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whycold.core.diagnosis import Reason
from whycold.errors import UserError
from whycold.frontends.filters import read_asked, read_time

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("24h", NOW - timedelta(hours=24)),
        ("90m", NOW - timedelta(minutes=90)),
        ("2w", NOW - timedelta(weeks=2)),
        ("30s", NOW - timedelta(seconds=30)),
        ("now", NOW),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T08:15", datetime(2026, 11, 20, 8, 15, tzinfo=UTC)),
        ("2026-11-20T08:15:00Z", datetime(2026, 11, 20, 8, 15, tzinfo=UTC)),
        ("2026-11-20T08:15:00+02:00", datetime(2026, 11, 20, 6, 15, tzinfo=UTC)),
    ],
)
def test_times_are_counted_back_or_given(text: str, at: datetime):
    assert read_time(text, NOW) == at


def test_nothing_said_means_all_calls_and_the_last_seven_days_of_a_panel():
    asked = read_asked({"since": None, "other": "x"}, NOW)
    assert (asked.filters.since, asked.filters.until) == (None, None)
    assert (asked.period.since, asked.period.until) == (NOW - timedelta(days=7), NOW)
    assert (asked.cursor, asked.limit) == (None, 50)


def test_a_panel_until_some_time_ago_covers_the_seven_days_before():
    asked = read_asked({"until": "14d"}, NOW)
    assert asked.period.since == NOW - timedelta(days=21)
    assert asked.filters.until == asked.period.until


def test_words_become_filters():
    given = {"project": "shop", "session": "", "reason": "tools-changed", "cause": "tool-edited"}
    filters = read_asked(given | {"limit": "7", "cursor": "c"}, NOW).filters
    assert (filters.project, filters.session, filters.model) == ("shop", "", None)
    assert (filters.reason, filters.cause) == (Reason.tools_changed, "tool-edited")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("since", "soon", "since: 'soon' is no time: give 7d"),
        ("until", "2026-13-01", "until: '2026-13-01' is no time"),
        ("reason", "tool", "reason 'tool': there are model_changed"),
        ("cause", "tool-edit", "did you mean tool-edited"),
        ("cause", "xxxxxxx", "docs/causes.md lists them"),
        ("verdict", "bad", "there are hit, partial"),
        ("limit", "0", "give a number from 1 to 1000"),
        ("limit", "²", "give a number from 1 to 1000"),
    ],
)
def test_what_means_nothing_is_told_in_one_line(name: str, value: str, says: str):
    with pytest.raises(UserError) as error:
        read_asked({name: value}, NOW)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(UserError, match="since 1d is not before until 2d"):
        read_asked({"since": "1d", "until": "2d"}, NOW)


@given(st.text(max_size=24))
def test_any_text_is_a_time_or_one_line(text: str):
    try:
        at = read_time(text, NOW)
    except UserError:
        return
    period = read_asked({"until": "now"}, NOW).period
    assert at.tzinfo is not None
    assert period.previous.since < period.since
