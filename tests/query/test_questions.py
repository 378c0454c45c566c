"""What a front end may ask, against a real store of made-up traffic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.traffic import END, START, conversations, recorded
from whycold.core.call import Call, Reply, Usage
from whycold.core.diagnosis import Diagnosis, Reason, Verdict
from whycold.core.prompt import Prompt
from whycold.errors import UserError
from whycold.frontends.cli import cli
from whycold.query import Period, Query, main_edit
from whycold.store.answers import CulpritState, Filters, Mark
from whycold.store.base import Store
from whycold.store.opening import open_store
from whycold.store.records import Capture, Kept, Record

WEEK = Period(END - timedelta(days=7), END)
MISSED = (Verdict.miss, Verdict.partial)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    found = open_store(recorded(tmp_path_factory.mktemp("store")), write=False)
    yield found
    found.close()


@pytest.fixture(scope="module")
def query(store: Store) -> Query:
    return Query(store)


def every_call(store: Store, filters: Filters) -> list[Kept]:
    page = store.calls(filters, limit=1000)
    assert page.next is None
    return list(page.items)


def one(store: Store, cause: str) -> Kept:
    return store.misses(Filters(cause=cause), limit=1).items[0]


TIMES = st.integers(min_value=0, max_value=14 * 24 * 60).map(lambda m: START + timedelta(minutes=m))


@settings(max_examples=40)
@given(
    times=st.tuples(TIMES, TIMES).filter(lambda both: both[0] != both[1]),
    project=st.sampled_from([None, "shop", "desk", "", "none such"]),
    model=st.sampled_from([None, "claude-opus-5", "claude-sonnet-5", "qwen3-coder"]),
    release=st.sampled_from([None, "agent 4.11", "agent 4.12", ""]),
)
def test_a_report_sums_exactly_the_calls_of_its_filters(
    store: Store,
    times: tuple[datetime, datetime],
    project: str | None,
    model: str | None,
    release: str | None,
) -> None:
    period = Period(min(times), max(times))
    filters = Filters(project=project, model=model, release=release)
    within = replace(filters, since=period.since, until=period.until)
    told = [kept.told for kept in every_call(store, within)]
    report = Query(store).report(period, filters)
    missed = [t for t in told if t.verdict in MISSED]
    assert report.totals.calls == len(told)
    assert report.totals.misses == len(missed)
    assert report.totals.missed_tokens == sum(t.missed_tokens for t in missed)
    assert report.totals.missed_cost_usd == sum(t.missed_cost_usd or 0 for t in missed)
    assert report.totals.cache_read == sums([t.usage.cache_read for t in told])
    reporting = [t.usage for t in told if t.usage.cache_read is not None]
    inputs = sum(usage.input or 0 for usage in reporting)
    reads = sum(usage.cache_read or 0 for usage in reporting)
    assert report.totals.read_ratio == (reads / inputs if inputs else None)
    for reason, totals in report.by_reason.items():
        assert totals.missed_tokens == sum(t.missed_tokens for t in missed if t.reason == reason)
    for name, totals in report.by_model.items():
        assert totals.calls == sum(t.model == name for t in told)


def sums(numbers: list[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


@pytest.mark.parametrize("days", [1, 3, 7, 14])
def test_reasons_models_and_steps_add_up_to_the_whole(query: Query, days: int):
    report = query.report(Period(END - timedelta(days=days), END))
    for parts in (
        list(report.by_reason.values()),
        list(report.by_model.values()),
        [point.totals for point in report.series],
    ):
        assert sum(t.misses for t in parts) == report.totals.misses
        assert sum(t.missed_tokens for t in parts) == report.totals.missed_tokens
        assert sum(t.missed_cost_usd for t in parts) == report.totals.missed_cost_usd
    assert sum(point.totals.calls for point in report.series) == report.totals.calls


def test_the_period_before_is_as_long_and_ends_where_this_one_begins(query: Query):
    report = query.report(WEEK)
    assert report.previous is not None
    assert report.previous.period == Period(END - timedelta(days=14), END - timedelta(days=7))
    assert report.previous.totals == query.report(report.previous.period).totals
    assert report.previous.previous is None


@pytest.mark.parametrize(
    ("length", "hours"), [("1", 1), ("48", 1), ("168", 3), ("336", 6), ("720", 12), ("8760", 24)]
)
def test_a_series_has_about_sixty_steps_that_divide_a_day(query: Query, length: str, hours: int):
    assert query.report(Period(END - timedelta(hours=int(length)), END)).steps == hours


def test_calls_that_report_no_reads_count_in_no_ratio(query: Query):
    filters = Filters(model="qwen3-coder")
    totals = query.report(WEEK, filters).totals
    assert (totals.calls, totals.reporting, totals.cache_read) == (9, 0, None)
    assert totals.read_ratio is None


def test_a_call_is_found_by_our_id_its_beginning_and_the_provider_s(store: Store, query: Query):
    told = one(store, "tool-edited").told
    assert told.message_id is not None
    for id in (told.call, told.call[:12], told.message_id):
        assert query.call(id).told.call == told.call


def test_an_id_of_any_other_form_is_found_by_its_beginning_too(tmp_path: Path):
    store = open_store(f"sqlite:///{tmp_path}/other.db", write=True)
    record = big(0, Usage(input=5), 5)
    for id in ("import:session-1:7", "beef-and-more"):
        call, told = replace(record.call, id=id), replace(record.told, call=id)
        store.write(id, [replace(record, call=call, told=told)])
    query = Query(store)
    assert query.call("import:sess").told.call == "import:session-1:7"
    assert query.call("beef-").told.call == "beef-and-more"
    store.close()


def test_a_beginning_that_several_calls_share_is_not_guessed(query: Query):
    with pytest.raises(UserError, match=r"several calls begin with '6880' \(.*\): give more of it"):
        query.call("6880")


@pytest.mark.parametrize("id", ["", "688", "no such call", "\udc80", "msg_99999"])
def test_a_call_that_is_not_there_is_said_to_be_missing(query: Query, id: str):
    with pytest.raises(UserError, match=r"no call .*whycold misses"):
        query.call(id)


def test_the_latest_miss_is_the_first_of_the_list(store: Store, query: Query):
    assert query.latest_miss() == store.misses(Filters()).items[0].told.call


def test_a_session_is_told_in_order_and_without_those_of_another_project(query: Query):
    record = query.call(query.latest_miss())
    times = [kept.told.at for kept in query.session(record)]
    assert times == sorted(times)
    assert record.told.call in [kept.told.call for kept in query.session(record)]
    elsewhere = replace(record, call=replace(record.call, project=None))
    assert query.session(elsewhere) == ()


@pytest.mark.parametrize("cause", ["tool-edited", "date-rolled-over", "sliding-window"])
def test_changes_are_those_of_the_diagnosis_with_the_whole_texts(
    store: Store, query: Query, cause: str
):
    record = query.call(one(store, cause).told.call)
    changes = query.changes(record)
    assert [(c.path, c.offset) for c in changes] == [
        (d.path, d.offset) for d in record.told.divergences
    ]
    edit = main_edit(record.told)
    assert edit is not None
    whole = next(c for c in changes if c.path == edit.path)
    if whole.old_text is not None and whole.new_text is not None:
        assert edit.before.rstrip("…") in whole.old_text
        assert edit.after.rstrip("…") in whole.new_text


def test_a_pause_is_no_edit(store: Store):
    assert main_edit(one(store, "expired").told) is None


@pytest.mark.parametrize("capture", [Capture.hash, Capture.usage])
def test_without_texts_there_are_no_changes_to_show(tmp_path: Path, capture: Capture):
    store = open_store(recorded(tmp_path, capture), write=False)
    query = Query(store)
    record = query.call(one(store, "tool-edited").told.call)
    assert record.capture is capture
    assert query.changes(record) == ()
    store.close()


def test_a_predecessor_that_is_gone_leaves_no_changes(store: Store, query: Query):
    record = query.call(one(store, "tool-edited").told.call)
    gone = replace(record, told=replace(record.told, predecessor="erased"))
    assert query.found("erased") is None
    assert query.changes(gone) == ()


def test_culprits_come_dearest_first_with_their_latest_edit(query: Query):
    culprits = query.culprits(Filters(since=WEEK.since, until=WEEK.until), 20)
    costs = [culprit.row.missed_cost_usd for culprit in culprits]
    assert costs == sorted(costs, reverse=True)
    reworded = next(c for c in culprits if c.row.cause == "tool-edited")
    assert reworded.edit is not None
    assert reworded.edit.path == "tools[search_docs].description"
    assert "handbook and " in reworded.edit.after
    assert [c.expected for c in culprits if c.row.cause == "model-changed"] == [True]
    assert {c.edit for c in culprits if c.row.cause == "expired"} == {None}


def test_a_culprit_that_people_ignore_is_left_out(tmp_path: Path):
    store = open_store(recorded(tmp_path), write=False)
    query = Query(store)
    first, second = query.culprits(Filters(), 2)
    store.mark(first.row.id, Mark(CulpritState.ignored, END))
    assert query.culprits(Filters(), 1)[0].row.id == second.row.id
    store.close()


def test_an_empty_store_answers_everything(tmp_path: Path):
    store = open_store(f"sqlite:///{tmp_path}/empty.db", write=True)
    query = Query(store)
    report = query.report(WEEK)
    assert (report.totals.calls, report.totals.cache_read, report.series) == (0, None, ())
    assert query.last_seen() is None
    assert query.culprits(Filters()) == ()
    assert query.misses(Filters()).items == ()
    with pytest.raises(UserError, match="no miss has been recorded yet"):
        query.latest_miss()
    store.close()


def test_when_the_last_call_was(query: Query):
    assert query.last_seen() == max(call.at for some in conversations() for call in some)


READ, INPUT, MISSES, LOST = 42_180_000_000, 61_397_000_000, 31_700, 1_460_000_000


@pytest.mark.slow
def test_a_week_of_an_organisation_has_the_figures_that_went_in(tmp_path: Path):
    """Tens of thousands of misses and billions of tokens come out to the token."""
    store = open_store(f"sqlite:///{tmp_path}/week.db", write=True)
    share, rest = divmod(LOST, MISSES)
    misses = [
        big(n, Usage(input=share, cache_read=0, cache_write=share), share + (n < rest))
        for n in range(MISSES)
    ]
    hits = 100_000_000
    reads = [
        big(MISSES + n, Usage(input=hits, cache_read=hits, cache_write=0), 0)
        for n in range(READ // hits)
    ]
    left = Usage(
        input=INPUT - share * MISSES - hits * len(reads),
        cache_read=READ - hits * len(reads),
    )
    store.write("a week", [*misses, *reads, big(MISSES + len(reads), left, 0)])
    totals = Query(store).report(WEEK).totals
    store.close()
    assert (totals.cache_read, totals.misses, totals.missed_tokens) == (READ, MISSES, LOST)
    assert totals.missed_cost_usd == Decimal(LOST) * Decimal("0.0000046")
    week = ["--since", WEEK.since.isoformat(), "--until", WEEK.until.isoformat()]
    words = ["report", *week, "--store", f"sqlite:///{tmp_path}/week.db"]
    shown = CliRunner().invoke(cli, words, env={"COLUMNS": "100"}).stdout
    names, figures = shown.splitlines()[3:5]
    assert names.split("  ")[0].strip() == "Read ratio"
    assert figures.split() == ["68.7%", "42.18B", "31.7k", "1.46B", "$6,716"]


def big(number: int, usage: Usage, missed: int) -> Record:
    at = WEEK.since + timedelta(seconds=number * 15)
    call = Call(
        id=format((int(at.timestamp() * 1000) << 22) + number, "016x"),
        at=at,
        provider="anthropic",
        api="anthropic.messages",
        model="claude-opus-5-5",
        prompt=Prompt(()),
        reply=Reply(usage=usage),
        project="all",
    )
    told = Diagnosis(
        call=call.id,
        at=at,
        api=call.api,
        provider=call.provider,
        model=call.model,
        verdict=Verdict.miss if missed else Verdict.hit,
        summary="",
        usage=usage,
        reason=list(Reason)[number % 7] if missed else None,
        cause="tool-edited" if missed else None,
        project="all",
        missed_tokens=missed,
        missed_cost_usd=missed * Decimal("0.0000046") if missed else None,
        fingerprint=f"{number % 40:016x}" if missed else None,
    )
    return Record(call, told, Capture.usage)
