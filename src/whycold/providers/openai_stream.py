"""Streamed answers: events of JSON, or one JSON body where a server did not stream after all."""

from __future__ import annotations

from whycold.core.content import JsonMap
from whycold.errors import UserError
from whycold.providers.body import decode_map
from whycold.providers.sse import SseDecoder

__all__ = ["JsonEvents"]

_BLANK = b" \t\r\n\xef\xbb\xbf"


class JsonEvents:
    """Takes bytes, gives the JSON object of each event.

    ``done`` is set by the ``[DONE]`` that ends a stream. ``unread`` counts events that were no JSON
    object. A refusal often comes as plain JSON: ``body`` holds it once the stream ended.
    """

    def __init__(self) -> None:
        self.done = False
        self.unread = 0
        self.body: JsonMap | None = None
        self._decoder = SseDecoder()
        self._plain: bytearray | None = None
        self._begun = False

    def feed(self, data: bytes) -> list[JsonMap]:
        """The objects that these bytes complete."""
        if not self._begun:
            data = data.lstrip(_BLANK)
            if not data:
                return []
            self._begun = True
            if data.startswith(b"{"):
                self._plain = bytearray()
        if self._plain is not None:
            self._plain += data
            return []
        return self._objects([event.data for event in self._decoder.feed(data)])

    def finish(self) -> list[JsonMap]:
        """The objects that were open when the stream ended."""
        if self._plain is not None:
            self.body = next(iter(self._objects([bytes(self._plain)])), None)
            return []
        return self._objects([event.data for event in self._decoder.finish()])

    def _objects(self, texts: list[str] | list[bytes]) -> list[JsonMap]:
        found: list[JsonMap] = []
        for text in texts:
            if text == "[DONE]":
                self.done = True
                continue
            try:
                found.append(decode_map(text))
            except UserError:
                self.unread += 1
        return found
