"""Every setting: what it is called, what it does, and what all of them together come to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from whycold.core.content import Json, JsonMap, as_map
from whycold.errors import UserError
from whycold.frontends.config_alerts import ALERT_SETTINGS, Alerting, read_alerting
from whycold.frontends.config_otel import OTEL_SETTINGS, Otel, read_otel
from whycold.frontends.config_values import (
    BadValue,
    or_never,
    read_choice,
    read_flag,
    read_names,
    read_port,
    read_size,
    read_span,
    read_text,
)
from whycold.providers.registry import DIALECTS
from whycold.sources.proxy.config import VENDORS, Diagnostics, Upstream, Websockets
from whycold.sources.spool import SpoolConfig
from whycold.sources.spool_record import Capture
from whycold.store.answers import Retention

__all__ = ["SETTINGS", "Behind", "Config", "Given", "built", "flattened"]

_T = TypeVar("_T")

SETTINGS: Mapping[str, tuple[str, str]] = {
    "store": ("sqlite:///DATA/whycold.db", "Where calls are kept."),
    "data": (
        "the user's data folder",
        "Folder of the default store. Its own default is `$XDG_DATA_HOME/whycold`, else "
        "`~/.local/share/whycold`; `%LOCALAPPDATA%\\whycold` on Windows.",
    ),
    "host": ("127.0.0.1", "Address that `serve` listens on."),
    "port": ("4141", "Port of the recording proxy; 0 takes a free one."),
    "dashboard_port": ("4142", "Port of the dashboard and the JSON API; 0 takes a free one."),
    "allowed_hosts": (
        "[]",
        "Host names, beside `localhost` and addresses, under which both ports may be asked.",
    ),
    "allow_remote": (
        "false",
        "Allow a `host` that other machines can reach. The dashboard then asks for `token`.",
    ),
    "token": (
        "made at the first start",
        "What the dashboard asks for once `allow_remote` is on; at least 16 characters.",
    ),
    "capture": ("full", "How much of a call is kept: `full`, `hash`, `usage` or `none`."),
    "project": ("none", "Project of calls that name none themselves."),
    "prices": ("none", "Own prices: a LiteLLM-style JSON file."),
    "drain": ("30s", "How long calls under way may take to end when `serve` is told to stop."),
    "spool.folder": ("beside the store", "Folder between the proxy and the recorder."),
    "spool.size": ("1GB", "Most that may wait there; beyond it bodies, then records are left out."),
    "spool.memory": ("64MB", "Most that the proxy holds in memory for recording."),
    "spool.body": (
        "32MB",
        "Longest body that is recorded; longer ones are forwarded all the same.",
    ),
    "retention.texts": (
        "30d",
        "How long prompts, replies and quoted text are kept; `never`: no bound.",
    ),
    "retention.facts": (
        "400d",
        "How long calls are kept at all; sums stay for ever. `never`: no bound.",
    ),
    "retention.size": (
        "10GB",
        "Most that the store may take; the oldest texts go first. `never`: no bound.",
    ),
    "upstreams.NAME": (
        "the three vendors",
        "Address of an upstream: `anthropic`, `openai`, `gemini`, or a name of your own for "
        "`/to/NAME/…`.",
    ),
    "upstreams.NAME.url": ("the vendor's", "The same, beside other settings of that upstream."),
    "upstreams.NAME.provider": (
        "found out",
        "Who answers there, when the answers do not tell: a name of `docs/providers.md`.",
    ),
    "upstreams.NAME.capture": ("`capture`", "How much is kept of calls to it."),
    "upstreams.NAME.ca_file": ("the system's", "Certificate authorities to verify it with."),
    "upstreams.NAME.websockets": (
        "forward",
        "`forward`: a WebSocket passes through, unrecorded. `refuse`: it is answered 426, and "
        "clients that can, such as Codex CLI, go on over HTTP, which is recorded.",
    ),
    "upstreams.NAME.diagnostics": (
        "forward",
        "`answer`: whycold answers calls that ask for Anthropic's or OpenAI's cache diagnostics, "
        "where the upstream does not; docs/diagnostics.md.",
    ),
    "projects.NAME.capture": ("`capture`", "How much is kept of the calls of a project."),
    **ALERT_SETTINGS,
    **OTEL_SETTINGS,
}
"""Settings by key, each with its default and what it does. An environment variable of the same
name in capitals, dots as underscores, behind ``WHYCOLD_`` goes before the file."""

_SHORTEST_TOKEN = 16
_SIZE_DEFAULTS = {"spool.size": 1 << 30, "spool.memory": 64 << 20, "spool.body": 32 << 20}
_LEAST_MEMORY = 1 << 20


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was written, and where: a file, a variable, or the command line."""

    value: Json
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Who is behind an upstream: its address, and the provider where one is set."""

    upstream: Upstream
    provider: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings, read; docs/configuration.md says what each is for.

    ``file`` is the one that was read, if any; ``origins`` where each setting comes from that was
    set at all. ``beside`` is the store's path without its suffix, which files beside it begin with.
    """

    file: Path | None
    data: Path
    store: str
    beside: Path
    host: str
    port: int
    dashboard_port: int
    allowed_hosts: tuple[str, ...]
    allow_remote: bool
    token: str | None
    capture: Capture
    project: str | None
    prices: Path | None
    drain: timedelta
    spool: SpoolConfig
    retention: Retention
    upstreams: Mapping[str, Behind]
    projects: Mapping[str, Capture]
    alerting: Alerting
    otel: Otel | None = None
    origins: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def state_file(self) -> Path:
        """Where a running ``serve`` of this store says that it is there."""
        return self.beside.with_name(f"{self.beside.name}.serve.json")

    @property
    def alerts_file(self) -> Path:
        """Where alerts stand, for the next start and for others to read."""
        return self.beside.with_name(f"{self.beside.name}.alerts.json")

    @property
    def metrics_file(self) -> Path:
        """What keeps the counters of ``/metrics`` from falling."""
        return self.beside.with_name(f"{self.beside.name}.metrics.json")

    @property
    def orders_folder(self) -> Path:
        """Where others leave what a running ``serve`` is to do with this store."""
        return self.beside.with_name(f"{self.beside.name}.orders")


