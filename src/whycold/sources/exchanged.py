"""HTTP exchanges that other programs wrote into files, as calls; no secret of a head is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from whycold.core.call import Call
from whycold.core.content import Json, as_list, as_map, digest
from whycold.providers.turns import Turns
from whycold.sources.decoding import Undecodable, decoded
from whycold.sources.proxied import NotACall, read_proxied
from whycold.sources.redact import Redactor
from whycold.sources.served import Served
from whycold.sources.spool_record import Body, Cut, Exchange

__all__ = [
    "Exchanged",
    "Place",
    "Reader",
    "account_of",
    "fingerprint",
    "headers_of",
    "identity",
    "plain",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
_MOST = 64 << 20
"""Bytes that a body may unpack to: no provider takes or gives as much."""
_REMEMBERED = 32 << 20
"""Bytes of requests that are remembered, to read those that go on from one."""
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))
_READABLE = re.compile(rb"\s*(?:[{\[]|data\s*:|event\s*:|id\s*:|retry\s*:|:)")
"""How JSON and streams of events begin."""
_ORGANIZATION = ("anthropic-organization-id", "openai-organization")
_CREDENTIALS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
_PLACEHOLDER = re.compile(
    r"(?i)redact|filter|dummy|fake|mask|secret|xxx|\*\*\*|<|\btest|placeholder"
)
_SHORTEST_KEY = 16
_SHORT_LIVED = re.compile(r"(?i)(?:Bearer\s+)?(?:ya29\.|eyJ|ASIA)")
"""Tokens that are renewed by the hour: another one says nothing of another account."""
_AWS_KEY = re.compile(r"Credential=(A[A-Z0-9]{15,})")
_REDACTOR = Redactor(b"whycold import")
# the same account has to have the same fingerprint whenever it is imported, so the key is no secret


class Place(NamedTuple):
    """Where an exchange stands: the name of its file with that of the folder, and its number."""

    file: str
    number: int

    @classmethod
    def of(cls, path: Path, number: int) -> Place:
        """The place in a file."""
        return cls("/".join(path.parts[-2:]), number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """One HTTP exchange as a file holds it.

    ``sent`` and ``came`` are the headers of request and response, names in lower case. Bodies may
    still be packed. ``at`` is when the request was sent, ``began`` when the answer came, UTC; None
    where that is not recorded. ``cut``: the answer is known to be incomplete.
    """

    url: str
    method: str = "POST"
    sent: Mapping[str, str] = field(default_factory=dict[str, str])
    request: bytes = b""
    status: int | None = 200
    came: Mapping[str, str] = field(default_factory=dict[str, str])
    response: bytes = b""
    at: datetime | None = None
    began: datetime | None = None
    cut: bool = False


class Reader:
    """Reads exchanges of one ``source``: the next turn of a conversation quickly, and with the very
    blocks of the one before.
    """

    def __init__(self, source: str) -> None:
        self._source, self._turns = source, Turns(_REMEMBERED)

    def call(
        self, found: Exchanged, at: datetime, place: Place, provider: str | None = None
    ) -> Call:
        """The call. Raises NotACall.

        ``at`` stands in for a time that is not recorded, ``place`` is where the exchange stands,
        ``provider`` who answered, where that is known.
        """
        request = _unpacked(found.request, found.sent, "request")
        exchange = _exchange(found, request, at)
        host = exchange.upstream
        served = Served({host: host}, {host: provider} if provider else {})
        call = read_proxied(exchange, served, self._turns).call
        when = found.at.isoformat() if found.at is not None else str(place)
        id = identity(self._source, call, request, when)
        call = replace(call, id=id, host=call.host or None)
        return call if found.at is not None else _undated(call, place)


def _exchange(found: Exchanged, request: bytes, at: datetime) -> Exchange:
    url = urlsplit(found.url)
    return Exchange(
        id=0,
        started=_nanoseconds(found.at or at),
        answered=_nanoseconds(found.began) if found.began is not None else None,
        ended=0,
        upstream=url.hostname or "",
        method=found.method.upper(),
        target=url.path,
        request_headers=_plain_headers(found.sent),
        status=found.status,
        response_headers=_plain_headers(found.came),
        request=Body(parts=(request,)),
        response=Body(parts=(_unpacked(found.response, found.came, "answer"),)),
        labels={},
        account=account_of(found),
        cut=Cut.upstream if found.cut else None,
    )


def identity(source: str, call: Call, request: bytes, otherwise: str) -> str:
    """An id that is the same for every copy of a call: by what the provider calls it, else by what
    was sent and ``otherwise``.
    """
    if call.request_id:
        named = (call.request_id, call.reply.message_id or "")
    elif call.reply.message_id:
        # local servers begin to count anew
        named = (call.reply.message_id, digest(request).hex())
    else:
        named = (digest(request).hex(), str(call.usage), otherwise)
    return digest(source.encode(), *(n.encode("utf-8", "surrogatepass") for n in named)).hex()


def _undated(call: Call, place: Place) -> Call:
    """The call, marked as one of which only its order in its file is known."""
    links = replace(call.prompt.links, undated=True, apart=place.file)
    return replace(call, prompt=replace(call.prompt, links=links))


def account_of(found: Exchanged) -> str | None:
    """A fingerprint of whose cache it is: the organization as the answer names it, else the key."""
    for name in _ORGANIZATION:
        if found.came.get(name):
            return fingerprint(found.came[name])
    key = next((found.sent[name] for name in _CREDENTIALS if found.sent.get(name)), "")
    if key.startswith("AWS4-"):
        # the rest is signed anew for every request
        aws = _AWS_KEY.search(key)
        key = aws[1] if aws is not None else ""
    vague = len(key) < _SHORTEST_KEY or _PLACEHOLDER.search(key) or _SHORT_LIVED.match(key)
    query = "" if key or "redact" in found.url.lower() else f"?{urlsplit(found.url).query}"
    credential = b"" if vague else key.encode("utf-8", "replace")
    return _REDACTOR.account(credential, query.encode("utf-8", "replace"))


def fingerprint(name: str) -> str | None:
    """A fingerprint of an account's name or key; None of none."""
    return _REDACTOR.account(name.encode("utf-8", "replace"), b"")


