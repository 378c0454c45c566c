"""A store by its URL."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from whycold.errors import UserError
from whycold.store.base import Store
from whycold.store.sqlite import SqliteStore

__all__ = ["open_store"]

_SQLITE: Final = "sqlite:///"


def open_store(url: str, *, write: bool, key: bytes | None = None) -> Store:
    """The store at ``sqlite:///PATH``; PATH may begin with ``/`` or ``~``, else it starts here.

    ``write``: for the one process that may add calls; the file is made when it is not there, and
    set aside when it is damaged (``notes`` says so). ``key`` is for the digests of capture mode
    ``hash``. Raises UserError: ``Missing`` when there is nothing to read yet, ``Unavailable`` when
    the file cannot be used.
    """
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return SqliteStore(Path(url[len(_SQLITE) :]), write=write, key=key)
    if url.startswith("clickhouse:"):
        raise UserError("ClickHouse is not supported yet; use --store sqlite:///PATH")
    raise UserError(f"{url!r} names no store; use --store sqlite:///PATH")
