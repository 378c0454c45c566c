"""What people keep of a call: a request body, or a request with its response, time and origin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from whycold.core.call import Call
from whycold.core.content import Json, JsonMap, as_map, as_text
from whycold.errors import UserError
from whycold.providers.body import decode
from whycold.providers.registry import read_call

__all__ = ["Exchange", "read_exchange"]

_ORIGIN = ("project", "session", "agent", "release", "account", "host", "request_id")
_SECONDS_UNTIL_MS = 100_000_000_000
_YEARS = range(2000, 2200)
"""A time outside of these years is a mistake, and no time is known."""


@dataclass(frozen=True)
class Exchange:
    """A request with what is known of its answer; ``at`` and ``began`` are UTC, None when not
    recorded.
    """

    request: JsonMap
    response: JsonMap | bytes | None = None
    at: datetime | None = None
    began: datetime | None = None
    provider: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    origin: Mapping[str, str] = field(default_factory=dict[str, str])

    def call(self, id: str, at: datetime, provider: str | None = None) -> Call:
        """The exchange as a Call; ``at`` stands in for a time that was not recorded."""
        return read_call(
            self.request,
            self.response,
            id=id,
            at=self.at or at,
            provider=provider or self.provider,
            headers=self.headers,
            began=self.began,
            origin=self.origin,
        )


def read_exchange(data: bytes) -> Exchange:
    """A file's bytes: a request body, or ``{"request": …, "response": …, "at": …}``.

    ``request`` and ``response`` are bodies as JSON or as text (a stream's events too), or objects
    with ``headers`` and ``body``; ``at`` is an ISO time or a Unix time in seconds or milliseconds.
    A line of a batch file, which holds its request under ``body``, is a request. Raises UserError
    for anything else.
    """
    value = decode(data)
    document = as_map(value)
    if document is None:
        raise UserError(
            "is JSON, but not an object: expected a request body or a recorded exchange"
        )
    if "request" not in document:
        batched = as_map(document.get("body")) if "method" in document else None
        return Exchange(batched if batched is not None else document)
    headers, request = _message(document["request"])
    body = _request_body(request)
    _, response = _message(document.get("response"))
    return Exchange(
        request=body,
        response=_response_body(response, document.get("usage")),
        at=_time(document.get("at") or document.get("timestamp")),
        began=_time(document.get("began")),
        provider=as_text(document.get("provider")),
        headers=headers,
        origin={name: text for name in _ORIGIN if (text := as_text(document.get(name)))},
    )


def _message(value: Json) -> tuple[Mapping[str, str], Json]:
    """Headers in lower case, and the body, of a bare body or of an object that holds both."""
    whole = as_map(value)
    if whole is None or "body" not in whole:
        return {}, value
    headers = as_map(whole.get("headers")) or {}
    return {k.lower(): text for k, v in headers.items() if (text := as_text(v))}, whole["body"]


def _request_body(value: Json) -> JsonMap:
    if isinstance(value, str):
        try:
            value = decode(value)
        except UserError as error:
            raise UserError(f'holds a "request" that {error}') from None
    body = as_map(value)
    if body is None:
        raise UserError('holds a "request" that is not a JSON object')
    return body


def _response_body(value: Json, usage: Json) -> JsonMap | bytes | None:
    """A body, or the bytes of one; with nothing but a usage, that as a body."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if value is None:
        return {"usage": usage} if as_map(usage) is not None else None
    body = as_map(value)
    # the array of a stream's chunks is read as the stream; what else there is holds no usage
    return body if body is not None else json.dumps(value).encode("ascii")


def _time(value: Json) -> datetime | None:
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = value / 1000 if value > _SECONDS_UNTIL_MS else value
            at = datetime.fromtimestamp(seconds, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.year in _YEARS else None
