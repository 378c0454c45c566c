# pyright: reportArgumentType=false, reportCallIssue=false
# Fields are filled from parametrised dicts, whose values have many types.
from datetime import timedelta

import pytest

from tests.store import oracle
from tests.store.samples import HOUR, START, miss, record
from tests.store.test_sums import random_calls
from whycold.core.diagnosis import Verdict
from whycold.errors import UserError
from whycold.store.answers import Filters
from whycold.store.base import Store
from whycold.store.records import Capture, Page

ALL = Filters()


def ids(page: Page) -> list[str]:
    return [kept.told.call for kept in page.items]


def test_misses_come_newest_first_without_the_hits(store: Store):
    partly = miss(4, verdict=Verdict.partial, cache_read=100)
    store.write("a", [miss(1), record(2), miss(3), partly])
    assert ids(store.misses(ALL)) == ["call-4", "call-3", "call-1"]


def test_a_miss_in_a_list_is_the_whole_diagnosis_but_for_its_blocks(store: Store):
    written = miss(1, predecessor="call-0", predecessor_message_id="msg_call-0")
    store.write("a", [record(0), written])
    assert store.misses(ALL).items[0].told == written.told


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_pages_hold_every_call_once(store: Store, size: int):
    written = [miss(n, at=START + timedelta(minutes=n // 3)) for n in range(20)]
    store.write("a", written)
    seen: list[str] = []
    cursor = None
    for _ in range(30):
        page = store.misses(ALL, cursor, size)
        seen += ids(page)
        cursor = page.next
        if cursor is None:
            break
    assert sorted(seen) == sorted(each.call.id for each in written)


def test_a_page_stays_where_it_was_when_new_misses_come(store: Store):
    store.write("a", [miss(n) for n in range(6)])
    first = store.misses(ALL, limit=3)
    store.write("b", [miss(n) for n in range(10, 20)])
    assert ids(store.misses(ALL, first.next, 3)) == ["call-2", "call-1", "call-0"]


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1 OR 1", "9" * 40, "²"])
def test_a_cursor_that_no_page_gave_is_refused(store: Store, cursor: str):
    with pytest.raises(UserError, match="cursor"):
        store.misses(ALL, cursor)


@pytest.mark.parametrize(
    "filters",
    [
        Filters(project="shop"),
        Filters(session="s1"),
        Filters(session="s1", culprit="c1"),
        Filters(culprit="c1", since=START + 30 * HOUR),
        Filters(model="", until=START + 50 * HOUR),
        Filters(reason="tools_changed", verdict="partial"),
        Filters(culprit=""),
        Filters(session=""),
    ],
    ids=str,
)
def test_lists_hold_what_fits_the_filters(store: Store, filters: Filters):
    records = random_calls(300)
    store.write("a", records)
    fitting = {each.call.id for each in records if oracle.fits(each, filters)}
    missed = {each.call.id for each in records if oracle.is_miss(each)}
    assert set(ids(store.calls(filters, limit=1000))) == fitting
    assert set(ids(store.misses(filters, limit=1000))) == fitting & missed
    assert fitting


@pytest.mark.parametrize("id", ["call-1", "msg_call-1", "req-1", "elsewhere"])
def test_a_call_is_found_by_any_of_its_ids(store: Store, id: str):
    store.write("a", [record(1, request_id="req-1", also=("elsewhere",)), record(2)])
    found = store.find(id)
    assert found is not None
    assert found.told.call == "call-1"
    assert store.find(f"{id}x") is None


def test_our_own_id_is_looked_at_before_the_providers(store: Store):
    store.write("a", [record(1, id="x"), record(2, message_id="x")])
    found = store.find("x")
    assert found is not None
    assert found.told.call == "x"


def test_of_a_message_id_given_twice_the_latest_call_is_found(store: Store):
    store.write(
        "a", [record(1, message_id="m"), record(3, message_id="m"), record(2, message_id="m")]
    )
    found = store.find("m")
    assert found is not None
    assert found.told.call == "call-3"


def test_a_session_is_told_in_order_and_by_project(store: Store):
    one = [record(n, session="s", project="p") for n in (3, 1, 2)]
    store.write("a", [*one, record(9, session="s", project="q"), record(8, session="t")])
    assert [kept.told.call for kept in store.session("s", "p")] == ["call-1", "call-2", "call-3"]
    assert len(store.session("s")) == 4
    assert store.session("unheard of") == ()


def test_a_session_has_sums_of_its_own(store: Store):
    store.write("a", [miss(2, session="s"), record(1, session="s", cache_read=None)])
    row = store.sessions(ALL).items[0]
    assert (row.session, row.calls, row.misses, row.missed_tokens) == ("s", 2, 1, 800)
    assert (row.first_seen, row.last_seen) == (START + HOUR / 60, START + HOUR / 30)
    assert (row.input, row.cache_read, row.reporting_input) == (2000, 0, 1000)


def test_the_session_used_last_comes_first_page_by_page(store: Store):
    store.write("a", [record(n, session=f"s{n}") for n in range(5)])
    first = store.sessions(ALL, limit=3)
    second = store.sessions(ALL, first.next, 3)
    assert [row.session for row in first.items] == ["s4", "s3", "s2"]
    assert [row.session for row in second.items] == ["s1", "s0"]
    assert second.next is None


@pytest.mark.parametrize(
    ("filters", "sessions"),
    [
        (Filters(project="p"), {"s0", "s1"}),
        (Filters(model="large"), {"s1", "s2"}),
        (Filters(project="p", model="large"), {"s1"}),
        (Filters(since=START + HOUR), {"s2"}),
        (Filters(until=START + HOUR / 60), {"s0"}),
        (Filters(verdict="miss"), set()),
        (Filters(session="s1"), {"s1"}),
    ],
    ids=lambda given: str(sorted(given) if isinstance(given, set) else given),
)
def test_sessions_with_a_call_that_fits(store: Store, filters: Filters, sessions: set[str]):
    store.write(
        "a",
        [
            record(0, session="s0", project="p", model="small"),
            record(1, session="s1", project="p", model="large"),
            record(70, session="s2", project="q", model="large"),
        ],
    )
    assert {row.session for row in store.sessions(filters).items} == sessions


def test_a_list_says_what_is_kept_of_a_call(store: Store):
    store.write("a", [record(1, status=200, source="proxy", account="f", host="h")])
    store.write("b", [record(2, capture=Capture.usage)])
    usage, full = store.calls(ALL).items
    assert (full.status, full.source, full.account, full.host) == (200, "proxy", "f", "h")
    assert (usage.capture, full.capture) == (Capture.usage, Capture.full)


def test_contents_count_what_is_there(store: Store):
    store.write("a", [record(1), record(2, capture=Capture.usage)])
    found = store.contents()
    assert (found.calls, found.with_texts) == (2, 1)
    assert (found.first_seen, found.last_seen) == (START + HOUR / 60, START + HOUR / 30)
    assert 0 < found.bytes_used <= found.bytes


@pytest.mark.parametrize("odd", ["\ud800", "\0", "'; DROP TABLE call; --", "%", "x" * 5000])
def test_any_text_may_be_asked_for(store: Store, odd: str):
    given = {"project": odd, "session": odd, "model": odd, "agent": odd, "release": odd}
    store.write("a", [miss(1, culprit=odd, **given), record(2)])
    filters = Filters(**given, culprit=odd)
    assert ids(store.misses(filters)) == ["call-1"]
    assert store.totals(filters).calls == 1
    assert len(store.culprits(filters)) == 1
    assert store.culprit(odd) is not None
    assert len(store.sessions(filters).items) == 1
    assert store.find(odd) is None
