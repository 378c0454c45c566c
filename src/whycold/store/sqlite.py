"""The store in a SQLite file: one process writes, any number read at the same time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from whycold.core.prompt import Prompt
from whycold.errors import UserError
from whycold.store import sqlite_culprits, sqlite_lists, sqlite_questions, sqlite_sweep
from whycold.store.answers import (
    Contents,
    Cross,
    CulpritOrder,
    CulpritRow,
    Dimension,
    Erase,
    Filters,
    Group,
    Mark,
    OpeningRow,
    Point,
    ReleaseRow,
    Retention,
    SessionPage,
    Split,
    Swept,
    Totals,
)
from whycold.store.base import Damaged
from whycold.store.numbering import micros
from whycold.store.records import Kept, Page, Record, Written
from whycold.store.spreads import SpreadRow
from whycold.store.sqlite_database import Database, translated
from whycold.store.sqlite_file import StoreFile
from whycold.store.sqlite_ids import rid_of
from whycold.store.sqlite_openings import opening_rows
from whycold.store.sqlite_rows import FROM, CallReader
from whycold.store.sqlite_spreads import spread_rows
from whycold.store.sqlite_writer import Writer

__all__ = ["SqliteStore"]


class SqliteStore:
    """See ``base.Store``. May be used from several threads: they read beside each other, and
    writes wait for each other.

    ``key`` is what the digests of capture mode ``hash`` are made with; without one the file's own
    is used, so that whoever has the file can try guesses.
    """

    def __init__(self, path: Path, *, write: bool, key: bytes | None = None) -> None:
        self._file, self._key = StoreFile(path, write=write), key
        self._owner: tuple[Database, Writer] | None = None
        self._writing = threading.RLock()
        self._idle: deque[Database] = deque()
        self._pinned = threading.local()
        if not write:
            self._file.look()
            return
        with ExitStack() as undone:
            undone.callback(self._file.release)
            db = self._file.begin()
            undone.callback(db.close)
            self._owner = db, Writer(db, key)
            undone.pop_all()

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._file.notes)

    def close(self) -> None:
        with self._writing:
            while self._idle:
                self._idle.pop().close()
            if self._owner is not None:
                self._owner[0].close()
                self._owner = None
            self._file.release()

    @contextmanager
    def snapshot(self) -> Generator[None]:
        if self._of_snapshot() is not None:
            yield
            return
        with self._watched(), self._connection() as db, db.snapshot():
            self._pinned.db = db
            try:
                yield
            finally:
                self._pinned.db = None

    def _of_snapshot(self) -> Database | None:
        """The connection that this thread's snapshot reads through, inside of one."""
        return getattr(self._pinned, "db", None)

    def write(
        self, token: str, records: Sequence[Record], state: Mapping[str, str] | None = None
    ) -> Written:
        with self._writing:
            if self._owner is None:
                raise UserError(f"the store {self._file.path} is open for reading only")
            with self._watched():
                return self._owner[1].write(token, records, state)

    def state(self) -> dict[str, str]:
        with self._reading() as db:
            return dict(db.rows("SELECT key, value FROM state"))

    def retain(self, policy: Retention, now: datetime, slices: int = 16) -> Swept:
        with self._changing() as (db, writer):
            return sqlite_sweep.retain(db, writer, policy, now, slices)

    def erase(self, what: Erase, slices: int | None = None) -> Swept:
        with self._changing() as (db, writer):
            return sqlite_sweep.erase(db, writer, what, slices)

    def mark(self, culprit: str, mark: Mark) -> None:
        with self._changing() as (db, _):
            sqlite_culprits.set_mark(db, culprit, mark)

    def totals(self, filters: Filters) -> Totals:
        with self._reading() as db:
            return sqlite_questions.totalled(db, filters)

    def grouped(self, filters: Filters, by: Dimension) -> tuple[Group, ...]:
        with self._reading() as db:
            return sqlite_questions.grouped(db, filters, by)

    def split(self, filters: Filters, by: Sequence[Dimension]) -> Split:
        with self._reading() as db:
            return sqlite_questions.split(db, filters, by)

    def crossed(self, filters: Filters, by: Sequence[Dimension]) -> tuple[Cross, ...]:
        with self._reading() as db:
            return sqlite_questions.crossed(db, filters, by)

    def series(self, filters: Filters, hours: int, by: Dimension | None) -> tuple[Point, ...]:
        with self._reading() as db:
            return sqlite_questions.series(db, filters, hours, by)

    def misses(self, filters: Filters, cursor: str | None = None, limit: int = 50) -> Page:
        with self._reading() as db:
            return sqlite_lists.call_page(db, filters, cursor, limit, misses=True)

    def calls(self, filters: Filters, cursor: str | None = None, limit: int = 50) -> Page:
        with self._reading() as db:
            return sqlite_lists.call_page(db, filters, cursor, limit, misses=False)

    def find(self, id: str) -> Kept | None:
        with self._reading() as db:
            found = CallReader(db).kept(_ONE, (rid_of(db, id),))
            return found[0] if found else None

    def record(self, id: str) -> Record | None:
        with self._reading() as db:
            return next(CallReader(db).records(_ONE, (rid_of(db, id),), blocks=True), None)

    def prompt(self, id: str) -> Prompt | None:
        with self._reading() as db:
            rid = rid_of(db, id)
            return None if rid is None else CallReader(db).prompt(rid)

    def session(self, session: str, project: str | None = None) -> tuple[Kept, ...]:
        with self._reading() as db:
            return sqlite_lists.session_calls(db, session, project)

    def sessions(self, filters: Filters, cursor: str | None = None, limit: int = 50) -> SessionPage:
        with self._reading() as db:
            return sqlite_lists.session_page(db, filters, cursor, limit)

    def culprits(
        self, filters: Filters, limit: int = 100, order: CulpritOrder = CulpritOrder.cost
    ) -> tuple[CulpritRow, ...]:
        with self._reading() as db:
            return sqlite_culprits.culprit_rows(db, filters, limit, order)

    def culprit(self, id: str, filters: Filters | None = None) -> CulpritRow | None:
        with self._reading() as db:
            return sqlite_culprits.culprit_row(db, id, filters)

    def marks(self) -> dict[str, Mark]:
        with self._reading() as db:
            return sqlite_culprits.marks(db)

    def releases(self, filters: Filters) -> tuple[ReleaseRow, ...]:
        with self._reading() as db:
            return sqlite_questions.release_rows(db, filters)

    def openings(
        self, filters: Filters, least: int = 2, limit: int = 200
    ) -> tuple[OpeningRow, ...]:
        with self._reading() as db:
            return opening_rows(db, filters, least, limit)

    def spreads(self) -> tuple[SpreadRow, ...]:
        with self._reading() as db:
            return spread_rows(db)

    def values(self, dimension: Dimension) -> tuple[str, ...]:
        with self._reading() as db:
            return sqlite_questions.values_of(db, dimension)

    def history(self, since: datetime | None = None, last: int | None = None) -> Iterator[Record]:
        start = micros(since) if since is not None else None
        with self._watched(), self._connection() as db:
            yield from sqlite_lists.history(db, start, last)

    def contents(self) -> Contents:
        with self._reading() as db:
            return sqlite_questions.contents(db)

    @contextmanager
    def _connection(self) -> Generator[Database]:
        """A connection to read through, which is nobody else's meanwhile."""
        pinned = self._of_snapshot()
        if pinned is not None:
            yield pinned
            return
        try:
            db = self._idle.pop()
        except IndexError:
            db = self._file.reader()
        with ExitStack() as undone:
            # of one that failed or was left in the middle of something nothing is known
            undone.callback(db.close)
            yield db
            undone.pop_all()
        self._idle.append(db)

    @contextmanager
    def _reading(self) -> Generator[Database]:
        with self._watched(), self._connection() as db, db.snapshot():
            yield db

    @contextmanager
    def _changing(self) -> Generator[tuple[Database, Writer]]:
        """The connection that writes, or for a moment one beside the process that has it."""
        with self._writing, self._watched():
            if self._owner is not None:
                yield self._owner
                return
            db = self._file.second_writer()
            try:
                yield db, Writer(db, self._key)
            finally:
                db.close()

    @contextmanager
    def _watched(self) -> Generator[None]:
        try:
            with translated(self._file.path):
                yield
        except Damaged:
            self._file.suspect()
            raise


_ONE = f"(SELECT * FROM call WHERE rid = ?) c{FROM}"
