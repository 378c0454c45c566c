"""The process behind alerts: it reads the store, and sends messages. Only where there are rules."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from whycold.frontends.alerts.watching import Watch, Watched
from whycold.frontends.config import now
from whycold.frontends.serve_parts import AlertsOrder, Said, say, take_order, until_unwanted
from whycold.frontends.web.store_access import StoreAccess

__all__ = ["main"]


def main() -> None:
    """Watch until standard input ends or SIGTERM comes."""
    take_order(AlertsOrder, lambda order: asyncio.run(_watch(order)))


async def _watch(order: AlertsOrder) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    until_unwanted(lambda: loop.call_soon_threadsafe(stop.set))
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    receivers = {receiver.name: receiver for receiver in order.receivers}
    about = Watched(order.rules, receivers, order.every, order.dashboard, now)
    access = StoreAccess(order.store)
    watch = Watch(about, access, Path(order.state))
    say(Said())
    try:
        await watch.run(stop)
    finally:
        access.close()


if __name__ == "__main__":
    main()
