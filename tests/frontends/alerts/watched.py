"""A watch over a store, with a clock that the test sets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from whycold.frontends.alert_rules import Receiver, Rule
from whycold.frontends.alert_state import AlertState, StateFile
from whycold.frontends.alerts.watching import Watch, Watched
from whycold.frontends.web.store_access import StoreAccess
from whycold.store.opening import open_store
from whycold.store.records import Record

__all__ = ["Site", "minutes"]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


class Site:
    """A store in ``folder``, what watches it, and the time there."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self.now = now
        self.url = f"sqlite:///{folder}/calls.db"
        self.file = folder / "calls.alerts.json"
        self._store = open_store(self.url, write=True)
        self._batches = 0

    def keep(self, records: Iterable[Record]) -> None:
        self._batches += 1
        self._store.write(f"batch {self._batches}", list(records))

    def state(self) -> AlertState:
        return StateFile(self.file).read() or AlertState()

    def watch(self, rules: Iterable[Rule], receivers: Iterable[Receiver] = ()) -> Watch:
        named = {receiver.name: receiver for receiver in receivers}
        about = Watched(tuple(rules), named, minutes(0.0002), "http://dash", lambda: self.now)
        return Watch(about, StoreAccess(self.url), self.file)

    @contextmanager
    def watching(self, rules: Iterable[Rule], receivers: Iterable[Receiver]) -> Generator[None]:
        """The watch runs for the time of a ``with``, and looks again all the time."""
        watch, stop, going = self.watch(rules, receivers), asyncio.Event(), threading.Event()
        loops: list[asyncio.AbstractEventLoop] = []

        async def run() -> None:
            loops.append(asyncio.get_running_loop())
            going.set()
            await watch.run(stop)

        thread = threading.Thread(target=lambda: asyncio.run(run()))
        thread.start()
        going.wait()
        try:
            yield
        finally:
            loops[0].call_soon_threadsafe(stop.set)
            thread.join()

    def close(self) -> None:
        self._store.close()
