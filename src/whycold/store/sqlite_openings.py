"""Tools and system texts as they were first seen: what a change of a prompt is dated by."""

from __future__ import annotations

from whycold.core.content import digest
from whycold.core.diagnosis import Diagnosis
from whycold.core.prompt import Prompt, Section
from whycold.store.answers import Filters, OpeningRow
from whycold.store.numbering import clean, micros, time_at
from whycold.store.recent import Recent
from whycold.store.sqlite_database import Database
from whycold.store.sqlite_where import Condition

__all__ = ["Openings", "opening_rows", "tidy_openings"]

_SECTIONS = (Section.tools, Section.system)


class Openings:
    """Numbers for the tools and the system of calls, for the one process that writes."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._numbers: Recent[tuple[str, bytes, str | None], int] = Recent(10_000)
        self._seen: dict[int, tuple[int, int, int]] = {}

    def forget(self) -> None:
        """Take nothing for granted about the file."""
        self._numbers.clear()
        self._seen.clear()

    def numbers(self, prompt: Prompt, told: Diagnosis, at: int) -> tuple[int | None, int | None]:
        """The numbers of a call's tools and of its system, seen at that time; None without any."""
        tools, system = (self._number(prompt, section, told, at) for section in _SECTIONS)
        return tools, system

    def lost(self, number: int | None) -> None:
        """A call with it went."""
        if number is not None:
            first, last, calls = self._seen.get(number, (1 << 62, -(1 << 62), 0))
            self._seen[number] = first, last, calls - 1

    def flush(self) -> None:
        """Write the changes, within the transaction."""
        self._db.many(
            "UPDATE opening SET first_at = min(first_at, ?), last_at = max(last_at, ?),"
            " calls = calls + ? WHERE id = ?",
            ((*seen, number) for number, seen in sorted(self._seen.items())),
        )
        self._seen.clear()

    def _number(self, prompt: Prompt, section: Section, told: Diagnosis, at: int) -> int | None:
        blocks = prompt.section(section)
        if not blocks:
            return None
        project = clean(told.project) if told.project is not None else None
        key = section.value, digest(*(block.digest for block in blocks)), project
        number = self._numbers.get(key)
        if number is None:
            number = self._db.value(
                "SELECT id FROM opening WHERE digest = ? AND section = ? AND project IS ?",
                (key[1], key[0], project),
            ) or self._new(key, at)
            self._numbers.put(key, number)
        first, last, calls = self._seen.get(number, (at, at, 0))
        self._seen[number] = min(first, at), max(last, at), calls + 1
        return number

    def _new(self, key: tuple[str, bytes, str | None], at: int) -> int:
        self._db.run(
            "INSERT INTO opening (section, digest, project, first_at, last_at, calls)"
            " VALUES (?, ?, ?, ?, ?, 0)",
            (*key, at, at),
        )
        return self._db.last_number


def opening_rows(db: Database, filters: Filters, least: int, limit: int) -> tuple[OpeningRow, ...]:
    """Tools and systems first seen in the time and project asked for, the newest first."""
    where = Condition()
    where.add("calls >= ?", least)
    if filters.project is not None:
        where.add("project IS ?", clean(filters.project) or None)
    if filters.since is not None:
        where.add("first_at >= ?", micros(filters.since))
    if filters.until is not None:
        where.add("first_at < ?", micros(filters.until))
    rows = db.rows(
        "SELECT section, digest, project, first_at, last_at, calls FROM opening"
        f" WHERE {where.sql} ORDER BY first_at DESC, id DESC LIMIT ?",
        [*where.values, limit],
    )
    return tuple(
        OpeningRow(Section(section), name.hex(), project, time_at(first), time_at(last), calls)
        for section, name, project, first, last, calls in rows
    )


def tidy_openings(db: Database, numbers: set[int]) -> None:
    """Drop those of these that no call has any more, and correct when the others were seen."""
    db.run("DELETE FROM opening WHERE calls <= 0")
    if not numbers:
        return
    marks = ", ".join("?" * len(numbers))
    for section in _SECTIONS:
        column = section.value
        db.run(
            "UPDATE opening SET first_at = seen.first, last_at = seen.last FROM"
            f" (SELECT {column} AS id, min((rid >> 22) * 1000 + us) AS first,"
            f"  max((rid >> 22) * 1000 + us) AS last FROM call WHERE {column} IN ({marks})"
            "  GROUP BY 1) AS seen WHERE opening.id = seen.id",
            sorted(numbers),
        )
