"""What an SDK sent and got, by SHA-256, as its HTTP library handed it over: to be held against what
the server saw and said."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import httpx2

__all__ = ["AsyncWatched", "Ends", "Watched"]


@dataclass
class Ends:
    """SHA-256 of the bodies of all requests and replies at the client's end, in order. Codings of
    a reply's content are still on.
    """

    sent: list[str] = field(default_factory=list[str])
    got: list[str] = field(default_factory=list[str])


class Watched(httpx2.HTTPTransport):
    """Notes what passes."""

    def __init__(self, ends: Ends) -> None:
        super().__init__()
        self._ends = ends

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self._ends.sent.append(hashlib.sha256(request.read()).hexdigest())
        answer = super().handle_request(request)
        assert isinstance(answer.stream, httpx2.SyncByteStream)
        answer.stream = _Stream(answer.stream, self._ends)
        return answer


class AsyncWatched(httpx2.AsyncHTTPTransport):
    """Notes what passes."""

    def __init__(self, ends: Ends) -> None:
        super().__init__()
        self._ends = ends

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._ends.sent.append(hashlib.sha256(await request.aread()).hexdigest())
        answer = await super().handle_async_request(request)
        assert isinstance(answer.stream, httpx2.AsyncByteStream)
        answer.stream = _AsyncStream(answer.stream, self._ends)
        return answer


class _Stream(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, ends: Ends) -> None:
        self._stream, self._ends, self._digest = stream, ends, hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            self._digest.update(piece)
            yield piece

    def close(self) -> None:
        self._stream.close()
        self._ends.got.append(self._digest.hexdigest())


class _AsyncStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, ends: Ends) -> None:
        self._stream, self._ends, self._digest = stream, ends, hashlib.sha256()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self._digest.update(piece)
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._ends.got.append(self._digest.hexdigest())
