"""What all connections of one proxy share."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field

from whycold.sources.proxy.asking import Asker
from whycold.sources.proxy.config import ProxyConfig
from whycold.sources.proxy.pool import Pool
from whycold.sources.proxy.routing import Router
from whycold.sources.proxy.tee import Tee
from whycold.sources.spool_counts import Count

__all__ = ["Hub"]


def _new_identity() -> bytes:
    return secrets.token_hex(8).encode()


@dataclass(slots=True)
class Hub:
    """``tee`` is None when nothing is recorded. ``replay_left`` is what may still be kept to send
    requests again. ``identity`` is how the proxy knows a request that it sent itself. ``asker`` is
    None when no call's diagnostics are answered."""

    loop: asyncio.AbstractEventLoop
    config: ProxyConfig
    router: Router
    pool: Pool
    tee: Tee | None
    counts: dict[Count, int]
    replay_left: int
    identity: bytes = field(default_factory=_new_identity)
    draining: bool = False
    asker: Asker | None = None
