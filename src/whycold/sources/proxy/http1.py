"""HTTP/1.1 message heads: what is accepted, how long the body is, and what is sent on.

The rules are those of RFC 9112 (June 2022) at their strictest: where two readers of a head could
disagree about where its message ends, it is refused (sections 2.2, 5.2, 6.1 and 6.3).
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "CHUNKED",
    "HINT_ANTHROPIC",
    "HINT_ANTHROPIC_KEY",
    "HINT_GOOGLE_KEY",
    "UNTIL_CLOSE",
    "BadMessage",
    "RequestHead",
    "ResponseHead",
    "find_head",
    "parse_request",
    "parse_response",
]

# Lengths of a body that no number says.
CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2
_NOT_SAID: Final = -3

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_FIELDS = rb"((?:" + _TOKEN + rb":[\t\x20-\x7e\x80-\xff]*+\r\n)*+)\r\n"
_REQUEST = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e\x80-\xff]++) HTTP/1\.([01])\r\n" + _FIELDS)
_RESPONSE = re.compile(
    rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*+)?\r\n" + _FIELDS
)
_ANY_VERSION = re.compile(rb"[^\r\n]* HTTP/[0-9.]+\r\n")
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_DIGITS = re.compile(rb"[0-9]{1,18}")
_KEEP_ALIVE_TIMEOUT = re.compile(rb"timeout=([0-9]{1,6})", re.I)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

_LONGEST_LABEL = 200
_NAMES_REMEMBERED = 1024
_LINES_REMEMBERED = 1024
_LONGEST_REMEMBERED = 128


class BadMessage(Exception):
    """A message that cannot be forwarded; for a request ``status`` is the answer to give."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


# Headers by which a path that several vendors share is told apart; ``hints`` is their sum.
HINT_ANTHROPIC: Final = 1
HINT_ANTHROPIC_KEY: Final = 2
HINT_GOOGLE_KEY: Final = 4
_HINTS = {
    b"x-api-key": HINT_ANTHROPIC_KEY,
    b"x-goog-api-key": HINT_GOOGLE_KEY,
}

# Kinds of header lines. Plain numbers: looking an enum's member up takes longer than the rest.
_PLAIN: Final = 0
_HOP: Final = 1
_HOST: Final = 2
_CONNECTION: Final = 3
_LENGTH: Final = 4
_CODING: Final = 5
_UPGRADE: Final = 6
_EXPECT: Final = 7
_OURS: Final = 8
_KEEP_ALIVE: Final = 9
_CREDENTIAL: Final = 10
_VERSION: Final = 11

_KINDS = {
    b"host": _HOST,
    b"connection": _CONNECTION,
    b"content-length": _LENGTH,
    b"transfer-encoding": _CODING,
    b"upgrade": _UPGRADE,
    b"expect": _EXPECT,
    b"keep-alive": _KEEP_ALIVE,
    b"proxy-connection": _HOP,
    b"proxy-authorization": _HOP,
    b"te": _HOP,
    b"anthropic-version": _VERSION,
    b"authorization": _CREDENTIAL,
    b"api-key": _CREDENTIAL,
    b"x-api-key": _CREDENTIAL,
    b"x-goog-api-key": _CREDENTIAL,
}
_OUR_PREFIX = b"x-whycold-"
_LABELS = (b"project", b"session", b"agent", b"release")

# A peer spells a header name the same way every time, and most of its header lines are the same
# every time: each spelling, and each harmless line, is looked into once.
_kind_of_spelling: dict[bytes, int] = {}
_plain_lines: set[bytes] = set()
_SECRET = re.compile(rb"auth|cookie|key|pass|secret|token|sign", re.I)


def _kind(name: bytes) -> int:
    lower = name.lower()
    kind = _KINDS.get(lower, _OURS if lower.startswith(_OUR_PREFIX) else _PLAIN)
    if len(_kind_of_spelling) >= _NAMES_REMEMBERED:
        _kind_of_spelling.clear()
    _kind_of_spelling[name] = kind
    return kind


