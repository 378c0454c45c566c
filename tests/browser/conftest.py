"""A browser for each module of tests, and one store of made-up traffic for all of them.

A browser stays no longer, since the loop it runs in this thread keeps others from beginning.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.dashboard import CHROMIUM, FLAGS, serve
from tests.traffic import recorded


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not there: scripts/setup installs it as root")
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store with the made-up traffic of tests/traffic.py."""
    return recorded(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="session")
def address(store: str) -> Generator[str]:
    """A running dashboard on that store, at the time when its last call was sent."""
    with serve(store) as address:
        yield address
