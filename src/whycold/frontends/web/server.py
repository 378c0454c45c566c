"""The process behind the dashboard's port: routes, and uvicorn on an inherited socket."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable

import anyio
import anyio.to_thread
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.config import now
from whycold.frontends.mcp.over_http import mcp_routes
from whycold.frontends.mcp.tools import Desk
from whycold.frontends.web.about import Dashboard
from whycold.frontends.web.api import Api
from whycold.frontends.web.asking import NotThere
from whycold.frontends.web.guard import Guard
from whycold.frontends.web.metrics import metrics_routes
from whycold.frontends.web.openapi import document
from whycold.frontends.web.otlp import otlp_routes
from whycold.frontends.web.serving import Pages
from whycold.frontends.web.store_access import StoreAccess
from whycold.store.base import Damaged, Missing, Unavailable

__all__ = ["Dashboard", "application", "run_dashboard"]

_READERS = 4
"""Questions that are answered at the same time: each holds a connection to the store."""


def application(about: Dashboard) -> Starlette:
    """Everything that the port answers; reading only."""
    access = StoreAccess(about.store)
    readers = anyio.CapacityLimiter(_READERS)
    api, pages = Api(about.spool, access), Pages(about, access, readers)

    def data(path: str, answer: Callable[[Request], Json]) -> Route:
        async def endpoint(request: Request) -> Response:
            found = await anyio.to_thread.run_sync(lambda: answer(request), limiter=readers)
            return JSONResponse(found)

        return Route(path, endpoint)

    def table(path: str, answer: Callable[[Request], str]) -> Route:
        name = path.rpartition("/")[2]
        attached = {"content-disposition": f'attachment; filename="{name}"'}

        async def endpoint(request: Request) -> Response:
            text = await anyio.to_thread.run_sync(lambda: answer(request), limiter=readers)
            return Response(text, media_type="text/csv; charset=utf-8", headers=attached)

        return Route(path, endpoint)

    return Starlette(
        routes=[
            *pages.routes(),
            data("/healthz", lambda _: api.health()),
            data("/api/v1/openapi.json", lambda _: document()),
            data("/api/v1/report", lambda request: api.report(request.query_params)),
            table("/api/v1/report.csv", lambda request: api.report_csv(request.query_params)),
            data("/api/v1/misses", lambda request: api.misses(request.query_params)),
            table("/api/v1/misses.csv", lambda request: api.misses_csv(request.query_params)),
            data("/api/v1/culprits", lambda request: api.culprits(request.query_params)),
            table("/api/v1/culprits.csv", lambda request: api.culprits_csv(request.query_params)),
            data(
                "/api/v1/culprits/{id:path}",
                lambda request: api.culprit(request.path_params["id"], request.query_params),
            ),
            data("/api/v1/releases", lambda request: api.releases(request.query_params)),
            table("/api/v1/releases.csv", lambda request: api.releases_csv(request.query_params)),
            data("/api/v1/calls/{id:path}", lambda request: api.call(request.path_params["id"])),
            *otlp_routes(about.orders),
            *metrics_routes(about, access),
            *mcp_routes(_desk(about, access)),
        ],
        middleware=[
            Middleware(Guard, hosts=about.hosts, token=about.token),
            Middleware(GZipMiddleware, minimum_size=2000, compresslevel=4),
        ],
        exception_handlers={
            UserError: lambda request, error: _said(
                pages, request, *_told(error), fresh=isinstance(error, Missing)
            ),
            HTTPException: lambda request, error: _refused(pages, request, error),
        },
    )


def _desk(about: Dashboard, access: StoreAccess) -> Desk:
    """What agents ask. A token says that others can reach the port: they name no files of ours."""
    return Desk(
        lambda question: access.ask(lambda query, _: question(query)), now, about.token is None
    )


def _told(error: Exception) -> tuple[int, str]:
    status = 400
    if isinstance(error, NotThere):
        status = 404
    elif isinstance(error, (Missing, Unavailable, Damaged)):
        status = 503
    return status, str(error)


def _refused(pages: Pages, request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = "there is nothing at this address" if error.status_code == 404 else error.detail
    response = _said(pages, request, error.status_code, message)
    response.headers.update(error.headers or {})
    return response


def _said(
    pages: Pages, request: Request, status: int, message: str, *, fresh: bool = False
) -> Response:
    """In words to a person, as data to a program."""
    path = request.url.path
    program = path.startswith(("/api/", "/v1/", "/healthz", "/metrics", "/static/"))
    if program or path.endswith((".json", ".csv")):
        return JSONResponse({"error": {"message": message}}, status)
    return pages.error(request, status, message, fresh=fresh)


def run_dashboard(
    about: Dashboard,
    descriptor: int,
    *,
    ready: Callable[[], None],
    unwanted: Callable[[Callable[[], None]], None],
) -> None:
    """Answer on an inherited socket until SIGTERM, or until ``unwanted`` calls what it is given."""
    listening = socket.socket(fileno=descriptor)
    server = _Server(
        uvicorn.Config(
            application(about),
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=2,
        ),
        ready,
    )

    def stop() -> None:
        server.should_exit = True

    unwanted(stop)
    server.run(sockets=[listening])


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # what is there from the beginning stays, so that it is not looked through again and again
        gc.collect()
        gc.freeze()
        if self.started:
            self._ready()
