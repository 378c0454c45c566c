"""Copies of what an HTTP client of the httpx family sends and gets, by its own event hooks.

Only what httpx documents is used: ``event_hooks``, ``Request.content`` and ``extensions``,
``Response.stream`` (httpx 0.28 and httpx2 2.16, read 2026-11-23). Neither package is imported here:
the stream classes come from the one that the client is from.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import lru_cache
from types import ModuleType
from typing import Final, NamedTuple

from whycold.sources.programs.http_client import (
    AsyncStream,
    Client,
    Copier,
    Request,
    Response,
    Stream,
    Transport,
)
from whycold.sources.programs.tape import Keeper, Lines, Sent, Tape
from whycold.sources.spool_record import Capture, Cut

__all__ = ["Attached", "Place", "Places", "attach", "copying", "is_http_client"]

_STARTED: Final = "whycold.started"
_OURS: Final = b"x-whycold-"
_X: Final = (b"x-", b"X-")
_LABELS: Final = ("project", "session", "agent", "release")
_LONGEST_LABEL: Final = 200
_PORTS: Final = {"http": 80, "https": 443}


class Place(NamedTuple):
    """An upstream: its name, and how much of calls to it is kept."""

    name: str
    capture: Capture


class Places:
    """Which upstream an address is. ``skipped`` are host and port of those whose calls are
    recorded by somebody else: the proxy."""

    def __init__(
        self,
        known: Mapping[tuple[str, str, int], Place],
        capture: Capture,
        projects: Mapping[str, Capture],
        skipped: frozenset[tuple[str, int]] = frozenset(),
    ) -> None:
        self._known, self._capture = known, capture
        self._projects, self._skipped = projects, skipped

    def find(self, scheme: str, host: str, port: int | None, project: str | None) -> Place | None:
        """None where nothing is to be recorded. An upstream nobody named has its host's name."""
        number = port or _PORTS.get(scheme, 0)
        if (host, number) in self._skipped:
            return None
        place = self._known.get((scheme, host, number)) or Place(host, self._capture)
        capture = place.capture.strictest(self._projects.get(project or ""))
        return None if capture is Capture.none else Place(place.name, capture)


class Attached:
    """A client that is recorded; ``labels`` are asked for with every call."""

    def __init__(self, book: Keeper, places: Places, labels: Callable[[], dict[str, str]]) -> None:
        self.labels = labels
        self._book, self._places = book, places

    def asked(self, request: Request) -> None:
        """A request is about to go out; does not raise."""
        with self._book.guard:
            request.extensions[_STARTED] = self._book.now(), self.labels()

    def answered(self, response: Response, copier: Copier) -> None:
        """The head of an answer came; does not raise."""
        with self._book.guard:
            self._answered(response, copier)

    def _answered(self, response: Response, copier: Copier) -> None:
        request = response.request
        begun = request.extensions.get(_STARTED)
        if begun is None or request.method != "POST":
            return
        started, labels = begun
        headers = request.headers.raw
        labels = labels | _named(headers)
        url = request.url
        place = self._places.find(url.scheme, url.host, url.port, labels.get("project"))
        body = _body(request)
        if place is None or body is None:
            return
        sent = Sent(
            self._book.id(started),
            started,
            place.name,
            request.method,
            url.raw_path,
            headers,
            body,
            labels,
            place.capture,
        )
        came = response.headers.raw
        if not response.is_stream_consumed:
            tape = self._book.start(sent, response.status_code, came)
            if tape is not None:
                response.stream = copier(response.stream, tape)
            return
        # A transport that makes answers up has read them already, and taken their coding off.
        came = [(name, value) for name, value in came if name.lower() != b"content-encoding"]
        tape = self._book.start(sent, response.status_code, came)
        if tape is not None:
            tape.add(response.content)
            tape.finish()


def _named(headers: Lines) -> dict[str, str]:
    """What the program's own headers say of a call, as they do to the proxy."""
    found = [(n, v) for n, v in headers if n[:2] in _X and n[: len(_OURS)].lower() == _OURS]
    if not found:
        return {}
    named = {n.lower()[len(_OURS) :].decode("latin-1"): v for n, v in found}
    return {
        name: named[name].decode("utf-8", "replace")[:_LONGEST_LABEL]
        for name in _LABELS
        if named.get(name)
    }


