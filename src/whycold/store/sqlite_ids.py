"""Calls by any of their ids."""

from __future__ import annotations

from whycold.store.numbering import clean, hashed
from whycold.store.sqlite_database import Database
from whycold.store.telling import decode_more

__all__ = ["own_rid", "rid_of"]


def rid_of(db: Database, id: str) -> int | None:
    """The number of the call of that id: ours before the provider's, then the latest."""
    found = _found(db, clean(id))
    return max(found)[1] if found else None


def own_rid(db: Database, id: str) -> int | None:
    """The number of the call that whycold knows by that id; the provider's ids do not count."""
    found = [rid for own, rid in _found(db, clean(id)) if own]
    return max(found) if found else None


def _found(db: Database, id: str) -> list[tuple[bool, int]]:
    rows = db.rows(
        "SELECT rid, more FROM alias CROSS JOIN call USING (rid) WHERE h = ?", (hashed(id),)
    )
    out: list[tuple[bool, int]] = []
    for rid, data in rows:
        more = decode_more(data)
        if id in more.ids:
            out.append((id == more.call or id in more.others, rid))
    return out
