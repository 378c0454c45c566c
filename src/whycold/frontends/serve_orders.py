"""What each process of ``whycold serve`` is told, from the settings."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path

from whycold.frontends.config_settings import Config
from whycold.frontends.doctor_facts import settings_shown
from whycold.frontends.serve_parts import (
    AlertsOrder,
    DashboardOrder,
    DiagnoserOrder,
    Order,
    Part,
    ProxyOrder,
    RecorderOrder,
    Reducing,
    Upstreams,
)
from whycold.sources.proxy.config import Diagnostics, Limits, ProxyConfig
from whycold.sources.spool_record import Capture

__all__ = ["Orders", "reachable"]


class Orders:
    """``port`` is the proxy's: what is configured, then what it got. ``listening`` is the
    dashboard's socket, ``token`` what it asks for.
    """

    def __init__(self, config: Config, listening: socket.socket, token: str | None) -> None:
        self.port = config.port
        self.dashboard_port: int = listening.getsockname()[1]
        self._config, self._socket, self._token = config, listening.fileno(), token
        self._upstreams = Upstreams(
            {name: behind.upstream.host for name, behind in config.upstreams.items()},
            {n: behind.provider for n, behind in config.upstreams.items() if behind.provider},
        )

        behind = [b.upstream for b in config.upstreams.values()]
        answered = any(u.diagnostics is Diagnostics.answer and not u.vendor for u in behind)
        # A folder of this user alone, with a path short enough for a socket's.
        self._folder = tempfile.mkdtemp(prefix="whycold-") if answered else None

    @property
    def parts(self) -> tuple[Part, ...]:
        """Those that there is work for."""
        idle = {Part.alerts: not self._config.alerting.rules, Part.diagnoser: not self._folder}
        return tuple(part for part in Part if not idle.get(part))

    def close(self) -> None:
        """Let go of the files that are there for as long as this runs."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def of(self, part: Part) -> Order:
        """The order of one part, as of now."""
        config = self._config
        match part:
            case Part.proxy:
                return ProxyOrder(self._proxy(), self._reducing())
            case Part.recorder:
                prices = str(config.prices) if config.prices is not None else None
                return RecorderOrder(
                    config.store,
                    config.spool.folder,
                    self._upstreams,
                    config.retention,
                    config.project,
                    prices,
                    str(config.orders_folder),
                    config.capture,
                    dict(config.projects),
                    config.otel,
                )
            case Part.dashboard:
                return DashboardOrder(
                    config.store,
                    config.spool.folder,
                    self._socket,
                    config.allowed_hosts,
                    self._token,
                    str(config.orders_folder),
                    str(config.alerts_file),
                    str(config.metrics_file),
                    tuple((s.key, s.value, s.origin) for s in settings_shown(config)),
                )
            case Part.alerts:
                alerting, host = config.alerting, reachable(config.host)
                return AlertsOrder(
                    config.store,
                    str(config.alerts_file),
                    alerting.rules,
                    alerting.receivers,
                    alerting.every,
                    alerting.dashboard or f"http://{host}:{self.dashboard_port}",
                )
            case Part.diagnoser:
                return DiagnoserOrder(config.store, self._asked_at or "", self._upstreams)

    @property
    def _asked_at(self) -> str | None:
        """The socket at which requests are compared; None where none are."""
        return str(Path(self._folder) / "ask") if self._folder is not None else None

    def _proxy(self) -> ProxyConfig:
        config = self._config
        return ProxyConfig(
            host=config.host,
            port=self.port,
            dashboard_port=self.dashboard_port,
            upstreams={name: behind.upstream for name, behind in config.upstreams.items()},
            allowed_hosts=config.allowed_hosts,
            capture=config.capture,
            project_capture=config.projects,
            spool=config.spool,
            diagnoser=self._asked_at,
            limits=Limits(drain_s=config.drain.total_seconds()),
        )

    def _reducing(self) -> Reducing | None:
        """None where no text has to be left out: then no body need be looked at."""
        config = self._config
        modes = {config.capture, *config.projects.values()}
        modes |= {behind.upstream.capture or Capture.full for behind in config.upstreams.values()}
        if modes <= {Capture.full, Capture.none} and config.project not in config.projects:
            return None
        return Reducing(self._upstreams, dict(config.projects), config.project)


def reachable(host: str) -> str:
    """A host for an address that a client on this machine can use."""
    if host in ("0.0.0.0", ""):
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host
