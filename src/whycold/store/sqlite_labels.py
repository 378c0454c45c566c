"""Numbers for the labels of calls, each combination written once."""

from __future__ import annotations

from typing import Any, Final

from whycold.core.diagnosis import Diagnosis
from whycold.store.numbering import clean
from whycold.store.records import Record
from whycold.store.sqlite_database import Database

__all__ = ["Labels"]

_ORIGIN: Final = (
    "api, account, host, capture, status, source, tier, speed, region, batch, reply_model,"
    " reply_host, stop, complete"
)


class Labels:
    """The rows of label, kind and origin, for the one process that writes."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._labels: dict[tuple[str | None, ...], int] = {}
        self._kinds: dict[tuple[str | None, ...], int] = {}
        self._origins: dict[tuple[Any, ...], int] = {}
        self._seen: dict[int, tuple[int, int]] = {}
        self._loaded = False

    def forget(self) -> None:
        """Take nothing for granted about the file."""
        for known in (self._labels, self._kinds, self._origins, self._seen):
            known.clear()
        self._loaded = False

    def label(self, told: Diagnosis, at: int) -> int:
        """The number of project, provider, model, agent and release, seen at that time."""
        key = (
            _clean(told.project),
            clean(told.provider),
            _clean(told.model),
            _clean(told.agent),
            _clean(told.release),
        )
        number = self._number(self._labels, key)
        if number is None:
            number = self._insert(
                "INSERT INTO label (project, provider, model, agent, release, first_at, last_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*key, at, at),
            )
            self._labels[key] = number
        first, last = self._seen.get(number, (at, at))
        self._seen[number] = min(first, at), max(last, at)
        return number

    def kind(self, told: Diagnosis) -> int:
        """The number of verdict, reason and cause."""
        key = (told.verdict.value, told.reason.value if told.reason else None, _clean(told.cause))
        number = self._number(self._kinds, key)
        if number is None:
            number = self._insert("INSERT INTO kind (verdict, reason, cause) VALUES (?, ?, ?)", key)
            self._kinds[key] = number
        return number

    def origin(self, record: Record) -> int:
        """The number of what else the call came with."""
        call, usage, reply = record.call, record.call.usage, record.call.reply
        key = (
            clean(call.api),
            _clean(call.account),
            _clean(call.host),
            record.capture.value,
            record.status,
            _clean(record.source),
            _clean(usage.tier),
            _clean(usage.speed),
            _clean(usage.region),
            int(usage.batch),
            _clean(reply.model),
            _clean(reply.host),
            _clean(reply.stop),
            int(reply.complete),
        )
        number = self._number(self._origins, key)
        if number is None:
            marks = ", ".join("?" * len(key))
            number = self._insert(f"INSERT INTO origin ({_ORIGIN}) VALUES ({marks})", key)
            self._origins[key] = number
        return number

    def flush(self) -> None:
        """Write when labels were seen, within the transaction."""
        self._db.many(
            "UPDATE label SET first_at = min(first_at, ?), last_at = max(last_at, ?) WHERE id = ?",
            ((first, last, number) for number, (first, last) in sorted(self._seen.items())),
        )
        self._seen.clear()

    def _number(self, known: dict[tuple[Any, ...], int], key: tuple[Any, ...]) -> int | None:
        # there are few combinations, and every call asks for three of them
        if not self._loaded:
            self._load()
        return known.get(key)

    def _load(self) -> None:
        self._labels.update(
            (tuple(rest), number)
            for number, *rest in self._db.rows(
                "SELECT id, project, provider, model, agent, release FROM label"
            )
        )
        self._kinds.update(
            (tuple(rest), number)
            for number, *rest in self._db.rows("SELECT id, verdict, reason, cause FROM kind")
        )
        self._origins.update(
            (tuple(rest), number)
            for number, *rest in self._db.rows(f"SELECT id, {_ORIGIN} FROM origin")
        )
        self._loaded = True

    def _insert(self, sql: str, key: tuple[Any, ...]) -> int:
        self._db.run(sql, key)
        return self._db.last_number


def _clean(text: str | None) -> str | None:
    return None if text is None else clean(text)
