"""The file of a SQLite store: who may write it, and what is done when it is damaged."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from whycold.errors import UserError
from whycold.store.base import Damaged, Missing, Unavailable
from whycold.store.sqlite_database import FILE_MODE, Database, make_file, translated
from whycold.store.sqlite_schema import is_current, migrate

if os.name == "nt":
    import msvcrt
else:
    import fcntl

__all__ = ["StoreFile"]

_CHECKED_WHOLE: Final = 64 << 20
"""Bytes up to which every page is checked at every start: half a second at most."""
_ASIDE_KEPT: Final = 2
"""Damaged files that are kept for a look; they hold prompts too."""
_SUFFIXES: Final = frozenset({".db", ".sqlite", ".sqlite3"})
_SQLITE: Final = b"SQLite format 3\0"


class StoreFile:
    """Opens connections to the file at ``path``; ``notes`` are what a person should know."""

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path.expanduser().absolute()
        self.notes: list[str] = []
        self._lock: Any = None
        if write:
            self._known = self._beside(".lock").exists()
            make_file(self.path)
            self._take_lock()

    def begin(self) -> Database:
        """The writer's connection to a sound file of this version; UserError when it is somebody
        else's.
        """
        try:
            return self._sound()
        except Damaged as fault:
            self._set_aside(fault)
            make_file(self.path)
            return self._sound()

    def reader(self) -> Database:
        """A connection that only reads."""
        return Database(self.path, write=False)

    def second_writer(self) -> Database:
        """A connection beside the writer's, for something short."""
        return Database(self.path, write=True)

    def look(self) -> None:
        """Make sure that the file can be read: of this version, or brought to it."""
        db = self.reader()
        try:
            with translated(self.path):
                if not db.value("SELECT count(*) FROM sqlite_schema"):
                    raise Missing(f"there is no store at {self.path} yet; record something first")
                current = is_current(db)
        finally:
            db.close()
        if not current:
            self._take_lock()
            try:
                self._sound().close()
            finally:
                self.release()

    def suspect(self) -> None:
        """Have every page checked at the next start."""
        try:
            self._beside(".suspect").touch(FILE_MODE)
        except OSError:
            # the folder is as broken as the file; the next start will say so
            return

    def release(self) -> None:
        """Let another process write."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _sound(self) -> Database:
        # the file must be known to be ours before anything is written
        look = self.reader()
        try:
            with translated(self.path):
                is_current(look)
        finally:
            look.close()
        db = Database(self.path, write=True)
        with ExitStack() as undone, translated(self.path):
            undone.callback(db.close)
            suspect = self._beside(".suspect")
            if suspect.exists() or self.path.stat().st_size <= _CHECKED_WHOLE:
                _check(db)
            migrate(db)
            db.value("SELECT max(rid) FROM call")
            suspect.unlink(missing_ok=True)
            undone.pop_all()
        return db

    def _take_lock(self) -> None:
        path = self._beside(".lock")
        try:
            file = os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR, FILE_MODE), "r+")
        except OSError as fault:
            raise Unavailable(f"cannot write {path}: {fault.strerror}") from fault
        try:
            if os.name == "nt":
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            # only to be told to people: what counts is the lock, which goes with its process
            holder = file.read(20).strip()
            file.close()
            who = f" (process {holder})" if holder.isdecimal() else ""
            raise UserError(
                f"another whycold{who} writes to {self.path}; stop it, or choose another --store"
            ) from None
        if os.name != "nt":
            file.truncate()
            file.write(f"{os.getpid()}\n")
            file.flush()
        # the file stays when the lock is let go of: another process may be about to take it
        self._lock = file

    def _set_aside(self, fault: Damaged) -> None:
        with self.path.open("rb") as file:
            head = file.read(len(_SQLITE))
        if head != _SQLITE and not self._known and self.path.suffix not in _SUFFIXES:
            raise UserError(f"{self.path} is no database; choose another --store") from fault
        numbers = sorted(
            int(end)
            for old in self.path.parent.glob(f"{_escaped(self.path.name)}.damaged-*")
            if (end := old.name.rpartition("-")[2]).isdecimal()
        )
        aside = self._beside(f".damaged-{numbers[-1] + 1 if numbers else 1}")
        try:
            self._beside("-wal").unlink(missing_ok=True)
            self._beside("-shm").unlink(missing_ok=True)
            self.path.rename(aside)
            for number in numbers[: 1 - _ASIDE_KEPT or None]:
                self._beside(f".damaged-{number}").unlink(missing_ok=True)
        except OSError as problem:
            raise Unavailable(
                f"{self.path} is damaged and cannot be set aside: {problem.strerror}"
            ) from problem
        self._beside(".suspect").unlink(missing_ok=True)
        self.notes.append(
            f"{self.path} was damaged; it is set aside as {aside.name}, a new one begun"
        )

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


def _check(db: Database) -> None:
    found = db.value("PRAGMA quick_check(1)")
    if found != "ok":
        raise Damaged(f"{db.path} is damaged: {found}")


def _escaped(name: str) -> str:
    """The name with what stands for other characters in a glob taken literally."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
