"""A connection to an upstream: idle in the pool, or lent to one relay at a time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Protocol, cast

__all__ = ["Borrower", "UpstreamConnection", "keep_socket_alive"]


class Borrower(Protocol):
    """Who has the connection at the moment, and hears what happens to it."""

    def upstream_data(self, data: bytes) -> None: ...

    def upstream_lost(self, error: Exception | None) -> None:
        """The connection is gone, and was given back by that; ``error`` is None when the upstream
        closed it in order."""
        ...

    def upstream_full(self, full: bool) -> None:
        """More is waiting to be sent than should (True), or no longer (False)."""
        ...


class _Tunable(Protocol):
    """A socket, or what an event loop gives for one."""

    def setsockopt(self, level: int, option: int, value: int, /) -> None: ...


class UpstreamConnection(asyncio.Protocol):
    """``borrower`` is None while idle; a byte or an end that comes then closes the connection."""

    __slots__ = ("_paused", "borrower", "buffer_bytes", "expires", "lost", "transport", "used")

    def __init__(self, buffer_bytes: int) -> None:
        self.buffer_bytes = buffer_bytes
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.borrower: Borrower | None = None
        self.used = False
        self.lost = False
        self.expires = 0.0
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=self.buffer_bytes)
        keep_socket_alive(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        borrower = self.borrower
        if borrower is None:
            self.abort()
        else:
            borrower.upstream_data(data)

    def eof_received(self) -> None:
        self._report(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._report(exc)

    def _report(self, error: Exception | None) -> None:
        self.lost = True
        borrower, self.borrower = self.borrower, None
        if borrower is not None:
            borrower.upstream_lost(error)

    def pause_writing(self) -> None:
        if self.borrower is not None:
            self.borrower.upstream_full(True)

    def resume_writing(self) -> None:
        if self.borrower is not None:
            self.borrower.upstream_full(False)

    def pause(self, paused: bool) -> None:
        """Stops or goes on reading."""
        if paused == self._paused or self.lost or self.transport.is_closing():
            return
        self._paused = paused
        if paused:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def abort(self) -> None:
        """Ends the connection at once, without telling the borrower."""
        self.borrower = None
        self.lost = True
        self.transport.abort()


def keep_socket_alive(found: _Tunable) -> None:
    """Lets the system notice a peer that is gone without a word; a model may be silent for long.

    Connections that a listening socket accepts inherit this from it."""
    with contextlib.suppress(OSError):
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 30)
