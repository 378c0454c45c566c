"""HTTP/1.1 message heads: where they end, and which of their lines mean something to a proxy.

The rules are those of RFC 9112 (June 2022) at their strictest: where two readers of a head could
disagree about where its message ends, it is refused (sections 2.2, 5.2, 6.1 and 6.3).
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "CHUNKED",
    "CODING",
    "CONNECTION",
    "CREDENTIAL",
    "FIELDS",
    "HOP",
    "HOST",
    "KEEP_ALIVE",
    "LENGTH",
    "NOT_SAID",
    "OURS",
    "OUR_PREFIX",
    "TOKEN",
    "UNTIL_CLOSE",
    "UPGRADE",
    "VERSION",
    "BadMessage",
    "Special",
    "body_length",
    "connection_tokens",
    "find_head",
    "sort_lines",
    "without_nominated",
]

# Lengths of a body that no number says.
CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2
NOT_SAID: Final = -3

TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
FIELDS: Final = rb"((?:" + TOKEN + rb":[\t\x20-\x7e\x80-\xff]*+\r\n)*+)\r\n"
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_DIGITS = re.compile(rb"[0-9]{1,18}")

# Kinds of header lines, to be added up. Plain numbers: looking an enum's member up takes longer
# than all the rest.
_PLAIN: Final = 0
HOP: Final = 1
HOST: Final = 2
CONNECTION: Final = 4
LENGTH: Final = 8
CODING: Final = 16
UPGRADE: Final = 32
OURS: Final = 64
KEEP_ALIVE: Final = 128
CREDENTIAL: Final = 256
VERSION: Final = 512

_KINDS = {
    b"host": HOST,
    b"connection": CONNECTION,
    b"content-length": LENGTH,
    b"transfer-encoding": CODING,
    b"upgrade": UPGRADE,
    b"keep-alive": KEEP_ALIVE,
    b"proxy-connection": HOP,
    b"proxy-authorization": HOP,
    b"te": HOP,
    b"anthropic-version": VERSION,
    b"authorization": CREDENTIAL,
    b"api-key": CREDENTIAL,
    b"x-api-key": CREDENTIAL,
    b"x-goog-api-key": CREDENTIAL,
}
OUR_PREFIX: Final = b"x-whycold-"

# A peer spells a header name the same way every time, and most of its header lines are the same
# every time: each spelling, and each harmless line, is looked into once.
_kind_of_spelling: dict[bytes, int] = {}
_plain_lines: set[bytes] = set()
_SECRET = re.compile(rb"auth|cookie|key|pass|secret|token|sign", re.I)
_REMEMBERED: Final = 1024
_LONGEST_REMEMBERED: Final = 128


class BadMessage(Exception):
    """A message that cannot be forwarded; for a request ``status`` is the answer to give."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def find_head(data: bytes, limit: int) -> int:
    """Where the head that ``data`` begins with ends, or -1 when it is not all there yet.

    Raises BadMessage for a head longer than ``limit`` bytes and for a line end without its
    carriage return, which would otherwise be waited on for ever."""
    end = data.find(b"\r\n\r\n", 0, limit)
    if end >= 0:
        return end + 4
    if len(data) >= limit:
        raise BadMessage(431, "head_too_large", f"the head is over {limit} bytes")
    if _BARE_LINE_FEED.search(data):
        raise BadMessage(400, "bad_request", "a line of the head ends without a carriage return")
    return -1


Special = tuple[int, bytes, bytes]
"""The kind of a header line, its name as spelled and its value."""


def sort_lines(lines: list[bytes], dropped: int) -> tuple[list[bytes], list[Special]]:
    """The lines that are sent on as they are, and what the others and some of them say.

    ``dropped`` is the sum of the kinds that are not sent on."""
    kept: list[bytes] = []
    special: list[Special] = []
    plain = _plain_lines
    for line in lines:
        if line in plain:
            kept.append(line)
            continue
        name, _, value = line.partition(b":")
        kind = _kind_of_spelling.get(name)
        if kind is None:
            kind = _kind(name)
        if kind == _PLAIN:
            _remember(line, name)
        else:
            special.append((kind, name, value.strip(b" \t")))
        if not kind & dropped:
            kept.append(line)
    return kept, special


def _kind(name: bytes) -> int:
    lower = name.lower()
    kind = _KINDS.get(lower, OURS if lower.startswith(OUR_PREFIX) else _PLAIN)
    if len(_kind_of_spelling) >= _REMEMBERED:
        _kind_of_spelling.clear()
    _kind_of_spelling[name] = kind
    return kind


def _remember(line: bytes, name: bytes) -> None:
    if len(line) <= _LONGEST_REMEMBERED and not _SECRET.search(name):
        if len(_plain_lines) >= _REMEMBERED:
            _plain_lines.clear()
        _plain_lines.add(line)


def body_length(kind: int, value: bytes, so_far: int) -> int:
    """What a Content-Length or Transfer-Encoding says: a number of bytes, or CHUNKED.

    ``so_far`` is what an earlier line said. Raises BadMessage."""
    if so_far != NOT_SAID:
        raise BadMessage(400, "bad_request", "the length of the body is given twice")
    if kind == LENGTH:
        if not _DIGITS.fullmatch(value):
            raise BadMessage(400, "bad_request", "Content-Length is not a number")
        return int(value)
    if value.lower() != b"chunked":
        raise BadMessage(501, "bad_coding", "the only Transfer-Encoding understood is chunked")
    return CHUNKED


def connection_tokens(nominated: bytes) -> set[bytes]:
    """The members of Connection headers, which have been joined by commas."""
    return {token.strip(b" \t") for token in nominated.lower().split(b",")}


def without_nominated(kept: list[bytes], tokens: set[bytes], upgrades: bool) -> list[bytes]:
    """The lines but for those that Connection names; what frames the message stays."""
    named = tokens - {b"", b"close", b"keep-alive", b"upgrade"}
    named -= {b"content-length", b"transfer-encoding"}
    if upgrades:
        named.discard(b"http2-settings")
    if not named:
        return kept
    return [line for line in kept if line.partition(b":")[0].lower() not in named]
