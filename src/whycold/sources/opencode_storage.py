"""Where opencode keeps sessions: a database, or a folder of files; read while it is written.

Shapes: what opencode 1.18.33 (``opencode.db``) and 1.1.65 (``storage/``) wrote when they were run,
2026-11-23. Nothing but sessions, messages and their parts is looked at.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from whycold.core.content import JsonMap, as_map, as_text
from whycold.errors import UserError
from whycold.providers.body import decode_map
from whycold.providers.counts import as_count
from whycold.sources.files import MAX_LINE, FoundFile, Trouble, find_files

__all__ = ["Database", "Folder", "Message", "Session", "Storage", "told"]

_PER_PART = 2048
"""Bytes that a part is taken for where only their number is known, to show progress."""
_PATIENCE = 5.0
"""Seconds to wait for a writer."""
_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """A session: ``file`` stands for all that is kept of it, ``created`` is in milliseconds.

    ``parent`` is the session that started it as a subagent.
    """

    id: str
    parent: str | None
    folder: str | None
    version: str | None
    created: int
    file: FoundFile


@dataclass(frozen=True, slots=True)
class Message:
    """A message and its parts, in order; ``size`` in bytes, as its session's file counts them."""

    info: JsonMap
    parts: Sequence[JsonMap]
    size: int


class Storage(Protocol):
    """One place of sessions. ``bad`` counts what is skipped while it is read, and why."""

    path: Path

    def sessions(self, troubles: list[Trouble]) -> list[Session]:
        """The sessions that it holds."""
        ...

    def messages(self, session: Session, bad: Counter[str]) -> Iterator[Message]:
        """The messages of a session, oldest first. Raises UserError where they end early."""
        ...


