"""Tables of the SQLite store, and how a file of an older version becomes one of this.

Times are microseconds since 1970, money millionths of a millionth of a dollar. A call's number
(``rid``) holds its time, so a range of time is a range of rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from whycold.errors import UserError
from whycold.store.measures import COLUMNS, TOKENS
from whycold.store.spreads import bucket_sql, selects
from whycold.store.sqlite_database import Database

__all__ = ["VERSION", "is_current", "migrate"]

_APPLICATION: Final = 0x77636C64
"""Marks the file as ours in SQLite's header: "wcld"."""

_MEASURES: Final = ",\n".join(f"    {name} INTEGER NOT NULL" for name in COLUMNS)
_COUNTS: Final = ",\n".join(f"    {name} INTEGER" for name in TOKENS)

_FIRST: Final = f"""
-- Labels that calls are counted under, each combination once.
CREATE TABLE label (
    id INTEGER PRIMARY KEY,
    project TEXT, provider TEXT NOT NULL, model TEXT, agent TEXT, release TEXT,
    first_at INTEGER NOT NULL, last_at INTEGER NOT NULL
) STRICT;
CREATE TABLE kind (
    id INTEGER PRIMARY KEY, verdict TEXT NOT NULL, reason TEXT, cause TEXT
) STRICT;
-- What else is often the same from call to call; nothing is counted by it.
CREATE TABLE origin (
    id INTEGER PRIMARY KEY,
    api TEXT NOT NULL, account TEXT, host TEXT, capture TEXT NOT NULL, status INTEGER, source TEXT,
    tier TEXT, speed TEXT, region TEXT, batch INTEGER NOT NULL,
    reply_model TEXT, reply_host TEXT, stop TEXT, complete INTEGER NOT NULL
) STRICT;
CREATE TABLE session (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, project TEXT,
    first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    calls INTEGER NOT NULL, misses INTEGER NOT NULL, missed INTEGER NOT NULL,
    cost INTEGER NOT NULL, input INTEGER NOT NULL, cache_read INTEGER NOT NULL,
    reporting_input INTEGER NOT NULL
) STRICT;
CREATE INDEX session_name ON session (name);
CREATE INDEX session_last ON session (last_at);

CREATE TABLE call (
    rid INTEGER PRIMARY KEY, us INTEGER NOT NULL,
    label INTEGER NOT NULL, kind INTEGER NOT NULL, origin INTEGER NOT NULL,
    session INTEGER, culprit INTEGER, miss INTEGER,
    missed INTEGER NOT NULL, cost INTEGER, stake INTEGER NOT NULL,
{_COUNTS},
    more BLOB NOT NULL
) STRICT;
CREATE INDEX call_session ON call (session, rid) WHERE session IS NOT NULL;
-- Holds what the list of misses is filtered by, so that a page of it reads no other rows.
CREATE INDEX call_miss ON call (rid, label, kind, session, culprit) WHERE miss = 1;
CREATE INDEX call_culprit ON call (culprit, rid) WHERE miss = 1;
-- Every id of a call, hashed: a third of the bytes of an index of the ids themselves.
CREATE TABLE alias (h INTEGER, rid INTEGER, PRIMARY KEY (h, rid)) STRICT, WITHOUT ROWID;

-- What goes when texts go.
CREATE TABLE detail (
    rid INTEGER PRIMARY KEY, segment INTEGER, envelope INTEGER, advice INTEGER,
    marks BLOB NOT NULL, reply BLOB NOT NULL, texts BLOB NOT NULL, counts BLOB NOT NULL
) STRICT;
-- A prompt: the first `shared` blocks of its parent, then its own. `owned` while its call is kept.
CREATE TABLE segment (
    id INTEGER PRIMARY KEY, parent INTEGER, shared INTEGER NOT NULL, total INTEGER NOT NULL,
    depth INTEGER NOT NULL, owned INTEGER NOT NULL, blocks BLOB NOT NULL
) STRICT;
CREATE INDEX segment_parent ON segment (parent, shared) WHERE parent IS NOT NULL;
CREATE TABLE content (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, z BLOB NOT NULL) STRICT;
-- References to a content beyond the first one.
CREATE TABLE shared (id INTEGER PRIMARY KEY, extra INTEGER NOT NULL) STRICT;

CREATE TABLE hourly (
    hour INTEGER, label INTEGER, kind INTEGER,
{_MEASURES},
    PRIMARY KEY (hour, label, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE daily (
    day INTEGER, label INTEGER, kind INTEGER,
{_MEASURES},
    PRIMARY KEY (day, label, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE culprit (
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, project TEXT,
    reason TEXT, cause TEXT, path TEXT, title TEXT,
    first_at INTEGER NOT NULL, last_at INTEGER NOT NULL
) STRICT;
CREATE TABLE culprit_day (
    day INTEGER, culprit INTEGER, label INTEGER, kind INTEGER,
    misses INTEGER NOT NULL, missed INTEGER NOT NULL, cost INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    PRIMARY KEY (day, culprit, label, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX culprit_day_culprit ON culprit_day (culprit, day);
CREATE TABLE mark (
    culprit TEXT PRIMARY KEY, state TEXT NOT NULL, at INTEGER NOT NULL, release TEXT, note TEXT
) STRICT;

CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE batch (id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE secret (id INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT;
"""


