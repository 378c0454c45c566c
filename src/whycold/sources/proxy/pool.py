"""Connections to upstreams: new ones, and used ones that wait for the next request."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Iterable
from typing import Protocol, cast

from whycold.errors import UserError
from whycold.sources.proxy.config import Limits, Upstream
from whycold.sources.proxy.upstream import UpstreamConnection

__all__ = ["Dialer", "Pool", "tls_contexts"]


class Dialer(Protocol):
    """Who asked for a connection."""

    def dialed(self, connection: UpstreamConnection) -> None: ...

    def dial_failed(self, code: str, message: str) -> None: ...


class Pool:
    """Keeps at most ``pool_size`` idle connections per upstream, the most recently used first.

    ``own_ports`` are the ports of this machine that must not be called."""

    def __init__(
        self,
        limits: Limits,
        tls: dict[str, ssl.SSLContext],
        own_ports: set[int],
    ) -> None:
        self._limits = limits
        self._tls = tls
        self._own_ports = own_ports
        self._loop = asyncio.get_running_loop()
        self._idle: dict[str, list[UpstreamConnection]] = {}
        self._dials: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def idle(self) -> int:
        return sum(not connection.lost for idle in self._idle.values() for connection in idle)

    @property
    def dialing(self) -> int:
        return len(self._dials)

    def take(self, upstream: Upstream) -> UpstreamConnection | None:
        """An idle connection that may still be good, or None."""
        idle = self._idle.get(upstream.name)
        now = self._loop.time()
        while idle:
            connection = idle.pop()
            if connection.lost or connection.transport.is_closing():
                continue
            if connection.expires < now:
                connection.abort()
                continue
            connection.used = True
            return connection
        return None

    def give(self, upstream: Upstream, connection: UpstreamConnection, keep_s: int | None) -> None:
        """Takes a connection back after a complete exchange; ``keep_s`` is how long the upstream
        said it would keep it."""
        idle = self._idle.setdefault(upstream.name, [])
        if self._closed or connection.lost or len(idle) >= self._limits.pool_size:
            connection.transport.close()
            return
        patience = self._limits.pool_idle_s
        if keep_s is not None:
            # A second less: a request must not meet the upstream's closing on its way.
            patience = min(patience, keep_s - 1.0)
        if patience <= 0:
            connection.transport.close()
            return
        connection.borrower = None
        connection.pause(False)
        connection.expires = self._loop.time() + patience
        idle.append(connection)

    def expire(self) -> None:
        """Closes what has been idle for too long."""
        now = self._loop.time()
        for name, idle in self._idle.items():
            self._idle[name] = [c for c in idle if not c.lost and c.expires >= now]
            for connection in idle:
                if not connection.lost and connection.expires < now:
                    connection.transport.close()

    def close(self) -> None:
        """Closes idle connections, and from now on those that are given back."""
        self._closed = True
        for idle in self._idle.values():
            for connection in idle:
                connection.transport.close()
        self._idle.clear()

    def dial(self, upstream: Upstream, dialer: Dialer) -> asyncio.Task[None]:
        """Begins a new connection; ``dialer`` hears of it unless the task is cancelled."""
        task = self._loop.create_task(self._dial(upstream, dialer))
        self._dials.add(task)
        task.add_done_callback(self._dials.discard)
        return task

    async def _dial(self, upstream: Upstream, dialer: Dialer) -> None:
        where = f"{upstream.name} ({upstream.scheme}://{upstream.authority})"
        context = None
        if upstream.scheme == "https":
            context = self._tls[upstream.ca_file or ""]
        try:
            async with asyncio.timeout(self._limits.connect_s):
                _, connection = await self._loop.create_connection(
                    lambda: UpstreamConnection(self._limits.buffer_bytes),
                    upstream.host,
                    upstream.port,
                    ssl=context,
                    server_hostname=upstream.host if context else None,
                )
        except TimeoutError:
            dialer.dial_failed("upstream_timeout", f"upstream {where}: no connection in time")
        except ssl.SSLCertVerificationError as error:
            reason = f"its certificate is not trusted: {error.verify_message}"
            dialer.dial_failed("upstream_untrusted", f"upstream {where}: {reason}")
        except (OSError, UnicodeError) as error:
            dialer.dial_failed("upstream_unreachable", f"upstream {where}: {_one_line(error)}")
        else:
            if self._is_own(connection):
                connection.abort()
                dialer.dial_failed("loop", f"upstream {where} leads back to whycold itself")
            else:
                dialer.dialed(connection)

    def _is_own(self, connection: UpstreamConnection) -> bool:
        peer = cast("tuple[str, int]", connection.transport.get_extra_info("peername"))
        here = cast("tuple[str, int]", connection.transport.get_extra_info("sockname"))
        if not peer or peer[1] not in self._own_ports:
            return False
        return peer[0] == here[0] or ipaddress.ip_address(peer[0]).is_loopback


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def tls_contexts(upstreams: Iterable[Upstream]) -> dict[str, ssl.SSLContext]:
    """One context per file of authorities ("" is the system's). Raises UserError."""
    contexts: dict[str, ssl.SSLContext] = {}
    for upstream in upstreams:
        name = upstream.ca_file or ""
        if upstream.scheme != "https" or name in contexts:
            continue
        try:
            context = ssl.create_default_context(cafile=upstream.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise UserError(
                f"upstream {upstream.name}: {name} is not a file of certificates: {error}"
            ) from None
        context.set_alpn_protocols(["http/1.1"])
        contexts[name] = context
    return contexts
