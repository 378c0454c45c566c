"""The demo's traffic, through the pipeline of recorded calls, into a store of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from whycold.diagnose import PriceList
from whycold.frontends.demo.calendar import Calendar
from whycold.frontends.demo.exchanges import HOSTS
from whycold.frontends.demo.planned import decide
from whycold.frontends.demo.prose import Prose
from whycold.frontends.demo.talk import Talk
from whycold.frontends.demo.transcripts import write_transcripts
from whycold.frontends.demo.week import Week
from whycold.frontends.demo.world import World
from whycold.ingest.importing import Importer, few_collections
from whycold.ingest.pipeline import Ingest
from whycold.sources.claude_code import ClaudeCode
from whycold.sources.served import Served
from whycold.sources.spool import Position
from whycold.sources.spool_reader import Item
from whycold.store.base import Store
from whycold.store.opening import open_store

__all__ = ["make"]

_SEED = 2611
_BATCH = 192


def make(
    path: Path, until: datetime, prices: PriceList | None, tell: Callable[[float], None]
) -> int:
    """Write two weeks of calls up to ``until`` into a new store at ``path``; how many calls.

    ``tell`` hears which share of them is done. The same time gives the same calls.
    """
    calendar = Calendar(until)
    world = World(Prose(random.Random(_SEED)))
    written = Week(world, calendar).begin()
    store = open_store(f"sqlite:///{path}", write=True)
    try:
        ingest, count = Ingest(store, Served(HOSTS), prices), 0
        items = _items(world, until)
        with few_collections():
            while batch := list(islice(items, _BATCH)):
                ingest.keep(ingest.read(batch))
                count += len(batch)
                done = batch[-1].exchange.started / 1e9 - calendar.since.timestamp()
                tell(done / (until - calendar.since).total_seconds())
        count += _imported(store, written, prices)
        decide(store, calendar)
        return count
    finally:
        store.close()


def _imported(store: Store, talks: list[Talk], prices: PriceList | None) -> int:
    """Bring in what only transcripts tell of."""
    with TemporaryDirectory(prefix="whycold-") as folder:
        write_transcripts(Path(folder), talks)
        return Importer(store, prices=prices).take(ClaudeCode([Path(folder)])).added


def _items(world: World, until: datetime) -> Iterator[Item]:
    for number, exchange in enumerate(world.play(until)):
        yield Item(exchange, Position(1, number), Position(1, number + 1), None)
