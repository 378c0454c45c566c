"""What the pages of the dashboard cost at two million calls: `python -m bench.dashboard [PAGES]`.

Each page of the table is asked of the application itself, without a socket: CPU time of the whole
process, p50 and p95, beside a scan of the week's rows in the same run. Then first contentful paint
as chromium tells it, where that is there. PAGES chooses some by their names.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import gzip
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import apsw
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message

from bench.dashboard_store import END, HARD, made
from whycold.frontends.web import serving
from whycold.frontends.web.about import Dashboard
from whycold.frontends.web.pages.table import PAGES
from whycold.frontends.web.server import application
from whycold.store.answers import Filters
from whycold.store.numbering import first_rid, micros
from whycold.store.opening import open_store

RUNS, WARM = 40, 3
CHROMIUM = "/usr/bin/chromium"
HOST = "127.0.0.1:4142"
_IDS = re.compile(r"\{[^}]+\}")
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Address:
    """A page to ask for: its name, and where."""

    name: str
    path: str


def addresses(store: str) -> Iterator[Address]:
    """Every page of the table; those with an id in their path with an id of the store."""
    examples = _examples(store)
    for page in PAGES:
        if page.part or page.name == "search":
            continue
        kind = page.path.split("/")[1]
        if not _IDS.search(page.path):
            yield Address(page.name, page.path)
        for what, id in examples.get(kind, ()) if _IDS.search(page.path) else ():
            yield Address(f"{page.name}: {what}", _IDS.sub(id, page.path))
    for hard in HARD:
        yield Address(f"call: {hard.what}", f"/calls/{hard.id}")
    text = f"/calls/{HARD[0].id}/text?path=system%5B0%5D.text"
    yield Address("call_text: 1 MB, twenty words changed", text)
    yield Address("overview of a project", "/?project=project-3")
    yield Address("overview of 14 days by reason", "/?since=14d&reason=tools_changed")


def _examples(url: str) -> dict[str, list[tuple[str, str]]]:
    """Ids by the first part of a path: of a miss with its prompt, of a culprit, of a session."""
    store = open_store(url, write=False)
    week = Filters(END - _WEEK, END)
    dearest = store.culprits(week, 1)[0].id
    latest = store.misses(week, limit=1).items[0].told
    prompted = store.session("s7")[30].told
    store.close()
    return {
        "calls": [("with its prompt", prompted.call), ("of capture usage", latest.call)],
        "culprits": [("the dearest", dearest)],
        "sessions": [("with prompts", prompted.session or ""), ("latest", latest.session or "")],
    }


def asked(app: ASGIApp, path: str) -> tuple[int, bytes]:
    """Status and body of an address."""
    where, _, query = path.partition("?")
    body, status = bytearray(), 0

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        body.extend(message.get("body", b""))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": where,
        "raw_path": where.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", HOST.encode()), (b"accept-encoding", b"gzip")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 4142),
    }

    async def whole() -> None:
        await app(scope, receive, send)

    asyncio.run(whole())
    return status, bytes(body)


@dataclass(frozen=True)
class Spent:
    """CPU time in milliseconds."""

    p50: float
    p95: float


def spent(work: Callable[[], object], runs: int = RUNS) -> Spent:
    """CPU time of the whole process, which its other threads are part of."""
    for _ in range(WARM):
        work()
    times: list[float] = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1000)
    cut = statistics.quantiles(times, n=20, method="inclusive")
    return Spent(cut[9], cut[18])


def scan(path: Path) -> Callable[[], object]:
    """The reference: read the rows of the week and sum up one column of them."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    span = (first_rid(micros(END - _WEEK)), first_rid(micros(END)))
    sql = "SELECT sum(input), count(*) FROM call WHERE rid >= ? AND rid < ?"
    return lambda: db.execute(sql, span).fetchall()


def served(app: ASGIApp, chosen: list[Address], scanned: Spent) -> None:
    """The table of server time."""
    plain = spent(lambda: asked(PlainTextResponse("yes"), "/"))
    print(f"A scan of the week's rows: {scanned.p50:.0f} ms. A bare answer: {plain.p50:.2f} ms.\n")
    print("| page | CPU ms, p50 | p95 | of a scan of the week | KB | KB compressed |")
    print("|---|---:|---:|---:|---:|---:|")
    for one in chosen:
        status, body = asked(app, one.path)
        if status != 200:
            print(f"| {one.name} | {status} | | | | |", flush=True)
            continue
        took = spent(lambda path=one.path: asked(app, path))
        size, small = len(gzip.decompress(body)) / 1024, len(body) / 1024
        print(
            f"| {one.name} | {took.p50:.1f} | {took.p95:.1f} | {took.p95 / scanned.p50:.3f} |"
            f" {size:.0f} | {small:.0f} |",
            flush=True,
        )


def painted(app: ASGIApp, chosen: list[Address]) -> None:
    """The table of first contentful paint: in a new browser, and once it has the files."""
    from playwright.sync_api import Browser, sync_playwright

    config = uvicorn.Config(app, port=0, lifespan="off", log_level="warning")
    server = uvicorn.Server(config)
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    while not server.started:
        time.sleep(0.02)
    origin = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    ask = (
        "() => new Promise(found => new PerformanceObserver(list => {"
        " const [entry] = list.getEntriesByName('first-contentful-paint');"
        " if (entry) found(entry.startTime) }).observe({type: 'paint', buffered: true}))"
    )

    def paint(browser: Browser, path: str) -> tuple[float, float, float]:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(origin + path)
        first: float = page.evaluate(ask)
        page.goto(origin + path)
        again: float = page.evaluate(ask)
        waited: float = page.evaluate(
            "(e => e.responseStart - e.requestStart)(performance.getEntriesByType('navigation')[0])"
        )
        context.close()
        return first, again, waited

    print("\n| page | first contentful paint, ms | files known | of it waiting for the page |")
    print("|---|---:|---:|---:|")
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for one in (Address("(a bare answer of text)", "/healthz"), *chosen):
            found = [paint(browser, one.path) for _ in range(7)]
            middle = [statistics.median(column) for column in zip(*found, strict=True)]
            print("| " + " | ".join([one.name, *(f"{ms:.0f}" for ms in middle)]) + " |", flush=True)
        browser.close()
    server.should_exit = True
    running.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000_000)
    parser.add_argument("--no-paint", action="store_true")
    parser.add_argument("pages", nargs="*")
    given = parser.parse_args()
    path = made(given.calls)
    url = f"sqlite:///{path}"
    chosen = [
        one for one in addresses(url) if not given.pages or one.name.split(":")[0] in given.pages
    ]
    with patch.object(serving, "now", lambda: END):
        app = application(Dashboard(url, "no-spool"))
        # as the process of the dashboard does it
        gc.collect()
        gc.freeze()
        served(app, chosen, spent(scan(path), 10))
        if Path(CHROMIUM).exists() and not given.no_paint:
            painted(app, chosen)


if __name__ == "__main__":
    main()
