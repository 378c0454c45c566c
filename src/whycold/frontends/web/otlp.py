"""``POST /v1/traces`` and ``/v1/logs``: OTLP over HTTP, left for the recorder to bring in.

Facts: OTLP 1.10, protocol specification, OTLP/HTTP (read 2026-11-23): the answer has the encoding
of the request; 400 is not sent again, 429 and 503 are, after ``Retry-After``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import anyio
import anyio.to_thread
import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from whycold.core.content import JsonMap
from whycold.errors import UserError
from whycold.ingest.orders import Orders
from whycold.providers.body import decode_map
from whycold.sources.decoding import Undecodable, decoded
from whycold.sources.otlp_protobuf import Signal, answer, failure, read_protobuf
from whycold.sources.otlp_received import looked_over

__all__ = ["KIND", "otlp_routes"]

KIND: Final = "otlp"
"""The kind of order that holds a document as payload."""
_JSON, _PROTOBUF = "application/json", "application/x-protobuf"
_MOST: Final = 16 << 20
"""Bytes of a request as it is sent; exporters send 512 spans at once, by default."""
_MOST_UNPACKED: Final = 64 << 20
_CODINGS: Final = frozenset({"identity", "gzip", "deflate", "zstd", "br"})
_RETRY_S: Final = 5
_SITES: Final = frozenset({"same-origin", "none"})


def otlp_routes(orders: str | None) -> list[Route]:
    """The routes; ``orders`` is the folder in which the recorder finds what it is to do."""
    receiver = _Receiver(Orders(Path(orders)) if orders is not None else None)

    def route(signal: Signal) -> Route:
        async def endpoint(request: Request) -> Response:
            return await receiver.take(request, signal)

        return Route(f"/v1/{signal.value}", endpoint, methods=["POST"])

    return [route(signal) for signal in Signal]


class _Refused(Exception):
    """A request that is not taken: with which status, and why in one line."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class _Taken(NamedTuple):
    """Records that were left out of what was taken, and why."""

    left_out: int = 0
    why: str = ""


class _Receiver:
    def __init__(self, orders: Orders | None) -> None:
        self._orders = orders
        # decoding is work: one at a time leaves the processor to those who look at pages
        self._one = anyio.CapacityLimiter(1)

    async def take(self, request: Request, signal: Signal) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        binary = kind == _PROTOBUF
        try:
            _check(request.headers, kind)
            body = await _body(request)
            coding = request.headers.get("content-encoding", "")
            taken = await anyio.to_thread.run_sync(
                lambda: self._left(body, coding, signal, binary=binary), limiter=self._one
            )
        except _Refused as refusal:
            return _refusal(refusal, binary=binary)
        if binary:
            return Response(answer(*taken), media_type=_PROTOBUF)
        return _json({"partialSuccess": _partial(taken, signal)} if taken.left_out else {})

    def _left(self, body: bytes, coding: str, signal: Signal, *, binary: bool) -> _Taken:
        """Leave a document for the recorder, once it is known to hold something."""
        try:
            data = decoded(body, coding, _MOST_UNPACKED)
            document = read_protobuf(signal, data) if binary else decode_map(data)
        except Undecodable as error:
            raise _Refused(400, str(error)) from None
        except UserError as error:
            raise _Refused(400, f"the body {error}") from None
        useful, skipped = looked_over(document)
        if useful:
            self._give(document)
        return _Taken(skipped.total(), _said(skipped))

    def _give(self, document: JsonMap) -> None:
        if self._orders is None:
            raise _Refused(503, "there is no recorder that could bring it in")
        try:
            self._orders.give(KIND, {}, msgspec.json.encode(document), quiet=True)
        except UserError as fault:
            raise _Refused(503, str(fault)) from None


def _check(headers: Mapping[str, str], kind: str) -> None:
    """Raises _Refused for what is no exporter's request.

    A page of another site can make a browser send to this port: browsers say whose page it was,
    and ask first before they send these content types, which nothing here allows.
    """
    if headers.get("sec-fetch-site", "none") not in _SITES or "origin" in headers:
        raise _Refused(403, "pages of other sites may not send telemetry here")
    if kind not in (_JSON, _PROTOBUF):
        raise _Refused(415, f"send {_PROTOBUF} or {_JSON}")
    codings = [c.strip().lower() for c in headers.get("content-encoding", "").split(",")]
    if not _CODINGS.issuperset(filter(None, codings)):
        raise _Refused(415, "send it as gzip, or as it is")


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > _MOST:
                raise _Refused(413, f"send no more than {_MOST >> 20} MB at once")
            parts.append(part)
    except ClientDisconnect:
        raise _Refused(400, "the body did not come to its end") from None
    return b"".join(parts)


def _said(skipped: Counter[str]) -> str:
    return "; ".join(f"{count} skipped: {why}" for why, count in skipped.most_common(3))


def _partial(taken: _Taken, signal: Signal) -> dict[str, str]:
    rejected = "rejectedSpans" if signal is Signal.traces else "rejectedLogRecords"
    return {rejected: str(taken.left_out), "errorMessage": taken.why}


def _refusal(refusal: _Refused, *, binary: bool) -> Response:
    headers = {"retry-after": str(_RETRY_S)} if refusal.status == 503 else {}
    if binary:
        return Response(failure(str(refusal)), refusal.status, headers, _PROTOBUF)
    return _json({"message": str(refusal)}, refusal.status, headers)


def _json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, dict(headers or {}), _JSON)
