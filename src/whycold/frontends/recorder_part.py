"""The recorder's process: from the spool into the store, which it alone writes."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path
from typing import Final

from whycold.frontends.config import now
from whycold.frontends.prices import price_list
from whycold.frontends.recorder_works import works
from whycold.frontends.serve_parts import RecorderOrder, Said, say, take_order, until_unwanted
from whycold.frontends.spans.sender import Sender
from whycold.ingest.recorder import Recorder, Settings
from whycold.sources.served import Served
from whycold.store.base import Damaged, Store, Unavailable
from whycold.store.opening import open_store

__all__ = ["main"]

_log = logging.getLogger("whycold.recorder")
_RETRY_S: Final = 2.0


def main() -> None:
    """Record until standard input ends or SIGTERM comes; what is on the spool by then is kept."""
    take_order(RecorderOrder, _record)


def _record(order: RecorderOrder) -> None:
    stop = threading.Event()
    until_unwanted(stop.set)
    sender = Sender(*order.otel) if order.otel is not None else None
    settings = Settings(
        spool=Path(order.spool),
        served=Served(order.upstreams.hosts, order.upstreams.providers),
        now=now,
        prices=price_list(Path(order.prices) if order.prices is not None else None),
        retention=order.retention,
        project=order.project,
        orders=Path(order.orders) if order.orders is not None else None,
        works=works(order),
        tell=sender.tell if sender is not None else None,
    )
    store = _opened(order.store, stop)
    if store is None:
        return
    recorder = Recorder(store, settings)
    try:
        recorder.run(stop)
    except Damaged as fault:
        # The next start sets it aside.
        _log.error("%s", fault)
        sys.exit(1)
    finally:
        recorder.close()
        store.close()
        if sender is not None:
            sender.close()


def _opened(url: str, stop: threading.Event) -> Store | None:
    """The store; while it cannot be used the spool holds what comes. Raises UserError."""
    said = False
    while True:
        try:
            store = open_store(url, write=True)
        except Unavailable as fault:
            _log.warning("waiting for the store: %s", fault)
            if not said:
                say(Said(note=str(fault)))
                said = True
            if stop.wait(_RETRY_S):
                return None
            continue
        for note in store.notes:
            _log.warning("%s", note)
        if not said:
            say(Said())
        return store


if __name__ == "__main__":
    main()
