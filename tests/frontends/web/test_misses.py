"""The list of misses without a browser: its twins, its pages, and what it lets through."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from tests.frontends.web.made import get, hostile_store, html, shown_as_text
from tests.traffic import recorded

WEEK = "since=2026-11-16T09:00&until=2026-11-23T09:00"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("misses"))


def listed(page: str) -> list[str]:
    return re.findall(r'<tr class="go" data-call="([^"]+)"', page)


@pytest.mark.parametrize("words", ["", "&project=shop", "&reason=tools_changed&agent=main"])
def test_the_page_and_its_twins_are_the_misses_of_the_api(url: str, words: str):
    api = get(url, f"/api/v1/misses?{WEEK}{words}").json
    assert get(url, f"/misses.json?{WEEK}{words}").json == api
    rows = csv.DictReader(io.StringIO(get(url, f"/misses.csv?{WEEK}{words}").body.decode()))
    ids = [item["call"] for item in api["items"]]
    assert listed(html(url, f"/misses?{WEEK}{words}")) == ids == [row["call"] for row in rows]
    assert ids


def test_pages_follow_each_other_to_the_end(url: str):
    path, ids = f"/misses?{WEEK}&limit=7", list[str]()
    while path:
        page = html(url, path)
        ids += listed(page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    whole = get(url, f"/api/v1/misses?{WEEK}&limit=1000").json["items"]
    assert ids == [item["call"] for item in whole]
    assert len(ids) > 7


def test_the_misses_of_a_culprit_are_its_own(url: str):
    told = get(url, f"/api/v1/misses?{WEEK}&limit=1").json["items"][0]["fingerprint"]
    items = get(url, f"/misses.json?{WEEK}&culprit={told}").json["items"]
    assert {item["fingerprint"] for item in items} == {told}
    assert listed(html(url, f"/misses?{WEEK}&culprit={told}")) == [item["call"] for item in items]


def test_a_page_that_knows_all_is_told_nothing(url: str):
    page = html(url, "/misses")
    seen = re.search(r'data-seen="([0-9a-f]+)"', page)
    assert seen is not None
    assert listed(html(url, "/misses/new")) == listed(page)
    assert listed(html(url, f"/misses/new?seen={seen[1]}")) == []


@pytest.mark.parametrize("words", [WEEK, "cursor=9223372036854775807"])
def test_only_the_page_that_ends_now_is_live(url: str, words: str):
    assert "data-live" in html(url, "/misses")
    assert "data-live" not in html(url, f"/misses?{words}")


@pytest.mark.parametrize("page", ["/misses", "/misses/new"])
def test_foreign_text_is_shown_as_text(tmp_path: Path, page: str):
    assert shown_as_text(html(hostile_store(tmp_path), page))


def test_a_cursor_that_no_page_gave_is_refused(url: str):
    assert get(url, "/misses?cursor=zz").status == 400
