"""What a relay sends upstream, kept for as long as it may have to be sent again."""

from __future__ import annotations

from typing import Final

from whycold.sources.proxy.hub import Hub
from whycold.sources.proxy.upstream import UpstreamConnection

__all__ = ["Outbox"]

# Up to here a copy costs less than a second system call.
_COPIED: Final = 65536


class Outbox:
    """Holds a request while there is no connection, and until its response begins where the
    connection had been used before: such a one may turn out to have been closed long ago.

    ``connection`` is the one that the request goes out over."""

    __slots__ = ("_hub", "_pieces", "_sent_at", "_size", "connection")

    def __init__(self, hub: Hub, head: bytes, data: bytes) -> None:
        self.connection: UpstreamConnection | None = None
        self._hub = hub
        self._pieces: list[bytes] | None = [head, data] if data else [head]
        self._size = len(head) + len(data)
        self._sent_at = 0.0

    def attach(self, connection: UpstreamConnection) -> None:
        """Sends what is held over ``connection``, and from now on what comes."""
        pieces = self._pieces
        assert pieces is not None
        if self._size <= _COPIED:
            connection.transport.write(b"".join(pieces))
        else:
            connection.transport.writelines(pieces)
        self.connection = connection
        if connection.used:
            self._sent_at = self._hub.loop.time()
            self._hub.replay_left -= self._size
        else:
            self._pieces = None

    def add(self, data: bytes) -> bool:
        """Sends or holds the next part; whether more is held now than should be."""
        if self.connection is not None:
            self.connection.transport.write(data)
        if self._pieces is None:
            return False
        if self.connection is None:
            self._keep(self._pieces, data)
            return self._size > self._hub.config.limits.buffer_bytes
        if self._hub.replay_left < len(data):
            self.forget()
        else:
            self._hub.replay_left -= len(data)
            self._keep(self._pieces, data)
        return False

    def _keep(self, pieces: list[bytes], data: bytes) -> None:
        pieces.append(data)
        self._size += len(data)

    def forget(self) -> None:
        """The request will not be sent again."""
        if self._pieces is not None:
            if self.connection is not None:
                self._hub.replay_left += self._size
            self._pieces = None

    def detach(self) -> bool:
        """The connection is lost; whether the request is all there to be sent over a new one.

        Only an end soon after the request went out is explained by the connection's age: later
        the upstream may have begun to work on it."""
        soon = self._hub.loop.time() - self._sent_at < self._hub.config.limits.stale_s
        if self._pieces is None or not soon:
            return False
        self._hub.replay_left += self._size
        self.connection = None
        return True

    def let_go(self) -> None:
        """Forgets the request and ends its connection."""
        self.forget()
        if self.connection is not None:
            self.connection.abort()
            self.connection = None

    def take_connection(self) -> UpstreamConnection | None:
        """The connection, which is someone else's from here on."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.borrower = None
        return connection

    def pause(self, paused: bool) -> None:
        """Stops or goes on reading what the upstream sends."""
        if self.connection is not None:
            self.connection.pause(paused)
