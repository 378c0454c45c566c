"""What ``whycold doctor`` looks at: the program, its settings, what runs, what is kept and not."""

from __future__ import annotations

import platform
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import apsw

from whycold import __version__
from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.config import Config, unknown_variables
from whycold.frontends.config_settings import SETTINGS
from whycold.frontends.diagnosis_json import time_text
from whycold.frontends.serve_state import Running, running
from whycold.ingest.progress import Progress, behind
from whycold.sources.spool import CORRUPT, SpoolFolder
from whycold.sources.spool_counts import CountsFile, SpoolCounts
from whycold.store.answers import Contents
from whycold.store.base import Missing
from whycold.store.opening import open_store

__all__ = ["Facts", "SettingShown", "StoreFacts", "facts", "set_aside", "settings_shown", "size"]

_SOUND_SQLITE: Final = (3, 51, 3)
"""The first SQLite without the fault by which a reset of the log could corrupt a file."""


_PATIENCE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class SettingShown:
    """A setting as it is in force, and where it comes from."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What is in the store; ``error`` is why it cannot be read, ``missing`` that there is none."""

    contents: Contents | None = None
    progress: Progress | None = None
    error: str | None = None
    missing: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was found.

    ``behind`` are bytes on the spool that are not in the store yet; ``programs`` have recorded
    themselves at a time; ``answering`` the ports, of
    those that ``serve`` uses or would use, where somebody answers.
    """

    version: str
    python: str
    system: str
    sqlite: str
    sqlite_sound: bool
    config: Config
    settings: tuple[SettingShown, ...]
    unknown_variables: tuple[str, ...]
    serve: Running | None
    answering: Mapping[int, bool]
    store: StoreFacts
    counts: SpoolCounts
    spool_bytes: int
    programs: int
    behind: int
    set_aside: tuple[str, ...]

    def as_json(self) -> dict[str, Json]:
        """The facts as plain values."""
        config, store, counts = self.config, self.store, self.counts
        return {
            "version": self.version,
            "python": self.python,
            "system": self.system,
            "sqlite": {"version": self.sqlite, "sound": self.sqlite_sound},
            "config_file": str(config.file) if config.file else None,
            "settings": {s.key: {"value": s.value, "origin": s.origin} for s in self.settings},
            "unknown_variables": list(self.unknown_variables),
            "serve": _serve(self.serve),
            "ports": {str(port): answers for port, answers in self.answering.items()},
            "store": {"url": config.store, "error": store.error, **_contents(store.contents)},
            "spool": {
                "folder": config.spool.folder,
                "bytes": self.spool_bytes,
                "programs": self.programs,
                "behind_bytes": self.behind,
                "since": _nanoseconds(counts.since),
                "counts": dict(counts.counts),
            },
            "recorder": _progress(store.progress),
            "set_aside": list(self.set_aside),
        }


def facts(config: Config, contents: Contents | None = None) -> Facts:
    """Look at everything; nothing that is wrong or missing is an error.

    ``contents`` are those of the store where they were counted a moment ago: of millions of calls
    that takes longer than all the rest.
    """
    folder = SpoolFolder(config.spool.folder)
    store = _store(config, contents)
    version = apsw.sqlite_lib_version()
    serve = running(config.state_file)
    return Facts(
        version=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        sqlite=version,
        sqlite_sound=_numbers(version) >= _SOUND_SQLITE,
        config=config,
        settings=tuple(settings_shown(config)),
        unknown_variables=tuple(unknown_variables()),
        serve=serve,
        answering={port: _answers(host, port) for host, port in _places(config, serve)},
        store=store,
        counts=_counts(folder),
        spool_bytes=sum(one.size() for one in (folder, *folder.programs())),
        programs=len(folder.programs()),
        behind=behind(folder.path, store.progress),
        set_aside=tuple(set_aside(config)),
    )


def _counts(folder: SpoolFolder) -> SpoolCounts:
    """Those of the proxy and of programs that record themselves."""
    counts = CountsFile(folder.counts).read()
    for program in folder.programs():
        counts = counts.plus(CountsFile(program.counts).read())
    return counts


def settings_shown(config: Config) -> Iterator[SettingShown]:
    """Every setting in force; those by name for each upstream and project there is."""
    values = _values(config)
    for key in SETTINGS:
        if key in values:
            yield _shown(config, key, values[key])
    for name, behind_it in config.upstreams.items():
        upstream, key = behind_it.upstream, f"upstreams.{name}"
        address = f"{upstream.scheme}://{upstream.authority}{upstream.prefix}"
        yield _shown(config, f"{key}.url", address)
        more = {
            "provider": behind_it.provider,
            "capture": upstream.capture,
            "ca_file": upstream.ca_file,
            **{
                what: value
                for what, value in (
                    ("websockets", upstream.websockets),
                    ("diagnostics", upstream.diagnostics),
                )
                if f"{key}.{what}" in config.origins
            },
        }
        yield from (_shown(config, f"{key}.{k}", str(v)) for k, v in more.items() if v is not None)
    for name, capture in config.projects.items():
        yield _shown(config, f"projects.{name}.capture", capture)


def _shown(config: Config, key: str, value: str) -> SettingShown:
    return SettingShown(key, value, config.origins.get(key, "default"))


def _values(config: Config) -> Mapping[str, str]:
    spool, retention = config.spool, config.retention
    return {
        "store": config.store,
        "data": str(config.data),
        "host": config.host,
        "port": str(config.port),
        "dashboard_port": str(config.dashboard_port),
        "allowed_hosts": ", ".join(config.allowed_hosts) or "none",
        "allow_remote": str(config.allow_remote).lower(),
        "token": "not shown" if config.token else "made when it is needed",
        "capture": config.capture,
        "project": config.project or "none",
        "prices": str(config.prices) if config.prices else "none",
        "drain": f"{config.drain.total_seconds():g}s",
        "spool.folder": spool.folder,
        "spool.size": size(spool.total_bytes),
        "spool.memory": size(spool.budget_bytes),
        "spool.body": size(spool.body_bytes),
        "retention.texts": _days(retention.texts),
        "retention.facts": _days(retention.facts),
        "retention.size": size(retention.most_bytes) if retention.most_bytes else "never",
        "alerting.every": f"{config.alerting.every.total_seconds():g}s",
        "otel.endpoint": config.otel.endpoint if config.otel else "none",
        "otel.headers": "not shown" if config.otel and config.otel.headers else "none",
        "alerting.dashboard": config.alerting.dashboard or "the dashboard's own",
    }


def _days(span: timedelta | None) -> str:
    if span is None:
        return "never"
    whole = span == timedelta(days=span.days)
    return f"{span.days}d" if whole else f"{span.total_seconds() / 3600:g}h"


def size(count: int) -> str:
    """``12.3MB``: bytes, of 1024."""
    value, unit = float(count), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if value < 1024 or unit == "TB":
            break
        value /= 1024
    return f"{value:.1f}".rstrip("0").rstrip(".") + unit


def _store(config: Config, contents: Contents | None) -> StoreFacts:
    try:
        store = open_store(config.store, write=False)
    except Missing:
        return StoreFacts(missing=True)
    except UserError as error:
        return StoreFacts(error=str(error))
    try:
        return StoreFacts(
            contents or store.contents(), Progress.read(store.state()), notes=store.notes
        )
    except UserError as error:
        return StoreFacts(error=str(error))
    finally:
        store.close()


def set_aside(config: Config) -> Iterator[str]:
    """Files that were damaged and are kept for a look."""
    beside = config.beside
    if beside.parent.is_dir():
        found = sorted(beside.parent.glob(f"{beside.name}*.damaged-*"))
        yield from (str(path) for path in found)
    yield from map(str, sorted(Path(config.spool.folder).glob(f"*{CORRUPT}")))


def _places(config: Config, serve: Running | None) -> Iterator[tuple[str, int]]:
    if serve is None:
        yield from ((config.host, port) for port in (config.port, config.dashboard_port) if port)
        return
    for url in (serve.proxy, serve.dashboard):
        parts = urlsplit(url)
        if parts.hostname and parts.port:
            yield parts.hostname, parts.port


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), _PATIENCE_S).close()
    except OSError:
        return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _nanoseconds(value: int) -> str | None:
    return time_text(datetime.fromtimestamp(value // 10**9, UTC)) if value else None


def _serve(found: Running | None) -> Json:
    if found is None:
        return None
    return {
        "pid": found.pid,
        "version": found.version,
        "started": found.started,
        "proxy": found.proxy,
        "dashboard": found.dashboard,
        "processes": dict(found.processes),
        "restarts": dict(found.restarts),
    }


def _contents(found: Contents | None) -> dict[str, Json]:
    if found is None:
        return {"calls": None}
    return {
        "calls": found.calls,
        "with_texts": found.with_texts,
        "bytes": found.bytes,
        "first_seen": time_text(found.first_seen) if found.first_seen else None,
        "last_seen": time_text(found.last_seen) if found.last_seen else None,
    }


def _progress(found: Progress | None) -> Json:
    if found is None:
        return None
    return {
        "skipped": dict(found.skipped),
        "lacking": dict(found.lacking),
        "failed": dict(found.failed),
        "damaged_bytes": dict(found.damaged),
        "providers": {name: dict(said) for name, said in found.providers.items()},
    }