def _remember(line: bytes, name: bytes) -> None:
    if len(line) <= _LONGEST_REMEMBERED and not _SECRET.search(name):
        if len(_plain_lines) >= _LINES_REMEMBERED:
            _plain_lines.clear()
        _plain_lines.add(line)


def find_head(data: bytes, limit: int) -> int:
    """Where the head that ``data`` begins with ends, or -1 when it is not all there yet.

    Raises BadMessage for a head longer than ``limit`` bytes and for a line end without its
    carriage return, which would otherwise be waited on for ever."""
    end = data.find(b"\r\n\r\n", 0, limit)
    if end >= 0:
        return end + 4
    if len(data) >= limit:
        raise BadMessage(431, "head_too_large", f"the request's head is over {limit} bytes")
    if _BARE_LINE_FEED.search(data):
        raise BadMessage(400, "bad_request", "a line of the head ends without a carriage return")
    return -1


class RequestHead:
    """A request's first line and headers.

    ``lines`` are all header lines as received; ``kept`` those that are sent on as they are.
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

    def __init__(self, method: bytes, target: bytes, minor: int) -> None:
        self.method = method
        self.target = target
        self.minor = minor
        self.lines: list[bytes] = []
        self.kept: list[bytes] = []
        self.host: bytes | None = None
        self.length: int = _NOT_SAID
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
        if version and not re.search(rb" HTTP/1\.[01]\r\n", version[0]):
            raise BadMessage(505, "bad_version", "only HTTP/1.1 and HTTP/1.0 are understood here")
        raise BadMessage(400, "bad_request", "the request's head is not well-formed HTTP/1.1")
    method, target, minor, fields = match.groups()
    head = RequestHead(method, target, int(minor))
    head.lines = fields.split(b"\r\n")
    head.lines.pop()
    nominated = _read_request_lines(head)
    if head.length == _NOT_SAID:
        head.length = 0
    elif head.length == CHUNKED and head.minor == 0:
        raise BadMessage(400, "bad_request", "HTTP/1.0 knows no Transfer-Encoding")
    if head.host is None and head.minor == 1:
        raise BadMessage(400, "bad_request", "the request has no Host header")
    _apply_request_connection(head, nominated)
    return head


def _read_request_lines(head: RequestHead) -> bytes:
    """What the Connection headers name, in lower case."""
    nominated = b""
    plain = _plain_lines
    for line in head.lines:
        if line in plain:
            head.kept.append(line)
            continue
        name, _, value = line.partition(b":")
        kind = _kind_of_spelling.get(name)
        if kind is None:
            kind = _kind(name)
        if kind == _PLAIN:
            head.kept.append(line)
            _remember(line, name)
        elif kind == _CONNECTION:
            nominated += b"," + value.lower()
        else:
            _special_request_line(head, kind, name, value.strip(b" \t"), line)
    return nominated


def _special_request_line(
    head: RequestHead, kind: int, name: bytes, value: bytes, line: bytes
) -> None:
    if kind == _LENGTH:
        head.length = _length(value, head.length)
        head.kept.append(line)
    elif kind == _VERSION:
        head.hints |= HINT_ANTHROPIC
        head.kept.append(line)
    elif kind == _CREDENTIAL:
        head.hints |= _HINTS.get(name.lower(), 0)
        head.credential = head.credential or value
        head.kept.append(line)
    elif kind == _HOST:
        if head.host is not None:
            raise BadMessage(400, "bad_request", "the request has two Host headers")
        head.host = value
    elif kind == _CODING:
        head.length = _coding(value, head.length)
        head.kept.append(line)
    elif kind == _EXPECT:
        head.kept.append(line)
    elif kind == _UPGRADE:
        head.upgrade = value
    elif kind == _OURS:
        _read_label(head, name.lower().removeprefix(_OUR_PREFIX), value)


def _length(value: bytes, so_far: int) -> int:
    if so_far != _NOT_SAID:
        raise BadMessage(400, "bad_request", "the length of the body is given twice")
    if not _DIGITS.fullmatch(value):
        raise BadMessage(400, "bad_request", "Content-Length is not a number")
    return int(value)


def _coding(value: bytes, so_far: int) -> int:
    if so_far != _NOT_SAID:
        raise BadMessage(400, "bad_request", "the length of the body is given twice")
    if value.lower() != b"chunked":
        raise BadMessage(501, "bad_coding", "the only Transfer-Encoding understood is chunked")
    return CHUNKED


def _read_label(head: RequestHead, name: bytes, value: bytes) -> None:
    if name == b"via":
        head.via = value
    elif name in _LABELS and value:
        text = _UNPRINTABLE.sub(" ", value.decode("utf-8", "replace"))[:_LONGEST_LABEL]
        head.labels[name.decode()] = text


def _apply_request_connection(head: RequestHead, nominated: bytes) -> None:
    if not nominated:
        head.upgrade = None
        return
    tokens = {token.strip() for token in nominated.split(b",")}
    if b"close" in tokens:
        head.keep_alive = False
    if b"upgrade" not in tokens:
        head.upgrade = None
    head.kept = _without(head.kept, tokens, head.upgrade is not None)


def _without(kept: list[bytes], tokens: set[bytes], upgrades: bool) -> list[bytes]:
    """The lines but for those that Connection names; what frames the message stays."""
    named = tokens - {b"", b"close", b"keep-alive", b"upgrade", b"content-length"}
    named.discard(b"transfer-encoding")
    if upgrades:
        named.discard(b"http2-settings")
    if not named:
        return kept
    return [line for line in kept if line.partition(b":")[0].lower() not in named]


class ResponseHead:
    """A response's first line and headers.

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

    def __init__(self, block: bytes, status: int, minor: int) -> None:
        self.block = block
        self.status = status
        self.minor = minor
        self.lines: list[bytes] = []
        self.kept: list[bytes] = []
        self.length: int = _NOT_SAID
        self.keep_alive = minor == 1
        self.keep_alive_s: int | None = None

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
        raise BadMessage(502, "bad_response", "the upstream's answer is not well-formed HTTP/1.1")
    minor, status, fields = match.groups()
    head = ResponseHead(block, int(status), int(minor))
    head.lines = fields.split(b"\r\n")
    head.lines.pop()
    try:
        nominated = _read_response_lines(head)
    except BadMessage as error:
        raise BadMessage(502, "bad_response", f"the upstream's answer: {error.message}") from None
    if head.length == CHUNKED and head.minor == 0:
        raise BadMessage(502, "bad_response", "the upstream's answer is HTTP/1.0 and chunked")
    if nominated:
        _apply_response_connection(head, nominated)
    if method == b"HEAD" or head.status < 200 or head.status in (204, 304):
        head.length = 0
    elif head.length == _NOT_SAID:
        head.length = UNTIL_CLOSE
    return head


