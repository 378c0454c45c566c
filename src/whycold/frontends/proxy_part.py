"""The proxy's process. It imports little: what it holds in memory stands beside every call."""

from __future__ import annotations

import contextlib
import sys

from whycold.frontends.serve_parts import ProxyOrder, take_order
from whycold.sources.proxy.process import run
from whycold.sources.spool import SpoolConfig, SpoolFolder
from whycold.sources.spool_writer import Reduce

__all__ = ["main"]


def main() -> None:
    """Forward and record until standard input ends or SIGTERM comes."""
    take_order(ProxyOrder, _serve)


def _serve(order: ProxyOrder) -> None:
    run(order.proxy, _reduce(order), watch=sys.stdin.fileno())


def _reduce(order: ProxyOrder) -> Reduce | None:
    reducing, spool = order.reducing, order.proxy.spool
    if reducing is None or spool is None:
        return None
    # Only here: to understand bodies takes all of the providers.
    from whycold.sources.reduce import Reducer
    from whycold.sources.served import Served

    upstreams = reducing.upstreams
    return Reducer(
        Served(upstreams.hosts, upstreams.providers),
        spool.fingerprint_key or _key(spool),
        reducing.projects,
        reducing.project,
    )


def _key(spool: SpoolConfig) -> bytes:
    """The folder's own secret."""
    folder = SpoolFolder(spool.folder)
    with contextlib.suppress(OSError):
        folder.create()
    return folder.fingerprint_key()


if __name__ == "__main__":
    main()
