"""The rows of culprits, as misses of theirs come and go."""

from __future__ import annotations

from typing import Any

from whycold.core.diagnosis import Diagnosis
from whycold.store.codec import from_json
from whycold.store.numbering import clean
from whycold.store.recent import Recent
from whycold.store.sqlite_database import Database
from whycold.store.squeeze import expand
from whycold.store.telling import decode_more

__all__ = ["CulpritRows"]


class CulpritRows:
    """Numbers for culprits, for the one process that writes."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._numbers: Recent[str, int] = Recent(10_000)
        self._seen: dict[int, tuple[int, int, str | None, str | None]] = {}
        self._less: set[int] = set()

    def forget(self) -> None:
        """Take nothing for granted about the file."""
        self._numbers.clear()
        self._seen.clear()
        self._less.clear()

    def number(self, told: Diagnosis, at: int) -> int:
        """The number of a miss' culprit, seen at that time."""
        fingerprint = clean(told.fingerprint or "")
        path = clean(told.divergences[0].path) if told.divergences else None
        title = clean(told.title) if told.title is not None else None
        number = self._numbers.get(fingerprint)
        if number is None:
            number = self._db.value(
                "SELECT id FROM culprit WHERE fingerprint = ?", (fingerprint,)
            ) or self._new(fingerprint, told, at)
            self._numbers.put(fingerprint, number)
        first, last, *newest = self._seen.get(number, (at, at, path, title))
        if at >= last:
            newest = [path, title]
        self._seen[number] = min(first, at), max(last, at), newest[0], newest[1]
        return number

    def lost(self, number: int) -> None:
        """A miss of it went; its row must be gone before ``flush``."""
        self._less.add(number)

    def flush(self) -> None:
        """Write the changes, within the transaction and after the sums."""
        for number, (first, last, path, title) in sorted(self._seen.items()):
            self._db.run(
                "UPDATE culprit SET path = iif(:last >= last_at, :path, path),"
                " title = iif(:last >= last_at, :title, title),"
                " first_at = min(first_at, :first), last_at = max(last_at, :last) WHERE id = :id",
                {"id": number, "first": first, "last": last, "path": path, "title": title},
            )
        for number in sorted(self._less):
            self._correct(number)
        self._seen.clear()
        self._less.clear()

    def _new(self, fingerprint: str, told: Diagnosis, at: int) -> int:
        self._db.run(
            "INSERT INTO culprit (fingerprint, project, reason, cause, first_at, last_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                fingerprint,
                clean(told.project) if told.project is not None else None,
                told.reason,
                clean(told.cause) if told.cause is not None else None,
                at,
                at,
            ),
        )
        return self._db.last_number

    def _correct(self, number: int) -> None:
        """When it was seen and what it says, from the misses that are left."""
        first, last = self._end(number, "ASC"), self._end(number, "DESC")
        if first is not None and last is not None:
            texts = expand(last[2]) if last[2] else b""
            self._db.run(
                "UPDATE culprit SET first_at = ?, last_at = ?, path = ?, title = ? WHERE id = ?",
                (first[0], last[0], decode_more(last[1]).path, _title(texts), number),
            )
        elif not self._db.value("SELECT 1 FROM culprit_day WHERE culprit = ? LIMIT 1", (number,)):
            self._db.run("DELETE FROM culprit WHERE id = ?", (number,))
            self._numbers.clear()

    def _end(self, number: int, way: str) -> tuple[Any, ...] | None:
        return self._db.one(
            "SELECT (rid >> 22) * 1000 + us, more, (SELECT texts FROM detail d WHERE d.rid = c.rid)"
            " FROM call c INDEXED BY call_culprit WHERE culprit = ? AND miss = 1"
            f" ORDER BY rid {way} LIMIT 1",
            (number,),
        )


def _title(texts: bytes) -> str | None:
    title = from_json(texts)[0] if texts else None
    return clean(title) if title is not None else None
