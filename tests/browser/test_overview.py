"""The overview in a browser: the figures that went in, and every click that leads on."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.dashboard import THEMES, WIDTHS, opened, picture, serve
from tests.browser.known_week import NOW, week_before_and_after

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A dashboard on two weeks whose sums are known."""
    with serve(week_before_and_after(tmp_path_factory.mktemp("weeks"))) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Generator[Page]:
    """The overview of the made-up traffic."""
    with opened(browser, address) as page:
        page.goto("/")
        yield page


def figures(page: Page) -> dict[str, list[str]]:
    """Name, value, how it moved and what it was, as a person reads them."""
    rows = [cell.inner_text().split("\n") for cell in page.locator(".kpis > div").all()]
    return {name: [value, moved] for name, value, moved in rows}


def test_the_panel_shows_the_known_figures_and_the_right_arrows(browser: Browser, weeks: str):
    with opened(browser, weeks) as page:
        page.goto("/")
        assert figures(page) == {
            "Cache read ratio": ["68.7%", "▼ 3.2 pp 71.9%"],
            "Cache read tokens": ["42.18B", "▲ 12% 37.60B"],
            "Cache misses": ["31.7k", "▲ 42% 22.4k"],
            "Missed tokens": ["1.46B", "▲ 38% 1.06B"],
            "Cost of misses": ["$6,716", "▲ $1,840 $4,876"],
        }
        # a lower ratio and more misses are bad, more reads are good
        kinds = [em.get_attribute("class") for em in page.locator(".kpis em").all()]
        assert kinds == ["down", "up", "down", "down", "down"]


def test_the_exact_numbers_are_shown_on_hover(browser: Browser, weeks: str):
    with opened(browser, weeks) as page:
        page.goto("/")
        titles = [e.get_attribute("title") for e in page.locator(".kpis strong [title]").all()]
        assert titles[:4] == [
            f"{NOW.read:,} of {NOW.input:,}",
            f"{NOW.read:,}",
            f"{NOW.misses:,}",
            f"{NOW.missed:,}",
        ]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_the_known_weeks_fit_every_screen(browser: Browser, weeks: str, theme: str, width: int):
    with opened(browser, weeks, theme, width) as page:
        page.goto("/")
        picture(page, "overview of two weeks")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_table_under_the_chart_sums_to_the_missed_tokens(browser: Browser, weeks: str):
    with opened(browser, weeks) as page:
        page.goto("/")
        page.locator(".numbers summary").first.click()
        ends = page.locator(".numbers").first.locator("tbody tr td:last-child").all_inner_texts()
        assert sum(int(end.replace(",", "")) for end in ends) == NOW.missed


def test_releases_stand_on_the_time_axis(browser: Browser, weeks: str):
    with opened(browser, weeks) as page:
        page.goto("/")
        assert page.locator(".chart").first.locator(".flag").all_text_contents() == [
            "agent 4.12",
            "agent 4.12.1",
        ]


@pytest.mark.parametrize("name", ["project", "model", "agent", "release"])
def test_a_filter_is_chosen_from_its_menu_and_taken_away(page: Page, name: str):
    page.get_by_text(f"{name.capitalize()} all", exact=True).click()
    choice = page.locator(".menu[open] .sheet a").first
    value = choice.inner_text()
    choice.click()
    chip = page.get_by_role("link", name=f"Remove the filter: {name} {value}")
    assert f"{name}=" in page.url
    chip.click()
    expect(page.get_by_text(f"{name.capitalize()} all", exact=True)).to_be_visible()
    assert f"{name}=" not in page.url


@pytest.mark.parametrize("where", [".rank a", ".sums tbody a"])
def test_a_click_on_a_row_filters_by_it(page: Page, where: str):
    before = figures(page)
    page.locator(where).first.click()
    expect(page.locator(".chip.on")).to_have_count(1)
    assert figures(page) != before


def test_a_click_on_a_part_of_a_bar_filters_by_its_reason(page: Page):
    page.locator(".seg").first.click(force=True)
    expect(page.locator(".chip.on")).to_contain_text("Reason")


def test_a_stretch_of_the_chart_becomes_the_period(page: Page):
    box = page.locator(".plot").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 100, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile("since=2026-11-1[78].*until=2026-11-"))


def test_words_stand_beside_the_pointer(page: Page):
    page.locator(".column:has(.seg) .hit").first.hover(force=True)
    expect(page.locator(".tip.on strong")).to_contain_text("Nov")


@pytest.mark.parametrize("length", ["Last 24 hours", "Last 30 days", "Last 90 days"])
def test_a_length_of_time_is_one_click(page: Page, length: str):
    page.locator(".range summary").click()
    page.get_by_role("link", name=length).click()
    expect(page.locator(".range summary")).to_contain_text(length)


@pytest.mark.parametrize("script", [True, False])
def test_any_period_can_be_given(browser: Browser, address: str, script: bool):
    with opened(browser, address, script=script) as page:
        page.goto("/?project=shop")
        page.locator(".range summary").click()
        page.get_by_label("From UTC").fill("2026-11-12T06:00")
        page.get_by_label("To UTC").fill("2026-11-14T18:30")
        page.get_by_role("button", name="Show").click()
        expect(page.locator(".range summary")).to_contain_text("12 Nov 06:00 to 14 Nov 2026 18:30")
        assert "project=shop" in page.url


def test_periods_follow_each_other(page: Page):
    first = figures(page)
    page.get_by_role("link", name="The 7 days before").click()
    expect(page.locator(".range summary")).to_contain_text("9 Nov 09:00")
    page.get_by_role("link", name="The 7 days after").click()
    expect(page.locator(".range summary")).to_contain_text("16 Nov 09:00")
    assert figures(page) == first


def test_keys_lead_everywhere(page: Page):
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.goto("/search")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url(re.compile("/$"))


@pytest.mark.parametrize("theme", THEMES)
def test_a_theme_is_remembered(page: Page, theme: str):
    page.get_by_label("Theme").click()
    page.get_by_role("link", name=theme.capitalize()).click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == theme


def test_an_id_that_nothing_has_is_said(page: Page):
    page.get_by_role("searchbox").fill("zzzz-nothing")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing has the id zzzz-nothing")).to_be_visible()


def test_a_period_without_calls_leads_to_one_with(page: Page):
    page.goto("/?since=2026-01-01&until=2026-01-08")
    picture(page, "nothing in the period")
    page.get_by_role("link", name="Around the latest call").click()
    assert figures(page)["Cache misses"][0] != "0"


def test_without_a_store_the_page_says_how_to_begin(browser: Browser, tmp_path: Path):
    with (
        serve(f"sqlite:///{tmp_path}/none.db") as address,
        opened(browser, address) as page,
    ):
        answer = page.goto("/")
        assert answer is not None
        assert answer.status == 503
        picture(page, "no store")
        expect(page.get_by_text("whycold import", exact=True)).to_be_visible()


@pytest.mark.parametrize("query", ["", "?project=shop&since=3d"])
def test_a_saved_page_stands_alone(browser: Browser, address: str, tmp_path: Path, query: str):
    with opened(browser, address) as page:
        page.goto(f"/{query}")
        with page.expect_download() as kept:
            page.get_by_role("link", name="file").click()
        path = tmp_path / "kept.html"
        kept.value.save_as(path)
        said = figures(page)
    text = path.read_text()
    assert not re.search(r"<(script|link|img)|url\((?!#)", text)
    with opened(browser, path.as_uri()) as page:
        page.goto(path.as_uri())
        picture(page, "a saved page")
        assert figures(page) == said
