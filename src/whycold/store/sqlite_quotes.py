"""What calls that stay quote of calls that are gone: the text before a change was theirs."""

from __future__ import annotations

from typing import Final

from whycold.store.numbering import unpack_id
from whycold.store.sqlite_database import Database
from whycold.store.sqlite_ids import rid_of
from whycold.store.sqlite_writer import Writer
from whycold.store.telling import decode_more

__all__ = ["drop_quotes"]

_QUOTING: Final = (
    "SELECT rid, more FROM detail JOIN call USING (rid)"
    " WHERE rid >= ? AND (length(texts) > 0 OR advice IS NOT NULL)"
)
_SLICE: Final = 200


def drop_quotes(db: Database, writer: Writer, start: int) -> int:
    """Drop the quoted texts of calls from number ``start`` on whose predecessor is not there; of
    how many. What they missed, where, and their own prompts stay.
    """
    orphans = [rid for rid, more in db.rows(_QUOTING, (start,)) if _is_orphan(db, more)]
    for at in range(0, len(orphans), _SLICE):
        with writer.transaction():
            for rid in orphans[at : at + _SLICE]:
                writer.remove_quotes(rid)
    return len(orphans)


def _is_orphan(db: Database, more: bytes) -> bool:
    before = decode_more(more).before
    return before is not None and rid_of(db, unpack_id(before)) is None
