"""What the proxy and the process that compares requests say to each other, and the proxy's end.

Each message is its length in four bytes, most significant first, and MessagePack. Nothing here is
ever waited for: a question that cannot be asked now is never answered.
"""

from __future__ import annotations

import asyncio
from typing import Final, TypeAlias, cast

import msgspec

__all__ = ["Asker", "Came", "Compared", "Frames", "Sent", "framed"]

_LENGTH: Final = 4


class Sent(msgspec.Struct, array_like=True, frozen=True, tag="sent"):
    """A request as the client sent it. ``number`` names it on this connection; names of
    ``headers`` are in lower case.
    """

    number: int
    upstream: str
    account: str | None
    target: str
    headers: dict[str, str]
    body: bytes


class Came(msgspec.Struct, array_like=True, frozen=True, tag="came"):
    """What came back of the request with that number, content coding and all; ``status`` is 0 where
    it is not to be had.
    """

    number: int
    status: int
    headers: dict[str, str]
    body: bytes


class Compared(msgspec.Struct, array_like=True, frozen=True):
    """The answer to a request's question, as JSON in the provider's shape.

    Of a Response the rest is known at its end: where it read ``hit_at`` tokens or more from the
    cache, it is a hit whatever changed; where its service tier is not ``tier``, ``of_tier`` holds.
    """

    number: int
    answer: bytes
    hit_at: int | None = None
    tier: str | None = None
    of_tier: bytes | None = None


Message: TypeAlias = Sent | Came
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Compared).decode


def framed(message: Message | Compared) -> tuple[bytes, bytes]:
    """A message as it is sent: its length, itself."""
    data = _pack(message)
    return len(data).to_bytes(_LENGTH, "big"), data


class Frames:
    """Takes messages out of what comes."""

    def __init__(self) -> None:
        self._held = bytearray()

    def take(self, data: bytes) -> list[bytes]:
        """The messages that are complete now, without their lengths."""
        held, out, at = self._held, list[bytes](), 0
        held += data
        while len(held) >= at + _LENGTH:
            end = at + _LENGTH + int.from_bytes(held[at : at + _LENGTH], "big")
            if len(held) < end:
                break
            out.append(bytes(held[at + _LENGTH : end]))
            at = end
        del held[:at]
        return out


class Asker(asyncio.Protocol):
    """Asks at a Unix socket, to which it connects anew whenever it has to; at most ``most`` bytes
    wait to be sent.
    """

    def __init__(self, path: str, most: int, loop: asyncio.AbstractEventLoop) -> None:
        self._path, self._most, self._loop = path, most, loop
        self._transport: asyncio.Transport | None = None
        self._dial: asyncio.Task[None] | None = None
        self._waiting: list[bytes] = []
        self._size = self._last = 0
        self._frames = Frames()
        self._answers: dict[int, Compared | None] = {}
        self._closed = False

    def number(self) -> int:
        """One that no other request has."""
        self._last += 1
        return self._last

    def ask(self, sent: Sent) -> None:
        """Have a request compared with the one that it names."""
        if self._say(sent):
            self._answers[sent.number] = None

    def tell(self, came: Came) -> None:
        """Say what came back; the answer is of no use any more."""
        self._answers.pop(came.number, None)
        self._say(came)

    def answer(self, number: int) -> Compared | None:
        """The answer, if it is there."""
        return self._answers.get(number)

    def close(self) -> None:
        """Ask no more."""
        self._closed = True
        if self._dial is not None:
            self._dial.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _say(self, message: Message) -> bool:
        length, data = framed(message)
        transport = self._transport
        held = self._size if transport is None else transport.get_write_buffer_size()
        if self._closed or held + len(data) > self._most:
            return False
        if transport is not None:
            transport.writelines((length, data))
            return True
        self._waiting += (length, data)
        self._size += len(data)
        if self._dial is None:
            self._dial = self._loop.create_task(self._connect())
        return True

    async def _connect(self) -> None:
        try:
            await self._loop.create_unix_connection(lambda: self, self._path)
        except OSError:
            self._forget()
        self._dial = None

    def _forget(self) -> None:
        self._waiting.clear()
        self._answers.clear()
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._frames = Frames()
        self._transport.writelines(self._waiting)
        self._waiting.clear()
        self._size = 0

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._forget()

    def data_received(self, data: bytes) -> None:
        for message in self._frames.take(data):
            compared = _unpack(message)
            if compared.number in self._answers:
                self._answers[compared.number] = compared
