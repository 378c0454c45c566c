"""Who may ask at all: names that this machine answers to, a token where others can reach it."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whycold.sources.proxy.http1 import BadMessage
from whycold.sources.proxy.routing import HostGuard

__all__ = ["COOKIE", "Guard"]

COOKIE = "whycold_token"
_PARAMETER = "token"
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "font-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Guard:
    """Stands before everything. Without a ``token`` whoever reaches the port may read; with one it
    must come as a bearer token, as a cookie, or once in the address, which then sets the cookie.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = (), token: str | None = None) -> None:
        self._app, self._hosts, self._token = app, HostGuard(hosts), token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            # No other kind of connection is offered, so none can go past the token.
            await send({"type": "websocket.close", "code": 1008})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        try:
            self._hosts.check(headers.get("host", "").encode("latin-1"))
        except BadMessage as error:
            return _error(421, str(error))
        if self._token is None:
            return None
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if self._is_token(given) or self._is_token(_cookie(headers.get("cookie", ""))):
            return None
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if any(name == _PARAMETER and self._is_token(value) for name, value in pairs):
            return self._remembered(scope["path"], [p for p in pairs if p[0] != _PARAMETER])
        return _error(401, "give the token: Authorization: Bearer TOKEN, or ?token=TOKEN once")

    def _is_token(self, given: str) -> bool:
        token = self._token or ""
        return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())

    def _remembered(self, path: str, pairs: list[tuple[str, str]]) -> ASGIApp:
        """To the same place without the token in the address, which browsers remember."""
        # A path that begins with two slashes would lead to another host.
        target = "/" + path.lstrip("/\\") + (f"?{urlencode(pairs)}" if pairs else "")
        response = RedirectResponse(target, 303)
        response.set_cookie(COOKIE, self._token or "", httponly=True, samesite="strict")
        return response


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _error(status: int, message: str) -> ASGIApp:
    return JSONResponse({"error": {"message": message}}, status)
