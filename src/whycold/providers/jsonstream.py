"""Bytes of JSON objects in a row, cut anywhere, to the objects.

``[{...},\\n{...}]``, one object per line, or a single object: what stands between objects is passed
over. The objects are not decoded here.
"""

from __future__ import annotations

import re

__all__ = ["MAX_OBJECT", "JsonObjects"]

MAX_OBJECT = 64 * 1024 * 1024
"""Bytes of one object that are kept at most."""

_IN_OBJECT = re.compile(rb'["{}]')
_IN_STRING = re.compile(rb'["\\]')


class JsonObjects:
    """Push splitter: ``feed`` bytes as they come, take whole objects out.

    ``dropped`` counts objects larger than ``limit`` bytes: they are left out, and what follows is
    read on. ``open`` is true while an object has begun and not ended.
    """

    def __init__(self, limit: int = MAX_OBJECT) -> None:
        self.dropped = 0
        self._limit = limit
        self._kept = bytearray()
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._oversized = False

    @property
    def open(self) -> bool:
        """Whether part of an object has come and the rest has not."""
        return self._depth > 0

    def feed(self, data: bytes) -> list[bytes]:
        """The objects that these bytes complete."""
        found: list[bytes] = []
        start = at = 0
        while at < len(data):
            if not self._depth:
                start = data.find(b"{", at)
                if start < 0:
                    return found
                self._depth, at = 1, start + 1
                continue
            at = self._step(data, at)
            if not self._depth:
                self._keep(data[start:at])
                self._end(found)
        if self._depth:
            self._keep(data[start:])
        return found

    def _step(self, data: bytes, at: int) -> int:
        """Go past the next byte that matters; where the reading goes on."""
        if self._escaped:
            self._escaped = False
            return at + 1
        mark = (_IN_STRING if self._in_string else _IN_OBJECT).search(data, at)
        if mark is None:
            return len(data)
        match mark[0]:
            case b'"':
                self._in_string = not self._in_string
            case b"\\":
                self._escaped = True
            case b"{":
                self._depth += 1
            case _:
                self._depth -= 1
        return mark.end()

    def _keep(self, part: bytes) -> None:
        if self._oversized or len(self._kept) + len(part) > self._limit:
            self._oversized = True
            self._kept.clear()
        else:
            self._kept += part

    def _end(self, found: list[bytes]) -> None:
        if self._oversized:
            self.dropped += 1
        else:
            found.append(bytes(self._kept))
        self._kept.clear()
        self._oversized = False
