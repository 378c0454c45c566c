"""One short look at a SQLite store, for a status line: read in a few milliseconds, with no more
imported than that needs, and no wait for anybody.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import apsw

__all__ = ["Glance", "LastMiss", "glance"]

_BUSY_MS = 20
_SUMS = "sum(calls), sum(misses), sum(reporting_input), sum(cache_read)"
_LAST = (
    "SELECT unixepoch() - (c.rid >> 22) / 1000, k.cause, u.path, c.missed, c.cost FROM call c"
    " JOIN kind k ON k.id = c.kind LEFT JOIN culprit u ON u.id = c.culprit WHERE c.miss = 1"
)
_OF_SESSION = "c.session IN (SELECT id FROM session WHERE name = ?)"
_LABEL = "label IN (SELECT id FROM label WHERE project = ?)"
_DAY = "hourly WHERE hour > unixepoch() / 3600 - 24"
_RECENT = "c.rid >= ((unixepoch() - 24 * 3600) * 1000 << 22)"


class LastMiss(NamedTuple):
    """The latest call that missed: how many seconds ago, the code of its cause, the path of the
    edit, missed tokens, and their cost in millionths of a millionth of a dollar. None: not known.
    """

    seconds: int
    cause: str | None
    path: str | None
    missed: int
    cost: int | None


class Glance(NamedTuple):
    """Calls, misses, input of the calls that report reads, what they read, and the last miss."""

    calls: int
    misses: int
    input: int
    read: int
    last: LastMiss | None


def glance(file: str, session: str | None, project: str | None) -> Glance | None:
    """The calls of a session, or else of the last 24 hours of a project or of all; None without
    any. Raises apsw.Error when the file cannot be read as a store now.
    """
    if not os.path.exists(file):
        return None
    db: Any = apsw.Connection(file, flags=apsw.SQLITE_OPEN_READONLY)
    try:
        db.set_busy_timeout(_BUSY_MS)
        if session is not None:
            return _looked(db, "session WHERE name = ?", _OF_SESSION, (session,))
        if project is not None:
            return _looked(db, f"{_DAY} AND {_LABEL}", f"{_RECENT} AND c.{_LABEL}", (project,))
        return _looked(db, _DAY, _RECENT, ())
    finally:
        db.close()


def _looked(db: Any, sums: str, misses: str, values: tuple[str, ...]) -> Glance | None:  # noqa: ANN401
    """``sums`` says which rows are summed, ``misses`` which calls are looked through."""
    calls, missed, reported, read = _row(db, f"SELECT {_SUMS} FROM {sums}", values)
    if not calls:
        return None
    last = _row(db, f"{_LAST} AND {misses} ORDER BY c.rid DESC LIMIT 1", values)
    return Glance(calls, missed, reported, read, LastMiss(*last) if last else None)


def _row(db: Any, sql: str, values: tuple[str, ...]) -> tuple[Any, ...]:  # noqa: ANN401
    """The first row; an empty one when there is none."""
    return next(iter(db.execute(sql, values)), ())
