"""The first line and the headers of a request."""

from __future__ import annotations

import re
from typing import Final

from whycold.sources.proxy.http1 import (
    CHUNKED,
    CODING,
    CONNECTION,
    CREDENTIAL,
    FIELDS,
    HOP,
    HOST,
    KEEP_ALIVE,
    LENGTH,
    NOT_SAID,
    OUR_PREFIX,
    OURS,
    TOKEN,
    UPGRADE,
    VERSION,
    BadMessage,
    body_length,
    connection_tokens,
    sort_lines,
    without_nominated,
)

__all__ = [
    "HINT_ANTHROPIC",
    "HINT_ANTHROPIC_KEY",
    "HINT_GOOGLE_KEY",
    "RequestHead",
    "parse_request",
]

_REQUEST = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e\x80-\xff]++) HTTP/1\.([01])\r\n" + FIELDS)
_ANY_VERSION = re.compile(rb"[^\r\n]* HTTP/([0-9.]+)\r\n")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_DROPPED: Final = HOP | HOST | CONNECTION | UPGRADE | OURS | KEEP_ALIVE

# Headers by which a path that several vendors share is told apart; ``hints`` is their sum.
HINT_ANTHROPIC: Final = 1
HINT_ANTHROPIC_KEY: Final = 2
HINT_GOOGLE_KEY: Final = 4
_KEY_HINTS = {b"x-api-key": HINT_ANTHROPIC_KEY, b"x-goog-api-key": HINT_GOOGLE_KEY}

_LABELS = (b"project", b"session", b"agent", b"release")
_LONGEST_LABEL: Final = 200


class RequestHead:
    """``lines`` are all header lines as received, ``kept`` those that are sent on as they are.

    ``length`` is the body's: a number of bytes or CHUNKED. ``keep_alive`` is never said of
    HTTP/1.0. ``upgrade`` is the protocol asked for, ``credential`` the value of the header that
    carries the caller's key, if one does. ``labels`` and ``via`` come from the client's
    ``x-whycold-`` headers."""

    __slots__ = (
        "credential",
        "hints",
        "host",
        "keep_alive",
        "kept",
        "labels",
        "length",
        "lines",
        "method",
        "minor",
        "target",
        "upgrade",
        "via",
    )

    def __init__(self, method: bytes, target: bytes, minor: int, lines: list[bytes]) -> None:
        self.method = method
        self.target = target
        self.minor = minor
        self.lines = lines
        self.kept: list[bytes] = []
        self.host: bytes | None = None
        self.length: int = NOT_SAID
        self.keep_alive = minor == 1
        self.upgrade: bytes | None = None
        self.hints = 0
        self.credential = b""
        self.labels: dict[str, str] = {}
        self.via = b""

    def forwarded(self, target: bytes, host: bytes, via: bytes | None) -> bytes:
        """The head to send upstream: ours are the target, the host and what is between two hops."""
        lines = [b"%b %b HTTP/1.1\r\nHost: %b" % (self.method, target, host), *self.kept]
        if self.upgrade is not None:
            lines.append(b"Connection: upgrade\r\nUpgrade: " + self.upgrade)
        if via is not None:
            lines.append(b"x-whycold-via: " + via)
        lines.append(b"\r\n")
        return b"\r\n".join(lines)


def parse_request(block: bytes) -> RequestHead:
    """A request head, from its first line to the empty one. Raises BadMessage."""
    match = _REQUEST.fullmatch(block)
    if match is None:
        version = _ANY_VERSION.match(block)
        if version and version[1] not in (b"1.0", b"1.1"):
            raise BadMessage(505, "bad_version", "only HTTP/1.1 and HTTP/1.0 are understood here")
        raise BadMessage(400, "bad_request", "the request's head is not well-formed HTTP/1.1")
    method, target, minor, fields = match.groups()
    lines = fields.split(b"\r\n")
    lines.pop()
    head = RequestHead(method, target, int(minor), lines)
    _read_lines(head)
    if head.length == NOT_SAID:
        head.length = 0
    elif head.length == CHUNKED and head.minor == 0:
        raise BadMessage(400, "bad_request", "HTTP/1.0 knows no Transfer-Encoding")
    if head.host is None and head.minor == 1:
        raise BadMessage(400, "bad_request", "the request has no Host header")
    return head


def _read_lines(head: RequestHead) -> None:
    head.kept, special = sort_lines(head.lines, _DROPPED)
    nominated = b""
    for kind, name, value in special:
        if kind in (LENGTH, CODING):
            head.length = body_length(kind, value, head.length)
        elif kind == VERSION:
            head.hints |= HINT_ANTHROPIC
        elif kind == CREDENTIAL:
            head.hints |= _KEY_HINTS.get(name.lower(), 0)
            head.credential = head.credential or value
        elif kind == HOST:
            if head.host is not None:
                raise BadMessage(400, "bad_request", "the request has two Host headers")
            head.host = value
        elif kind == CONNECTION:
            nominated += b"," + value
        elif kind == UPGRADE:
            head.upgrade = value
        elif kind == OURS:
            _read_label(head, name.lower().removeprefix(OUR_PREFIX), value)
    _apply_connection(head, nominated)


def _read_label(head: RequestHead, name: bytes, value: bytes) -> None:
    if name == b"via":
        head.via = value
    elif name in _LABELS and value:
        text = _UNPRINTABLE.sub(" ", value.decode("utf-8", "replace"))[:_LONGEST_LABEL]
        head.labels[name.decode()] = text


def _apply_connection(head: RequestHead, nominated: bytes) -> None:
    if not nominated:
        head.upgrade = None
        return
    tokens = connection_tokens(nominated)
    if b"close" in tokens:
        head.keep_alive = False
    if b"upgrade" not in tokens:
        head.upgrade = None
    head.kept = without_nominated(head.kept, tokens, head.upgrade is not None)
