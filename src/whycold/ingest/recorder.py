"""The recorder: follows the spool and keeps what stands there, until it is told to stop."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

from whycold.diagnose import PriceList
from whycold.errors import UserError
from whycold.ingest.desk import Desk, Steps, Work, Workplace
from whycold.ingest.heard import Heard
from whycold.ingest.orders import Order, Orders
from whycold.ingest.pipeline import Batch, Ingest
from whycold.ingest.relinking import Relinker, Waiting
from whycold.ingest.spools import Spool, Spools
from whycold.sources.served import Served
from whycold.sources.spool_reader import Item
from whycold.store.answers import Retention
from whycold.store.base import Store, Unavailable
from whycold.store.records import Record

__all__ = ["Recorder", "Settings"]

_log = logging.getLogger("whycold.recorder")

_BATCH_ITEMS = 512
_BATCH_BYTES = 32 << 20
_IDLE_S = 0.05
_RETRY_S = 1.0
_SWEEP = timedelta(minutes=10)
_KEPT = Retention()
_TRIES, _PAUSE_S = 500, 0.01
"""How often, and how long apart, it is tried to find the newest segment at rest."""
_RELINK = "relink"
_KILLED = "the recorder died of it"


def _no_works(_: Workplace) -> Mapping[str, Work]:
    return {}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the recorder is told; ``now`` gives the present time, UTC.

    ``orders`` is the folder in which others leave orders, ``works`` says how they are carried out.
    ``tell`` is told of each new call once it is kept; it must not take long, and may miss some when
    the recorder dies.
    """

    spool: Path
    served: Served
    now: Callable[[], datetime]
    prices: PriceList | None = None
    retention: Retention = _KEPT
    project: str | None = None
    orders: Path | None = None
    works: Callable[[Workplace], Mapping[str, Work]] = _no_works
    tell: Callable[[Record, Heard | None], None] | None = None


class Recorder:
    """Reads the spool into one store, which it alone writes, and carries out orders between.

    ``place`` is for whoever has something to be done by ``carry_out``, where no ``run`` does it.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._ingest = Ingest(store, settings.served, settings.prices, settings.project)
        self._spools = Spools(settings.spool, self._ingest.progress)
        self.place = Workplace(store, self._ingest.refresh, self._emptied)
        self._desk: Desk | None = None
        if settings.orders is not None:
            orders = Orders(settings.orders)
            works = {**settings.works(self.place), _RELINK: self._relinking}
            self._desk = Desk(orders, works)
            if Waiting.read(store.state()).spans:
                # an import was killed before its end
                with contextlib.suppress(UserError):
                    orders.give(_RELINK, {}, quiet=True)
        self._swept: datetime | None = None

    def run(self, stop: Event) -> None:
        """Follow the spool until ``stop`` is set; what is there by then is still taken."""
        self._ingest.warm()
        while True:
            ending = stop.is_set()
            recorded = self.step(stop, patient=not ending)
            if ending and not recorded:
                return
            if stop.is_set():
                continue
            worked = self._desk is not None and self._desk.step()
            if recorded or worked:
                continue
            self._sweep()
            stop.wait(_IDLE_S)

    def carry_out(self, steps: Steps) -> dict[str, Any]:
        """Take what is on the spool, and these steps between, to their end: their outcome."""
        self._ingest.warm()
        while True:
            self.step()
            try:
                next(steps)
            except StopIteration as end:
                return end.value or {}

    def step(self, stop: Event | None = None, *, patient: bool = False) -> bool:
        """Keep one batch; false when there was nothing to keep. A ``patient`` step passes over
        some of the folders in which there was nothing for long.

        A store that cannot be written now is asked again, until ``stop``: the batch waits on the
        spool.
        """
        for spool in self._spools.in_turn(patient=patient):
            if items := self._items(spool):
                self._spools.gave(spool)
                return self._taken(spool, items, stop or Event())
        return False

    def _taken(self, spool: Spool, items: list[Item], stop: Event) -> bool:
        reader = spool.reader
        if spool.attempts.begin(items[0].position, len(items)):
            batch = self._ingest.read(items, reader.damage, spool.program)
        else:
            _log.error("an exchange is left out: %s", _KILLED)
            batch = self._ingest.without(items[0], _KILLED, spool.program)
        reader.damage.clear()
        if not self._kept(batch, stop):
            return False
        spool.attempts.done()
        reader.remove_before(batch.after)
        if self._settings.tell is not None:
            for record in batch.records:
                if record.call.id in batch.heard:
                    self._settings.tell(record, batch.heard[record.call.id])
        return True

    def close(self) -> None:
        """Let go of what is open; the store is the caller's."""
        self._spools.close()
        if self._desk is not None:
            self._desk.close()

    def _relinking(self, _: Order) -> Steps:
        for looked in Relinker(self._store, self._settings.prices).steps():
            yield {"looked": looked}
        return {}

    def _emptied(self) -> Iterator[None]:
        """Take the spool as it is now to its end, and remove it. What is recorded meanwhile goes to
        another segment. Raises UserError."""
        for spool in self._spools.all():
            for newest in spool.folder.segments()[-1:]:
                yield from self._emptied_one(spool, newest)

    def _emptied_one(self, spool: Spool, newest: int) -> Iterator[None]:
        for _ in range(_TRIES):
            with spool.folder.held(newest) as held:
                if held:
                    yield from spool.drained(newest)
                    return
            time.sleep(_PAUSE_S)
            yield
        raise UserError(f"somebody writes to {spool.folder.path} all the time; try again later")

    def _kept(self, batch: Batch, stop: Event) -> bool:
        while True:
            try:
                self._ingest.keep(batch)
                return True
            except Unavailable as fault:
                _log.warning("waiting for the store: %s", fault)
                if stop.wait(_RETRY_S):
                    return False

    def _items(self, spool: Spool) -> list[Item]:
        most, size = spool.attempts.most(_BATCH_ITEMS), 0
        items: list[Item] = []
        try:
            for item in spool.reader.read():
                items.append(item)
                size += item.exchange.request.wire_size + item.exchange.response.wire_size
                if len(items) >= most or size >= _BATCH_BYTES:
                    break
        except OSError as fault:
            _log.warning("waiting for the spool: %s", fault)
        return items

    def _sweep(self) -> None:
        """Drop what is older than may be kept, a little at a time while nothing else is to do."""
        now = self._settings.now()
        if self._swept is not None and now - self._swept < _SWEEP:
            return
        self._spools.seal_left()
        try:
            if self._store.retain(self._settings.retention, now).done:
                self._swept = now
        except Unavailable:
            self._swept = now