def _body(request: Request) -> bytes | None:
    """None for a body that is sent piece by piece: an upload, no call to a model."""
    try:
        return request.content
    except RuntimeError:
        # what RequestNotRead of each of these packages is
        return None


def is_http_client(value: object) -> bool:
    """Whether this is a client of httpx or of a package with the same interface."""
    return _package(type(value)) is not None and hasattr(value, "event_hooks")


def attach(client: Client, attached: Attached) -> None:
    """Copies everything that this client sends from now on. What raises here is a client of a kind
    that is not known."""
    kind: type[object] = type(client)
    package = _package(kind)
    assert package is not None
    waits = any(base.__name__ == "AsyncClient" for base in kind.__mro__)
    copier = _streams(package, waits=waits)
    hooks = client.event_hooks

    def answered(response: Response) -> None:
        attached.answered(response, copier)

    async def asked_waiting(request: Request) -> None:
        attached.asked(request)

    async def answered_waiting(response: Response) -> None:
        attached.answered(response, copier)

    hooks["request"].append(asked_waiting if waits else attached.asked)
    hooks["response"].append(answered_waiting if waits else answered)


def copying(transport: Transport, attached: Attached) -> object:
    """A transport that does what this one does and copies what passes. Raises TypeError for what
    is no transport of the httpx family."""
    package = _package(type(transport))
    if package is None:
        raise TypeError(f"a {type(transport).__name__} is no transport of httpx")
    kind = type("Copying", (_Copying, package.BaseTransport, package.AsyncBaseTransport), {})
    copiers = _streams(package, waits=False), _streams(package, waits=True)
    return kind(transport, attached, copiers)


class _Copying:
    def __init__(
        self, transport: Transport, attached: Attached, copiers: tuple[Copier, Copier]
    ) -> None:
        self._transport, self._attached, self._copiers = transport, attached, copiers

    def handle_request(self, request: Request) -> Response:
        self._attached.asked(request)
        response = self._transport.handle_request(request)
        response.request = request
        self._attached.answered(response, self._copiers[0])
        return response

    async def handle_async_request(self, request: Request) -> Response:
        self._attached.asked(request)
        response = await self._transport.handle_async_request(request)
        response.request = request
        self._attached.answered(response, self._copiers[1])
        return response

    def close(self) -> None:
        self._transport.close()

    async def aclose(self) -> None:
        await self._transport.aclose()


def _package(kind: type[object]) -> ModuleType | None:
    for base in kind.__mro__:
        found = sys.modules.get(base.__module__.partition(".")[0])
        if found is not None and hasattr(found, "SyncByteStream"):
            return found
    return None


class _Copied:
    """A stream that copies what is read of it."""

    def __init__(self, stream: Stream, tape: Tape) -> None:
        self._stream, self._tape = stream, tape

    def __iter__(self) -> Iterator[bytes]:
        tape = self._tape
        try:
            for piece in self._stream:
                tape.add(piece)
                yield piece
        except Exception:
            tape.cut = Cut.upstream
            raise
        finally:
            tape.finish()

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._tape.finish()

    def __del__(self) -> None:
        self._tape.finish()


class _AsyncCopied:
    """The same for a client that waits."""

    def __init__(self, stream: AsyncStream, tape: Tape) -> None:
        self._stream, self._tape = stream, tape

    async def __aiter__(self) -> AsyncIterator[bytes]:
        tape = self._tape
        try:
            async for piece in self._stream:
                tape.add(piece)
                yield piece
        except Exception:
            tape.cut = Cut.upstream
            raise
        finally:
            tape.finish()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._tape.finish()

    def __del__(self) -> None:
        self._tape.finish()


@lru_cache(maxsize=8)
def _streams(package: ModuleType, *, waits: bool) -> Copier:
    """The copying stream as the package wants it: of its own kind."""
    if waits:
        return type("Copied", (_AsyncCopied, package.AsyncByteStream), {})
    return type("Copied", (_Copied, package.SyncByteStream), {})
