"""Lists out of indexes, page by page: calls, misses, sessions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from whycold.store.answers import Filters, SessionPage, SessionRow
from whycold.store.base import BadCursor
from whycold.store.numbering import clean, first_rid, micros, time_at, usd_of
from whycold.store.records import Kept, Page, Record
from whycold.store.sqlite_database import Database
from whycold.store.sqlite_rows import FROM, CallReader
from whycold.store.sqlite_where import Condition, rows_of

__all__ = ["call_page", "history", "session_calls", "session_page"]

_LONGEST_PAGE: Final = 1000
_CHUNK: Final = 200


def call_page(
    db: Database, filters: Filters, cursor: str | None, limit: int, *, misses: bool
) -> Page:
    """Calls that fit, newest first. Misses are found in an index that holds all filters; other
    calls row by row, but for those of a session.
    """
    where, index = rows_of(filters), ""
    if filters.session:
        index = "INDEXED BY call_session"
    elif misses or filters.culprit:
        index = f"INDEXED BY {'call_culprit' if filters.culprit else 'call_miss'}"
    if misses:
        where.add("miss = 1")
    if cursor is not None:
        where.add("rid < ?", _number(cursor))
    limit = max(1, min(limit, _LONGEST_PAGE))
    source = (
        f"(SELECT * FROM call {index} WHERE {where.sql} ORDER BY rid DESC LIMIT ?) c{FROM}"
        " ORDER BY c.rid DESC"
    )
    # one more than asked for tells whether there is another page
    items = CallReader(db).kept(source, [*where.values, limit + 1])
    more = len(items) > limit
    return Page(tuple(items[:limit]), str(items[limit - 1].rid) if more else None)


def session_calls(db: Database, session: str, project: str | None) -> tuple[Kept, ...]:
    """The calls of a session, oldest first."""
    where = rows_of(Filters(session=session, project=project))
    source = (
        f"(SELECT * FROM call INDEXED BY call_session WHERE {where.sql}) c{FROM} ORDER BY c.rid"
    )
    return tuple(CallReader(db).kept(source, where.values))


def history(db: Database, since: int | None, last: int | None) -> Iterator[Record]:
    """Calls with all that is kept of them, oldest first; each chunk is read in a moment."""
    reader = CallReader(db)
    rid = first_rid(since) if since is not None else 0
    if last is not None:
        # numbers grow with time, so the latest calls are those from some number on
        newest = db.value(
            "SELECT min(rid) FROM (SELECT rid FROM call ORDER BY rid DESC LIMIT ?)", (last,)
        )
        rid = max(rid, newest or 0)
    while True:
        source = f"(SELECT * FROM call WHERE rid >= ? ORDER BY rid LIMIT ?) c{FROM} ORDER BY c.rid"
        with db.snapshot():
            records = list(reader.records(source, (rid, _CHUNK), blocks=False))
            end = db.value(
                "SELECT rid FROM call WHERE rid >= ? ORDER BY rid LIMIT 1 OFFSET ?", (rid, _CHUNK)
            )
        yield from records
        if end is None:
            return
        rid = end


def session_page(db: Database, filters: Filters, cursor: str | None, limit: int) -> SessionPage:
    """Sessions with a call that fits, the one used last first. They have sums of their own; calls
    are looked at only where a filter asks for what those do not hold, one session at a time.
    """
    where = Condition()
    if filters.session is not None:
        where.add("name = ?", clean(filters.session))
    if filters.project is not None:
        where.add("project IS ?", clean(filters.project) or None)
    if filters.since is not None:
        where.add("last_at >= ?", micros(filters.since))
    if filters.until is not None:
        where.add("first_at < ?", micros(filters.until))
    inner = _within_session(filters)
    if inner.terms:
        where.add(
            "EXISTS (SELECT 1 FROM call INDEXED BY call_session"
            f" WHERE call.session = session.id AND {inner.sql})",
            *inner.values,
        )
    if cursor is not None:
        at, _, id = cursor.partition(".")
        where.add("(last_at, id) < (?, ?)", _number(at), _number(id))
    limit = max(1, min(limit, _LONGEST_PAGE))
    rows = list(
        db.rows(
            "SELECT id, last_at, name, project, first_at, calls, misses, missed, cost, input,"
            f" cache_read, reporting_input FROM session WHERE {where.sql}"
            " ORDER BY last_at DESC, id DESC LIMIT ?",
            [*where.values, limit + 1],
        )
    )
    end = rows[limit - 1] if len(rows) > limit else None
    items = tuple(map(_session, rows[:limit]))
    return SessionPage(items, f"{end[1]}.{end[0]}" if end is not None else None)


def _within_session(filters: Filters) -> Condition:
    """What has to be asked of a session's calls."""
    beyond = (
        *(filters.model, filters.provider, filters.agent, filters.release),
        *(filters.reason, filters.cause, filters.verdict, filters.culprit),
    )
    if all(value is None for value in beyond) and (filters.since is None or filters.until is None):
        return Condition()
    fields = {name: getattr(filters, name) for name in Filters.__dataclass_fields__}
    return rows_of(Filters(**(fields | {"session": None, "project": None})))


def _session(row: tuple[Any, ...]) -> SessionRow:
    _, last, name, project, first, calls, misses, missed, cost, given, read, reporting = row
    return SessionRow(
        session=name,
        project=project,
        first_seen=time_at(first),
        last_seen=time_at(last),
        calls=calls,
        misses=misses,
        missed_tokens=missed,
        missed_cost_usd=usd_of(cost),
        input=given,
        cache_read=read,
        reporting_input=reporting,
    )


def _number(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > 19:
        raise BadCursor(f"no page has given the cursor {cursor[:40]!r}; begin without one")
    return int(cursor)
