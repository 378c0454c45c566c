"""A real dashboard on a port of its own, and pages of it in Debian's chromium."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.serving import eventually
from tests.traffic import END
from whycold.frontends.web import serving
from whycold.frontends.web.about import Dashboard
from whycold.frontends.web.server import application

__all__ = ["CHROMIUM", "FLAGS", "THEMES", "WIDTHS", "opened", "picture", "serve"]

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
THEMES = ("light", "dark")
WIDTHS = (1440, 390)
_PICTURES = "WHYCOLD_PICTURES"
"""The folder that pictures are written to; without it none are."""


@contextmanager
def serve(store: str, spool: str = "no-spool", at: datetime = END) -> Generator[str]:
    """The dashboard of a store, asked at a time; its address."""
    config = uvicorn.Config(
        application(Dashboard(store, spool)), port=0, lifespan="off", log_level="warning"
    )
    server = uvicorn.Server(config)
    with patch.object(serving, "now", lambda: at):
        running = threading.Thread(target=server.run, daemon=True)
        running.start()
        eventually(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            running.join(10)


@contextmanager
def opened(
    browser: Browser, address: str, theme: str = "light", width: int = 1440, script: bool = True
) -> Generator[Page]:
    """An empty page. Whatever it says on the console, and whatever it asks of another origin,
    fails the test.
    """
    context = browser.new_context(
        base_url=address,
        color_scheme="dark" if theme == "dark" else "light",
        viewport={"width": width, "height": 900},
        java_script_enabled=script,
        reduced_motion="reduce",
    )
    context.set_default_timeout(20_000)
    page, faults = context.new_page(), list[str]()

    def said(message: ConsoleMessage) -> None:
        # an error page has the status of its error, which the browser tells as well; a busy machine
        # draws its letters late
        late = "preloaded using link preload but not used within a few seconds" in message.text
        status = "Failed to load resource" in message.text
        if message.type in ("error", "warning") and not status and not late:
            faults.append(f"console: {message.text}")

    def asked(request: Request) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            faults.append(f"another origin: {request.url}")

    def failed(request: Request) -> None:
        # a download, or a page that was left before it was there
        if request.failure != "net::ERR_ABORTED":
            faults.append(f"failed: {request.url} {request.failure}")

    page.on("console", said)
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("request", asked)
    page.on("requestfailed", failed)
    try:
        yield page
    finally:
        context.close()
    assert not faults, faults


def picture(page: Page, name: str) -> None:
    """The whole page as a picture, where a folder for pictures is named."""
    folder = os.environ.get(_PICTURES)  # noqa: TID251
    if folder:
        size = page.viewport_size
        dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        theme = "dark" if dark else "light"
        stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        path = Path(folder) / f"{stem}-{theme}-{size['width'] if size else 0}.png"
        page.screenshot(path=path, full_page=True)
