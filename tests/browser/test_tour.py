"""docs/tour.md holds on the demo: three clicks from the first page to the words that changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.dashboard import opened, serve
from tests.browser.tour import Step, tour
from tests.frontends.demo.conftest import UNTIL
from whycold.frontends.demo.writing import make
from whycold.frontends.prices import price_list

pytestmark = pytest.mark.slow

TOUR = Path(__file__).parents[2] / "docs" / "tour.md"


def test_three_clicks_lead_to_the_words(browser: Browser, tmp_path: Path):
    make(tmp_path / "demo.db", UNTIL, price_list(None), lambda _: None)
    steps = list[Step]()
    with (
        serve(f"sqlite:///{tmp_path}/demo.db", at=UNTIL) as address,
        opened(browser, address) as page,
    ):
        tour(page, steps.append)
    assert steps[-1].clicks == 3
    shown = re.findall(r"img/tour-(\d)\.webp", TOUR.read_text("utf-8"))
    assert shown == [str(step.number) for step in steps]
