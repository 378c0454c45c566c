"""The page of one call in chromium: readable, and the whole text by a click."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.dashboard import THEMES, WIDTHS, opened, picture
from tests.browser.test_every_page import sideways
from whycold.store.answers import Filters
from whycold.store.opening import open_store

pytestmark = pytest.mark.slow


def latest(store: str, cause: str) -> str:
    opened_store = open_store(store, write=False)
    found = opened_store.misses(Filters(cause=cause), limit=1).items[0].told.call
    opened_store.close()
    return found


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("cause", ["tool-edited", "expired", "model-changed"])
def test_a_call_can_be_read(
    browser: Browser, address: str, store: str, cause: str, theme: str, width: int
):
    with opened(browser, address, theme, width) as page:
        page.goto(f"/calls/{latest(store, cause)}")
        page.wait_for_load_state("networkidle")
        picture(page, f"call-{cause}")
        assert sideways(page) <= 0
        faults = [
            fault["id"]
            for fault in Axe().run(page).response["violations"]
            if fault["impact"] in ("serious", "critical")
        ]
        assert faults == []


def test_the_whole_text_unfolds_in_place(browser: Browser, address: str, store: str):
    with opened(browser, address) as page:
        page.goto(f"/calls/{latest(store, 'tool-edited')}")
        url = page.url
        before = page.locator(".diff").count()
        page.get_by_text("Show the whole text").first.click()
        expect(page.locator(".diff")).to_have_count(before + 1)
        assert page.url == url


def test_the_whole_text_is_a_page_without_script(browser: Browser, address: str, store: str):
    with opened(browser, address, script=False) as page:
        page.goto(f"/calls/{latest(store, 'tool-edited')}")
        page.get_by_text("Show the whole text").first.click()
        expect(page.locator("ins")).to_contain_text("handbook and")


def test_sorting_is_a_click_and_stands_in_the_address(browser: Browser, address: str, store: str):
    with opened(browser, address) as page:
        page.goto(f"/calls/{latest(store, 'tool-edited')}")
        page.get_by_role("link", name="Part", exact=True).click()
        assert page.url.endswith("sort=order")
        assert page.locator(".parts tbody th").first.inner_text().startswith("tools[")


def test_a_link_leads_to_the_call_before(browser: Browser, address: str, store: str):
    with opened(browser, address) as page:
        page.goto(f"/calls/{latest(store, 'expired')}")
        page.locator(".facts").get_by_text("msg_").first.click()
        expect(page.locator("h1")).to_be_visible()


def test_more_parts_come_in_place(browser: Browser, address: str, store: str):
    with opened(browser, address) as page:
        page.goto(f"/calls/{latest(store, 'tool-edited')}?parts=3")
        url, rows = page.url, page.locator(".parts tbody tr")
        expect(rows).to_have_count(3)
        page.locator("#parts").get_by_text("Show more").click()
        expect(page.locator("#parts").get_by_text("Show more")).to_have_count(0)
        assert rows.count() > 3
        assert page.url == url


def test_more_parts_are_a_link_without_script(browser: Browser, address: str, store: str):
    with opened(browser, address, script=False) as page:
        page.goto(f"/calls/{latest(store, 'tool-edited')}?parts=3")
        page.locator("#parts").get_by_text("Show more").click()
        expect(page.locator("#parts").get_by_text("Show more")).to_have_count(0)
        assert page.url.endswith("parts=203#parts")
