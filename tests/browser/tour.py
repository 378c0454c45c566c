"""The way of docs/tour.md, clicked: from the first page to the words that changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

__all__ = ["Step", "tour"]


@dataclass(frozen=True)
class Step:
    """One of the pages on the way; ``clicks`` is how many led to it."""

    number: int
    clicks: int


def tour(page: Page, seen: Callable[[Step], object]) -> None:
    """Goes the whole way, and tells at each step that it is there. Any step that is not as the tour
    says fails.
    """
    page.goto("/")
    expect(page.get_by_role("heading", name="Culprits: the edits that cost most")).to_be_visible()
    seen(Step(1, 0))

    page.locator("table.culprits a").filter(has_text="tools[Bash].description").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("the tool Bash changed")
    expect(page.locator(".diff del").first).to_contain_text("in a sandbox")
    expect(page.locator(".diff ins").first).to_contain_text("with the user's own permissions")
    seen(Step(2, 1))

    page.get_by_role("link", name="its latest miss").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("(tools[Bash].description,")
    expect(page.get_by_text("broke here: token")).to_be_visible()
    expect(page.locator(".change").first).to_contain_text("broke the prefix")
    seen(Step(3, 2))

    page.get_by_text("Show the whole text").first.click()
    whole = page.locator("#whole-1 .diff")
    expect(whole.locator("del").first).to_contain_text("in a sandbox")
    whole.evaluate(
        "element => scrollBy(0, element.closest('.panel').getBoundingClientRect().top - 70)"
    )
    seen(Step(4, 3))
