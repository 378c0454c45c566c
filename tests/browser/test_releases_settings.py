"""Releases and settings in a browser: a marker is compared by a click, a text copied by another."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.dashboard import THEMES, WIDTHS, opened
from tests.browser.reading import read, said_without_script

pytestmark = pytest.mark.slow
RELEASE = "/releases?since=30d&marker=release.shop.agent%204.12"


def test_a_click_on_a_marker_compares_it(browser: Browser, address: str):
    with opened(browser, address) as page:
        page.goto("/releases?since=30d&kind=release")
        page.locator(".markers tbody tr .when").first.click(force=True)
        page.wait_for_url(re.compile("marker=release"))
        expect(page.locator(".chart .plot")).to_be_visible()
        expect(page.locator(".markers .this")).to_have_count(1)
        page.get_by_role("link", name="close").click()
        expect(page.locator(".chart .plot")).to_have_count(0)


@pytest.mark.parametrize("kind", ["release", "tools", "system"])
def test_kinds_are_a_click_away(browser: Browser, address: str, kind: str):
    with opened(browser, address) as page:
        page.goto("/releases?since=30d")
        page.get_by_role("navigation", name="Kinds").get_by_role("link", name=kind).click()
        page.wait_for_url(re.compile(f"kind={kind}"))
        said = page.locator(".markers .name .under").all_inner_texts()
        assert said
        assert all(words.startswith(kind) for words in said)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_it_can_be_read(browser: Browser, address: str, theme: str, width: int):
    with opened(browser, address, theme, width) as page:
        read(page, RELEASE, "release")


def test_it_says_as_much_without_script(browser: Browser, address: str):
    assert said_without_script(browser, address, RELEASE)


def test_what_a_client_needs_is_copied(browser: Browser, address: str):
    with opened(browser, address) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto("/settings")
        page.get_by_role("button", name="Copy what Codex CLI needs").click()
        expect(page.get_by_text("Copied")).to_be_visible()
        assert "[model_providers.whycold]" in page.evaluate("navigator.clipboard.readText()")
