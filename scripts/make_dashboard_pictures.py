"""Writes docs/img/*.webp: pages of the dashboard on the demo, and the way of docs/tour.md.

Run as `make pictures`; it needs chromium. The demo is that of the tests, the same every time, so
that a picture changes when a page does. --store takes one that is there.
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.dashboard import CHROMIUM, FLAGS, serve
from tests.browser.tour import Step, tour
from tests.frontends.demo.conftest import UNTIL
from whycold.frontends.demo.writing import make
from whycold.frontends.prices import price_list

IMAGES = Path(__file__).parent.parent / "docs" / "img"
LARGEST = 200_000
QUALITY = 0.86

_ENCODED = """([png, quality]) => new Promise((found, failed) => {
  const picture = new Image();
  picture.onerror = failed;
  picture.onload = () => {
    const canvas = document.createElement('canvas');
    canvas.width = picture.width;
    canvas.height = picture.height;
    canvas.getContext('2d').drawImage(picture, 0, 0);
    found(canvas.toDataURL('image/webp', quality).split(',')[1]);
  };
  picture.src = 'data:image/png;base64,' + png;
})"""


@contextmanager
def opened(browser: Browser, origin: str, theme: str, height: int) -> Iterator[Page]:
    """A page of the dashboard in one theme."""
    context = browser.new_context(
        base_url=origin,
        viewport={"width": 1280, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    yield context.new_page()
    context.close()


def keep(browser: Browser, page: Page, name: str, folder: Path) -> None:
    """What the page shows, as a small file."""
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    page.mouse.move(0, 0)
    png = base64.b64encode(page.screenshot()).decode()
    blank = browser.new_page()
    data = base64.b64decode(blank.evaluate(_ENCODED, [png, QUALITY]))
    blank.close()
    if len(data) > LARGEST:
        raise SystemExit(f"{name}: {len(data)} bytes, more than {LARGEST}")
    (folder / f"{name}.webp").write_bytes(data)
    print(f"docs/img/{name}.webp {len(data):,} bytes")


def pictures(origin: str, folder: Path) -> None:
    """All of them."""
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for theme in ("light", "dark"):
            with opened(browser, origin, theme, 1180) as page:
                page.goto("/")
                keep(browser, page, f"overview-{theme}", folder)
        with opened(browser, origin, "light", 900) as page:
            page.goto("/culprits")
            keep(browser, page, "culprits", folder)

        def seen(step: Step) -> None:
            keep(browser, page, f"tour-{step.number}", folder)

        with opened(browser, origin, "light", 820) as page:
            tour(page, seen)
        browser.close()


def main() -> int:
    """Make the demo and the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--folder", type=Path, default=IMAGES)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        store: Path = given.store or Path(made) / "demo.db"
        if given.store is None:
            make(store, UNTIL, price_list(None), lambda _: None)
        folder: Path = given.folder.resolve()
        # pages name their store, and none of ours should be in a picture
        with chdir(store.parent), serve(f"sqlite:///{store.name}", at=UNTIL) as origin:
            pictures(origin, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
