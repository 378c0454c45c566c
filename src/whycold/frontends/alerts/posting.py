"""One message to one address: checked, bounded in time and size, never sent on to another."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httptools

from whycold import __version__
from whycold.frontends.alert_rules import Receiver
from whycold.frontends.alerts.addresses import is_public
from whycold.frontends.printable import name_of

__all__ = ["PATIENCE_S", "Answer", "NotDelivered", "post"]

PATIENCE_S: Final = 10.0
"""For all of it: the name, the connection, the answer."""
_MOST: Final = 64 << 10
"""Bytes that are read of an answer."""
_SHOWN: Final = 200
_PORTS: Final = {"https": 443, "http": 80}


class NotDelivered(Exception):
    """Why a message was not taken, in one line that does not hold the address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said: the status, and the beginning of its text."""

    status: int
    text: str


async def post(receiver: Receiver, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send a JSON body. Raises NotDelivered for everything but a status from 200 to 299."""
    parts = urlsplit(receiver.url)
    try:
        async with asyncio.timeout(PATIENCE_S):
            answer = await _exchange(receiver, parts, _request(parts, body, headers))
    except TimeoutError:
        raise NotDelivered(f"no answer within {PATIENCE_S:.0f} seconds") from None
    except ssl.SSLError as error:
        raise NotDelivered(f"TLS: {error.reason or error}") from None
    except OSError as error:
        raise NotDelivered(f"cannot connect: {error.strerror or error}") from None
    if 300 <= answer.status < 400:
        raise NotDelivered(f"redirected ({answer.status}), which is not followed")
    if not 200 <= answer.status < 300:
        said = f": {answer.text}" if answer.text else ""
        raise NotDelivered(f"answered {answer.status}{said}")
    return answer


async def _exchange(receiver: Receiver, parts: SplitResult, request: bytes) -> Answer:
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    reader, writer = await _connected(receiver, parts.scheme, host, port)
    try:
        writer.write(request)
        await writer.drain()
        return await _answer(reader)
    finally:
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()


async def _connected(
    receiver: Receiver, scheme: str, host: str, port: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to an address that was checked: the name is not looked up a second time."""
    context = None
    if scheme == "https":
        context = ssl.create_default_context(cafile=receiver.ca_file)
    failure: OSError | None = None
    for address in await _addresses(receiver, scheme, host, port):
        try:
            return await asyncio.open_connection(
                address, port, ssl=context, server_hostname=host if context else None, limit=_MOST
            )
        except ssl.SSLError:
            raise
        except OSError as error:
            failure = error
    raise failure or NotDelivered("the name has no address")


async def _addresses(receiver: Receiver, scheme: str, host: str, port: int) -> list[str]:
    """Where a name leads. Raises NotDelivered when any of it is where nothing may be sent."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise NotDelivered("the name is not known") from None
    addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
    public = [is_public(address) for address in addresses]
    if not receiver.allow_private and not all(public):
        raise NotDelivered("leads to a private address; allow_private would allow it")
    if scheme == "http" and any(public):
        raise NotDelivered("leads out of the private network, where only https is used")
    return addresses


def _request(parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> bytes:
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    given = {
        "host": parts.netloc,
        "user-agent": f"whycold/{__version__}",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "accept": "*/*",
        "connection": "close",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"POST {target} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


class _Reading:
    """What httptools finds in an answer; interim ones (1xx) are passed over."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.status, self.done, self.text = 0, False, b""

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()
        # only of a refusal is the text worth waiting for
        self.done = 200 <= self.status < 400

    def on_body(self, body: bytes) -> None:
        self.text += body

    def on_message_complete(self) -> None:
        self.done = self.status >= 200


async def _answer(reader: asyncio.StreamReader) -> Answer:
    """The answer, as far as it is needed. Raises NotDelivered for what is none."""
    reading, size = _Reading(), 0
    while not reading.done and size < _MOST:
        data = await reader.read(_MOST - size)
        if not data:
            break
        size += len(data)
        try:
            reading.parser.feed_data(data)
        except httptools.HttpParserError:
            raise NotDelivered("what answers there does not speak HTTP") from None
    if reading.status < 200:
        raise NotDelivered("the connection ended without an answer")
    return Answer(reading.status, name_of(reading.text.decode("utf-8", "replace"), _SHOWN))
