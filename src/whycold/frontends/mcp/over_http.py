"""``POST /mcp`` on the dashboard's port: streamable HTTP without sessions, JSON in and out.

Facts: Model Context Protocol 2025-06-18, transports, streamable HTTP (read 2026-11-23): a server
that offers no stream answers GET with 405, may answer a request with one JSON document, and must
check Origin.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable
from typing import Final

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from whycold.frontends.mcp.tools import Desk

__all__ = ["PATH", "is_installed", "mcp_routes"]

PATH: Final = "/mcp"
_SITES: Final = frozenset({"same-origin", "none"})


def is_installed() -> bool:
    """Whether the extra is there that brings the SDK."""
    return importlib.util.find_spec("mcp") is not None


def mcp_routes(desk: Desk) -> list[Route]:
    """The route, where the extra is there."""
    return [Route(PATH, _Endpoint(desk))] if is_installed() else []


class _Endpoint:
    """The SDK is imported with the first request: most dashboards are never asked this way."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._app: Callable[[Scope, Receive, Send], Awaitable[None]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            refusal: ASGIApp = JSONResponse(
                _error("send POST"), 405, {"allow": "POST", "cache-control": "no-store"}
            )
            await refusal(scope, receive, send)
            return
        if _is_foreign(Headers(scope=scope)):
            refusal = JSONResponse(_error("pages of other sites may not ask here"), 403)
            await refusal(scope, receive, send)
            return
        if self._app is None:
            self._app = await anyio.to_thread.run_sync(self._imported)
        await self._app(scope, receive, send)

    def _imported(self) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from whycold.frontends.mcp.server import server_of

        server = server_of(self._desk)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            # one for each request: it keeps no session, and ends with the request
            manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
            async with manager.run():
                await manager.handle_request(scope, receive, send)

        return answer


def _is_foreign(headers: Headers) -> bool:
    """Whether a page of another site made a browser send this: browsers say whose page it was."""
    origin = headers.get("origin")
    own = origin is None or origin.partition("://")[2] == headers.get("host")
    return not own or headers.get("sec-fetch-site", "none") not in _SITES


def _error(message: str) -> dict[str, dict[str, str]]:
    return {"error": {"message": message}}
