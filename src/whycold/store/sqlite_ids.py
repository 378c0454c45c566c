"""Calls by any of their ids."""

from __future__ import annotations

from whycold.store.numbering import clean, hashed, pack_id
from whycold.store.sqlite_database import Database
from whycold.store.telling import decode_more

__all__ = ["message_of", "own_rid", "rid_of"]


def rid_of(db: Database, id: str) -> int | None:
    """The number of the call of that id: ours before the provider's, then the latest."""
    found = _found(db, clean(id))
    return max(found)[1] if found else None


def message_of(db: Database, id: str) -> str | None:
    """The message id of the call of that id, None when it has none or is not there."""
    found = _found(db, clean(id))
    return max(found)[2] if found else None


def own_rid(db: Database, id: str) -> int | None:
    """The number of the call that whycold knows by that id; the provider's ids do not count."""
    found = [rid for own, rid, _ in _found(db, clean(id)) if own]
    return max(found) if found else None


def _found(db: Database, id: str) -> list[tuple[bool, int, str | None]]:
    """Calls of that id: whether it is whycold's own id of them, their number, their message id."""
    rows = db.rows(
        "SELECT rid, more FROM alias CROSS JOIN call USING (rid) WHERE h = ?", (hashed(id),)
    )
    out: list[tuple[bool, int, str | None]] = []
    packed = pack_id(id)
    for rid, data in rows:
        more = decode_more(data)
        own = packed == more.own or packed in more.also
        if own or packed in (more.message, more.request):
            out.append((own, rid, more.message_id))
    return out
