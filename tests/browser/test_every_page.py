"""What holds for every page: it can be read in both themes, on a telephone, by everyone."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.dashboard import THEMES, WIDTHS, opened, picture
from whycold.frontends.web.pages.table import PAGES

ADDRESSES = [page.path for page in PAGES if not page.part and "{" not in page.path]
"""Pages of one thing are added by their own tests."""


def sideways(page: Page) -> int:
    """By how many pixels a page is wider than the window."""
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("path", [*ADDRESSES, "/nothing"])
def test_a_page_can_be_read(browser: Browser, address: str, path: str, theme: str, width: int):
    with opened(browser, address, theme, width) as page:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        picture(page, path.strip("/") or "overview")
        assert sideways(page) <= 0
        found = Axe().run(page).response["violations"]
        told = [
            f"{fault['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
            for fault in found
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"]
        ]
        assert told == []


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_page_says_as_much_without_script(browser: Browser, address: str, path: str):
    with opened(browser, address) as page, opened(browser, address, script=False) as bare:
        said = [one.goto(path) and one.inner_text("main") for one in (page, bare)]
        assert said[0] == said[1]
        assert said[0]
