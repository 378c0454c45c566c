"""The recorder: follows the spool and keeps what stands there, until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

from whycold.diagnose import PriceList
from whycold.ingest.pipeline import Ingest, position_of
from whycold.sources.proxied import Served
from whycold.sources.spool_reader import START, Damage, Item, SpoolReader
from whycold.store.answers import Retention
from whycold.store.base import Store, Unavailable

__all__ = ["Recorder", "Settings"]

_BATCH_ITEMS = 512
_BATCH_BYTES = 32 << 20
_IDLE_S = 0.05
_RETRY_S = 1.0
_SWEEP = timedelta(minutes=10)
_KEPT = Retention()


@dataclass(frozen=True, slots=True)
class Settings:
    """What the recorder is told; ``now`` gives the present time, UTC."""

    spool: Path
    served: Served
    now: Callable[[], datetime]
    prices: PriceList | None = None
    retention: Retention = _KEPT


class Recorder:
    """Reads the spool into one store, which it alone writes."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._reader = SpoolReader(settings.spool, position_of(store.state()) or START)
        self._ingest = Ingest(store, settings.served, settings.prices)
        self._swept: datetime | None = None
        self.damage: list[Damage] = []

    def run(self, stop: Event) -> None:
        """Follow the spool until ``stop`` is set; what is there by then is still taken."""
        self._ingest.warm(self._settings.now())
        while True:
            ending = stop.is_set()
            if self.step():
                continue
            if ending:
                return
            self._sweep()
            stop.wait(_IDLE_S)

    def step(self) -> bool:
        """Keep one batch; false when there was nothing to keep.

        A store that cannot be written now is asked again: the batch waits on the spool.
        """
        batch = list(self._batch())
        self.damage += self._reader.damage
        self._reader.damage.clear()
        if not batch:
            return False
        while True:
            try:
                self._ingest.take(batch)
                break
            except Unavailable:
                Event().wait(_RETRY_S)
        self._reader.remove_before(batch[-1].after)
        return True

    def _batch(self) -> Iterator[Item]:
        size = 0
        for count, item in enumerate(self._reader.read(), 1):
            yield item
            size += item.exchange.request.wire_size + item.exchange.response.wire_size
            if count >= _BATCH_ITEMS or size >= _BATCH_BYTES:
                return

    def _sweep(self) -> None:
        """Drop what is older than may be kept, a little at a time while nothing else is to do."""
        now = self._settings.now()
        if self._swept is not None and now - self._swept < _SWEEP:
            return
        try:
            if self._store.retain(self._settings.retention, now).done:
                self._swept = now
        except Unavailable:
            self._swept = now
