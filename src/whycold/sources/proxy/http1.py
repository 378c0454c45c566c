"""HTTP/1.1 message heads: what is accepted, how long the body is, and what is sent on.

The rules are those of RFC 9112 (June 2022) at their strictest: where two readers of a head could
disagree about where its message ends, it is refused (sections 2.2, 5.2, 6.1 and 6.3).
"""

from __future__ import annotations

import re
from enum import IntEnum, IntFlag
from typing import Final

__all__ = [
    "CHUNKED",
    "UNTIL_CLOSE",
    "BadMessage",
    "Hint",
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


class BadMessage(Exception):
    """A message that cannot be forwarded; for a request ``status`` is the answer to give."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Hint(IntFlag):
    """Headers by which a path that several vendors share is told apart."""

    nothing = 0
    anthropic = 1
    anthropic_key = 2
    google_key = 4


class _Kind(IntEnum):
    plain = 0
    hop = 1
    host = 2
    connection = 3
    length = 4
    coding = 5
    upgrade = 6
    expect = 7
    ours = 8
    keep_alive = 9
    hint = 10


_KINDS = {
    b"host": _Kind.host,
    b"connection": _Kind.connection,
    b"content-length": _Kind.length,
    b"transfer-encoding": _Kind.coding,
    b"upgrade": _Kind.upgrade,
    b"expect": _Kind.expect,
    b"keep-alive": _Kind.keep_alive,
    b"proxy-connection": _Kind.hop,
    b"proxy-authorization": _Kind.hop,
    b"te": _Kind.hop,
    b"anthropic-version": _Kind.hint,
    b"x-api-key": _Kind.hint,
    b"x-goog-api-key": _Kind.hint,
}
_HINTS = {
    b"anthropic-version": Hint.anthropic,
    b"x-api-key": Hint.anthropic_key,
    b"x-goog-api-key": Hint.google_key,
}
_OURS = b"x-whycold-"
_LABELS = (b"project", b"session", b"agent", b"release")

# A client spells a header name the same way every time: each spelling is looked into once.
_kind_of_spelling: dict[bytes, _Kind] = {}


def _kind(name: bytes) -> _Kind:
    lower = name.lower()
    kind = _KINDS.get(lower, _Kind.ours if lower.startswith(_OURS) else _Kind.plain)
    if len(_kind_of_spelling) >= _NAMES_REMEMBERED:
        _kind_of_spelling.clear()
    _kind_of_spelling[name] = kind
    return kind


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
    HTTP/1.0. ``upgrade`` is the protocol asked for, ``labels`` and ``via`` come from the client's
    ``x-whycold-`` headers."""

    __slots__ = (
        "expects_continue",
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
        self.expects_continue = False
        self.upgrade: bytes | None = None
        self.hints = Hint.nothing
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
    nominated = b""
    known = _kind_of_spelling
    for line in head.lines:
        name, _, value = line.partition(b":")
        kind = known.get(name)
        if kind is None:
            kind = _kind(name)
        if kind is _Kind.plain:
            head.kept.append(line)
        elif kind is _Kind.connection:
            nominated += b"," + value.lower()
        else:
            _special_request_line(head, kind, name, value.strip(b" \t"), line)
    if head.length == _NOT_SAID:
        head.length = 0
    elif head.length == CHUNKED and head.minor == 0:
        raise BadMessage(400, "bad_request", "HTTP/1.0 knows no Transfer-Encoding")
    if head.host is None and head.minor == 1:
        raise BadMessage(400, "bad_request", "the request has no Host header")
    _apply_request_connection(head, nominated)
    return head


def _special_request_line(
    head: RequestHead, kind: _Kind, name: bytes, value: bytes, line: bytes
) -> None:
    match kind:
        case _Kind.length:
            head.length = _length(value, head.length)
            head.kept.append(line)
        case _Kind.coding:
            head.length = _coding(value, head.length)
            head.kept.append(line)
        case _Kind.host:
            if head.host is not None:
                raise BadMessage(400, "bad_request", "the request has two Host headers")
            head.host = value
        case _Kind.hint:
            head.hints |= _HINTS[name.lower()]
            head.kept.append(line)
        case _Kind.expect:
            head.expects_continue = value.lower() == b"100-continue"
            head.kept.append(line)
        case _Kind.upgrade:
            head.upgrade = value
        case _Kind.ours:
            _read_label(head, name.lower().removeprefix(_OURS), value)
        case _:
            pass


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
    nominated = b""
    known = _kind_of_spelling
    for line in head.lines:
        name, _, value = line.partition(b":")
        kind = known.get(name)
        if kind is None:
            kind = _kind(name)
        if kind is _Kind.length:
            head.length = _length(value.strip(b" \t"), head.length)
        elif kind is _Kind.coding:
            head.length = _coding(value.strip(b" \t"), head.length)
        elif kind is _Kind.connection:
            nominated += b"," + value.lower()
            continue
        elif kind is _Kind.keep_alive:
            if timeout := _KEEP_ALIVE_TIMEOUT.search(value):
                head.keep_alive_s = int(timeout[1])
            continue
        elif kind is _Kind.hop or (kind is _Kind.upgrade and head.status != 101):
            continue
        head.kept.append(line)
    return nominated


def _apply_response_connection(head: ResponseHead, nominated: bytes) -> None:
    tokens = {token.strip() for token in nominated.split(b",")}
    if b"close" in tokens:
        head.keep_alive = False
    elif b"keep-alive" in tokens:
        head.keep_alive = True
    head.kept = _without(head.kept, tokens, head.status == 101)
    if head.status == 101:
        head.kept.append(b"Connection: upgrade")
