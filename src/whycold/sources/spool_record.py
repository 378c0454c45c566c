"""One proxied exchange as it is kept on the spool, before anyone has understood it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from whycold.pieces import Pieces

__all__ = [
    "Body",
    "Capture",
    "Cut",
    "Exchange",
    "Missing",
    "Outline",
    "Record",
    "RecordHead",
    "dechunk",
    "encode_head",
]


class Capture(StrEnum):
    """How much of an exchange is kept, from everything to nothing.

    ``full``: heads and bodies; ``hash``: keyed digests instead of text; ``usage``: counts only;
    ``none``: no record at all."""

    full = "full"
    hash = "hash"
    usage = "usage"
    none = "none"

    @property
    def keeps_text(self) -> bool:
        return self is Capture.full

    def strictest(self, *others: Capture | None) -> Capture:
        """The one that keeps least; None counts as no opinion."""
        order = list(Capture)
        return max((self, *(o for o in others if o is not None)), key=order.index)


class Missing(StrEnum):
    """Why a body is not in its record."""

    too_large = "too-large"
    budget = "budget"
    spool_full = "spool-full"
    disk = "disk"
    capture = "capture"


class Cut(StrEnum):
    """Who ended an exchange before it was complete."""

    client = "client"
    upstream = "upstream"
    proxy = "proxy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A message body as it went over the wire, content coding and all.

    ``parts`` are its bytes in order, empty when the body was empty or is ``missing``; where most of
    it repeats an earlier body it is in ``spliced`` instead. ``chunked`` says that they still carry
    HTTP/1.1 chunk framing, which ``content`` takes off; ``wire_size`` counts the bytes that passed,
    framing included, kept or not."""

    parts: tuple[bytes, ...] = ()
    chunked: bool = False
    wire_size: int = 0
    missing: Missing | None = None
    spliced: Pieces | None = None

    @property
    def content(self) -> bytes:
        """The body without chunk framing; of a cut body, what had come."""
        raw = b"".join(self.parts) if self.spliced is None else self.spliced.whole()
        return dechunk(raw) if self.chunked else raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request, what came back, and when. Secrets are taken out before this is written.

    ``id`` is unique and grows with time (63 bits: Unix milliseconds, then 22 bits). Times are Unix
    nanoseconds: ``started`` the request's head was complete, ``sent`` its body was, ``answered``
    the head of the final response was, ``ended`` nothing more would come. ``target`` is the path
    and query as sent upstream; names of headers are in lower case. ``status`` is None when no
    response came; ``own_answer`` then names the error the proxy gave itself. ``account`` is a keyed
    fingerprint of the caller's key. ``labels`` hold ``project``, ``session``, ``agent`` and
    ``release`` where the client named them. ``extract`` is what a reducer took from the bodies,
    where the capture mode keeps none. ``diagnosed``: the question for the provider's diagnostics
    was answered on the way, and the upstream never saw it."""

    id: int
    started: int
    sent: int | None = None
    answered: int | None = None
    ended: int
    upstream: str
    method: str
    target: str
    peer: str | None = None
    request_headers: tuple[tuple[str, str], ...] = ()
    status: int | None = None
    response_headers: tuple[tuple[str, str], ...] = ()
    request: Body = Body()
    response: Body = Body()
    capture: Capture = Capture.full
    labels: dict[str, str]
    account: str | None = None
    cut: Cut | None = None
    own_answer: str | None = None
    retried: bool = False
    extract: bytes = b""
    diagnosed: bool = False


# Of a body: whether it is chunked, its size on the wire, and why it is missing.
Outline = tuple[bool, int, Missing | None]


class RecordHead(msgspec.Struct, array_like=True, frozen=True):
    """An exchange without its bodies as it lies on disk: headers as lines, all else as in Exchange.

    It is an array, and made without an Exchange, for it is written with every call. Fields are only
    ever added at the end and with a default; a version that does not know them passes over them."""

    id: int
    started: int
    sent: int | None
    answered: int | None
    ended: int
    upstream: str
    method: str
    target: str
    peer: str | None
    request_headers: bytes
    status: int | None
    response_headers: bytes
    request: Outline
    response: Outline
    capture: Capture
    labels: dict[str, str]
    account: str | None
    cut: Cut | None
    own_answer: str | None
    retried: bool
    extract: bytes = b""
    diagnosed: bool = False


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(RecordHead)
encode_head = _encoder.encode


class Record:
    """What one frame of the spool holds."""

    __slots__ = ("head", "request", "response", "spliced")

    def __init__(
        self,
        head: RecordHead,
        request: Sequence[bytes],
        response: Sequence[bytes],
        spliced: Pieces | None = None,
    ) -> None:
        self.head = head
        self.request = request
        self.response = response
        self.spliced = spliced

    @classmethod
    def decode(cls, head: bytes, request: bytes | Pieces, response: bytes) -> Record:
        """Raises ValueError when ``head`` is not the encoding of a RecordHead."""
        try:
            decoded = _decoder.decode(head)
        except msgspec.MsgspecError as error:
            raise ValueError(f"not a record: {error}") from error
        came = (response,) if response else ()
        if isinstance(request, Pieces):
            return cls(decoded, (), came, request)
        return cls(decoded, (request,) if request else (), came)

    @classmethod
    def of(cls, exchange: Exchange) -> Record:
        """The record of an exchange."""
        values = {name: getattr(exchange, name) for name in RecordHead.__struct_fields__}
        values["request_headers"] = _lines(exchange.request_headers)
        values["response_headers"] = _lines(exchange.response_headers)
        values["request"] = _outline(exchange.request)
        values["response"] = _outline(exchange.response)
        return cls(RecordHead(**values), exchange.request.parts, exchange.response.parts)

    def exchange(self) -> Exchange:
        """The exchange of a record."""
        values = {name: getattr(self.head, name) for name in RecordHead.__struct_fields__}
        values["request_headers"] = _pairs(self.head.request_headers)
        values["response_headers"] = _pairs(self.head.response_headers)
        values["request"] = _body(self.head.request, self.request, self.spliced)
        values["response"] = _body(self.head.response, self.response)
        return Exchange(**values)

    def without_bodies(self, missing: Missing) -> Record:
        """The same, its bodies left out for that reason where they are not empty."""
        head = self.head
        request: Outline = (*head.request[:2], missing) if self.request else head.request
        response: Outline = (*head.response[:2], missing) if self.response else head.response
        return Record(msgspec.structs.replace(head, request=request, response=response), (), ())


def _lines(pairs: Iterable[tuple[str, str]]) -> bytes:
    return "\r\n".join(f"{name}: {value}" for name, value in pairs).encode("latin-1", "replace")


def _pairs(lines: bytes) -> tuple[tuple[str, str], ...]:
    if not lines:
        return ()
    split = (line.partition(":") for line in lines.decode("latin-1").split("\r\n"))
    return tuple((name.lower(), value.strip(" \t")) for name, _, value in split)


def _outline(body: Body) -> Outline:
    return body.chunked, body.wire_size, body.missing


def _body(outline: Outline, parts: Sequence[bytes], spliced: Pieces | None = None) -> Body:
    chunked, size, missing = outline
    return Body(
        parts=tuple(parts), chunked=chunked, wire_size=size, missing=missing, spliced=spliced
    )


_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]+)[^\r\n]*\r\n")


def dechunk(raw: bytes) -> bytes:
    """The content of a body in HTTP/1.1 chunked coding; of a cut one, what is there."""
    parts: list[bytes] = []
    at = 0
    while (line := _SIZE_LINE.match(raw, at)) and (size := int(line[1], 16)):
        start = line.end()
        parts.append(raw[start : start + size])
        at = start + size + 2
    return b"".join(parts)
