"""The proxy as a whole: it listens, sweeps, drains and ends."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable

from whycold.errors import UserError
from whycold.sources.proxy.asking import Asker
from whycold.sources.proxy.client import ClientConnection
from whycold.sources.proxy.config import ProxyConfig, Upstream
from whycold.sources.proxy.hub import Hub
from whycold.sources.proxy.pool import Pool, tls_contexts
from whycold.sources.proxy.routing import HostGuard, Router
from whycold.sources.proxy.tee import Tee
from whycold.sources.proxy.upstream import keep_socket_alive
from whycold.sources.spool_counts import Count
from whycold.sources.spool_writer import Reduce, SpoolWriter

__all__ = ["ProxyServer", "serve"]

_LONGEST_TICK_S = 1.0
# How long the end waits for the disk once all traffic has ended.
_LAST_WRITE_S = 10.0


class ProxyServer:
    """A running proxy. ``host`` and ``port`` are where it listens."""

    def __init__(
        self, hub: Hub, writer: SpoolWriter | None, clients: set[ClientConnection]
    ) -> None:
        self.host = hub.config.host
        self.port = 0
        self._hub = hub
        self._writer = writer
        self._clients = clients
        self._listener: asyncio.Server | None = None
        limits = hub.config.limits
        shortest = min(limits.header_s, limits.keep_alive_s, limits.idle_s, limits.linger_s)
        self._tick_s = min(_LONGEST_TICK_S, shortest / 4)
        self._timer: asyncio.TimerHandle | None = None
        self._counted = 0

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def listen(self) -> None:
        """Begins to take connections. Raises UserError when the address cannot be had."""
        config = self._hub.config
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(
                self._accept,
                config.host,
                config.port,
                backlog=1024,
            )
        except OSError as error:
            raise UserError(
                f"cannot listen on {config.host}:{config.port}: {error.strerror or error}; "
                "is another program there? --port takes another one"
            ) from None
        for listening in self._listener.sockets:
            keep_socket_alive(listening)
        self.port = self._listener.sockets[0].getsockname()[1]

    def _accept(self) -> ClientConnection:
        if self._timer is None:
            self._timer = self._hub.loop.call_later(self._tick_s, self._sweep)
        return ClientConnection(self._hub, self._clients)

    def _sweep(self) -> None:
        """Ends what has been quiet for too long; goes on for as long as there are connections."""
        for client in list(self._clients):
            client.sweep(self._tick_s)
        self._hub.pool.expire()
        counted = sum(self._hub.counts.values())
        if self._writer is not None and counted != self._counted:
            self._writer.nudge()
        self._timer = None
        if self._clients or self._hub.pool.idle or counted != self._counted:
            self._timer = self._hub.loop.call_later(self._tick_s, self._sweep)
        self._counted = counted

    def stats(self) -> dict[str, int]:
        """What is going on, and the counters of Count by name."""
        hub = self._hub
        now = {
            "clients": len(self._clients),
            "busy": sum(not client.is_idle for client in self._clients),
            "idle-upstreams": hub.pool.idle,
            "dialing": hub.pool.dialing,
            "held-bytes": hub.tee.held if hub.tee else 0,
        }
        totals = (
            self._writer.totals() if self._writer else {n: c for n, c in hub.counts.items() if c}
        )
        return now | totals

    async def drain(self, deadline_s: float | None = None) -> bool:
        """Takes no more connections, lets exchanges under way end, then ends; whether all of them
        could within ``deadline_s`` (the configured ``drain_s`` when None)."""
        if deadline_s is None:
            deadline_s = self._hub.config.limits.drain_s
        self._hub.draining = True
        if self._listener is not None:
            self._listener.close()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_s
        while True:
            for client in list(self._clients):
                client.drain()
            if all(client.is_idle for client in self._clients) or loop.time() >= deadline:
                break
            await asyncio.sleep(min(0.05, max(0.0, deadline - loop.time())))
        whole = all(client.is_idle for client in self._clients)
        await self._end()
        return whole

    async def close(self) -> None:
        """Ends at once: what is under way is cut off, and recorded as cut."""
        await self.drain(0.0)

    async def _end(self) -> None:
        for client in list(self._clients):
            client.stop()
        self._hub.pool.close()
        if self._hub.asker is not None:
            self._hub.asker.close()
        if self._timer is not None:
            self._timer.cancel()
        while self._clients or self._hub.pool.dialing:
            await asyncio.sleep(0.001)
        if self._writer is not None:
            writer = self._writer
            await asyncio.get_running_loop().run_in_executor(None, writer.close, _LAST_WRITE_S)


async def serve(
    config: ProxyConfig,
    reduce: Reduce | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> ProxyServer:
    """Starts a proxy on the running event loop.

    ``reduce`` is called with each exchange on the writer's thread (see SpoolWriter); ``clock``
    gives Unix nanoseconds. Raises UserError for a configuration that cannot work."""
    for upstream in config.upstreams.values():
        _refuse_loop(config, upstream)
    counts = dict.fromkeys(Count, 0)
    writer = tee = None
    if config.spool is not None:
        writer = SpoolWriter(config.spool, counts, reduce, clock)
        writer.start()
        tee = Tee(
            writer,
            counts,
            budget_bytes=config.spool.budget_bytes,
            body_bytes=config.spool.body_bytes,
            clock=clock,
        )
    asker = None
    if config.diagnoser is not None:
        most = config.limits.asking_bytes
        asker = Asker(config.diagnoser, most, asyncio.get_running_loop())
    clients: set[ClientConnection] = set()
    own_ports: set[int] = {config.dashboard_port} if config.dashboard_port else set()
    hub = Hub(
        loop=asyncio.get_running_loop(),
        config=config,
        router=Router(config.upstreams, HostGuard((config.host, *config.allowed_hosts))),
        pool=Pool(config.limits, tls_contexts(config.upstreams.values()), own_ports),
        tee=tee,
        counts=counts,
        replay_left=config.limits.replay_bytes,
        asker=asker,
    )
    server = ProxyServer(hub, writer, clients)
    try:
        await server.listen()
    except UserError:
        if writer is not None:
            writer.close(_LAST_WRITE_S)
        raise
    own_ports.add(server.port)
    return server


def _refuse_loop(config: ProxyConfig, upstream: Upstream) -> None:
    """Raises UserError when ``upstream`` is this proxy or its dashboard."""
    ports = {config.port, config.dashboard_port} - {0, None}
    if upstream.port in ports and _is_this_machine(upstream.host):
        raise UserError(
            f"upstream {upstream.name}: {upstream.host}:{upstream.port} is whycold's own address; "
            "give the address of the server behind it"
        )


def _is_this_machine(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return any(_is_own_address(str(address[4][0])) for address in found)


def _is_own_address(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.is_loopback or ip.is_unspecified:
        return True
    # Only an address of this machine can be bound to.
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(ip), 0))
        except OSError:
            return False
    return True
