"""The processes of ``whycold serve``: what each is told, and how it answers.

A part is ``python -m MODULE``. It reads one line of JSON from standard input, which stays open for
as long as the part is wanted, and answers on standard output with one line: that it is ready, or
why it cannot be.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from types import FrameType
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from whycold.errors import UserError
from whycold.frontends.alert_rules import Receiver, Rule
from whycold.frontends.config_otel import Otel
from whycold.sources.proxy.config import ProxyConfig
from whycold.sources.spool_record import Capture
from whycold.store.answers import Retention

__all__ = [
    "MODULES",
    "AlertsOrder",
    "DashboardOrder",
    "DiagnoserOrder",
    "Order",
    "Part",
    "ProxyOrder",
    "RecorderOrder",
    "Reducing",
    "Said",
    "Upstreams",
    "encode",
    "say",
    "take_order",
    "until_unwanted",
]

_T = TypeVar("_T")


class Part(StrEnum):
    """What a process is for."""

    recorder = "recorder"
    dashboard = "dashboard"
    proxy = "proxy"
    alerts = "alerts"
    diagnoser = "diagnoser"


MODULES: Final[Mapping[Part, str]] = {
    Part.recorder: "whycold.frontends.recorder_part",
    Part.dashboard: "whycold.frontends.dashboard_part",
    Part.proxy: "whycold.frontends.proxy_part",
    Part.alerts: "whycold.frontends.alerts_part",
    Part.diagnoser: "whycold.frontends.diagnoser_part",
}


class Upstreams(msgspec.Struct, frozen=True):
    """By upstream: its host, and the provider where one is set."""

    hosts: dict[str, str]
    providers: dict[str, str]


class Reducing(msgspec.Struct, frozen=True):
    """What is needed to leave out text that may not be kept."""

    upstreams: Upstreams
    projects: dict[str, Capture]
    project: str | None


class ProxyOrder(msgspec.Struct, frozen=True):
    """For the proxy; ``reducing`` is None where all text may be kept."""

    proxy: ProxyConfig
    reducing: Reducing | None


class RecorderOrder(msgspec.Struct, frozen=True):
    """For the recorder; ``orders`` is the folder in which it is given more to do, ``capture`` and
    ``projects`` say how much is kept of what it imports, ``otel`` where spans are sent.
    """

    store: str
    spool: str
    upstreams: Upstreams
    retention: Retention
    project: str | None
    prices: str | None
    orders: str | None = None
    capture: Capture = Capture.full
    projects: dict[str, Capture] = {}
    otel: Otel | None = None


class DashboardOrder(msgspec.Struct, frozen=True):
    """For the dashboard; ``socket`` is an inherited descriptor that listens already, ``token`` what
    must be shown to read, ``orders`` the folder for what the recorder is to do, ``alerts`` the file
    in which alerts say how they stand, ``metrics`` the one that keeps counters from falling,
    ``settings`` what holds: key, value and where it was said.
    """

    store: str
    spool: str
    socket: int
    hosts: tuple[str, ...]
    token: str | None
    orders: str | None = None
    alerts: str | None = None
    metrics: str | None = None
    settings: tuple[tuple[str, str, str], ...] = ()


class AlertsOrder(msgspec.Struct, frozen=True):
    """For the alerts; ``state`` is the file in which they say how they stand, ``dashboard`` the
    address for links.
    """

    store: str
    state: str
    rules: tuple[Rule, ...]
    receivers: tuple[Receiver, ...]
    every: timedelta
    dashboard: str


class DiagnoserOrder(msgspec.Struct, frozen=True):
    """For the diagnoser; ``socket`` is the path at which the proxy asks."""

    store: str
    socket: str
    upstreams: Upstreams


class Said(msgspec.Struct, frozen=True):
    """A part's answer; ``port`` is where the proxy listens, ``note`` what a person should know."""

    error: str | None = None
    port: int = 0
    note: str | None = None


Order: TypeAlias = ProxyOrder | RecorderOrder | DashboardOrder | AlertsOrder | DiagnoserOrder


def encode(order: Order) -> bytes:
    """An order as one line."""
    return msgspec.json.encode(order) + b"\n"


def take_order(kind: type[_T], work: Callable[[_T], None]) -> None:
    """Be a part: read the order, do the work; a UserError is the answer, with exit code 2."""
    name = kind.__name__.removesuffix("Order").lower()
    logging.basicConfig(stream=sys.stderr, format=f"whycold {name}: %(message)s")
    try:
        try:
            order = msgspec.json.decode(sys.stdin.buffer.readline(), type=kind)
        except msgspec.MsgspecError as error:
            raise UserError(f"the order cannot be read: {error}") from None
        work(order)
    except UserError as error:
        say(Said(error=str(error)))
        sys.exit(2)


def say(said: Said) -> None:
    """Answer."""
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


def until_unwanted(stop: Callable[[], Any]) -> None:
    """Calls ``stop`` at SIGTERM and, from a thread of its own, when standard input ends."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop()

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        stop()

    signal.signal(signal.SIGTERM, on_signal)
    threading.Thread(target=watch, name="whycold-leash", daemon=True).start()
