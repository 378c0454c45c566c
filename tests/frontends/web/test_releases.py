"""Releases without a browser: which are compared, their twins, and what they let through."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from tests.frontends.web.made import get, hostile_store, html, shown_as_text
from tests.traffic import recorded

ALL = "since=2026-11-01&until=2026-11-24"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("releases"))


def test_the_first_few_are_compared_as_the_api_does(url: str):
    api = get(url, f"/api/v1/releases?{ALL}&limit=1000").json["items"]
    twin = get(url, f"/releases.json?{ALL}").json
    assert twin["items"] == api[: len(twin["items"])]
    names = [marker["name"] for marker in (*twin["items"], *twin["further"])]
    assert names == [marker["name"] for marker in api]
    rows = list(csv.DictReader(io.StringIO(get(url, f"/releases.csv?{ALL}").body.decode())))
    assert [row["name"] for row in rows] == [item["name"] for item in twin["items"]]
    page = html(url, f"/releases?{ALL}")
    assert page.count('<tr class="go') == len(api)
    assert page.count(" → ") == 3 * len(twin["items"])


def test_any_marker_can_be_compared(url: str):
    links = re.findall(r'<a href="(/releases\?[^"]*marker=[^"]+)"', html(url, f"/releases?{ALL}"))
    api = get(url, f"/api/v1/releases?{ALL}&limit=1000").json["items"]
    assert len(links) == len(api)
    for link, item in zip(links, api, strict=True):
        path = link.replace("&amp;", "&")
        assert get(url, path.replace("/releases?", "/releases.json?")).json["items"] == [item]
        page = html(url, path)
        assert item["word"] in page
        assert f"{item['calls_before']} call" in page


@pytest.mark.parametrize("kind", ["release", "tools", "system"])
def test_markers_of_one_kind(url: str, kind: str):
    told = get(url, f"/releases.json?{ALL}&kind={kind}").json
    found = [*told["items"], *told["further"]]
    assert {marker["kind"] for marker in found} == {kind}
    assert html(url, f"/releases?{ALL}&kind={kind}").count('<tr class="go') == len(found)


def test_a_kind_that_does_not_exist_is_refused(url: str):
    assert get(url, "/releases?kind=bad").status == 400


def test_a_marker_that_is_gone_leaves_the_list(url: str):
    page = html(url, f"/releases?{ALL}&marker=release.shop.gone")
    assert "What changed when" in page
    assert "So it is" in page


def test_foreign_text_is_shown_as_text(tmp_path: Path):
    url = hostile_store(tmp_path)
    page = html(url, "/releases")
    assert shown_as_text(page)
    link = re.search(r'<a href="(/releases\?[^"]*marker=release[^"]+)"', page)
    assert link is not None
    assert shown_as_text(html(url, link[1].replace("&amp;", "&")))
