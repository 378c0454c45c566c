"""What leaves the store: by age and size, or because somebody wants it gone. In short
transactions, so that neither readers nor the next batch wait long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from whycold.errors import UserError
from whycold.store.answers import Erase, Filters, Retention, Swept
from whycold.store.numbering import clean, first_rid, micros
from whycold.store.sqlite_database import Database
from whycold.store.sqlite_openings import tidy_openings
from whycold.store.sqlite_quotes import drop_quotes
from whycold.store.sqlite_sums import HOUR
from whycold.store.sqlite_where import DAY, Condition, rows_of
from whycold.store.sqlite_writer import Writer

__all__ = ["erase", "retain"]

_NAMES: Final = "SELECT label, tools, system FROM call WHERE rid = ?"
_SLICE: Final = 200
_FEW: Final = 10
_PAGES: Final = 2000
"""Pages given back to the disk in one transaction."""


class _Sweep:
    """Counts what went, and stops after so many transactions."""

    def __init__(self, db: Database, writer: Writer, slices: int | None) -> None:
        self.db, self.writer = db, writer
        self._left = slices
        self.calls = self.texts = self.blocks = 0
        self.done = True

    def run(
        self, query: str, values: Sequence[object], remove: Callable[[list[int]], bool]
    ) -> None:
        """Give the calls of a query to ``remove``, some at a time, each time in a transaction of
        its own, until there are none or it says no; the query finds only what is still there.
        """
        going = True
        while going:
            with self.writer.transaction():
                rids = [rid for (rid,) in self.db.rows(f"{query} LIMIT {_SLICE}", values)]
                going = bool(rids) and self._may_go_on() and remove(rids)

    def _may_go_on(self) -> bool:
        if self._left is None:
            return True
        self.done = self._left > 0
        self._left -= 1
        return self.done

    def each(self, rids: Sequence[int], remove: Callable[[int], int]) -> None:
        """Remove some calls or their texts."""
        for rid in rids:
            self.blocks += remove(rid)

    def finished(self) -> Swept:
        """Give the space back to the disk, empty the log, and say what went."""
        if self.calls or self.texts:
            # rows were deleted that the writer may still know the numbers of
            self.writer.forget()
        return Swept(self.calls, self.texts, self.blocks, self.done, self._purge())

    def _purge(self) -> bool:
        # deleted rows are zeroed in place, but older pages stand in the log until it is emptied
        while self.db.value("PRAGMA freelist_count"):
            with self.db.transaction():
                self.db.run(f"PRAGMA incremental_vacuum({_PAGES})")
            if not self.done:
                return True
        return self.db.truncate_log() or not self.done


def retain(db: Database, writer: Writer, policy: Retention, now: datetime, slices: int) -> Swept:
    """As the contract says."""
    sweep = _Sweep(db, writer, slices)
    if policy.facts is not None:
        _forget_facts(sweep, _before(now, policy.facts))
    if policy.texts is not None:
        _drop_texts(sweep, _before(now, policy.texts))
    if policy.most_bytes is not None and sweep.done:
        _shrink(sweep, policy.most_bytes)
    return sweep.finished()


def _before(now: datetime, age: timedelta) -> int:
    return max(0, micros(now) - age // timedelta(microseconds=1))


def _forget_facts(sweep: _Sweep, until: int) -> None:
    def forget(rids: list[int]) -> bool:
        sweep.each(rids, sweep.writer.remove_facts)
        sweep.calls += len(rids)
        sweep.db.run("DELETE FROM session WHERE last_at < ?", (until,))
        sweep.db.run("DELETE FROM culprit_day WHERE day < ?", (until // DAY,))
        sweep.db.run("DELETE FROM culprit WHERE last_at < ?", (until,))
        return True

    sweep.run("SELECT rid FROM call WHERE rid < ? ORDER BY rid", (first_rid(until),), forget)


def _drop_texts(sweep: _Sweep, until: int) -> None:
    def drop(rids: list[int]) -> bool:
        _without_texts(sweep, rids)
        return True

    sweep.run("SELECT rid FROM detail WHERE rid < ? ORDER BY rid", (first_rid(until),), drop)


def _shrink(sweep: _Sweep, most: int) -> None:
    def drop(rids: list[int]) -> bool:
        for start in range(0, len(rids), _FEW):
            if _bytes_used(sweep.db) <= most:
                return False
            _without_texts(sweep, rids[start : start + _FEW])
        return True

    sweep.run("SELECT rid FROM detail ORDER BY rid", (), drop)


def _without_texts(sweep: _Sweep, rids: Sequence[int]) -> None:
    """Drop the texts of the oldest calls there are."""
    sweep.each(rids, sweep.writer.remove_texts)
    sweep.texts += len(rids)
    oldest = sweep.db.value("SELECT (min(rid) >> 22) * 1000 FROM detail")
    # a title quotes the prompt of the latest miss
    sweep.db.run(
        "UPDATE culprit SET title = NULL WHERE title IS NOT NULL AND (?1 IS NULL OR last_at < ?1)",
        (oldest,),
    )


def _bytes_used(db: Database) -> int:
    size, pages, free = (
        db.value(f"PRAGMA {name}") for name in ("page_size", "page_count", "freelist_count")
    )
    return size * (pages - free)


def erase(db: Database, writer: Writer, what: Erase, slices: int | None) -> Swept:
    """As the contract says."""
    where = _chosen(what)
    labels: set[int] = set()
    openings: set[int] = set()
    sweep = _Sweep(db, writer, slices)

    def remove(rids: list[int]) -> bool:
        for rid in rids:
            for label, *begun in db.rows(_NAMES, (rid,)):
                labels.add(label)
                openings.update(number for number in begun if number is not None)
        sweep.each(rids, writer.remove)
        sweep.calls += len(rids)
        return True

    sweep.run(f"SELECT rid FROM call WHERE {where.sql} ORDER BY rid", where.values, remove)
    if sweep.calls and sweep.done:
        with writer.transaction():
            _tidy(db, labels)
            tidy_openings(db, openings)
    if sweep.done:
        start = 0 if what.since is None else first_rid(micros(what.since))
        sweep.texts += drop_quotes(db, writer, start)
    return sweep.finished()


def _chosen(what: Erase) -> Condition:
    if what == Erase():
        raise UserError("say what to erase: a session, a project, an account or a time")
    where = rows_of(Filters(what.since, what.until, project=what.project, session=what.session))
    if what.account == "":
        where.add("origin IN (SELECT id FROM origin WHERE account IS NULL)")
    elif what.account is not None:
        where.add("origin IN (SELECT id FROM origin WHERE account = ?)", clean(what.account))
    return where


def _tidy(db: Database, labels: set[int]) -> None:
    """Drop names that no call bears any more, and correct when the others were seen."""
    db.run("DELETE FROM origin WHERE id NOT IN (SELECT origin FROM call)")
    db.run("DELETE FROM kind WHERE id NOT IN (SELECT kind FROM hourly)")
    for label in sorted(labels):
        ends = [
            _seen(db, label, f"{way}(hour)", f"{way}((rid >> 22) * 1000 + us)")
            for way in ("min", "max")
        ]
        if ends[0] is None or ends[1] is None:
            db.run("DELETE FROM label WHERE id = ?", (label,))
        else:
            db.run("UPDATE label SET first_at = ?, last_at = ? WHERE id = ?", (*ends, label))


def _seen(db: Database, label: int, hour: str, time: str) -> int | None:
    """The first or last time of a label: from its calls, or the hour when these are gone."""
    found = db.value(f"SELECT {hour} FROM hourly WHERE label = ?", (label,))
    if found is None:
        return None
    exact = db.value(
        f"SELECT {time} FROM call WHERE rid >= ? AND rid < ? AND label = ?",
        (first_rid(found * HOUR), first_rid((found + 1) * HOUR), label),
    )
    return found * HOUR if exact is None else exact