def headers_of(value: Json) -> dict[str, str]:
    """Headers with their names in lower case: of a map of texts or lists, of pairs, of objects with
    ``name`` and ``value``, or of lines; the first of several values.
    """
    out: dict[str, str] = {}
    for name, held in _pairs(value):
        text = _text(held)
        if text is not None and name:
            out.setdefault(name.lower(), text)
    return out


def _pairs(value: Json) -> list[tuple[str, Json]]:
    whole = as_map(value)
    if whole is not None:
        return [(str(name), held) for name, held in whole.items()]
    pairs: list[tuple[str, Json]] = []
    for item in as_list(value) or ():
        named, pair = as_map(item), as_list(item)
        if named is not None:
            pairs.append((str(named.get("name") or ""), named.get("value")))
        elif pair is not None and len(pair) == 2:
            pairs.append((str(pair[0]), pair[1]))
        elif isinstance(item, str):
            name, _, held = item.partition(":")
            pairs.append((name.strip(), held.strip()))
    return pairs


def _text(value: Json) -> str | None:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        return value
    items = as_list(value)
    if items is not None:
        return _text(items[0]) if items else None
    return str(value) if isinstance(value, (int, float)) else None


def plain(body: bytes, codings: str) -> bytes:
    """A body without content codings, whether or not they were taken off before it was written.

    Raises Undecodable.
    """
    if not body or _READABLE.match(body[:256]):
        return body
    seen = next((name for magic, name in _MAGIC if body.startswith(magic)), None)
    if seen is not None and codings.strip().lower() != seen:
        return decoded(body, seen, _MOST)
    return decoded(body, codings, _MOST)


def _unpacked(body: bytes, headers: Mapping[str, str], what: str) -> bytes:
    try:
        return plain(body, headers.get("content-encoding", ""))
    except Undecodable as error:
        if what == "answer":
            return b""
        raise NotACall(f"the {what} cannot be unpacked: {error}") from None


def _plain_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, text) for name, text in headers.items() if name != "content-encoding")


def _nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICRO * 1000
