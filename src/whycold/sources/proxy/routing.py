"""Which upstream a request goes to, by its path and headers, and whether it may come in at all."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from whycold.sources.proxy.config import Upstream
from whycold.sources.proxy.http1 import BadMessage
from whycold.sources.proxy.request_head import (
    HINT_ANTHROPIC,
    HINT_ANTHROPIC_KEY,
    HINT_GOOGLE_KEY,
    RequestHead,
)

__all__ = ["HostGuard", "Route", "Router"]

_OPENAI_PATHS = (b"/v1/chat/completions", b"/v1/responses", b"/v1/completions")
_GEMINI_PATHS = (b"/v1beta/", b"/v1alpha/", b"/upload/v1beta/")
_WITHOUT_VERSION = re.compile(
    rb"/(?:messages|chat/completions|responses|completions)(?=[/?]|\Z)|/models(?=\?|\Z)"
)
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)", re.I)
_NAMED = re.compile(rb"/to/([^/?#]+)(.*)", re.S)
_VERSION_SEGMENT = re.compile(rb"/v[0-9]+[a-z]*")

# Names that only ever mean this machine, or a container's host: no attacker can register them.
_REMEMBERED: Final = 1024
_LONGEST_REMEMBERED: Final = 256
_LOCAL_NAMES = ("localhost", "host.docker.internal", "host.containers.internal")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes: the upstream, what to call it, and the path and query to ask it for."""

    upstream: Upstream
    authority: bytes
    target: bytes


class HostGuard:
    """Keeps out web pages that reach a local port by a name of their own (DNS rebinding)."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {name.lower().encode() for name in (*_LOCAL_NAMES, *names)}
        self._checked: set[bytes] = set()

    def check(self, host: bytes | None) -> None:
        """Raises BadMessage when a Host header names neither this machine nor an IP address."""
        if host is None or host in self._checked:
            return
        name = host.lower()
        if name not in self._names:
            name = _without_port(name)
        if name not in self._names and not _is_address(name):
            raise BadMessage(
                421,
                "host_not_allowed",
                f"this proxy does not answer to the host name {host.decode('latin-1')!r}; "
                "use 127.0.0.1 or add the name to its allowed hosts",
            )
        if len(self._checked) < _REMEMBERED:
            self._checked.add(host)


def _without_port(host: bytes) -> bytes:
    name, colon, port = host.rpartition(b":")
    return name if colon and (port.isdigit() or not port) else host


def _is_address(name: bytes) -> bool:
    try:
        ipaddress.ip_address(name.strip(b"[]").decode("ascii"))
    except ValueError:
        return False
    return True


class Router:
    """Finds the upstream among those configured; a request names one at most, and adds none."""

    def __init__(self, upstreams: Mapping[str, Upstream], guard: HostGuard) -> None:
        self._upstreams = {name.encode(): upstream for name, upstream in upstreams.items()}
        self._guard = guard
        self._known: dict[tuple[bytes, int], Route] = {}

    def route(self, head: RequestHead) -> Route:
        """Raises BadMessage with the answer to give when there is no such upstream."""
        if head.method == b"CONNECT":
            raise BadMessage(
                405, "not_a_forward_proxy", "set the client's base URL to this address, not a proxy"
            )
        target = head.target
        if not target.startswith(b"/"):
            target = self._absolute(head)
        self._guard.check(head.host)
        route = self._known.get((target, head.hints))
        if route is None:
            route = self._find(target, head.hints)
            if len(target) <= _LONGEST_REMEMBERED:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[target, head.hints] = route
        return route

    def _find(self, target: bytes, hints: int) -> Route:
        name, target = self._choose(target, hints)
        upstream = self._upstreams.get(name)
        if upstream is None:
            known = ", ".join(sorted(key.decode() for key in self._upstreams))
            raise BadMessage(
                404,
                "unknown_upstream",
                f"no upstream is called {name.decode('latin-1')!r}; there are: {known}",
            )
        target = _under(upstream.prefix.encode(), target)
        return Route(upstream, upstream.authority.encode(), target)

    def _absolute(self, head: RequestHead) -> bytes:
        """The path of a target in absolute form, which is accepted for this server's own name."""
        match = _ABSOLUTE.fullmatch(head.target)
        if match is None:
            raise BadMessage(400, "bad_request", "the request's target is not a path")
        head.host = match[1]
        return match[2] if match[2].startswith(b"/") else b"/" + match[2]

    def _choose(self, target: bytes, hints: int) -> tuple[bytes, bytes]:
        if named := _NAMED.fullmatch(target):
            rest = named[2]
            return named[1], rest if rest.startswith(b"/") else b"/" + rest
        if _WITHOUT_VERSION.match(target):
            # what clients ask for whose base URL should have ended in /v1
            target = b"/v1" + target
        if target.startswith(b"/v1/messages"):
            return b"anthropic", target
        if target.startswith(_OPENAI_PATHS):
            return b"openai", target
        if target.startswith(_GEMINI_PATHS):
            return b"gemini", target
        if target.startswith(b"/v1/") or target == b"/v1":
            return _by_headers(hints), target
        raise BadMessage(
            404,
            "unknown_path",
            "no upstream is known for this path; use /v1/..., /v1beta/... or /to/NAME/...",
        )


def _by_headers(hints: int) -> bytes:
    if hints & HINT_ANTHROPIC:
        return b"anthropic"
    if hints & HINT_GOOGLE_KEY:
        return b"gemini"
    return b"anthropic" if hints & HINT_ANTHROPIC_KEY else b"openai"


def _under(prefix: bytes, target: bytes) -> bytes:
    """``prefix`` and ``target`` joined; a version that both name (``/v1``) is named once."""
    if not prefix:
        return target
    segment = prefix[prefix.rfind(b"/") :]
    if _VERSION_SEGMENT.fullmatch(segment) and re.match(
        re.escape(segment) + rb"(?=[/?]|\Z)", target
    ):
        target = target[len(segment) :]
    return prefix + target
