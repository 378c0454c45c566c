"""Where a message's body ends in the bytes that come in."""

from __future__ import annotations

import contextlib
import re
from typing import Final

from httptools import HttpParserError, HttpRequestParser

from whycold.sources.proxy.http1 import CHUNKED, UNTIL_CLOSE, BadMessage

__all__ = ["MORE", "BodyEnd", "ChunkContent", "request_body", "response_body"]

MORE: Final = -1

_SIZE_LINE = rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*+)?\r\n"
_SIZE_LINE_BEGUN = re.compile(
    rb"(?:[0-9A-Fa-f]{1,15}(?:[ \t]*|[ \t]*;[\t\x20-\x7e\x80-\xff]*+)\r?)?"
)
_FIRST_CHUNK = re.compile(_SIZE_LINE)
_NEXT_CHUNK = re.compile(rb"\r\n" + _SIZE_LINE)
_TRAILERS = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t\x20-\x7e\x80-\xff]*+\r\n)*+\r\n")
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_LONGEST_LINE = 8192
_LONGEST_TRAILERS = 65536
_CHUNKED_HEAD = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


class BodyEnd:
    """Follows one body from its first byte; this one, of a body that only the connection's end
    ends. ``exact`` is False after a body whose end could not be told from what followed it."""

    __slots__ = ("exact",)

    def __init__(self) -> None:
        self.exact = True

    def take(self, data: bytes) -> int:
        """MORE when all of ``data`` belongs to the body and it goes on, else where in ``data`` it
        ends. Raises BadMessage."""
        return MORE


def request_body(length: int) -> BodyEnd:
    """For a body of ``length`` bytes or CHUNKED; always exact: the next request may follow."""
    return _ExactChunks() if length == CHUNKED else _Counted(length)


def response_body(length: int) -> BodyEnd:
    """For a body of ``length`` bytes, CHUNKED or UNTIL_CLOSE."""
    if length == CHUNKED:
        return _FastChunks()
    return BodyEnd() if length == UNTIL_CLOSE else _Counted(length)


class _Counted(BodyEnd):
    __slots__ = ("_left",)

    def __init__(self, length: int) -> None:
        self.exact = True
        self._left = length

    def take(self, data: bytes) -> int:
        left = self._left
        size = len(data)
        if size < left:
            self._left = left - size
            return MORE
        self._left = 0
        return left


class _Complete:
    """What llhttp reports to: a separate object, so that no reference cycle holds the parser."""

    __slots__ = ("seen",)

    def __init__(self) -> None:
        self.seen = False

    def on_message_complete(self) -> None:
        self.seen = True


class _FastChunks(BodyEnd):
    """Chunks by llhttp, which takes a tenth of the time of ``_ExactChunks`` but does not say where
    in its input the body ended. After a response nothing may follow; when something does, all of
    it is passed on and ``exact`` tells that the connections must not be used again."""

    __slots__ = ("_complete", "_last", "_parser")

    def __init__(self) -> None:
        self.exact = True
        self._last = b""
        self._complete = _Complete()
        self._parser = HttpRequestParser(self._complete)
        # Servers that reserve room for the size before they know it pad it with spaces.
        self._parser.set_dangerous_leniencies(lenient_spaces_after_chunk_size=True)
        self._parser.feed_data(_CHUNKED_HEAD)

    def take(self, data: bytes) -> int:
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            if not self._complete.seen:
                raise BadMessage(502, "bad_response", f"the upstream's chunks: {error}") from None
            self.exact = False
            return len(data)
        if not self._complete.seen:
            self._last = data if len(data) > 4 else self._last[-4:] + data
            return MORE
        # llhttp skips line ends after the body, so only a single empty line proves the end.
        end = data if len(data) > 4 else self._last[-4:] + data
        self.exact = end.endswith(b"\r\n\r\n") and end[-5] != 0x0A
        return len(data)


class ChunkContent:
    """Takes the chunk framing off, for clients of HTTP/1.0 that do not know it."""

    __slots__ = ("_parser", "_pieces")

    def __init__(self) -> None:
        self._pieces = _Pieces()
        self._parser = HttpRequestParser(self._pieces)
        self._parser.feed_data(_CHUNKED_HEAD)

    def take(self, data: bytes) -> bytes:
        """The content in ``data``, which must have passed a BodyEnd already; not what follows."""
        with contextlib.suppress(HttpParserError):
            self._parser.feed_data(data)
        content = b"".join(self._pieces.held)
        self._pieces.held.clear()
        return content


class _Pieces:
    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held: list[bytes] = []

    def on_body(self, data: bytes) -> None:
        self.held.append(data)


class _ExactChunks(BodyEnd):
    __slots__ = ("_held", "_left", "_pattern")

    def __init__(self) -> None:
        self.exact = True
        self._left = 0
        self._held = b""
        self._pattern = _FIRST_CHUNK

    def take(self, data: bytes) -> int:
        if len(data) < self._left:
            self._left -= len(data)
            return MORE
        held = self._held
        text = held + data if held else data
        at = self._left
        while (match := self._pattern.match(text, at)) is not None:
            at = match.end()
            if self._pattern is _TRAILERS:
                return at - len(held)
            size = int(match[1], 16)
            self._pattern = _NEXT_CHUNK if size else _TRAILERS
            at += size
            if at > len(text):
                self._held = b""
                self._left = at - len(text)
                return MORE
        self._held = self._unfinished(text[at:])
        self._left = 0
        return MORE

    def _unfinished(self, rest: bytes) -> bytes:
        """``rest`` when it can still become what is waited for. Raises BadMessage."""
        if self._pattern is _TRAILERS:
            whole = rest.startswith(b"\r\n") or b"\r\n\r\n" in rest
            possible = not whole and _BARE_LINE_FEED.search(rest) is None
            limit = _LONGEST_TRAILERS
        elif self._pattern is _NEXT_CHUNK and len(rest) < 2:
            possible = rest in (b"", b"\r")
            limit = 2
        else:
            line = rest[2:] if self._pattern is _NEXT_CHUNK else rest
            possible = line is rest or rest.startswith(b"\r\n")
            possible = possible and _SIZE_LINE_BEGUN.fullmatch(line) is not None
            limit = _LONGEST_LINE
        if not possible or len(rest) > limit:
            raise BadMessage(400, "bad_request", "the request's chunks are not well-formed")
        return rest