def _first(db: Database) -> None:
    db.run(_FIRST)
    db.run("INSERT INTO secret VALUES (1, ?)", (os.urandom(32),))


def _openings(db: Database) -> None:
    """Tools and systems are dated from here on; older calls do not say which they had."""
    db.run(
        """
        CREATE TABLE opening (
            id INTEGER PRIMARY KEY, section TEXT NOT NULL, digest BLOB NOT NULL, project TEXT,
            first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, calls INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX opening_digest ON opening (digest);
        CREATE INDEX opening_first ON opening (first_at);
        ALTER TABLE call ADD COLUMN tools INTEGER;
        ALTER TABLE call ADD COLUMN system INTEGER;
        """
    )


def _spreads(db: Database) -> None:
    """Calls that were forgotten before are in no spread."""
    db.run(
        """
        CREATE TABLE spread (
            spread TEXT, label INTEGER, bucket INTEGER,
            calls INTEGER NOT NULL, total INTEGER NOT NULL, PRIMARY KEY (spread, label, bucket)
        ) STRICT, WITHOUT ROWID
        """
    )
    for spread, value, where in selects():
        db.run(
            f"INSERT INTO spread SELECT '{spread}', label, {bucket_sql(spread, value)}, count(*),"
            f" sum({value}) FROM call WHERE {where} GROUP BY 2, 3"
        )


_MIGRATIONS: Final[tuple[Callable[[Database], None], ...]] = (_first, _openings, _spreads)
"""Each makes the next version out of the one before; the first one begins with an empty file."""

VERSION: Final = len(_MIGRATIONS)


def is_current(db: Database) -> bool:
    """Whether the file is of this version. UserError when it is another program's, or newer."""
    application, version = db.value("PRAGMA application_id"), db.value("PRAGMA user_version")
    if application != _APPLICATION and (
        application or version or db.value("SELECT count(*) FROM sqlite_schema")
    ):
        raise UserError(f"{db.path} is another program's database; choose another --store")
    if version > VERSION:
        raise UserError(
            f"{db.path} was written by a newer whycold (version {version} of its tables, this one"
            f" knows {VERSION}); upgrade, or choose another --store"
        )
    return version == VERSION


def migrate(db: Database) -> bool:
    """Bring the file to this version; false when it was there already."""
    if is_current(db):
        return False
    with db.transaction():
        version = db.value("PRAGMA user_version")
        for step in _MIGRATIONS[version:]:
            step(db)
        db.run(f"PRAGMA application_id = {_APPLICATION}")
        db.run(f"PRAGMA user_version = {VERSION}")
    return True
