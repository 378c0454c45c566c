"""The demo's two weeks: what goes wrong in them is found, as what it is, and nothing else."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.frontends.demo.conftest import UNTIL
from whycold.core.diagnosis import Diagnosis, Grade, Verdict
from whycold.frontends.config import environment
from whycold.frontends.demo.planned import PLANNED, Fault
from whycold.query import Period, Query
from whycold.store.answers import CulpritState, Dimension, Filters
from whycold.store.base import Store
from whycold.store.opening import open_store

WEEK = Filters(since=UNTIL - timedelta(days=7), until=UNTIL)
CALM = Filters(since=UNTIL - timedelta(days=14), until=UNTIL - timedelta(days=7))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(demo: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{demo}", write=False)
    yield store
    store.close()


def told(store: Store, filters: Filters) -> Iterator[Diagnosis]:
    cursor = None
    while True:
        page = store.calls(filters, cursor, 1000)
        yield from (kept.told for kept in page.items)
        if (cursor := page.next) is None:
            return


@pytest.mark.parametrize("fault", PLANNED, ids=lambda f: f"{f.project} {f.cause}")
def test_what_was_broken_is_told_with_its_cause_and_its_place(store: Store, fault: Fault):
    found = [row for row in store.culprits(WEEK, 200) if fault.fits(row)]
    assert found
    assert all(row.misses and row.missed_tokens for row in found)


def test_nothing_is_told_that_was_not_broken(store: Store):
    rows = store.culprits(WEEK, 200)
    assert [r for r in rows if not any(fault.fits(r) for fault in PLANNED)] == []


def test_in_the_week_before_less_goes_wrong(store: Store):
    rows, calm = store.culprits(CALM, 200), [fault for fault in PLANNED if fault.calm]
    assert [fault for fault in calm if not any(map(fault.fits, rows))] == []
    assert [row for row in rows if not any(fault.fits(row) for fault in calm)] == []


def test_a_regression_begins_with_its_release_and_ends_with_the_next(store: Store):
    clock = {c.cause: c for c in store.culprits(WEEK, 200) if c.project == "helpdesk"}["clock"]
    assert clock.releases == ("helpdesk 1.22.0",)
    assert clock.mark is not None
    assert clock.mark.state is CulpritState.resolved
    assert clock.recurred is None


def test_what_was_called_resolved_can_come_back(store: Store):
    (row,) = (r for r in store.culprits(Filters(project="storefront", cause="tool-edited")))
    assert row.mark is not None
    assert row.recurred is not None


def test_the_panel_looks_like_that_of_a_team(store: Store):
    report = Query(store).report(Period(UNTIL - timedelta(days=7), UNTIL))
    before = report.previous
    assert before is not None
    assert report.totals.read_ratio is not None
    assert before.totals.read_ratio is not None
    assert 0.6 < report.totals.read_ratio < 0.85 < before.totals.read_ratio
    assert 1000 < before.totals.calls < 0.7 * report.totals.calls
    assert 20 < len(store.culprits(WEEK, 200)) < 50


def test_all_has_a_price_but_for_the_model_on_the_laptop(store: Store):
    groups = store.grouped(WEEK, Dimension.project)
    assert [g.value for g in groups if g.totals.unpriced] == ["field-notes"]
    assert all(g.totals.missed_cost_usd for g in groups if g.value != "field-notes")


def test_every_verdict_and_every_grade_is_there(store: Store):
    calls = list(told(store, WEEK))
    verdicts = Counter(call.verdict for call in calls)
    assert verdicts.keys() == set(Verdict)
    assert {call.grade for call in calls} >= set(Grade)
    assert verdicts[Verdict.hit] > 0.7 * len(calls)
    assert verdicts[Verdict.unknown] < 10


def test_providers_confirm_what_is_told_but_once(store: Store):
    misses = [d for d in told(store, WEEK) if d.provider_reason and d.verdict is not Verdict.hit]
    grades = Counter(d.grade for d in misses)
    assert grades[Grade.confirmed] > 10
    assert grades[Grade.contradicted] == 1


def test_several_projects_agents_models_and_providers_are_there(store: Store):
    counts = {by: len(store.grouped(WEEK, by)) for by in Dimension}
    assert counts[Dimension.project] == 8
    assert counts[Dimension.provider] == 4
    assert counts[Dimension.model] == 6
    assert counts[Dimension.agent] >= 9


def test_the_same_time_gives_the_same_diagnoses(store: Store, tmp_path: Path):
    again = tmp_path / "again.db"
    command = ["-m", "whycold", "demo", "--make", str(again), "--until", UNTIL.isoformat()]
    own = environment() | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, *command], check=True, env=own, capture_output=True)
    other = open_store(f"sqlite:///{again}", write=False)
    try:
        assert fingerprint(other) == fingerprint(store)
    finally:
        other.close()


def fingerprint(store: Store) -> str:
    state = hashlib.sha256()
    for record in store.history():
        state.update(repr((record.call.id, record.call.request_id, record.told)).encode())
        state.update(b"".join(record.call.prompt.chain))
    return state.hexdigest()
