"""``whycold.record``: the calls of an SDK's client, recorded inside of the program itself."""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from whycold.errors import UserError
from whycold.frontends.config import Config, load
from whycold.frontends.serve_state import running
from whycold.sources.programs.book import Book
from whycold.sources.programs.guard import Guard
from whycold.sources.programs.hooks import Attached, Place, Places, attach, is_http_client
from whycold.sources.spool_record import Capture
from whycold.sources.spool_writer import Reduce

__all__ = ["close", "http_clients", "labels", "record"]

_log = logging.getLogger("whycold.record")
_T = TypeVar("_T")

_LABELS: ContextVar[Mapping[str, str] | None] = ContextVar("whycold_labels", default=None)
# Where the SDKs keep their HTTP clients (anthropic 2.8, openai 3.51, google-genai 3.3, read
# 2026-11-23); older ones keep them there, too.
_INSIDE: Final = ("_client", "_httpx_client", "_async_httpx_client", "_api_client")
_DEEPEST: Final = 3
_LOCAL: Final = ("127.0.0.1", "localhost", "::1")


class _Recording:
    """What this process records into, by the configuration that says so."""

    def __init__(self, config: Config) -> None:
        self.book = Book(config.spool, _reducer(config))
        self.places = _places(config)


_lock = threading.Lock()
_recordings: dict[Path | None, _Recording] = {}
_attached: weakref.WeakKeyDictionary[Any, Attached] = weakref.WeakKeyDictionary()


def record(
    client: _T,
    *,
    project: str | None = None,
    session: str | None = None,
    agent: str | None = None,
    release: str | None = None,
    config: str | Path | None = None,
) -> _T:
    """Record every call that a client makes from now on; returns the client.

    ``client`` is one of anthropic, openai or google-genai, waiting or not, or the httpx client of
    another SDK. Its calls go where ``whycold serve`` with the same configuration finds them; it
    need not run now. ``config`` is the configuration file, else the usual one. The labels hold for
    all calls of this client; those of ``labels`` go before them. Whatever goes wrong in recording,
    the calls go on. Raises UserError for something that is no such client.
    """
    found = list(http_clients(client))
    if not found:
        raise UserError(
            f"whycold.record: a {type(client).__name__} has no httpx client that could be recorded"
        )
    given = {"project": project, "session": session, "agent": agent, "release": release}
    own = {name: str(value) for name, value in given.items() if value}

    def named() -> dict[str, str]:
        return own | dict(_LABELS.get() or {})

    with Guard(lambda fault: _log.warning("calls are not recorded: %s", fault)):
        recording = _recording(Path(config) if config is not None else None)
        for one in found:
            _record_one(one, recording, named)
        _tell_of_aiohttp(client)
    return client


@contextlib.contextmanager
def labels(
    *,
    project: str | None = None,
    session: str | None = None,
    agent: str | None = None,
    release: str | None = None,
) -> Generator[None]:
    """Within a ``with``, calls of this thread or task have these labels; inner ones go first."""
    given = {"project": project, "session": session, "agent": agent, "release": release}
    now = dict(_LABELS.get() or {}) | {k: str(v) for k, v in given.items() if v}
    token = _LABELS.set(now)
    try:
        yield
    finally:
        _LABELS.reset(token)


def close() -> None:
    """Writes what there is and records no more; a program's end does the same."""
    with _lock:
        recordings = list(_recordings.values())
        _recordings.clear()
    for one in recordings:
        one.book.close()


def http_clients(client: object, depth: int = 0) -> Iterator[Any]:
    """The HTTP clients inside of an SDK's client, or itself."""
    if is_http_client(client):
        yield client
    elif depth < _DEEPEST:
        for name in _INSIDE:
            inner = getattr(client, "__dict__", {}).get(name)
            if inner is not None:
                yield from http_clients(inner, depth + 1)


def _tell_of_aiohttp(client: object) -> None:
    """google-genai takes aiohttp for its async side, where that is installed."""
    takes = getattr(getattr(client, "_api_client", None), "_use_aiohttp", None)
    if callable(takes) and takes():
        _log.warning("async calls over aiohttp are not recorded; docs/record.md says what to do")


def _record_one(client: Any, recording: _Recording, named: Callable[[], dict[str, str]]) -> None:  # noqa: ANN401
    with _lock:
        known = _attached.get(client)
        if known is not None:
            known.labels = named
            return
        made = Attached(recording.book, recording.places, named)
        attach(client, made)
        _attached[client] = made


def _recording(file: Path | None) -> _Recording:
    with _lock:
        found = _recordings.get(file)
        if found is None:
            found = _recordings[file] = _Recording(load({}, file))
            atexit.register(found.book.close)
    return found


def _reducer(config: Config) -> Callable[[bytes], Reduce | None]:
    modes = {config.capture, *config.projects.values()}
    modes |= {behind.upstream.capture or Capture.full for behind in config.upstreams.values()}
    if modes <= {Capture.full, Capture.none} and config.project not in config.projects:
        return lambda key: None

    def made(key: bytes) -> Reduce:
        # Only here: to understand bodies takes all of the providers.
        from whycold.sources.reduce import Reducer
        from whycold.sources.served import Served

        hosts = {name: behind.upstream.host for name, behind in config.upstreams.items()}
        named = {n: b.provider for n, b in config.upstreams.items() if b.provider}
        return Reducer(Served(hosts, named), key, config.projects, config.project)

    return made


def _places(config: Config) -> Places:
    known: dict[tuple[str, str, int], Place] = {}
    for name, behind in config.upstreams.items():
        one = behind.upstream
        capture = config.capture.strictest(one.capture)
        known.setdefault((one.scheme, one.host, one.port), Place(name, capture))
    skipped = {(host, config.port) for host in (*_LOCAL, config.host)}
    serve = running(config.state_file)
    if serve is not None:
        parts = urlsplit(serve.proxy)
        skipped |= {(host, parts.port or 0) for host in (*_LOCAL, parts.hostname or "")}
    return Places(known, config.capture, config.projects, frozenset(skipped))
