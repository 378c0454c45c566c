"""Culprits without a browser: the list, one of them, their twins, and what they let through."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from tests.frontends.web.made import get, hostile_store, html, shown_as_text
from tests.traffic import END, recorded
from whycold.store.answers import CulpritState, Mark
from whycold.store.opening import open_store

WEEK = "since=2026-11-16T09:00&until=2026-11-23T09:00"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("culprits"))


def listed(page: str) -> list[str]:
    return re.findall(r'class="line"><a href="/culprits/([0-9a-f]+)', page)


@pytest.mark.parametrize("words", ["", "&sort=misses", "&project=shop&sort=newest", "&state=open"])
def test_the_page_and_its_twins_are_the_culprits_of_the_api(url: str, words: str):
    api = get(url, f"/api/v1/culprits?{WEEK}{words}&limit=50").json
    assert get(url, f"/culprits.json?{WEEK}{words}").json == api
    rows = csv.DictReader(io.StringIO(get(url, f"/culprits.csv?{WEEK}{words}").body.decode()))
    ids = [item["id"] for item in api["items"]]
    assert listed(html(url, f"/culprits?{WEEK}{words}")) == ids == [r["culprit"] for r in rows]
    assert ids


@pytest.mark.parametrize("measure", ["misses", "missed_tokens"])
def test_a_list_is_sorted_by_what_is_asked_for(url: str, measure: str):
    sort = measure.removeprefix("missed_")
    items = get(url, f"/culprits.json?sort={sort}").json["items"]
    values = [item[measure] for item in items]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) > 1


def test_more_culprits_are_a_click_away(url: str):
    page = html(url, f"/culprits?{WEEK}&limit=1")
    assert len(listed(page)) == 1
    assert f"/culprits?{WEEK.replace(':', '%3A')}&limit=4".replace("&", "&amp;") in page


def test_a_decision_moves_a_culprit_to_its_state(tmp_path: Path):
    url = recorded(tmp_path)
    first, second, *_ = (item["id"] for item in get(url, "/culprits.json").json["items"])
    store = open_store(url, write=False)
    store.mark(first, Mark(CulpritState.ignored, END, note="known"))
    store.mark(second, Mark(CulpritState.resolved, END, "agent 4.13"))
    store.close()
    assert first not in listed(html(url, "/culprits"))
    assert listed(html(url, "/culprits?state=ignored")) == [first]
    assert listed(html(url, "/culprits?state=resolved")) == [second]
    assert listed(html(url, "/culprits?state=regressed")) == []
    assert "No regressed culprits in 7 days" in html(url, "/culprits?state=regressed")
    assert f"whycold culprits --reopen {first} --store" in html(url, f"/culprits/{first}")


def test_a_culprit_and_its_twins_say_the_same(url: str):
    for item in get(url, f"/culprits.json?{WEEK}").json["items"]:
        path = f"/culprits/{item['id']}"
        assert get(url, f"{path}.json?{WEEK}").json == item
        (row,) = csv.DictReader(io.StringIO(get(url, f"{path}.csv?{WEEK}").body.decode()))
        assert (row["culprit"], int(row["misses"])) == (item["id"], item["misses"])
        page = html(url, f"{path}?{WEEK}")
        assert f"whycold blame {item['id']}" in page
        shown = re.findall(r'data-call="([^"]+)"', page)
        own = get(url, f"/misses.json?{WEEK}&culprit={item['id']}&limit=8").json["items"]
        assert shown == [miss["call"] for miss in own]
        assert shown


def test_a_culprit_of_another_time_says_when_it_was_seen(url: str):
    id = get(url, "/culprits.json").json["items"][0]["id"]
    page = html(url, f"/culprits/{id}?since=2026-01-01&until=2026-01-08")
    assert "Not seen in 7 days" in page
    assert "Misses, none of them in this period" in page


@pytest.mark.parametrize("id", ["nothing", "<b>"])
def test_a_culprit_that_is_not_there_is_404(url: str, id: str):
    answer = get(url, f"/culprits/{id}")
    assert answer.status == 404
    assert "<b>" not in answer.body.decode()


@pytest.mark.parametrize("page", ["/culprits", "/culprits/c0ffee"])
def test_foreign_text_is_shown_as_text(tmp_path: Path, page: str):
    assert shown_as_text(html(hostile_store(tmp_path), page))
