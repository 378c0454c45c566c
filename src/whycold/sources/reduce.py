"""What a proxy does to exchanges whose text may not be kept, before anything is written."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import replace

from whycold.sources.extract import encode_extract, hashed, without_prompt
from whycold.sources.proxied import NotACall, read_proxied
from whycold.sources.served import Served
from whycold.sources.spool_record import Body, Capture, Exchange, Missing

__all__ = ["Reducer"]


class Reducer:
    """Turns bodies into an extract where the capture mode keeps no text.

    ``key`` is the secret that digests are made with. Calls that name no project count as of
    ``project``; the mode of ``projects`` holds for them, too.
    """

    def __init__(
        self,
        served: Served,
        key: bytes,
        projects: Mapping[str, Capture] | None = None,
        project: str | None = None,
    ) -> None:
        self._served = served
        self._key = hmac.digest(key, b"whycold blocks", "sha256")
        self._default = (projects or {}).get(project or "")

    def __call__(self, exchange: Exchange) -> Exchange | None:
        """What may be written of an exchange; None: nothing."""
        capture = exchange.capture
        if "project" not in exchange.labels:
            capture = capture.strictest(self._default)
        if capture is Capture.none:
            return None
        if capture.keeps_text:
            return exchange
        return replace(
            exchange,
            capture=capture,
            request=_emptied(exchange.request),
            response=_emptied(exchange.response),
            extract=self._extract(replace(exchange, capture=capture)),
        )

    def _extract(self, exchange: Exchange) -> bytes:
        try:
            seen = read_proxied(exchange, self._served)
        except NotACall:
            return b""
        if exchange.capture is Capture.usage:
            return encode_extract(without_prompt(seen.call))
        return encode_extract(hashed(seen.call, self._key))


def _emptied(body: Body) -> Body:
    if not body.parts:
        return body
    return Body(wire_size=body.wire_size, missing=Missing.capture)
