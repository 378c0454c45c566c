"""The official client at both ends of the server: over pipes, and over HTTP to the dashboard."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from starlette.types import ASGIApp

__all__ = ["Answered", "over_http", "over_stdio", "tool"]

_T = TypeVar("_T")
_Question = Callable[[Client], Awaitable[_T]]


@dataclass(frozen=True)
class Answered:
    """The text that an agent gets, and whether it is an error."""

    text: str
    error: bool

    @property
    def json(self) -> Any:
        assert not self.error, self.text
        return json.loads(self.text)

    @property
    def tokens(self) -> float:
        """At four characters a token."""
        return len(self.text) / 4


async def tool(client: Client, name: str, **arguments: Any) -> Answered:
    """One call of a tool."""
    found: Any = await client.call_tool(name, arguments)
    [part] = found.content
    return Answered(part.text, bool(found.is_error))


def over_stdio(url: str, question: _Question[_T]) -> _T:
    """Ask ``whycold mcp`` of that store, started as an agent starts it."""
    arguments = ["-m", "whycold", "mcp", "--store", url]
    server = StdioServerParameters(command=sys.executable, args=arguments)

    async def ask() -> _T:
        with anyio.fail_after(60):
            async with Client(stdio_client(server)) as client:
                return await question(client)

    return anyio.run(ask)


def over_http(
    app: ASGIApp, question: _Question[_T], *, headers: dict[str, str] | None = None
) -> _T:
    """Ask ``/mcp`` of a dashboard."""

    async def ask() -> _T:
        with anyio.fail_after(60):
            async with _connected(app, headers or {}) as client:
                return await question(client)

    return anyio.run(ask)


@asynccontextmanager
async def _connected(app: ASGIApp, headers: dict[str, str]) -> AsyncGenerator[Client]:
    wire = httpx2.ASGITransport(app=app)
    async with (
        httpx2.AsyncClient(transport=wire, headers=headers) as http,
        Client(streamable_http_client("http://127.0.0.1:4142/mcp", http_client=http)) as client,
    ):
        yield client
