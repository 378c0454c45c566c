"""Sessions in a browser: from the list to the lanes, from a break to its call."""

from __future__ import annotations

import re
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.dashboard import THEMES, WIDTHS, opened
from tests.browser.reading import read, said_without_script

pytestmark = pytest.mark.slow
SESSION = "/sessions/shop-12-0"


@pytest.fixture
def page(browser: Browser, address: str) -> Generator[Page]:
    with opened(browser, address) as page:
        page.goto("/sessions")
        yield page


def test_a_row_leads_to_its_session(page: Page):
    row = page.locator(".sessions tbody tr").first
    name = row.locator("th bdi").first.inner_text()
    row.locator(".tokens").click(force=True)
    page.wait_for_url(re.compile("/sessions/"))
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_a_click_on_a_project_narrows_the_list(page: Page):
    link = page.locator(".sessions .under a").first
    name = link.inner_text()
    link.click()
    expect(page.locator(".chip.on")).to_contain_text(name)


@pytest.mark.parametrize("way", ["click", "key"])
def test_a_break_leads_to_its_call(page: Page, way: str):
    page.goto(SESSION)
    mark = page.locator(".lanes .plot a").first
    if way == "click":
        mark.locator("rect").last.click()
    else:
        mark.focus()
        page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/calls/"))


def test_a_row_of_a_session_leads_to_its_call(page: Page):
    page.goto(SESSION)
    page.locator(".talk tbody tr .read").first.click(force=True)
    page.wait_for_url(re.compile("/calls/"))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_it_can_be_read(browser: Browser, address: str, theme: str, width: int):
    with opened(browser, address, theme, width) as page:
        read(page, SESSION, "session")


def test_it_says_as_much_without_script(browser: Browser, address: str):
    assert said_without_script(browser, address, SESSION)
