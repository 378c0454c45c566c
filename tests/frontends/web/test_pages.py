"""Pages without a browser: what they say, their twins, and what they let through."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.frontends.web.asked import Answer, ask
from tests.store.samples import miss, record
from tests.traffic import END, recorded
from whycold.core.diagnosis import Found
from whycold.core.prompt import Section
from whycold.frontends.web import serving
from whycold.frontends.web.about import Dashboard
from whycold.frontends.web.drawing import STATIC
from whycold.frontends.web.pages.table import PAGES
from whycold.frontends.web.server import application
from whycold.store.opening import open_store

MOST_SCRIPT = 60_000
WEEK = "since=2026-11-16T09:00&until=2026-11-23T09:00"
HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m'\"&\U0001f4a3"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("pages"))


def get(url: str, target: str, **headers: str) -> Answer:
    with patch.object(serving, "now", lambda: END):
        answer = ask(application(Dashboard(url, "no-spool")), target, headers=headers)
    assert answer is not None
    return answer


def html(url: str, target: str) -> str:
    answer = get(url, target)
    assert answer.headers["content-type"].startswith("text/html"), target
    return answer.body.decode()


def test_the_twin_is_the_report_of_the_api_and_more(url: str):
    api = get(url, f"/api/v1/report?{WEEK}").json
    twin = get(url, f"/overview.json?{WEEK}").json
    assert {name: twin[name] for name in api} == api
    assert set(twin) - set(api) == {"by_project", "by_agent", "by_release"}
    assert sum(sums["misses"] for sums in twin["by_project"].values()) == api["misses"]


def test_twins_have_the_filters_of_the_page(url: str):
    page = html(url, f"/?project=shop&{WEEK}")
    links = re.findall(r'href="(/overview\.[a-z]+[^"]*)"', page)
    assert [link.partition("?")[0] for link in links] == [
        "/overview.json",
        "/overview.csv",
        "/overview.html",
    ]
    told = get(url, links[0].replace("&amp;", "&")).json
    assert list(told["by_project"]) == ["shop"]
    rows = list(csv.DictReader(io.StringIO(get(url, links[1].replace("&amp;", "&")).body.decode())))
    assert (rows[0]["period"], int(rows[0]["misses"])) == ("this", told["misses"])


def test_files_are_offered_to_be_kept(url: str):
    for ending in ("csv", "html"):
        held = get(url, f"/overview.{ending}").headers["content-disposition"]
        assert held == f'attachment; filename="whycold-overview.{ending}"'


WITHOUT_ID = [page for page in PAGES if "{" not in page.path and not page.part]


@pytest.mark.parametrize("page", WITHOUT_ID, ids=lambda page: page.name)
def test_no_page_has_a_script_or_style_of_its_own(url: str, page: serving.Page):
    text = html(url, page.path)
    assert re.findall(r'<script(?! src="/static/)|<style|\sstyle=|\son[a-z]+=', text) == []
    assert set(re.findall(r'(?:src|href)="(?:[a-z]+:)?//[^"]*', text)) == set()


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere(url: str):
    policy = get(url, "/").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'")


def test_all_scripts_together_are_small():
    scripts = [gzip.compress(path.read_bytes()) for path in STATIC.glob("*.js")]
    assert len(scripts) >= 2
    assert sum(map(len, scripts)) < MOST_SCRIPT


def test_static_files_are_kept_by_browsers_under_a_name_of_their_content(url: str):
    links = re.findall(r'"(/static/[^"]+)"', html(url, "/"))
    named = r"\?v=[0-9a-f]{12}$|-[0-9.]+\.woff2$"
    assert all(re.search(named, link) for link in links)
    for link in links:
        got = get(url, link)
        assert got.status == 200, link
        assert "immutable" in got.headers["cache-control"]


@pytest.mark.parametrize(
    ("target", "status", "says"),
    [
        ("/nothing", 404, "There is nothing at this address."),
        ("/?sincee=7d", 400, "There is no parameter &#39;sincee&#39;"),
        ("/?since=soon", 400, "is no time"),
        ("/?reason=<b>", 400, "&lt;b&gt;"),
    ],
)
def test_people_are_told_in_words_and_programs_as_data(
    url: str, target: str, status: int, says: str
):
    assert get(url, target).status == status
    assert says in html(url, target)
    path, _, query = target.partition("?")
    twin = get(url, f"{path.rstrip('/') or '/overview'}.json?{query}")
    assert (twin.status, list(twin.json)) == (status, ["error"])


def test_a_search_leads_straight_to_a_call(url: str):
    id = get(url, "/api/v1/misses?limit=1").json["items"][0]
    for name in ("call", "message_id"):
        answer = get(url, f"/search?q={id[name]}")
        assert (answer.status, answer.headers["location"]) == (303, f"/calls/{id['call']}")


@pytest.mark.parametrize(("name", "kind"), [("session", "sessions"), ("fingerprint", "culprits")])
def test_a_search_finds_sessions_and_culprits(url: str, name: str, kind: str):
    id = get(url, "/api/v1/misses?limit=1").json["items"][0][name]
    assert get(url, f"/search?q={id}").headers["location"] == f"/{kind}/{id}"


def test_foreign_text_is_shown_as_text(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/hostile.db"
    store = open_store(url, write=True)
    found = Found(
        Section.tools, f"tools[{HOSTILE}].description", 4, HOSTILE, "b", "tool-edited", False, ""
    )
    at = END - timedelta(hours=1)
    names = {"project": HOSTILE, "model": HOSTILE, "agent": HOSTILE, "release": HOSTILE}
    bad = miss(1, at=at, divergences=(found,), title=HOSTILE, session=HOSTILE, **names)
    store.write("hostile", [record(0, at=at - timedelta(minutes=1)), bad])
    store.close()
    text = html(url, "/")
    assert "<script>alert" not in text
    assert not re.search("[\u202e\x1b]", text.replace("%1B", ""))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e\\x1b[31m" in text


def test_a_theme_is_taken_from_the_address_and_from_the_cookie(url: str):
    assert 'data-theme="dark"' in html(url, "/?theme=dark")
    assert 'data-theme="light"' in get(url, "/", cookie="whycold_theme=light").body.decode()
    assert (
        "data-theme="
        not in get(url, "/", cookie="whycold_theme=x").body.decode().partition("<body>")[0]
    )


def test_what_no_call_reports_is_not_shown_as_nothing(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/silent.db"
    store = open_store(url, write=True)
    at = END - timedelta(hours=1)
    silent = record(0, at=at, cache_read=None)
    store.write("silent", [replace(silent, told=replace(silent.told, missed_cost_usd=None))])
    store.close()
    text = html(url, "/")
    assert re.search(
        r"Cache read ratio</small>\s*<strong>[^0-9]*not reported[^0-9]*</strong>", text
    )
    assert "Reads are not reported" in text
    assert json.loads(get(url, "/overview.json").body)["read_ratio"] is None
