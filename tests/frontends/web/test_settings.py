"""Settings without a browser: what holds, what the doctor says, and how clients are connected."""

from __future__ import annotations

import html as entities
import json
import tomllib
from pathlib import Path

import pytest

from tests.frontends.command import whycold
from tests.frontends.web.asked import ask
from tests.frontends.web.made import get, html
from tests.traffic import recorded
from whycold.frontends.web.about import Dashboard
from whycold.frontends.web.pages.settings import ways
from whycold.frontends.web.server import application
from whycold.sources.spool import SpoolFolder
from whycold.sources.spool_counts import Count, CountsFile, SpoolCounts

HELD = (
    ("capture", "hash", "whycold.toml"),
    ("projects.pay<b>roll.capture", "usage", "whycold.toml"),
    ("upstreams.local.url", "http://127.0.0.1:8000", "command line"),
    ("upstreams.local.capture", "none", "command line"),
    ("retention.texts", "never", "default"),
    ("retention.facts", "400d", "default"),
    ("retention.size", "10GB", "default"),
    ("spool.size", "1GB", "default"),
    ("spool.body", "32MB", "default"),
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("settings"))


def test_the_twin_is_what_the_doctor_prints_but_for_alerts(url: str):
    told = json.loads(whycold("doctor", "--json", "--store", url).out)
    got = get(url, "/settings.json").json
    del told["alerts"]
    for found in (told, got):
        # the dashboard is told of a spool of its own, the command finds one beside the store
        del found["spool"], found["problems"], found["settings"]["spool.folder"]
    assert got == told


def test_the_page_says_how_much_there_is(url: str):
    told = get(url, "/settings.json").json["store"]
    page = html(url, "/settings")
    assert f"<dd>{told['calls']:,} <span" in page
    assert "serve does not run" in page
    assert "http://127.0.0.1:4141" in page


def test_what_holds_is_what_serve_was_started_with(url: str):
    answer = ask(application(Dashboard(url, "no-spool", settings=HELD)), "/settings")
    assert answer is not None
    page = answer.body.decode()
    assert "<b>hash</b>" in page
    assert "for ever" in page
    assert "pay&lt;b&gt;roll" in page
    assert "http://127.0.0.1:8000" in page
    assert "gemini" not in page.partition("Upstreams")[2].partition("All settings")[0]


def test_what_is_left_out_is_counted(url: str, tmp_path: Path):
    counts: dict[str, int] = {Count.recorded: 1234, Count.unrecorded_upgrade: 5, Count.refused: 6}
    CountsFile(SpoolFolder(tmp_path).counts).write(SpoolCounts(1, 1, counts))
    answer = ask(application(Dashboard(url, str(tmp_path))), "/settings")
    assert answer is not None
    page = answer.body.decode()
    assert "1,234" in page
    assert "connections became WebSocket or HTTP/2 and passed unrecorded" in page


def test_texts_to_copy_are_what_the_clients_read():
    texts = {way.client: way.text for way in ways("http://box:4141")}
    opencode = json.loads(texts["opencode"])["provider"]
    assert opencode["anthropic"]["options"]["baseURL"] == "http://box:4141/v1"
    codex = tomllib.loads(texts["Codex CLI"])
    provider = codex["model_providers"][codex["model_provider"]]
    assert provider["base_url"] == "http://box:4141/v1"
    assert texts["Claude Code"] == "ANTHROPIC_BASE_URL=http://box:4141 claude"
    assert len(texts) == 7


def test_a_text_is_copied_as_it_is_shown(url: str):
    page = entities.unescape(html(url, "/settings"))
    for way in ways("http://127.0.0.1:4141"):
        assert f'data-copy="{way.text}"' in page
        assert f"<pre>{way.text}</pre>" in page
