"""A SQLite file as the store uses it: opened safely, its faults told as the contract says."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from whycold.errors import UserError
from whycold.store.base import Damaged, Missing, Unavailable

__all__ = ["FILE_MODE", "FOLDER_MODE", "Database", "make_file", "translated"]

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

_BUSY_MS: Final = 5000
_PATIENCE_MS: Final = 300
"""For what can just as well be done later."""
_WAL_PAGES: Final = 4000
_WAL_BYTES: Final = 64 << 20
_CACHE_KB: Final = {True: 32 << 10, False: 8 << 10}

_FAULTS: Final = (
    (apsw.FullError, "the disk is full; make room"),
    (apsw.BusyError, "another process holds it locked; try again"),
    (apsw.LockedError, "it is locked; try again"),
    (apsw.ReadOnlyError, "it may not be written; check the permissions of the file and its folder"),
    (apsw.CantOpenError, "it cannot be opened; check the permissions of the file and its folder"),
    (apsw.PermissionsError, "access is denied; check the permissions of the file"),
    (apsw.IOError, "the disk gave an error"),
)


@contextmanager
def translated(path: Path) -> Generator[None]:
    """Faults of the disk and of other processes, as errors of the contract."""
    try:
        yield
    except (apsw.CorruptError, apsw.NotADBError) as fault:
        raise Damaged(f"{path} is damaged ({fault}); it is set aside at the next start") from fault
    except apsw.Error as fault:
        for kind, advice in _FAULTS:
            if isinstance(fault, kind):
                raise Unavailable(f"cannot use the store {path}: {advice} ({fault})") from fault
        raise


def make_file(path: Path) -> None:
    """An empty file and its folder, open to the user alone; UserError when that cannot be."""
    try:
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), FILE_MODE))
        if path.stat().st_mode & 0o077:
            path.chmod(FILE_MODE)
    except IsADirectoryError:
        raise UserError(f"{path} is a folder; --store wants a file") from None
    except OSError as fault:
        reason = fault.strerror or fault
        raise Unavailable(
            f"cannot write the store {path}: {reason}; choose another place with --store"
        ) from fault


class Database:
    """One connection. Rows come as tuples; the caller knows their types.

    ``write`` opens for reading and writing. In a folder that cannot be written a file that nobody
    has open is read as it stands. May be used by one thread at a time.
    """

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        if not write and not path.exists():
            raise Missing(f"there is no store at {path} yet; record or import something first")
        with translated(path):
            self._connection: Any = _connection(path, write=write)
            self._connection.set_busy_timeout(_BUSY_MS)
            self.run(f"PRAGMA cache_size = -{_CACHE_KB[write]}")
            self.run("PRAGMA temp_store = MEMORY")
            if write:
                # has to come before the first table: pages can be given back without a rewrite
                self.run("PRAGMA auto_vacuum = INCREMENTAL")
                self.run("PRAGMA journal_mode = WAL")
                # a batch that was acknowledged survives a loss of power, too
                self.run("PRAGMA synchronous = FULL")
                # what is deleted is overwritten: it may have been a prompt
                self.run("PRAGMA secure_delete = ON")
                self.run(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
                self.run(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
            else:
                self.run("PRAGMA query_only = ON")

    def run(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> None:
        """Execute, and drop any rows."""
        for _ in self._connection.execute(sql, values):
            pass

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute once per row."""
        self._connection.executemany(sql, rows)

    def rows(
        self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, as they come."""
        return self._connection.execute(sql, values)

    def one(
        self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> tuple[Any, ...] | None:
        """The first row, if there is one."""
        return next(iter(self._connection.execute(sql, values).fetchall()), None)

    def value(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Any:  # noqa: ANN401
        """The first column of the first row; None without one."""
        row = self.one(sql, values)
        return None if row is None else row[0]

    @property
    def last_number(self) -> int:
        """The number of the row inserted last."""
        return self._connection.last_insert_rowid()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All of the inside, durably, or nothing of it."""
        with translated(self.path):
            self.run("BEGIN IMMEDIATE")
            try:
                yield
                self.run("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self.run("ROLLBACK")

    @contextmanager
    def snapshot(self) -> Generator[None]:
        """All reads inside see the same state."""
        with translated(self.path):
            if self._connection.in_transaction:
                yield
                return
            self.run("BEGIN")
            try:
                yield
            finally:
                self.run("COMMIT")

    def changed_elsewhere(self) -> int:
        """A number that differs once another connection has changed the file."""
        return self.value("PRAGMA data_version")

    def truncate_log(self) -> bool:
        """Move the write-ahead log into the file and empty it; false while a reader needs it."""
        self._connection.set_busy_timeout(_PATIENCE_MS)
        try:
            row = self.one("PRAGMA wal_checkpoint(TRUNCATE)")
        except (apsw.BusyError, apsw.LockedError):
            return False
        finally:
            self._connection.set_busy_timeout(_BUSY_MS)
        return row is not None and row[0] == 0

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _connection(path: Path, *, write: bool) -> object:
    if write:
        return apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        # a reader of a log needs to write its index, so plain read-only access comes second
        return _readable(apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READWRITE))
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError):
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            flags = apsw.SQLITE_OPEN_READONLY
            return _readable(apsw.Connection(os.fspath(path), flags=flags))
        name = f"{path.absolute().as_uri()}?immutable=1"
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        return _readable(apsw.Connection(name, flags=flags))


def _readable(connection: Any) -> object:  # noqa: ANN401
    """The connection, once it has read the file."""
    for _ in connection.execute("PRAGMA schema_version"):
        pass
    return connection
