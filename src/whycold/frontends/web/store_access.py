"""The store as a long-lived reader has it: opened when first asked for, anew when replaced."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from whycold.query import Query
from whycold.store.base import Damaged, Store
from whycold.store.opening import open_store

__all__ = ["StoreAccess"]

_T = TypeVar("_T")
_SQLITE = "sqlite:///"


class StoreAccess:
    """Answers questions about the store at ``url``; from any thread."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._identity: tuple[int, int] | None = None

    def ask(self, question: Callable[[Query, Store], _T]) -> _T:
        """The answer. Raises UserError as the store does, ``Missing`` while there is none."""
        try:
            store = self._opened()
            return question(Query(store), store)
        except Damaged:
            # The recorder sets it aside; the next question goes to the new one.
            with self._lock:
                self._store = None
            raise

    def close(self) -> None:
        """Let go of the store."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    def _opened(self) -> Store:
        with self._lock:
            identity = self._file()
            if self._store is None or identity != self._identity:
                # Another file is there: what we have open was damaged and set aside. Other threads
                # may still be reading it, so it is only let go of.
                self._store = open_store(self._url, write=False)
                self._identity = identity
            return self._store

    def _file(self) -> tuple[int, int] | None:
        if not self._url.startswith(_SQLITE):
            return None
        try:
            found = Path(self._url.removeprefix(_SQLITE)).expanduser().stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
