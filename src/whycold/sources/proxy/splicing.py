"""An answer put into a response while it passes: into its one JSON object, or into one event."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

import msgspec

from whycold.sources.proxy.asked import Api

__all__ = ["EventSplicer", "Fill", "Splicer", "WholeSplicer"]

Fill: TypeAlias = Callable[[bytes], bytes | None]
"""An object with the answer in it; None: it stays as it is."""

_MOST: Final = 32 << 20
"""Bytes of an object, or of one event, from which on it passes as it is."""
_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")
_LONGEST_BLANK: Final = 4
_DATA = re.compile(rb"^data:[ ]?([^\r\n]*)", re.M)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Splicer(Protocol):
    """Takes a response's content and gives it back, with the answer."""

    def take(self, data: bytes) -> bytes:
        """What can go out now that ``data`` has come."""
        ...

    def finish(self) -> bytes:
        """What is left when nothing more comes."""
        ...


class WholeSplicer:
    """For a JSON object: it goes out once it is all there. Spaces before it, by which servers show
    that they are alive, go out as they come.
    """

    def __init__(self, fill: Fill) -> None:
        self._fill: Fill | None = fill
        self._held: list[bytes] = []
        self._size = 0

    def take(self, data: bytes) -> bytes:
        if self._fill is None or (not self._held and data.isspace()):
            return data
        self._held.append(data)
        self._size += len(data)
        return self._given_up() if self._size > _MOST else b""

    def finish(self) -> bytes:
        fill, whole = self._fill, self._given_up()
        if fill is None or not whole:
            return whole
        found = fill(whole)
        return whole if found is None else found

    def _given_up(self) -> bytes:
        whole = b"".join(self._held)
        self._held.clear()
        self._fill = None
        return whole


_ENDS: Final = {
    # Where the diagnosis stands in a stream: Claude docs, Cache diagnostics, and OpenAI guide
    # Prompt caching diagnostics (2026-11-23); an incomplete Response is the last event as well.
    Api.messages: (re.compile(rb"message_start"), "message"),
    Api.responses: (re.compile(rb"response\.(?:completed|incomplete)"), "response"),
}


class EventSplicer:
    """For server-sent events: each goes out as soon as it is complete, and once the one has passed
    that holds the answer, all as it comes.
    """

    def __init__(self, api: Api, fill: Fill) -> None:
        self._mark, self._member = _ENDS[api]
        self._fill = fill
        self._held = b""
        self._looked = 0
        self._passed = False

    def take(self, data: bytes) -> bytes:
        if self._passed:
            return data
        held = self._held = self._held + data if self._held else data
        start = max(0, self._looked - _LONGEST_BLANK)
        ends = [found.end() for found in _BLANK_LINE.finditer(held, start)]
        self._looked = len(held)
        if not ends:
            return self.finish() if len(held) > _MOST else b""
        complete, self._held = held[: ends[-1]], held[ends[-1] :]
        self._looked = len(self._held)
        return self._looked_over(complete)

    def finish(self) -> bytes:
        held, self._held = self._held, b""
        return held if self._passed else self._looked_over(held)

    def _looked_over(self, events: bytes) -> bytes:
        """Complete events, as they go out."""
        if self._mark.search(events) is None:
            return events
        for found in _DATA.finditer(events):
            start, end = found.span(1)
            data = self._answered(found[1]) if self._mark.search(found[1]) else None
            if data is not None:
                self._passed = True
                held, self._held = self._held, b""
                return b"".join((events[:start], data, events[end:], held))
        return events

    def _answered(self, data: bytes) -> bytes | None:
        """An event's data with the answer; None when it is another event."""
        try:
            members = _members(data)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        inner = bytes(members.get(self._member, b""))
        if self._mark.fullmatch(bytes(members.get("type", b"")).strip(b'"')) is None or not inner:
            return None
        at = data.index(inner)
        found = self._fill(inner)
        return data if found is None else data[:at] + found + data[at + len(inner) :]
