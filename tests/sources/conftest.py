"""Proxies for tests: each is closed at the end, and must not have had a fault of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
import uvloop

from tests.sources.wire import LOOPS, RunningProxy
from whycold.sources.proxy import ProxyConfig
from whycold.sources.spool_writer import Reduce

Start = Callable[..., RunningProxy]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a proxy with a configuration and, perhaps, a reducer."""
    running: list[RunningProxy] = []

    def start(
        config: ProxyConfig,
        reduce: Reduce | None = None,
        loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
    ) -> RunningProxy:
        running.append(RunningProxy(config, reduce, loop))
        return running[-1]

    yield start
    for proxy in running:
        proxy.close()


@pytest.fixture(params=LOOPS)
def start_on_each_loop(request: pytest.FixtureRequest, start: Start) -> Start:
    """The same on the standard event loop and on uvloop."""

    def start_there(config: ProxyConfig, reduce: Reduce | None = None) -> RunningProxy:
        return start(config, reduce, LOOPS[request.param])

    return start_there
