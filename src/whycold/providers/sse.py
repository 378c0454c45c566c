"""Bytes of an event stream, cut anywhere, to its events (WHATWG HTML, server-sent events)."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["MAX_EVENT", "SseDecoder", "SseEvent"]

MAX_EVENT = 64 * 1024 * 1024
"""Bytes of one event that are kept at most; no provider sends one near it."""

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One event.

    ``event`` is its type, None where the stream gave none; ``data`` its lines joined by newlines.
    """

    event: str | None
    data: str


class SseDecoder:
    """Push decoder: ``feed`` bytes as they come, take events out.

    Lines end with CR, LF or CRLF; bytes that are not UTF-8 become U+FFFD; ``id`` and ``retry`` are
    passed over. ``dropped`` counts events larger than ``limit`` bytes: they are left out, and what
    follows is read again.
    """

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self.dropped = 0
        self._limit = limit
        self._line = bytearray()
        self._data: list[str] = []
        self._event = ""
        self._size = 0
        self._oversized = False
        self._skip_lf = False
        self._begun = False

    def feed(self, data: bytes) -> list[SseEvent]:
        """The events that these bytes complete."""
        if not data:
            return []
        events: list[SseEvent] = []
        start = 1 if self._skip_lf and data[0] == 0x0A else 0
        for end in _LINE_END.finditer(data, start):
            self._collect(data[start : end.start()])
            self._end_line(events)
            start = end.end()
        self._skip_lf = data[-1] == 0x0D
        self._collect(data[start:])
        return events

    def finish(self) -> list[SseEvent]:
        """The event that was open when the stream ended, if it had data.

        A browser would discard it. Here it is given, for servers that leave out the last line;
        a line that was cut is no JSON object and so is not mistaken for a whole one.
        """
        events: list[SseEvent] = []
        if self._line:
            self._end_line(events)
        self._dispatch(events)
        return events

    def _collect(self, part: bytes) -> None:
        if not self._oversized and part:
            self._line += part
            if self._size + len(self._line) > self._limit:
                self._oversized = True
                self._data.clear()
                # stands in for the line: not empty, so it does not end the event, and no field
                self._line[:] = b":"
        elif part and not self._line:
            self._line += b":"

    def _end_line(self, events: list[SseEvent]) -> None:
        line = bytes(self._line)
        self._line.clear()
        if not self._begun:
            self._begun = True
            line = line.removeprefix(_BOM)
        if not line:
            self._dispatch(events)
            return
        name, _, value = line.partition(b":")
        if name not in (b"data", b"event"):
            return
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if name == b"event":
            self._event = text
        else:
            self._data.append(text)
            self._size += len(line)

    def _dispatch(self, events: list[SseEvent]) -> None:
        if self._oversized:
            self.dropped += 1
        elif self._data:
            events.append(SseEvent(self._event or None, "\n".join(self._data)))
        self._data.clear()
        self._event = ""
        self._size = 0
        self._oversized = False
