"""Routes of the pages: HTML, and beside it JSON, CSV and a file to keep."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TypeVar
from urllib.parse import quote

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from whycold.frontends.config import now
from whycold.frontends.csv_tables import csv_text
from whycold.frontends.web.about import Dashboard
from whycold.frontends.web.address import Address
from whycold.frontends.web.asking import Ask, read_address
from whycold.frontends.web.drawing import STATIC, STYLE, Frame, draw, draw_error, style
from whycold.frontends.web.pages.page import Page
from whycold.frontends.web.pages.table import PAGES
from whycold.frontends.web.store_access import StoreAccess

__all__ = ["Pages"]

_T = TypeVar("_T")
_THEME = "whycold_theme"
_THEMES = ("light", "dark")
_FOR_EVER = "public, max-age=31536000, immutable"
_ENDINGS = ("json", "csv", "html")


class Pages:
    """Answers for every page of the table; ``readers`` bounds how many at the same time."""

    def __init__(
        self, about: Dashboard, access: StoreAccess, readers: anyio.CapacityLimiter
    ) -> None:
        self._about, self._access, self._readers = about, access, readers

    def routes(self) -> Iterator[BaseRoute]:
        """The pages, each with its twins before it, and the static files."""
        for page in PAGES:
            path = "/overview" if page.path == "/" else page.path
            for ending, answer in (("json", page.data), ("csv", page.rows)):
                if answer is not None:
                    yield Route(f"{path}.{ending}", self._twin(page, ending))
            if not page.part and page.data is not None:
                yield Route(f"{path}.html", self._page(page, saved=True))
            yield Route(page.path, self._page(page))
        yield Route(f"/static/{STYLE}", _style)
        yield Mount("/static", _Static(directory=STATIC))

    def error(
        self, request: Request, status: int, message: str, *, fresh: bool = False
    ) -> Response:
        """A page that says what is wrong, in the look of the others; ``fresh``: nothing was ever
        recorded.
        """
        frame = self._frame(request, None, Address(_path(request), {}))
        return HTMLResponse(draw_error(frame, status, message, fresh=fresh), status)

    def _page(self, page: Page, *, saved: bool = False) -> Callable[[Request], Awaitable[Response]]:
        def answer(ask: Ask, request: Request) -> Response:
            found = page.show(ask)
            if (target := found.get("go")) is not None:
                return RedirectResponse(str(target), 303)
            frame = self._frame(request, page, ask.address, saved=saved)
            response = HTMLResponse(draw(frame, ask, found))
            if saved:
                response.headers["content-disposition"] = _attached(request.url.path)
            return response

        return self._endpoint(page, answer)

    def _twin(self, page: Page, ending: str) -> Callable[[Request], Awaitable[Response]]:
        def answer(ask: Ask, request: Request) -> Response:
            if ending == "json":
                assert page.data is not None
                return JSONResponse(page.data(ask))
            assert page.rows is not None
            headers = {"content-disposition": _attached(request.url.path)}
            text = csv_text(page.rows(ask))
            return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

        return self._endpoint(page, answer)

    def _endpoint(
        self, page: Page, answer: Callable[[Ask, Request], Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        def found(request: Request) -> Response:
            at = now()
            path = _path(request)
            for ending in _ENDINGS:
                path = path.removesuffix(f".{ending}")
            if path == "/overview":
                path = "/"
            words = request.query_params.multi_items()
            address, asked = read_address(path, words, page.own, at)
            ids: Mapping[str, str] = request.path_params
            return self._access.ask(
                lambda query, _: answer(Ask(query, self._about, asked, address, ids, at), request)
            )

        async def endpoint(request: Request) -> Response:
            return await anyio.to_thread.run_sync(lambda: found(request), limiter=self._readers)

        return endpoint

    def _frame(
        self,
        request: Request,
        page: Page | None,
        address: Address,
        *,
        saved: bool = False,
    ) -> Frame:
        theme = address.words.get("theme") or request.cookies.get(_THEME, "")
        return Frame(
            nav=tuple(page for page in PAGES if page.key),
            page=page,
            address=address,
            theme=theme if theme in _THEMES else "",
            saved=saved,
            origin=f"{request.url.scheme}://{request.url.netloc}",
        )


class _Static(StaticFiles):
    """Files whose address changes with their content: a browser need not ask again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = _FOR_EVER
        return response


def _style(_: Request) -> Response:
    return Response(style(), media_type="text/css", headers={"cache-control": _FOR_EVER})


def _path(request: Request) -> str:
    """The path as it can stand in a link, whatever an id in it holds."""
    path: str = request.scope["path"]
    return quote(path)


def _attached(path: str) -> str:
    name = "".join(
        c if (c.isascii() and c.isalnum()) or c in ".-_" else "-" for c in path.strip("/")
    )
    return f'attachment; filename="whycold-{name}"'
