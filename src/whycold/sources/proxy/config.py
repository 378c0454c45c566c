"""What the proxy is told: where it listens, whom it may call, what it keeps and its limits."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from whycold.errors import UserError
from whycold.sources.spool_record import Capture
from whycold.sources.spool_writer import SpoolConfig

__all__ = ["VENDORS", "Diagnostics", "Limits", "ProxyConfig", "Upstream", "Websockets"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PATH = re.compile(r"(?:/[\x21-\x7e]*)?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Websockets(StrEnum):
    """What becomes of a request to speak WebSocket: ``forward`` lets it pass, unrecorded;
    ``refuse`` answers 426, after which a client that can speaks HTTP."""

    forward = "forward"
    refuse = "refuse"


class Diagnostics(StrEnum):
    """What becomes of a call that asks for the provider's cache diagnostics: ``forward`` lets it
    pass; ``answer`` has whycold answer, for an upstream that does not."""

    forward = "forward"
    answer = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A server that calls may be sent to.

    ``prefix`` is put before every path, without a slash at its end. ``ca_file`` replaces the
    system's certificate authorities. ``capture`` overrides the proxy's own mode. ``vendor`` marks
    an address that cannot lead back here, so that no loop guard need be sent to it."""

    name: str
    scheme: str
    host: str
    port: int
    prefix: str = ""
    ca_file: str | None = None
    capture: Capture | None = None
    websockets: Websockets = Websockets.forward
    diagnostics: Diagnostics = Diagnostics.forward
    vendor: bool = False

    @classmethod
    def from_url(
        cls,
        name: str,
        url: str,
        *,
        ca_file: str | None = None,
        capture: Capture | None = None,
        websockets: Websockets = Websockets.forward,
        diagnostics: Diagnostics = Diagnostics.forward,
    ) -> Upstream:
        """An upstream at ``http://HOST[:PORT][/PREFIX]`` or ``https://...``. Raises UserError."""
        if not _NAME.fullmatch(name):
            raise UserError(f"upstream name {name!r}: use letters, digits, '.', '_' and '-'")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise UserError(f"upstream {name}: {url!r} is not an address: {error}") from None
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise UserError(f"upstream {name}: {url!r} must look like https://host or http://host")
        if parts.username is not None or parts.query or parts.fragment:
            raise UserError(
                f"upstream {name}: leave keys, '?' and '#' out of the address; clients send the key"
            )
        if not _PATH.fullmatch(parts.path) or not _is_host(parts.hostname):
            raise UserError(f"upstream {name}: {url!r} has characters that no address may have")
        return cls(
            name=name,
            scheme=parts.scheme,
            host=parts.hostname,
            port=_DEFAULT_PORTS[parts.scheme] if port is None else port,
            prefix=parts.path.rstrip("/"),
            ca_file=ca_file,
            capture=capture,
            websockets=websockets,
            diagnostics=diagnostics,
            vendor=parts.scheme == "https" and parts.hostname in _VENDOR_HOSTS,
        )

    @property
    def authority(self) -> str:
        """What the Host header says: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?", host) is not None
    return True


_VENDOR_URLS = {
    "anthropic": "https://api.anthropic.com",
    "openai": "https://api.openai.com",
    "gemini": "https://generativelanguage.googleapis.com",
}
_VENDOR_HOSTS = {urlsplit(url).hostname for url in _VENDOR_URLS.values()}

VENDORS: Mapping[str, Upstream] = {
    name: Upstream.from_url(name, url) for name, url in _VENDOR_URLS.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes in bytes, times in seconds.

    ``idle_s`` is the longest silence inside an exchange: a model may think for many minutes before
    its first byte, and clients have their own, shorter patience. ``stale_s`` is how soon after a
    request went out over a used connection its end is taken for staleness, and the request sent
    again: later the upstream may have worked on it. ``replay_bytes`` bounds what all requests
    together keep for that; a longer body gets a new connection instead. ``asked_bytes`` is the
    longest body of a call whose cache diagnostics are answered here, ``asking_bytes`` what may wait
    to be compared."""

    head_bytes: int = 65536
    pipeline_bytes: int = 65536
    buffer_bytes: int = 65536
    replay_bytes: int = 8 << 20
    asked_bytes: int = 32 << 20
    asking_bytes: int = 64 << 20
    connect_s: float = 15.0
    header_s: float = 30.0
    keep_alive_s: float = 300.0
    idle_s: float = 3600.0
    linger_s: float = 5.0
    stale_s: float = 5.0
    pool_idle_s: float = 60.0
    pool_size: int = 256
    drain_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """Everything a proxy needs to know; it reads no file and no environment.

    ``port`` 0 takes a free one. ``dashboard_port`` is never accepted as an upstream. Of
    ``capture``, the upstream's own mode and ``project_capture`` (by ``x-whycold-project``) the
    strictest holds. ``allowed_hosts`` are names, beside IP addresses and the machine's own, that a
    request's Host may carry. Without a ``spool`` nothing is recorded. ``diagnoser`` is the path of
    the socket at which requests are compared; without it no call is answered."""

    host: str = "127.0.0.1"
    port: int = 4141
    dashboard_port: int | None = None
    upstreams: Mapping[str, Upstream] = field(default_factory=lambda: dict(VENDORS))
    allowed_hosts: tuple[str, ...] = ()
    capture: Capture = Capture.full
    project_capture: Mapping[str, Capture] = field(default_factory=dict[str, Capture])
    spool: SpoolConfig | None = None
    diagnoser: str | None = None
    limits: Limits = Limits()
