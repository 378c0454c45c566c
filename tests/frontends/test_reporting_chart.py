"""The chart: what stands where, and that nothing is lost on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from whycold.core.diagnosis import Reason
from whycold.frontends.palette import REASONS
from whycold.frontends.reporting_chart import Column, Columns, chart, columns
from whycold.frontends.reporting_look import LEVELS, Look, bar, sparkline
from whycold.query import Period, Report
from whycold.store.answers import Point, Totals

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
COLOURED = Look(colour=True)


def report(days: float, hours: int, *missed: tuple[float, str, int]) -> Report:
    """A report over so many days from half past five on, with missed tokens at some hours."""
    since = MONDAY + timedelta(hours=5.5)
    series = tuple(
        Point(MONDAY + timedelta(hours=at), reason, Totals(calls=1, missed_tokens=tokens))
        for at, reason, tokens in missed
    )
    period = Period(since, since + timedelta(days=days))
    return Report(period, Totals(), {}, {}, series, hours)


def drawn(shown: Columns, *reasons: str, height: int = 4, look: Look = COLOURED) -> str:
    return (
        "\n" + "\n".join(row.plain.rstrip() for row in chart(shown, reasons, height, look)) + "\n"
    )


def bars(*totals: int) -> Columns:
    items = [Column(MONDAY + timedelta(hours=n), {"expired": t}) for n, t in enumerate(totals)]
    return Columns(tuple(items), 1, len(items))


def test_steps_without_a_call_are_there_too():
    shown = columns(report(2, 3, (6, "expired", 5), (45, "expired", 7)), 60)
    assert len(shown.items) == 17
    assert shown.items[0].start == MONDAY + timedelta(hours=3)
    assert [column.total for column in shown.items if column.total] == [5, 7]


def test_steps_that_do_not_fit_are_put_together():
    shown = columns(report(7, 3, (6, "expired", 5), (9, "expired", 7)), 36)
    assert (shown.hours, len(shown.items)) == (6, 29)
    assert shown.items[0].missed == {"expired": 5}
    assert shown.items[1].missed == {"expired": 7}


def test_calls_without_a_miss_have_no_bar():
    series = (Point(MONDAY + timedelta(hours=6), None, Totals(calls=5)),)
    whole = report(1, 1)
    shown = columns(Report(whole.period, Totals(), {}, {}, series, 1), 60)
    assert sum(column.total for column in shown.items) == 0


def test_heights_are_in_proportion_and_the_scale_is_round():
    assert drawn(bars(1000, 500, 250, 0, 1, 800), height=4) == snapshot("""\

   1k

  500

      00:00
""")


def test_a_bar_is_stacked_in_the_order_of_the_reasons():
    column = Column(MONDAY, {"tools_changed": 50, "expired": 50})
    rows = list(chart(Columns((column,), 1, 1), ["expired", "tools_changed"], 2, COLOURED))
    styles = [str(row.spans[-1].style) for row in rows[:2]]
    assert styles == [REASONS[Reason.tools_changed], REASONS[Reason.expired]]


def test_two_reasons_share_a_cell_as_foreground_and_background():
    column = Column(MONDAY, {"tools_changed": 50, "expired": 50})
    (row, *_) = chart(Columns((column,), 1, 1), ["expired", "tools_changed"], 1, COLOURED)
    assert row.plain[-1] == LEVELS[3]
    assert (
        str(row.spans[-1].style) == f"{REASONS[Reason.expired]} on {REASONS[Reason.tools_changed]}"
    )


def test_without_colours_only_the_whole_is_drawn():
    column = Column(MONDAY, {"tools_changed": 50, "expired": 50})
    assert "▄" not in drawn(
        Columns((column,), 1, 1), "expired", "tools_changed", height=1, look=Look()
    )


def test_days_stand_below_the_first_step_of_theirs():
    shown = columns(report(7, 3, (6, "expired", 5)), 63)
    row = drawn(shown, "expired").splitlines()[-1]
    assert row == snapshot("             Tue 17  Wed 18  Thu 19  Fri 20  Sat 21  Sun 22")
    at = row.index("Tue 17") - 6
    assert shown.items[at].start == MONDAY + timedelta(days=1)


@pytest.mark.parametrize("days", [0.2, 1, 2, 3, 7, 30, 90, 400])
@pytest.mark.parametrize("width", [20, 52, 63, 98])
def test_a_chart_is_never_wider_than_its_room(days: float, width: int):
    hours = 24 if days > 60 else 1
    shown = columns(report(days, hours, (6, "expired", 5)), width)
    assert max(len(row) for row in drawn(shown, "expired").splitlines()) <= width


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["expired", "tools_changed", "provider"]),
            st.integers(min_value=0, max_value=10**12),
        ),
        min_size=1,
        max_size=8,
    ).filter(lambda parts: any(sum(part.values()) for part in parts))
)
def test_a_taller_bar_is_never_drawn_shorter_and_nothing_is_invisible(
    parts: list[dict[str, int]],
) -> None:
    items = tuple(Column(MONDAY + timedelta(hours=n), p) for n, p in enumerate(parts))
    rows = list(
        chart(Columns(items, 1, len(items)), ["expired", "tools_changed", "provider"], 3, COLOURED)
    )
    cells = [row.plain[6:].ljust(len(items)) for row in rows[:3]]
    heights = [sum(1 for row in cells if row[n] != " ") for n in range(len(items))]
    for column, height in zip(items, heights, strict=True):
        assert (height > 0) == (column.total > 0)
    by_total = sorted(zip((c.total for c in items), heights, strict=True))
    assert [height for _, height in by_total] == sorted(heights)


def test_a_bar_shows_whatever_is_not_nothing():
    assert bar(1, 1000, 10, "red").plain == "╸"
    assert bar(0, 1000, 10, "red").plain == ""
    assert bar(500, 1000, 10, "red").plain == "━━━━━"
    assert bar(1, 0, 10, "red").plain == "╸"


def test_a_sparkline_has_a_dot_for_nothing():
    assert sparkline([0, 1, 4, 8]) == "·▂▅█"
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == "··"
