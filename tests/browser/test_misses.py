"""The list of misses in a browser: clicks that narrow it, and rows that come by themselves."""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.dashboard import opened, serve
from tests.store.samples import miss
from tests.traffic import END
from whycold.store.opening import open_store

pytestmark = pytest.mark.slow
HIDDEN = "Object.defineProperty(document, 'hidden', { value: %s, configurable: true });"
TOLD = "document.dispatchEvent(new Event('visibilitychange'))"


@pytest.fixture
def page(browser: Browser, address: str) -> Generator[Page]:
    with opened(browser, address) as page:
        page.goto("/misses")
        yield page


def calls(page: Page) -> list[str]:
    rows = page.locator(".misses tbody tr").all()
    return [row.get_attribute("data-call") or "" for row in rows]


def test_a_row_leads_to_its_call(page: Page):
    row = page.locator(".misses tbody tr").first
    call = row.get_attribute("data-call")
    row.locator(".tokens").click(force=True)
    page.wait_for_url(re.compile(f"/calls/{call}"))


@pytest.mark.parametrize("name", ["model", "project", "agent"])
def test_a_click_on_a_name_narrows_the_list(page: Page, name: str):
    place = {"model": 0, "project": 1, "agent": 2}[name]
    link = page.locator(".misses tbody tr").first.locator(".whose a").nth(place)
    value = link.inner_text()
    link.click()
    expect(page.locator(".chip.on")).to_contain_text(value)
    assert f"{name}=" in page.url


def test_older_misses_are_a_click_away_and_the_newest_too(page: Page):
    page.goto("/misses?limit=5")
    first = calls(page)
    page.get_by_role("link", name="Older").click()
    second = calls(page)
    assert len(first) == len(second) == 5
    assert not set(first) & set(second)
    page.get_by_role("link", name="Newest").click()
    assert calls(page) == first


class Growing:
    """A store that misses are added to while a page shows it."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/growing.db"
        self.add("old", 600)

    def add(self, id: str, minutes: int) -> None:
        store = open_store(self.url, write=True)
        at = END - timedelta(minutes=minutes)
        store.write(id, [miss(id=id, at=at, project="shop")])
        store.close()


def test_new_misses_appear_while_somebody_looks(browser: Browser, tmp_path: Path):
    growing = Growing(tmp_path)
    with serve(growing.url) as address, opened(browser, address) as page:
        page.clock.install()
        page.goto("/misses")
        assert calls(page) == ["old"]
        growing.add("new", 5)
        page.clock.fast_forward(6_000)
        expect(page.locator(".misses tbody tr")).to_have_count(2)
        expect(page.get_by_role("status")).to_have_text("1 new · ")
        # one that took long, and so is told late, stands where it was sent
        growing.add("late", 30)
        page.clock.fast_forward(6_000)
        expect(page.locator(".misses tbody tr")).to_have_count(3)
        assert calls(page) == ["new", "late", "old"]


def test_nothing_is_asked_for_while_the_tab_is_hidden(browser: Browser, tmp_path: Path):
    growing = Growing(tmp_path)
    with serve(growing.url) as address, opened(browser, address) as page:
        page.clock.install()
        page.goto("/misses")
        asked = list[str]()
        page.on("request", lambda one: asked.append(one.url) if "/new?" in one.url else None)
        page.evaluate(HIDDEN % "true" + TOLD)
        page.clock.fast_forward(60_000)
        growing.add("new", 5)
        page.evaluate(HIDDEN % "false" + TOLD)
        expect(page.locator(".misses tbody tr")).to_have_count(2)
        assert len(asked) == 1


def test_a_server_that_went_is_said_and_met_again(browser: Browser, tmp_path: Path):
    growing = Growing(tmp_path)
    with serve(growing.url) as address, opened(browser, address) as page:
        page.clock.install()
        page.goto("/misses")
        page.route("**/misses/new*", lambda route: route.fulfill(status=503, body=""))
        page.clock.fast_forward(6_000)
        expect(page.locator(".live.lost")).to_have_count(1)
        page.unroute("**/misses/new*")
        page.clock.fast_forward(6_000)
        expect(page.locator(".live.lost")).to_have_count(0)


def test_a_period_without_misses_says_so(page: Page):
    page.goto("/misses?since=2026-01-01&until=2026-01-08")
    expect(page.get_by_role("heading", name="No misses in 7 days")).to_be_visible()
