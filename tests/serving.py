"""A whole ``whycold serve`` in processes of its own, for tests that stand before it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from whycold.frontends.serve_state import Running, running
from whycold.store.base import Store
from whycold.store.opening import open_store

__all__ = ["PATIENCE", "Serve", "ask", "eventually", "serving", "whycold"]

_T = TypeVar("_T")

PATIENCE = 60.0
"""Seconds after which a test fails instead of hanging."""
COMMAND = [sys.executable, "-m", "whycold"]


def eventually(look: Callable[[], _T], holds: Callable[[_T], bool] = bool) -> _T:
    """What ``look`` finds once it ``holds``; fails when that takes longer than PATIENCE."""
    give_up = time.monotonic() + PATIENCE
    while not holds(found := look()):
        assert time.monotonic() < give_up, f"still {found!r}"
        time.sleep(0.02)
    return found


def own_environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment without settings of whoever runs the tests, with a home of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("WHYCOLD_", "XDG_"))}  # noqa: TID251
    return kept | {"HOME": str(folder), **(more or {})}


def whycold(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, in ``folder``."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=own_environment(folder, environment),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class Serve:
    """A running ``serve`` in ``folder``; ``url`` is the proxy's, ``dashboard`` the other one."""

    def __init__(
        self, folder: Path, *options: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.store_url = f"sqlite:///{folder}/calls.db"
        self.state_file = folder / "calls.serve.json"
        ports = ("--port", "0", "--dashboard-port", "0")
        with (folder / "serve.err").open("ab") as errors:
            self.process = subprocess.Popen(
                [*COMMAND, "serve", *ports, "--store", self.store_url, *options],
                cwd=folder,
                env=own_environment(folder, environment),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout is not None
        self.greeting = [self.process.stdout.readline() for _ in range(4)]
        assert self.greeting[3], self.errors()
        self.url = self.greeting[1].split()[1]
        self.dashboard = self.greeting[2].split()[1]

    def errors(self) -> str:
        """What it said on standard error so far."""
        return (self.folder / "serve.err").read_text()

    def state(self) -> Running:
        """What it says of itself."""
        return eventually(lambda: running(self.state_file), lambda found: found is not None)  # type: ignore[return-value]

    def pid(self, part: str) -> int:
        """The process that is a part now."""
        return self.state().processes[part]

    def kill(self, part: str) -> None:
        """kill -9, and wait until another process has taken the part's place."""
        pid = self.pid(part)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: self.pid(part), lambda now: now != pid)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Status and JSON of the dashboard's answer."""
        status, _, body = self.fetch(path, headers)
        return status, json.loads(body)

    def fetch(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (names in lower case) and body of the dashboard's answer."""
        return ask(self.dashboard, path, headers, method)

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Sends a body through the proxy."""
        return ask(self.url, path, headers, "POST", body)

    def settled(self) -> None:
        """Waits until all that was recorded is in the store."""
        eventually(lambda: self.get("/healthz")[1].get("behind_bytes"), lambda left: left == 0)

    def recorded(self, calls: int) -> dict[str, Any]:
        """The report, once so many calls are in the store."""
        return eventually(
            lambda: self.get("/api/v1/report")[1], lambda found: found.get("calls") == calls
        )

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ends it in order; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        assert self.process.stdout is not None
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.stdout.close()

    @contextlib.contextmanager
    def store(self) -> Generator[Store]:
        """The store, to read."""
        store = open_store(self.store_url, write=False)
        try:
            yield store
        finally:
            store.close()


def ask(
    url: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    body: bytes | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """One request on a connection of its own."""
    link = HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    try:
        link.request(method, path, body, dict(headers or {}))
        answer = link.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, named, answer.read()
    finally:
        link.close()


@contextlib.contextmanager
def serving(
    folder: Path, *options: str, environment: Mapping[str, str] | None = None
) -> Generator[Serve]:
    """A ``serve`` for the time of a ``with``."""
    serve = Serve(folder, *options, environment=environment)
    try:
        yield serve
    finally:
        serve.end()
