"""The process that compares requests, where whycold answers for an upstream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias, cast

import msgspec

from whycold.errors import UserError
from whycold.frontends.serve_parts import DiagnoserOrder, Said, say, take_order, until_unwanted
from whycold.ingest.diagnoser import Diagnoser
from whycold.sources.proxy.asking import Came, Frames, Sent, framed
from whycold.sources.served import Served
from whycold.store.base import Store
from whycold.store.opening import open_store
from whycold.store.records import Record

__all__ = ["main"]

_Message: TypeAlias = Sent | Came
_decode = msgspec.msgpack.Decoder(_Message).decode


def main() -> None:
    """Compare until standard input ends or SIGTERM comes."""
    take_order(DiagnoserOrder, _serve)


def _serve(order: DiagnoserOrder) -> None:
    kept = _Kept(order.store)
    served = Served(order.upstreams.hosts, order.upstreams.providers)
    try:
        asyncio.run(_listen(order.socket, Diagnoser(served, kept.find)))
    finally:
        kept.close()


async def _listen(path: str, diagnoser: Diagnoser) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    numbers = iter(range(1 << 62))
    server = await loop.create_unix_server(lambda: _Link(diagnoser, next(numbers)), path)
    until_unwanted(lambda: loop.call_soon_threadsafe(stop.set))
    say(Said())
    await stop.wait()
    server.close()


class _Link(asyncio.Protocol):
    """A proxy's connection. What cannot be understood ends it: the proxy connects anew."""

    def __init__(self, diagnoser: Diagnoser, number: int) -> None:
        self._diagnoser, self._number, self._frames = diagnoser, number, Frames()
        self._write: Callable[[bytes], None] = lambda data: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast("asyncio.WriteTransport", transport).write

    def connection_lost(self, exc: Exception | None) -> None:
        self._diagnoser.gone(self._number)

    def data_received(self, data: bytes) -> None:
        for frame in self._frames.take(data):
            message = _decode(frame)
            if isinstance(message, Came):
                self._diagnoser.came(self._number, message)
            elif (compared := self._diagnoser.sent(self._number, message)) is not None:
                self._write(b"".join(framed(compared)))


class _Kept:
    """The store, opened when it is first asked; while it cannot be used, nothing is found."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._store: Store | None = None

    def find(self, id: str) -> Record | None:
        try:
            if self._store is None:
                self._store = open_store(self._url, write=False)
            return self._store.record(id)
        except UserError:
            self.close()
            return None

    def close(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            store.close()


if __name__ == "__main__":
    main()
