"""One proxied exchange as it is kept on the spool, before anyone has understood it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec

__all__ = ["Body", "Capture", "Cut", "Exchange", "Missing", "dechunk", "decode", "encode"]


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

    ``parts`` are its bytes in order, empty when the body was empty or is ``missing``; ``chunked``
    says that they still carry HTTP/1.1 chunk framing, which ``content`` takes off; ``wire_size``
    counts the bytes that passed, framing included, kept or not."""

    parts: tuple[bytes, ...] = ()
    chunked: bool = False
    wire_size: int = 0
    missing: Missing | None = None

    @property
    def content(self) -> bytes:
        """The body without chunk framing; of a cut body, what had come."""
        raw = b"".join(self.parts)
        return dechunk(raw) if self.chunked else raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request, what came back, and when. Secrets are taken out before this is written.

    ``id`` is unique and grows with time (63 bits: Unix milliseconds, then 22 bits). Times are Unix
    nanoseconds: ``started`` the request's head was complete, ``sent`` its body was, ``answered``
    the first byte of the final response came, ``ended`` nothing more would come. ``target`` is the
    path and query as sent upstream. ``status`` is None when no response came; ``own_answer`` then
    names the error the proxy gave itself. ``account`` is a keyed fingerprint of the caller's key.
    ``labels`` hold ``project``, ``session``, ``agent`` and ``release`` where the client named
    them. ``extract`` is what a reducer took from the bodies, where the capture mode keeps none.
    """

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


_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]+)[^\r\n]*\r\n")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Exchange)


def encode(exchange: Exchange) -> bytes:
    """Everything but the bytes of the bodies, as MessagePack."""
    fields: dict[str, Any] = {
        "id": exchange.id,
        "started": exchange.started,
        "sent": exchange.sent,
        "answered": exchange.answered,
        "ended": exchange.ended,
        "upstream": exchange.upstream,
        "method": exchange.method,
        "target": exchange.target,
        "peer": exchange.peer,
        "request_headers": exchange.request_headers,
        "status": exchange.status,
        "response_headers": exchange.response_headers,
        "request": _outline(exchange.request),
        "response": _outline(exchange.response),
        "capture": exchange.capture,
        "labels": exchange.labels,
        "account": exchange.account,
        "cut": exchange.cut,
        "own_answer": exchange.own_answer,
        "retried": exchange.retried,
        "extract": exchange.extract,
    }
    return _encoder.encode(fields)


def _outline(body: Body) -> dict[str, Any]:
    return {"chunked": body.chunked, "wire_size": body.wire_size, "missing": body.missing}


def decode(head: bytes, request: bytes, response: bytes) -> Exchange:
    """The exchange that ``encode`` was given, with the bytes of its bodies.

    Fields that this version does not know are left out; raises ValueError when the head is not
    such an encoding."""
    try:
        exchange = _decoder.decode(head)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not an exchange: {error}") from error
    return replace(
        exchange,
        request=replace(exchange.request, parts=(request,) if request else ()),
        response=replace(exchange.response, parts=(response,) if response else ()),
    )


def dechunk(raw: bytes) -> bytes:
    """The content of a body in HTTP/1.1 chunked coding; of a cut one, what is there."""
    parts: list[bytes] = []
    at = 0
    while (line := _SIZE_LINE.match(raw, at)) and (size := int(line[1], 16)):
        start = line.end()
        parts.append(raw[start : start + size])
        at = start + size + 2
    return b"".join(parts)
