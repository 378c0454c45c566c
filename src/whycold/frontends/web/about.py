"""What the dashboard is started with."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Dashboard"]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The URL of the store, the folder of the spool, further ``hosts`` that may be asked for, and
    the ``token`` that must be shown to read, if any; ``orders`` is the folder for what the recorder
    is to do, ``alerts`` the file in which alerts say how they stand, ``metrics`` the one that keeps
    counters from falling, ``settings`` what holds: key, value and where it was said.
    """

    store: str
    spool: str
    hosts: tuple[str, ...] = ()
    token: str | None = None
    orders: str | None = None
    alerts: str | None = None
    metrics: str | None = None
    settings: tuple[tuple[str, str, str], ...] = ()
