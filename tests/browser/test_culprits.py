"""Culprits in a browser: sorts, states, and the way from the list to the words and the commands."""

from __future__ import annotations

import re
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.dashboard import THEMES, WIDTHS, opened
from tests.browser.reading import read, said_without_script

pytestmark = pytest.mark.slow


@pytest.fixture
def page(browser: Browser, address: str) -> Generator[Page]:
    with opened(browser, address) as page:
        page.goto("/culprits")
        yield page


@pytest.fixture(scope="module")
def culprit(browser: Browser, address: str) -> str:
    """The page of the dearest one."""
    with opened(browser, address) as page:
        page.goto("/culprits")
        return page.locator(".culprits .line a").first.get_attribute("href") or ""


@pytest.mark.parametrize(
    ("head", "sort"), [("Since", "newest"), ("Misses", "misses"), ("Tokens", "tokens")]
)
def test_a_click_on_a_head_sorts_by_it(page: Page, head: str, sort: str):
    page.locator("thead").get_by_role("link", name=head).click()
    page.wait_for_url(re.compile(f"sort={sort}"))
    expect(page.locator("th[aria-sort]")).to_contain_text(head)
    page.locator("thead").get_by_role("link", name="Cost").click()
    expect(page.locator("th[aria-sort]")).to_contain_text("Cost")


@pytest.mark.parametrize("state", ["open", "resolved", "ignored", "regressed"])
def test_states_are_a_click_away(page: Page, state: str):
    page.get_by_role("navigation", name="States").get_by_role("link", name=state).click()
    expect(page.locator(".states [aria-current]").first).to_have_text(state)
    assert f"state={state}" in page.url


def test_a_row_leads_to_the_words_and_they_to_a_call(page: Page):
    page.locator(".culprits tbody tr .tokens").first.click(force=True)
    page.wait_for_url(re.compile("/culprits/[0-9a-f]+"))
    expect(page.locator(".change .diff del").first).to_be_visible()
    page.get_by_role("link", name="its latest miss").click()
    page.wait_for_url(re.compile("/calls/"))


def test_all_its_misses_are_a_click_away(page: Page, culprit: str):
    page.goto(culprit)
    page.get_by_role("link", name=re.compile("^all [0-9]")).click()
    page.wait_for_url(re.compile("/misses.*culprit="))
    page.get_by_role("link", name="all misses").click()
    assert "culprit=" not in page.url


def test_the_command_is_copied(browser: Browser, address: str, culprit: str):
    with opened(browser, address) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(culprit)
        page.get_by_role("button", name=re.compile("Copy: whycold blame")).click()
        expect(page.get_by_text("Copied")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("whycold blame ")


def test_the_whole_text_is_fetched_on_demand(page: Page, culprit: str):
    page.goto(culprit)
    page.get_by_role("link", name="Show the whole text").click()
    expect(page.locator(".unfold")).to_have_count(0)
    assert "/culprits/" in page.url


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_it_can_be_read(browser: Browser, address: str, culprit: str, theme: str, width: int):
    with opened(browser, address, theme, width) as page:
        read(page, culprit, "culprit")


def test_it_says_as_much_without_script(browser: Browser, address: str, culprit: str):
    assert said_without_script(browser, address, culprit)
