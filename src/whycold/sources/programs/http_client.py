"""What is used of an HTTP client of the httpx family, as types: no such package is imported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Protocol

__all__ = ["AsyncStream", "Client", "Copier", "Request", "Response", "Stream", "Transport"]


class _Url(Protocol):
    @property
    def scheme(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int | None: ...
    @property
    def raw_path(self) -> bytes: ...


class _Headers(Protocol):
    @property
    def raw(self) -> list[tuple[bytes, bytes]]: ...


class Request(Protocol):
    """``content`` raises where the body is sent piece by piece."""

    method: str
    extensions: dict[str, Any]

    @property
    def url(self) -> _Url: ...
    @property
    def headers(self) -> _Headers: ...
    @property
    def content(self) -> bytes: ...


class Response(Protocol):
    """``stream`` gives the body as it came; ``content`` is the body once it was read."""

    status_code: int
    is_stream_consumed: bool
    stream: Any
    request: Request

    @property
    def headers(self) -> _Headers: ...
    @property
    def content(self) -> bytes: ...


class Stream(Protocol):
    """A body, piece by piece."""

    def __iter__(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...


class AsyncStream(Protocol):
    """A body, waited for piece by piece."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


class Client(Protocol):
    """``event_hooks`` are called with each request and each answer."""

    @property
    def event_hooks(self) -> dict[str, list[Callable[..., Any]]]: ...


class Transport(Protocol):
    """Sends requests, waiting or not; one of the two ways may be missing."""

    def handle_request(self, request: Request) -> Response: ...
    async def handle_async_request(self, request: Request) -> Response: ...
    def close(self) -> None: ...
    async def aclose(self) -> None: ...


Copier = Callable[..., object]
