"""Whether a page of one thing can be read: in both themes, on a telephone, by everyone."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.dashboard import opened, picture

__all__ = ["read", "said_without_script"]


def read(page: Page, path: str, name: str) -> None:
    """Open it, keep a picture, and look for what stands in a reader's way."""
    page.goto(path)
    page.wait_for_load_state("networkidle")
    picture(page, name)
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0
    found = Axe().run(page).response["violations"]
    assert [
        f"{fault['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ] == []


def said_without_script(browser: Browser, address: str, path: str) -> bool:
    """Whether a page says the same without script."""
    with opened(browser, address) as page, opened(browser, address, script=False) as bare:
        said = [one.goto(path) and one.inner_text("main") for one in (page, bare)]
    return bool(said[0]) and said[0] == said[1]
