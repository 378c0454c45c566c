"""The first line and the headers of a response."""

from __future__ import annotations

import re
from typing import Final

from whycold.sources.proxy.http1 import (
    CHUNKED,
    CODING,
    CONNECTION,
    FIELDS,
    HOP,
    KEEP_ALIVE,
    LENGTH,
    NOT_SAID,
    UNTIL_CLOSE,
    UPGRADE,
    BadMessage,
    body_length,
    connection_tokens,
    sort_lines,
    without_nominated,
)

__all__ = ["ResponseHead", "parse_response"]

_RESPONSE = re.compile(
    rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*+)?\r\n" + FIELDS
)
_TIMEOUT = re.compile(rb"timeout=([0-9]{1,6})", re.I)
_DROPPED: Final = HOP | CONNECTION | UPGRADE | KEEP_ALIVE
_FRAMING: Final = (b"content-length", b"transfer-encoding", b"trailer")


class ResponseHead:
    """``lines`` are all header lines as received, ``kept`` those that are sent on as they are.

    ``length`` is the body's: a number of bytes, CHUNKED or UNTIL_CLOSE. ``keep_alive`` says whether
    the connection that it came over may be used again, ``keep_alive_s`` for how long."""

    __slots__ = (
        "block",
        "keep_alive",
        "keep_alive_s",
        "kept",
        "length",
        "lines",
        "minor",
        "status",
    )

    def __init__(self, block: bytes, status: int, minor: int, lines: list[bytes]) -> None:
        self.block = block
        self.status = status
        self.minor = minor
        self.lines = lines
        self.kept: list[bytes] = []
        self.length: int = NOT_SAID
        self.keep_alive = minor == 1
        self.keep_alive_s: int | None = None

    def in_chunks(self) -> None:
        """Has the body go on in chunks, its length not being known any more."""
        lines = [line for line in self.kept if line.partition(b":")[0].lower() not in _FRAMING]
        self.kept = [*lines, b"Transfer-Encoding: chunked"]
        self.block = b"\r\n".join((self.block[: self.block.index(b"\r\n")], *self.kept, b"\r\n"))

    def forwarded(self, *extra: bytes) -> bytes:
        """The head to send to the client, with ``extra`` header lines at its end."""
        if not extra and self.minor == 1 and len(self.kept) == len(self.lines):
            return self.block
        first = b"HTTP/1.1" + self.block[8 : self.block.index(b"\r\n")]
        return b"\r\n".join((first, *self.kept, *extra, b"\r\n"))


def parse_response(block: bytes, method: bytes) -> ResponseHead:
    """A response head to a request with ``method``. Raises BadMessage."""
    match = _RESPONSE.fullmatch(block)
    if match is None:
        raise BadMessage(502, "bad_response", "it is not well-formed HTTP/1.1")
    minor, status, fields = match.groups()
    lines = fields.split(b"\r\n")
    lines.pop()
    head = ResponseHead(block, int(status), int(minor), lines)
    _read_lines(head)
    if head.length == CHUNKED and head.minor == 0:
        raise BadMessage(502, "bad_response", "HTTP/1.0 knows no Transfer-Encoding")
    if method == b"HEAD" or head.status < 200 or head.status in (204, 304):
        head.length = 0
    elif head.length == NOT_SAID:
        head.length = UNTIL_CLOSE
    return head


def _read_lines(head: ResponseHead) -> None:
    head.kept, special = sort_lines(head.lines, _DROPPED)
    nominated = upgrade = b""
    for kind, _, value in special:
        if kind in (LENGTH, CODING):
            head.length = body_length(kind, value, head.length)
        elif kind == CONNECTION:
            nominated += b"," + value
        elif kind == UPGRADE:
            upgrade = value
        elif kind == KEEP_ALIVE and (timeout := _TIMEOUT.search(value)):
            head.keep_alive_s = int(timeout[1])
    if nominated:
        tokens = connection_tokens(nominated)
        if b"close" in tokens:
            head.keep_alive = False
        elif b"keep-alive" in tokens:
            head.keep_alive = True
        head.kept = without_nominated(head.kept, tokens, head.status == 101)
    if head.status == 101:
        head.kept += [b"Connection: upgrade", b"Upgrade: " + upgrade]
