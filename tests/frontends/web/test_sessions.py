"""Sessions without a browser: the list, one of them as lanes, their twins, and foreign text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.frontends.web.made import HOSTILE, get, hostile_store, html, shown_as_text
from tests.store.samples import START, miss, record
from tests.traffic import END, recorded
from whycold.core.diagnosis import Diagnosis, Reason
from whycold.frontends.web.charts.lanes import lanes
from whycold.store.opening import open_store

WEEK = "since=2026-11-16T09:00&until=2026-11-23T09:00"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("sessions"))


def listed(page: str) -> list[str]:
    return re.findall(r'<a href="/sessions/([^"?]+)[^"]*"><bdi>', page)


def test_the_page_and_its_twins_list_the_same_sessions(url: str):
    items = get(url, f"/sessions.json?{WEEK}").json["items"]
    rows = csv.DictReader(io.StringIO(get(url, f"/sessions.csv?{WEEK}").body.decode()))
    ids = [item["session"] for item in items]
    assert listed(html(url, f"/sessions?{WEEK}")) == ids == [row["session"] for row in rows]
    ends = [item["last_seen"] for item in items]
    assert ends == sorted(ends, reverse=True)


@pytest.mark.parametrize("words", ["project=shop", "model=claude-sonnet-5", "release=agent%204.12"])
def test_sessions_are_those_with_a_call_that_fits(url: str, words: str):
    ids = {item["session"] for item in get(url, f"/sessions.json?{words}").json["items"]}
    every = {item["session"] for item in get(url, "/sessions.json?limit=1000").json["items"]}
    assert ids < every
    for id in every:
        calls = get(url, f"/sessions/{id}.json").json["items"]
        name, value = words.replace("%20", " ").split("=")
        assert any(call[name] == value for call in calls) == (id in ids), id


def test_pages_follow_each_other_to_the_end(url: str):
    path, ids = "/sessions?since=30d&limit=5", list[str]()
    while path:
        page = html(url, path)
        ids += listed(page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    every = [
        item["session"] for item in get(url, "/sessions.json?since=30d&limit=99").json["items"]
    ]
    assert ids == every
    assert len(ids) == 43


def test_a_session_and_its_twins_hold_all_its_calls(url: str):
    told = get(url, "/sessions.json?project=shop&limit=1").json["items"][0]
    path = f"/sessions/{told['session']}"
    items = get(url, f"{path}.json").json["items"]
    rows = list(csv.DictReader(io.StringIO(get(url, f"{path}.csv").body.decode())))
    ids = [item["call"] for item in items]
    shown = re.findall(r'class="when"><a href="/calls/([^"]+)"', html(url, path))
    assert shown == ids == [row["call"] for row in rows]
    assert len(ids) == told["calls"]
    assert sum(item["missed_tokens"] for item in items) == told["missed_tokens"]
    assert [item["at"] for item in items] == sorted(item["at"] for item in items)


def test_every_break_is_a_link_in_the_colour_of_its_reason(url: str):
    for session in get(url, "/sessions.json").json["items"]:
        path = f"/sessions/{session['session']}"
        broke = [
            (item["call"], (item["reason"] or "").removesuffix("_changed").replace("_", "-"))
            for item in get(url, f"{path}.json").json["items"]
            if item["verdict"] in ("miss", "partial")
        ]
        drawn = r'<a href="/calls/([^"]+)" aria-label=[^>]*><svg class="break c-([a-z-]+)"'
        assert re.findall(drawn, html(url, path), re.DOTALL) == broke


def test_a_long_session_is_told_in_pages(url: str):
    id = get(url, "/sessions.json?project=shop&limit=1").json["items"][0]["session"]
    whole = [item["call"] for item in get(url, f"/sessions/{id}.json").json["items"]]
    last = get(url, f"/sessions/{id}.json?limit=3").json
    assert [item["call"] for item in last["items"]] == whole[-3:]
    earlier = get(url, f"/sessions/{id}.json?limit=3&cursor={last['next']}").json["items"]
    assert [item["call"] for item in earlier] == whole[-6:-3]
    assert "Earlier calls" in html(url, f"/sessions/{id}?limit=3")


def test_a_session_that_is_not_there_is_404(url: str):
    assert get(url, "/sessions/nothing").status == 404


@pytest.mark.parametrize("page", ["/sessions", f"/sessions/{quote(HOSTILE, safe='')}"])
def test_foreign_text_is_shown_as_text(tmp_path: Path, page: str):
    assert shown_as_text(html(hostile_store(tmp_path), page))


def talk(*calls: tuple[float, str], ttl: str = "5m") -> Sequence[Diagnosis]:
    """Calls at minutes, each of an agent; a name in capitals: it missed."""
    wrote: dict[str, Any] = {f"cache_write_{ttl}": 100}
    return [
        (miss if agent.isupper() else record)(
            number, at=START + timedelta(minutes=at), agent=agent.lower(), **wrote
        ).told
        for number, (at, agent) in enumerate(calls)
    ]


def test_each_agent_has_a_lane_the_busiest_first():
    drawn = lanes(talk((0, "title"), (1, "main"), (2, "main"), (3, "explore")))
    assert [(lane.agent, lane.calls) for lane in drawn.lanes] == [
        ("main", 2),
        ("title", 1),
        ("explore", 1),
    ]
    assert len({lane.y for lane in drawn.lanes}) == 3
    assert [mark.x for mark in drawn.marks] == sorted(mark.x for mark in drawn.marks)


@pytest.mark.parametrize(
    ("ttl", "pauses"), [("5m", ["58 min", "1 h 40 min"]), ("1h", ["1 h 40 min"])]
)
def test_pauses_are_held_against_what_the_call_before_them_wrote(ttl: str, pauses: list[str]):
    drawn = lanes(talk((0, "main"), (2, "main"), (60, "main"), (160, "MAIN"), ttl=ttl))
    assert [pause.words for pause in drawn.pauses] == pauses
    assert [mark.reason for mark in drawn.marks] == [None, None, None, Reason.tools_changed]


def test_agents_beyond_a_dozen_share_a_lane():
    drawn = lanes(talk(*((n, f"agent {n}") for n in range(20))))
    assert len(drawn.lanes) == 13
    assert (drawn.lanes[-1].others, drawn.lanes[-1].calls) == (8, 8)


@pytest.mark.parametrize("calls", [[(0, "main")], [(0, "main"), (0, "main"), (0, "OTHER")]])
def test_calls_of_one_moment_can_be_drawn(calls: list[tuple[float, str]]):
    drawn = lanes(talk(*calls))
    assert all(0 <= mark.x <= 100 for mark in drawn.marks)


@pytest.mark.parametrize("id", ["what? 100% #1", "Überlandfahrt/\u4e2d", HOSTILE])
def test_any_id_can_stand_in_a_link(tmp_path: Path, id: str):
    url = f"sqlite:///{tmp_path}/odd.db"
    store = open_store(url, write=True)
    store.write("odd", [miss(session=id, at=END - timedelta(hours=1))])
    store.close()
    link = re.search(r'<a href="(/sessions/[^"?]+)', html(url, "/sessions"))
    assert link is not None
    page = html(url, link[1])
    kept = re.findall(r'href="(/sessions/[^"?]+\.(?:json|csv|html))', page)
    assert [get(url, path).status for path in kept] == [200, 200, 200]