def _read_response_lines(head: ResponseHead) -> bytes:
    """What the Connection headers name, in lower case."""
    nominated = b""
    plain = _plain_lines
    for line in head.lines:
        if line in plain:
            head.kept.append(line)
            continue
        name, _, value = line.partition(b":")
        kind = _kind_of_spelling.get(name)
        if kind is None:
            kind = _kind(name)
        if kind == _PLAIN:
            head.kept.append(line)
            _remember(line, name)
        elif kind == _CONNECTION:
            nominated += b"," + value.lower()
        else:
            _special_response_line(head, kind, value.strip(b" \t"), line)
    return nominated


def _special_response_line(head: ResponseHead, kind: int, value: bytes, line: bytes) -> None:
    if kind == _KEEP_ALIVE:
        if timeout := _KEEP_ALIVE_TIMEOUT.search(value):
            head.keep_alive_s = int(timeout[1])
        return
    if kind == _HOP or (kind == _UPGRADE and head.status != 101):
        return
    if kind == _LENGTH:
        head.length = _length(value, head.length)
    elif kind == _CODING:
        head.length = _coding(value, head.length)
    head.kept.append(line)


def _apply_response_connection(head: ResponseHead, nominated: bytes) -> None:
    tokens = {token.strip() for token in nominated.split(b",")}
    if b"close" in tokens:
        head.keep_alive = False
    elif b"keep-alive" in tokens:
        head.keep_alive = True
    head.kept = _without(head.kept, tokens, head.status == 101)
    if head.status == 101:
        head.kept.append(b"Connection: upgrade")
