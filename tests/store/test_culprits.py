from datetime import date
from decimal import Decimal

from tests.store.samples import DAY, HOUR, START, miss, record
from whycold.core.diagnosis import Verdict
from whycold.store.answers import (
    CulpritDay,
    CulpritOrder,
    CulpritState,
    Erase,
    Filters,
    Mark,
    Seen,
)
from whycold.store.base import Store
from whycold.store.opening import open_store

ALL = Filters()
RESOLVED = Mark(CulpritState.resolved, START + HOUR, "2", "moved it back")


def test_the_dearest_culprit_comes_first(store: Store):
    cheap = [miss(n, culprit="often") for n in range(3)]
    dear = miss(5, culprit="dear", missed_cost_usd=Decimal(1))
    unpriced = miss(6, culprit="unpriced", missed_tokens=10**6, missed_cost_usd=None)
    store.write("a", [*cheap, dear, unpriced])
    assert [row.id for row in store.culprits(ALL)] == ["dear", "often", "unpriced"]
    assert [row.id for row in store.culprits(ALL, limit=1)] == ["dear"]


def test_a_culprit_tells_what_it_cost_and_where_it_was_seen(store: Store):
    store.write(
        "a",
        [
            miss(1, project="p", release="1"),
            miss(3, at=START + DAY, project="p", release="2"),
            miss(2, project="p", release="1"),
        ],
    )
    row = store.culprits(ALL)[0]
    assert (row.id, row.project, row.reason, row.cause) == (
        "c1",
        "p",
        "tools_changed",
        "tool-edited",
    )
    assert (row.path, row.title) == (
        "tools[Bash].description",
        "the tool Bash changed for the 3th time",
    )
    assert (row.misses, row.missed_tokens, row.missed_cost_usd) == (3, 2400, Decimal("0.00828"))
    assert (row.first_seen, row.last_seen) == (START + HOUR / 60, START + DAY)
    assert row.releases == ("1", "2")
    assert row.examples == ("call-3", "call-2", "call-1")
    assert row.days == (
        CulpritDay(date(2026, 11, 20), 2, 1600, Decimal("0.00552")),
        CulpritDay(date(2026, 11, 21), 1, 800, Decimal("0.00276")),
    )


def test_a_change_without_a_loss_is_no_culprit(store: Store):
    store.write("a", [miss(1, verdict=Verdict.hit, missed_tokens=0), record(2, fingerprint="c2")])
    assert store.culprits(ALL) == ()
    found = store.find("call-2")
    assert found is not None
    assert found.told.fingerprint == "c2"


def test_culprits_of_a_part_of_a_day(store: Store):
    store.write("a", [miss(n, at=START + n * HOUR) for n in range(48)])
    within = Filters(since=START + 3 * HOUR, until=START + 40 * HOUR)
    assert store.culprits(within)[0].misses == 37
    assert store.culprits(Filters(since=START + 100 * HOUR)) == ()


def test_culprits_of_a_project_a_session_a_cause(store: Store):
    store.write(
        "a",
        [
            miss(1, project="p", session="s"),
            miss(2, culprit="c2", cause="other"),
            miss(3, session="s"),
        ],
    )
    assert [row.misses for row in store.culprits(Filters(project="p"))] == [1]
    assert [row.id for row in store.culprits(Filters(cause="other"))] == ["c2"]
    assert [row.misses for row in store.culprits(Filters(session="s"))] == [2]
    assert [row.id for row in store.culprits(Filters(culprit="c2"))] == ["c2"]


def test_a_culprit_is_there_also_for_a_time_without_a_miss_of_it(store: Store):
    store.write("a", [miss(1)])
    row = store.culprit("c1", Filters(since=START + DAY))
    assert row is not None
    assert (row.misses, row.days, row.examples) == (0, (), ("call-1",))
    assert store.culprit("unheard of") is None


def test_a_decision_about_a_culprit_stays_until_the_next(store: Store, url: str):
    store.write("a", [miss(1)])
    reader = open_store(url, write=False)
    reader.mark("c1", RESOLVED)
    reader.close()
    assert store.marks() == {"c1": RESOLVED}
    row = store.culprit("c1")
    assert row is not None
    assert (row.mark, row.recurred) == (RESOLVED, None)
    again = Mark(CulpritState.open, START + 2 * HOUR)
    store.mark("c1", again)
    assert store.culprits(ALL)[0].mark == again


def test_a_culprit_that_comes_back_names_the_first_call_and_release(store: Store):
    store.write("a", [miss(1, release="1")])
    store.mark("c1", RESOLVED)
    store.write("b", [miss(n, release="3") for n in (90, 80)])
    row = store.culprits(ALL)[0]
    assert row.recurred == Seen("call-80", START + 80 * HOUR / 60, "3")


def test_what_was_resolved_in_a_release_may_go_on_in_older_ones(store: Store):
    store.write("a", [miss(1, release="1")])
    store.mark("c1", RESOLVED)
    store.write("b", [miss(70, release="1"), record(75, release="2"), miss(80, release="1")])
    assert store.culprits(ALL)[0].recurred is None
    store.write("c", [miss(90, release="2"), miss(95, release="3")])
    assert store.culprits(ALL)[0].recurred == Seen("call-90", START + 90 * HOUR / 60, "2")


def test_what_is_left_of_a_culprit_when_its_latest_miss_is_erased(store: Store):
    store.write("a", [miss(1, session="keep"), miss(2, session="drop")])
    store.erase(Erase(session="drop"))
    row = store.culprits(ALL)[0]
    assert (row.misses, row.last_seen) == (1, START + HOUR / 60)
    assert row.title == "the tool Bash changed for the 1th time"
    store.erase(Erase(session="keep"))
    assert store.culprits(ALL) == ()
    assert store.culprit("c1") is None
    store.write("b", [miss(5)])
    assert store.culprits(ALL)[0].examples == ("call-5",)


def test_culprits_are_listed_by_what_is_asked_for(store: Store):
    often = [miss(n, culprit="often", missed_tokens=10) for n in range(3)]
    dear = miss(5, culprit="dear", missed_cost_usd=Decimal(1), missed_tokens=100)
    big = miss(6, culprit="big", missed_tokens=10**6, missed_cost_usd=None)
    store.write("a", [*often, dear, big])
    listed = {
        order.value: [row.id for row in store.culprits(ALL, order=order)] for order in CulpritOrder
    }
    assert listed == {
        "cost": ["dear", "often", "big"],
        "tokens": ["big", "dear", "often"],
        "misses": ["often", "big", "dear"],
        "newest": ["big", "dear", "often"],
    }
