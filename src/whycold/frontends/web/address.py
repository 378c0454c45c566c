"""The state of a page, which is its address: filters, period and the page's own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from whycold.frontends.filters import FILTERS

__all__ = ["LOOKS", "Address", "place"]

LOOKS = ("theme",)
"""Words that every page takes and that change nothing of what it says."""

_OF_ONE_PAGE = ("session",)
"""Filters that say little on another page."""
_PERIOD = ("since", "until")


@dataclass(frozen=True, slots=True)
class Address:
    """A page and the words behind its question mark, in the order of ``FILTERS``, then its own."""

    path: str
    words: Mapping[str, str]

    def to(self, path: str = "", /, **changes: str | None) -> str:
        """This page, or another, with some words changed; None takes one away.

        Filters go along to other pages, a page's own words do not. A changed list begins anew.
        """
        kept = dict(self.words if not path else self.filters)
        if changes and "cursor" not in changes:
            kept.pop("cursor", None)
        for name, value in changes.items():
            if value is None:
                kept.pop(name, None)
            else:
                kept[name] = value
        return f"{path or self.path}{_query(kept)}"

    def twin(self, ending: str) -> str:
        """The same as ``json``, ``csv`` or ``html`` to keep."""
        path = "/overview" if self.path == "/" else self.path
        return f"{path}.{ending}{_query(self.words)}"

    @property
    def filters(self) -> dict[str, str]:
        """The words that mean the same on every page."""
        names = [name for name in (*FILTERS, *LOOKS) if name not in _OF_ONE_PAGE]
        return {name: self.words[name] for name in names if name in self.words}

    def without(self, name: str) -> str:
        """This page without one of its words."""
        return self.to(**{name: None})

    def having(self, name: str, value: str | None) -> str:
        """This page for calls of one value, None for those where it is absent; of all calls, when
        it is that value's already.
        """
        return self.to(**{name: None if self.words.get(name) == (value or "") else value or ""})

    def since(self, length: str) -> str:
        """This page for a length of time up to now."""
        return self.to(since=length, until=None)

    @property
    def cleared(self) -> str:
        """This page without filters, for the same period."""
        return self.to(**dict.fromkeys(self._narrowing))

    @property
    def narrowed(self) -> int:
        """How many filters there are beside the period."""
        return len(self._narrowing)

    @property
    def _narrowing(self) -> list[str]:
        return [name for name in self.words if name in FILTERS and name not in _PERIOD]

    def hidden(self, *without: str) -> Iterator[tuple[str, str]]:
        """The words that a form must send along with its own fields."""
        return ((n, v) for n, v in self.words.items() if n not in (*without, "cursor"))


def place(kind: str, id: str) -> str:
    """The page of one thing: ``place("calls", id)``."""
    return f"/{kind}/{quote(id, safe='')}"


def _query(words: Mapping[str, str]) -> str:
    return f"?{urlencode(words, quote_via=quote)}" if words else ""
