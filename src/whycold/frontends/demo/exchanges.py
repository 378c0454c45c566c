"""Requests and responses as a proxy would have recorded them."""

from __future__ import annotations

from datetime import datetime

from whycold.frontends.demo.talk import Talk, Times
from whycold.sources.spool_record import Body, Exchange

__all__ = ["HOSTS", "exchanged", "refused"]

HOSTS = {
    "anthropic": "api.anthropic.com",
    "openai": "api.openai.com",
    "deepseek": "api.deepseek.com",
    "workstation": "127.0.0.1",
}
"""Where the demo's upstreams are; nothing is ever sent there."""
_ID_BITS = 22
_US = 1000
_MS = 1_000_000
_BODY_MS, _ANSWER_MS = 3, 2400
_OVERLOADED = 529
_REFUSAL = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'


def exchanged(
    talk: Talk, times: Times, request: bytes, kind: str, response: bytes, request_id: str
) -> Exchange:
    """A request that was answered."""
    server = (("server", "llama.cpp"),) if talk.who.upstream == "workstation" else ()
    headers = (("content-type", kind), ("request-id", request_id), *server)
    return _exchange(talk, times, 200, headers, request, response)


def refused(talk: Talk, times: Times, request_id: str) -> Exchange:
    """A request that found the provider overloaded."""
    headers = (("content-type", "application/json"), ("request-id", request_id))
    return _exchange(talk, times, _OVERLOADED, headers, talk.format.request(talk), _REFUSAL)


def _exchange(
    talk: Talk,
    times: Times,
    status: int,
    headers: tuple[tuple[str, str], ...],
    request: bytes,
    response: bytes,
) -> Exchange:
    started, began = _nanoseconds(times.sent), _nanoseconds(times.began)
    labels = {"project": talk.who.project, "session": talk.session, "release": talk.who.client}
    return Exchange(
        id=(started // _MS << _ID_BITS) | times.number % (1 << _ID_BITS),
        started=started,
        sent=started + _BODY_MS * _MS,
        answered=began,
        ended=began + _ANSWER_MS * _MS,
        upstream=talk.who.upstream,
        method="POST",
        target=talk.format.target,
        request_headers=(
            ("content-type", "application/json"),
            ("user-agent", talk.who.client.replace(" ", "/")),
        ),
        status=status,
        response_headers=headers,
        request=Body(parts=(request,), wire_size=len(request)),
        response=Body(parts=(response,), wire_size=len(response)),
        labels=labels | ({"agent": talk.who.agent} if talk.who.agent else {}),
        account=talk.who.account,
    )


def _nanoseconds(at: datetime) -> int:
    return (int(at.timestamp()) * 1_000_000 + at.microsecond) * _US