class _Reader:
    """Takes values out of what was given, so that at the end nothing unknown is left."""

    def __init__(self, given: Mapping[str, Given], folder: Path) -> None:
        self._given, self._folder = given, folder
        self.taken: set[str] = set()

    def get(self, key: str, read: Callable[[Json], _T], default: _T) -> _T:
        """The setting ``key``; UserError names where a bad value stands."""
        self.taken.add(key)
        found = self._given.get(key)
        if found is None:
            return default
        try:
            return read(found.value)
        except BadValue as error:
            secret = key in ("token", "otel.headers") or key.endswith((".secret", ".url"))
            shown = "" if secret else f", not {_shown(found.value)}"
            raise UserError(f"{found.origin}: {key} {error}{shown}") from None
        except UserError as error:
            raise UserError(f"{found.origin}: {key}: {error}") from None

    def file(self, key: str) -> Path | None:
        """A path, from the folder of the configuration file when that named it."""
        text = self.get(key, read_text, None)
        if text is None:
            return None
        return self._folder / Path(text).expanduser()

    def names(self, table: str) -> list[str]:
        """The names under a table such as ``upstreams``, in order of appearance."""
        keys = (key for key in self._given if key.startswith(f"{table}."))
        return list(dict.fromkeys(key.partition(".")[2].rpartition(".")[0] for key in keys))


def built(given: Mapping[str, Given], data: Path, folder: Path, file: Path | None) -> Config:
    """The settings from what was given, over the defaults.

    ``data`` is the user's data folder, ``folder`` what relative paths start from. Raises UserError
    for values that cannot be meant, and for keys that are no setting.
    """
    reader = _Reader(given, folder)
    data = reader.file("data") or data
    store = reader.get("store", _store, f"sqlite:///{data / 'whycold.db'}")
    beside = _beside(store, data)
    retention = Retention()
    config = Config(
        file=file,
        data=data,
        store=store,
        beside=beside,
        host=reader.get("host", read_text, "127.0.0.1"),
        port=reader.get("port", read_port, 4141),
        dashboard_port=reader.get("dashboard_port", read_port, 4142),
        allowed_hosts=reader.get("allowed_hosts", read_names, ()),
        allow_remote=reader.get("allow_remote", read_flag, False),
        token=reader.get("token", _token, None),
        capture=reader.get("capture", read_choice(Capture), Capture.full),
        project=reader.get("project", read_text, None),
        prices=reader.file("prices"),
        drain=reader.get("drain", read_span, timedelta(seconds=30)),
        spool=_spool(reader, beside),
        retention=Retention(
            texts=reader.get("retention.texts", or_never(read_span), retention.texts),
            facts=reader.get("retention.facts", or_never(read_span), retention.facts),
            most_bytes=reader.get("retention.size", or_never(read_size), 10 << 30),
        ),
        upstreams=dict(_upstreams(reader)),
        projects={
            name: reader.get(f"projects.{name}.capture", read_choice(Capture), Capture.full)
            for name in reader.names("projects")
        },
        alerting=read_alerting(reader),
        otel=read_otel(reader),
        origins={key: value.origin for key, value in given.items()},
    )
    _refuse_unknown(given, reader.taken)
    _refuse_equal_ports(config)
    return config


