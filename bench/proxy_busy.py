"""The way of users' events through a proxy while bodies of 4 MB are diagnosed beside it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from bench.engine import body
from bench.proxy_parts import (
    Contender,
    client,
    cpu_ns,
    followed,
    result,
    settled,
    write_bodies,
)

STREAMS, EVENTS, EVERY_US = 32, 50, 20_000
REQUESTS = 64
"""Streams of a second, two in a row over each connection."""
LARGE, LARGE_BYTES, LARGE_AT_ONCE, THOUGHT_US = 60, 4_000_000, 2, 100_000
"""Bodies of which none is like another, and how long the upstream thinks over each."""
CELL = "busy"


def measure_busy(folder: Path, direct: Contender, contenders: list[Contender], rounds: int) -> None:
    """Measures all contenders in turn and prints what came of it."""
    small = write_bodies(folder, "small", [{"model": "claude-sonnet-5", "messages": []}])
    agent = body(LARGE_BYTES)
    talks = [agent | {"messages": body(LARGE_BYTES + i)["messages"]} for i in range(LARGE)]
    large = write_bodies(folder, "large", talks)
    for _ in range(rounds):
        for contender in (direct, *contenders):
            with followed(contender):
                _measure(folder, contender, small, large)
    tee = next(c for c in contenders if c.name == "recording")
    print(
        f"{STREAMS} streams, an event every {EVERY_US // 1000} ms each, beside new bodies of 4 MB,"
        f" {LARGE_AT_ONCE} at once"
    )
    for contender in (direct, *contenders):
        _show(contender, direct, contenders[0], tee)


def _measure(folder: Path, contender: Contender, small: list[Path], large: list[Path]) -> None:
    start = time.perf_counter()
    spent = cpu_ns([contender.recorder]) if contender.recorder else 0
    beside = client(
        folder,
        contender.port,
        f"/v1/messages?events=10&after={THOUGHT_US}",
        at_once=LARGE_AT_ONCE,
        requests=100_000,
        events=10,
        warmup=0,
        bodies=large,
    )
    streams = client(
        folder,
        contender.port,
        f"/v1/messages?events={EVENTS}&every={EVERY_US}",
        at_once=STREAMS,
        requests=REQUESTS,
        events=EVENTS,
        warmup=REQUESTS // 10,
        bodies=small,
    )
    said = result(streams, contender, CELL)
    took = time.perf_counter() - start
    if contender.recorder:
        share = (cpu_ns([contender.recorder]) - spent) / 1e9 / took
        contender.recorder_busy.setdefault(CELL, []).append(share)
    beside.kill()
    beside.communicate()
    contender.event_ms.setdefault(CELL, []).append(said["event_ms"]["p99"])
    contender.event_ms.setdefault("median", []).append(said["event_ms"]["p50"])
    contender.first_byte_ms.setdefault(CELL, []).append(said["first_byte_ms"]["p50"])
    settled(contender)


def _show(contender: Contender, direct: Contender, nginx: Contender, tee: Contender) -> None:
    def of(
        other: Contender, what: Callable[[Contender], list[float]], *, added: bool = False
    ) -> float:
        pairs = zip(what(contender), what(other), strict=True)
        return statistics.median(a - b if added else a / b for a, b in pairs)

    def p99(c: Contender) -> list[float]:
        return c.event_ms[CELL]

    line = (
        f"  {contender.name:<22} event p50 {statistics.median(contender.event_ms['median']):.3f},"
        f" p99 {statistics.median(p99(contender)):.2f} ms: {of(nginx, p99):.2f} x nginx,"
        f" {of(tee, p99):.2f} x {tee.name};"
        f" {of(direct, lambda c: c.first_byte_ms[CELL], added=True):.2f} ms added to the first byte"
    )
    if contender.recorder_busy:
        line += f"; recorder {statistics.median(contender.recorder_busy[CELL]):.0%} busy"
    print(line, flush=True)
