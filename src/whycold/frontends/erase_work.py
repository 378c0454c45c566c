"""Deleting calls: as an order that a running ``serve`` carries out, and without one."""

from __future__ import annotations

from pathlib import Path

from whycold.frontends.config import Config, now
from whycold.frontends.prices import price_list
from whycold.frontends.serve_parts import RecorderOrder
from whycold.ingest.desk import Steps, Work, Workplace
from whycold.ingest.erasing import erasing, what_of
from whycold.ingest.orders import Order
from whycold.ingest.recorder import Recorder, Settings
from whycold.sources.served import Served
from whycold.store.base import Store

__all__ = ["deleting", "recorder_of"]


def deleting(place: Workplace, about: RecorderOrder) -> Work:
    """The work of an order to erase."""

    def work(order: Order) -> Steps:
        return (yield from erasing(place, what_of(order.what)))

    return work


def recorder_of(config: Config, store: Store) -> Recorder:
    """A recorder of this process, for a store that no ``serve`` writes."""
    behind = config.upstreams.items()
    return Recorder(
        store,
        Settings(
            spool=Path(config.spool.folder),
            served=Served(
                {name: each.upstream.host for name, each in behind},
                {name: each.provider for name, each in behind if each.provider},
            ),
            now=now,
            prices=price_list(config.prices),
            retention=config.retention,
            project=config.project,
        ),
    )