def _spool(reader: _Reader, beside: Path) -> SpoolConfig:
    sizes = {key: reader.get(key, read_size, default) for key, default in _SIZE_DEFAULTS.items()}
    folder = reader.file("spool.folder") or beside.with_name(f"{beside.name}.spool")
    return SpoolConfig(
        folder=str(folder),
        total_bytes=sizes["spool.size"],
        budget_bytes=max(sizes["spool.memory"], _LEAST_MEMORY),
        body_bytes=sizes["spool.body"],
    )


def _upstreams(reader: _Reader) -> Iterator[tuple[str, Behind]]:
    for name in dict.fromkeys((*VENDORS, *reader.names("upstreams"))):
        key = f"upstreams.{name}"
        vendor = VENDORS.get(name)
        capture = reader.get(f"{key}.capture", read_choice(Capture), None)
        ca_file = reader.file(f"{key}.ca_file")
        provider = reader.get(f"{key}.provider", _provider, None)
        url = reader.get(f"{key}.url", read_text, None) or _url_of(vendor)
        if url is None:
            raise UserError(f"upstream {name} has no url; say where it is: upstreams.{name}.url")
        websockets, diagnostics = f"{key}.websockets", f"{key}.diagnostics"
        made = Upstream.from_url(
            name,
            url,
            ca_file=str(ca_file) if ca_file else None,
            capture=capture,
            websockets=reader.get(websockets, read_choice(Websockets), Websockets.forward),
            diagnostics=reader.get(diagnostics, read_choice(Diagnostics), Diagnostics.forward),
        )
        yield name, Behind(upstream=made, provider=provider)


def _url_of(upstream: Upstream | None) -> str | None:
    return f"{upstream.scheme}://{upstream.authority}{upstream.prefix}" if upstream else None


def _store(value: Json) -> str:
    url = read_text(value)
    if "://" not in url:
        raise BadValue("wants a URL such as sqlite:///PATH")
    return url


def _beside(store: str, data: Path) -> Path:
    scheme, _, path = store.partition(":///")
    if scheme == "sqlite" and path:
        return Path(path).expanduser().absolute().with_suffix("")
    return data / hashlib.sha256(store.encode()).hexdigest()[:12]


def _token(value: Json) -> str:
    token = read_text(value)
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise BadValue(f"wants at least {_SHORTEST_TOKEN} plain characters")
    return token


def _provider(value: Json) -> str:
    name = read_text(value).lower()
    if name not in DIALECTS:
        raise BadValue(f"wants one of {', '.join(sorted(DIALECTS))}")
    return name


def _refuse_unknown(given: Mapping[str, Given], taken: set[str]) -> None:
    for key, value in given.items():
        if key in taken:
            continue
        near = get_close_matches(key, [*taken, *SETTINGS], n=1)
        hint = f"did you mean {near[0]}?" if near else "docs/configuration.md lists them"
        raise UserError(f"{value.origin}: there is no setting {key!r}; {hint}")


def _refuse_equal_ports(config: Config) -> None:
    if config.port == config.dashboard_port != 0:
        raise UserError(
            f"port and dashboard_port are both {config.port}; give one of them another number"
        )


def _shown(value: Json) -> str:
    if as_map(value) is not None:
        return "a table"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def flattened(table: JsonMap, origin: str) -> dict[str, Given]:
    """A file's tables as keys with dots; ``upstreams.NAME = URL`` is its ``url``."""
    out: dict[str, Given] = {}
    for key, value in table.items():
        inner = as_map(value)
        if key == "alerts":
            out |= _rules(value, origin)
        elif inner is None:
            out[key] = Given(value, origin)
        elif key in ("upstreams", "projects", "receivers"):
            for name, settings in inner.items():
                short = settings if as_map(settings) is not None else {"url": settings}
                for what, item in (as_map(short) or {}).items():
                    out[f"{key}.{name}.{what}"] = Given(item, origin)
        else:
            out |= {f"{key}.{what}": Given(item, origin) for what, item in inner.items()}
    return out


def _rules(value: Json, origin: str) -> dict[str, Given]:
    """``[[alerts]]`` by their names. Raises UserError."""
    out: dict[str, Given] = {}
    for table in value if isinstance(value, list) else [value]:
        settings = as_map(table) or {}
        name = settings.get("name")
        if not isinstance(name, str) or not name.strip():
            raise UserError(f"{origin}: each [[alerts]] wants a name")
        if f"alerts.{name}.name" in out:
            raise UserError(f"{origin}: two [[alerts]] have the name {name!r}")
        out |= {f"alerts.{name}.{what}": Given(item, origin) for what, item in settings.items()}
    return out