class Database:
    """An ``opencode.db``, which may be in use: it is read as SQLite lets any reader, with its log,
    and never written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def sessions(self, troubles: list[Trouble]) -> list[Session]:
        try:
            with closing(self._open()) as db:
                return list(self._sessions(db))
        except (sqlite3.Error, OSError) as error:
            troubles.append(Trouble(self.path, _said(error)))
            return []

    def _open(self) -> sqlite3.Connection:
        name = quote(str(self.path.absolute()), safe="/:\\")
        db = sqlite3.connect(f"file:{name}?mode=ro", uri=True, timeout=_PATIENCE)
        db.text_factory = bytes
        try:
            db.execute("select 1 from session limit 1")
        except sqlite3.OperationalError:
            db.close()
            # a folder that cannot be written to has no place for the index of a log; without a log
            # nobody writes, and the file can be read as it is
            log = self.path.with_name(f"{self.path.name}-wal")
            if os.access(self.path.parent, os.W_OK) or (log.exists() and log.stat().st_size):
                raise
            db = sqlite3.connect(f"file:{name}?mode=ro&immutable=1", uri=True)
            db.text_factory = bytes
        return db

    def _sessions(self, db: sqlite3.Connection) -> Iterator[Session]:
        counted = "select session_id, count(*), max(time_updated) from {} group by session_id"
        sizes: defaultdict[bytes, int] = defaultdict(int)
        times: defaultdict[bytes, int] = defaultdict(int)
        for table in ("part", "message"):
            for id, number, updated in db.execute(counted.format(table)):
                sizes[id] += number * _PER_PART
                times[id] = max(times[id], as_count(updated) or 0)
        trees = {id: _text(tree) for id, tree in db.execute("select id, worktree from project")}
        asked = "select id, parent_id, directory, version, time_created, project_id from session"
        for id, parent, folder, version, created, project in db.execute(asked):
            name = _text(id)
            if name is None:
                continue
            tree = trees.get(project)
            yield Session(
                name,
                _text(parent),
                tree if tree and tree != "/" else _text(folder),
                _text(version),
                as_count(created) or 0,
                FoundFile(self.path / name, sizes[id], times[id] * _MS),
            )

    def messages(self, session: Session, bad: Counter[str]) -> Iterator[Message]:
        ordered = "select id from message where session_id = ? order by time_created, id"
        whole = (
            "select case when length(data) <= ? then data end from {} where {} = cast(? as text)"
        )
        try:
            with closing(self._open()) as db:
                for (id,) in db.execute(ordered, (session.id,)).fetchall():
                    found = db.execute(whole.format("message", "id"), (MAX_LINE, id)).fetchone()
                    asked = whole.format("part", "message_id") + " order by id"
                    rows = [row[0] for row in db.execute(asked, (MAX_LINE, id))]
                    info = _decoded(found[0], bad) if found else None
                    parts = [part for row in rows if (part := _decoded(row, bad)) is not None]
                    if info is not None:
                        info = {**info, "id": _text(id)}
                        yield Message(info, parts, (len(rows) + 1) * _PER_PART)
        except (sqlite3.Error, OSError) as error:
            raise UserError(_said(error)) from None


def _said(error: Exception) -> str:
    """What is the matter with a database, for people."""
    if "locked" in str(error):
        return "is locked by another program, skipped; import it again"
    return f"cannot be read ({error}), the rest is skipped"


def _text(value: object) -> str | None:
    return value.decode("utf-8", "replace") or None if isinstance(value, bytes) else None


def _decoded(data: object, bad: Counter[str]) -> JsonMap | None:
    if not isinstance(data, (bytes, str)):
        bad["too long" if data is None else "no text"] += 1
        return None
    try:
        return decode_map(data)
    except UserError as error:
        bad[" ".join(str(error).split())[:80]] += 1
        return None


class Folder:
    """A ``storage`` folder: a file for each session, message and part."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: dict[str, Sequence[FoundFile]] = {}

    def sessions(self, troubles: list[Trouble]) -> list[Session]:
        trees = dict(self._projects(troubles))
        found: list[Session] = []
        bad: Counter[str] = Counter()
        for file in find_files([self.path / "session"], (".json",), troubles):
            whole = _read(file.path, bad)
            id = as_text(whole.get("id")) if whole is not None else None
            if whole is None or id is None or "/" in id or id in (".", ".."):
                continue
            tree = trees.get(as_text(whole.get("projectID")) or "")
            found.append(
                Session(
                    id,
                    as_text(whole.get("parentID")),
                    tree if tree and tree != "/" else as_text(whole.get("directory")),
                    as_text(whole.get("version")),
                    as_count((as_map(whole.get("time")) or {}).get("created")) or 0,
                    self._all(id, file, troubles),
                )
            )
        if bad:
            troubles.append(Trouble(self.path / "session", told(bad)))
        return found

    def _projects(self, troubles: list[Trouble]) -> Iterator[tuple[str, str | None]]:
        place = self.path / "project"
        for file in find_files([place], (".json",), troubles) if os.path.isdir(place) else ():
            whole = _read(file.path, Counter()) or {}
            yield as_text(whole.get("id")) or "", as_text(whole.get("worktree"))

    def _all(self, id: str, file: FoundFile, troubles: list[Trouble]) -> FoundFile:
        """One file that stands for all of a session: a message is written anew when it ends."""
        place = self.path / "message" / id
        files = find_files([place], (".json",), troubles) if os.path.isdir(place) else []
        self._files[id] = files
        size = file.size + sum(one.size + _PER_PART for one in files)
        return FoundFile(file.path, size, max([file.mtime, *(one.mtime for one in files)]))

    def messages(self, session: Session, bad: Counter[str]) -> Iterator[Message]:
        found: list[tuple[int, str, JsonMap, int]] = []
        for file in self._files.get(session.id, ()):
            if (info := _read(file.path, bad)) is not None:
                created = as_count((as_map(info.get("time")) or {}).get("created")) or 0
                found.append((created, file.path.stem, info, file.size + _PER_PART))
        troubles: list[Trouble] = []
        for _, id, info, size in sorted(found, key=lambda one: one[:2]):
            place = self.path / "part" / id
            files = find_files([place], (".json",), troubles) if os.path.isdir(place) else []
            parts = [part for f in files if (part := _read(f.path, bad)) is not None]
            yield Message(info, parts, size)
        for trouble in troubles:
            bad[trouble.what] += 1


def _read(path: Path, bad: Counter[str]) -> JsonMap | None:
    """The JSON object in a file; None for anything else, which is counted."""
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(number, "rb") as file:
            info = os.fstat(number)
            if not stat.S_ISREG(info.st_mode) or info.st_size > MAX_LINE:
                bad["too long, or no file"] += 1
                return None
            data = file.read(MAX_LINE)
    except OSError as error:
        bad[f"cannot be read ({error.strerror})"] += 1
        return None
    return _decoded(data, bad)


def told(bad: Mapping[str, int]) -> str:
    """What was skipped, in one line."""
    most = Counter(bad).most_common(3)
    return "; ".join(f"{count} skipped: {why}" for why, count in most)
