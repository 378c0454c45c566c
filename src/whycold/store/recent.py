"""The latest of something, up to a weight."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

__all__ = ["Recent"]

_K = TypeVar("_K")
_V = TypeVar("_V")


class Recent(Generic[_K, _V]):
    """Keeps what was used last; the oldest go when all together weigh more than ``most``."""

    def __init__(self, most: int) -> None:
        self._most, self._weight = most, 0
        self._held: OrderedDict[_K, tuple[_V, int]] = OrderedDict()

    def __contains__(self, key: _K) -> bool:
        return key in self._held

    def get(self, key: _K) -> _V | None:
        """The value, which is the latest then; None when it is not held."""
        found = self._held.get(key)
        if found is None:
            return None
        self._held.move_to_end(key)
        return found[0]

    def put(self, key: _K, value: _V, weight: int = 1) -> None:
        """Hold a value; at least this one stays, whatever it weighs."""
        self.drop(key)
        self._held[key] = value, weight
        self._weight += weight
        while self._weight > self._most and len(self._held) > 1:
            _, (_, gone) = self._held.popitem(last=False)
            self._weight -= gone

    def drop(self, key: _K) -> None:
        """Hold it no longer."""
        found = self._held.pop(key, None)
        if found is not None:
            self._weight -= found[1]

    def clear(self) -> None:
        """Hold nothing."""
        self._held.clear()
        self._weight = 0
