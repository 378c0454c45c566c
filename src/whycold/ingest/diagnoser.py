"""Compares requests as a provider's own diagnostics do, for upstreams that have none.

Like the providers it remembers digests and estimates of tokens, no text, and not for long.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, TypeAlias
from urllib.parse import unquote, urlsplit

import msgspec

from whycold.core.call import Call
from whycold.core.content import Json, JsonMap, as_map
from whycold.core.predecessor import History
from whycold.core.prompt import Prompt
from whycold.diagnose.as_provider import (
    TIER,
    UNAVAILABLE,
    Difference,
    messages_difference,
    responses_difference,
)
from whycold.errors import UserError
from whycold.ingest.digests import comparable
from whycold.ingest.shared_blocks import SharedBlocks
from whycold.providers.base import Dialect
from whycold.providers.registry import DIALECTS, WIRES, read_reply, rules_for
from whycold.providers.turns import Prepared, Turns
from whycold.sources.decoding import Undecodable, decoded
from whycold.sources.extract import hashed
from whycold.sources.proxied import named_model
from whycold.sources.proxy.asked import Api, api_of
from whycold.sources.proxy.asking import Came, Compared, Sent
from whycold.sources.served import Served
from whycold.sources.spool_record import Exchange
from whycold.store.records import Capture, Record

__all__ = ["Diagnoser", "Find"]

Find: TypeAlias = Callable[[str], Record | None]
"""What is kept of the call with a provider's id."""
_Key: TypeAlias = tuple[str, str | None, str]

_OWNERS: Final = {
    Api.messages: (WIRES["anthropic.messages"], DIALECTS["anthropic"]),
    Api.responses: (WIRES["openai.responses"], DIALECTS["openai"]),
}
"""Whose diagnostics an API's are: its rules say which settings are compared."""
_MOST_BLOCKS: Final = 1_000_000
"""Blocks of remembered calls; one that several share counts for each."""
_MOST_WAITING: Final = 128 << 20
"""Bytes of requests whose responses have not ended."""
_TURNS: Final = 32 << 20
_NEVER: Final = datetime(2026, 1, 1, tzinfo=UTC)
_FROM_US: Final = {"answered_by": "whycold"}


@dataclass(frozen=True, slots=True)
class _Known:
    """A request without its text; ``compactions`` are the compacted stretches in it."""

    call: Call
    compactions: int


@dataclass(frozen=True, slots=True)
class _Waiting:
    sent: Sent
    api: Api
    dialect: Dialect
    known: _Known


class Diagnoser:
    """Takes requests with what came back, and answers what they ask.

    ``find`` looks up what is not in memory. Each connection numbers its requests anew: ``link``
    tells them apart.
    """

    def __init__(self, served: Served, find: Find) -> None:
        self._served, self._find = served, find
        self._turns, self._blocks = Turns(_TURNS), SharedBlocks()
        self._secret = secrets.token_bytes(32)
        self._waiting: OrderedDict[tuple[int, int], _Waiting] = OrderedDict()
        self._waiting_bytes = 0
        self._known: OrderedDict[_Key, _Known] = OrderedDict()
        self._known_blocks = 0
        self._spoken: dict[tuple[str, Api], Dialect] = {}

    def sent(self, link: int, sent: Sent) -> Compared | None:
        """A request: the answer to what it asks, None where it asks nothing."""
        api = api_of(sent.target.encode("latin-1", "replace"))
        if api is None:
            return None
        dialect = self._dialect(sent, api)
        try:
            known = self._read(sent, api, dialect)
        except UserError:
            return None
        self._wait(link, _Waiting(sent, api, dialect, known))
        asked = known.call.prompt.links
        if not asked.asked:
            return None
        if asked.compares is None:
            return Compared(sent.number, b"null")
        before = self._before(sent, api, asked.compares)
        if before is None:
            return Compared(sent.number, _not_found(api))
        named = DIALECTS[before.call.provider]
        if named is not dialect and known.call.api in named.wires:
            # both as the server behind reads them
            known = self._read(sent, api, named)
        return self._compared(sent.number, api, before, self._resolved(sent, api, known))

    def came(self, link: int, came: Came) -> None:
        """What came back of a request: from now on it can be named."""
        waiting = self._waiting.pop((link, came.number), None)
        if waiting is None:
            return
        sent, api = waiting.sent, waiting.api
        self._waiting_bytes -= len(sent.body)
        if came.status != 200:
            return
        try:
            content = decoded(came.body, came.headers.get("content-encoding", ""))
        except Undecodable:
            return
        wire, _ = _OWNERS[api]
        spoken = self._served.spoken(_as_exchange(sent), wire, came.headers, content)
        dialect, known = waiting.dialect, waiting.known
        if spoken is not None and spoken.dialect.name != dialect.name:
            dialect = spoken.dialect
            known = self._read(sent, api, dialect)
        self._spoken[sent.upstream, api] = dialect
        reply = read_reply(wire, dialect, content)
        if reply.message_id is None or reply.error is not None:
            return
        known = self._resolved(sent, api, known)
        replied = self._without_text(replace(known.call, prompt=Prompt(()), reply=reply)).reply
        known = replace(known, call=replace(known.call, reply=replied))
        self._remember((sent.upstream, sent.account, reply.message_id), known)

    def gone(self, link: int) -> None:
        """A connection ended: nothing more comes of its requests."""
        for key in [key for key in self._waiting if key[0] == link]:
            self._waiting_bytes -= len(self._waiting.pop(key).sent.body)

    def _dialect(self, sent: Sent, api: Api) -> Dialect:
        """Who is behind an upstream, as far as that is known before it answers."""
        wire, owner = _OWNERS[api]
        spoken = self._served.spoken(_as_exchange(sent), wire, {}, b"")
        if spoken is not None:
            return spoken.dialect
        return self._spoken.get((sent.upstream, api), owner)

    def _read(self, sent: Sent, api: Api, dialect: Dialect) -> _Known:
        """Raises UserError for what is not JSON."""
        wire, _ = _OWNERS[api]
        path = unquote(urlsplit(sent.target).path)

        def prepare(body: JsonMap) -> Prepared:
            return Prepared(wire, dialect, named_model(body, path, wire))

        kind = f"{wire.name} {dialect.name}"
        prepared, prompt = self._turns.read(kind, sent.body, sent.headers, prepare)
        call = Call(
            id=str(sent.number),
            at=_NEVER,
            provider=dialect.name,
            api=wire.name,
            model=wire.model(prepared.request),
            prompt=prompt,
        )
        return _Known(self._without_text(call), _compactions(prompt))

    def _without_text(self, call: Call) -> Call:
        return self._blocks.of(comparable(hashed(call, self._secret)))

    def _wait(self, link: int, waiting: _Waiting) -> None:
        self._waiting[link, waiting.sent.number] = waiting
        self._waiting_bytes += len(waiting.sent.body)
        while self._waiting_bytes > _MOST_WAITING:
            self._waiting_bytes -= len(self._waiting.popitem(last=False)[1].sent.body)

    def _remember(self, key: _Key, known: _Known) -> None:
        if (older := self._known.pop(key, None)) is not None:
            self._known_blocks -= len(older.call.prompt.blocks)
        self._known[key] = known
        self._known_blocks += len(known.call.prompt.blocks)
        while self._known_blocks > _MOST_BLOCKS and len(self._known) > 1:
            self._known_blocks -= len(self._known.popitem(last=False)[1].call.prompt.blocks)

    def _before(self, sent: Sent, api: Api, id: str) -> _Known | None:
        """The request that is named, if this caller sent it to this upstream."""
        found = self._known.get((sent.upstream, sent.account, id))
        return found if found is not None else self._kept(sent, api, id)

    def _kept(self, sent: Sent, api: Api, id: str) -> _Known | None:
        record = self._find(id)
        if record is None or record.capture is not Capture.full:
            return None
        call, (wire, _) = record.call, _OWNERS[api]
        theirs = (call.api, call.account) == (wire.name, sent.account)
        opted_in = call.prompt.links.asked or api is Api.responses
        if not (theirs and opted_in and call.host in (sent.upstream, call.reply.host)):
            return None
        return _Known(self._without_text(call), _compactions(call.prompt))

    def _resolved(self, sent: Sent, api: Api, known: _Known) -> _Known:
        """With what the server keeps of the response that it goes on from."""
        continued = known.call.prompt.links.continues
        history = History()
        if continued is not None and (earlier := self._before(sent, api, continued)) is not None:
            history.add(earlier.call)
        return replace(known, call=history.resolve(known.call))

    def _compared(self, number: int, api: Api, before: _Known, after: _Known) -> Compared:
        wire, owner = _OWNERS[api]
        rules = owner.rules(wire.name, before.call.model)
        if api is Api.messages:
            found = messages_difference(before.call, after.call, rules)
            return Compared(number, _for_messages(found))
        compacted = after.compactions > before.compactions
        found = responses_difference(before.call, after.call, rules, compacted=compacted)
        usage = before.call.usage
        read_all = None
        if usage.input is not None:
            read_all = max(1, usage.input - rules_for(before.call).slack)
        tier = None
        if usage.tier is not None and not found.before(TIER):
            tier = _missed(TIER, found.whole)
        return Compared(number, _for_responses(found), read_all, usage.tier, tier)


def _as_exchange(sent: Sent) -> Exchange:
    return Exchange(
        id=sent.number,
        started=0,
        ended=0,
        upstream=sent.upstream,
        method="POST",
        target=sent.target,
        labels={},
    )


def _compactions(prompt: Prompt) -> int:
    values = (as_map(block.value) for block in prompt.blocks)
    return sum(value is not None and value.get("type") == "compaction" for value in values)


def _not_found(api: Api) -> bytes:
    if api is Api.messages:
        return _reason({"type": "previous_message_not_found"})
    return _encoded({"type": "comparison_response_not_found"})


def _for_messages(found: Difference) -> bytes:
    """Shapes: PyPI anthropic 2.12.0, types/diagnostics.py and cache_miss_*.py."""
    if found.reason is None:
        return b"null"
    if found.reason == UNAVAILABLE:
        return _reason({"type": UNAVAILABLE})
    return _reason({"type": found.reason, "cache_missed_input_tokens": found.missed})


def _reason(reason: JsonMap) -> bytes:
    return _encoded({"cache_miss_reason": reason})


def _for_responses(found: Difference) -> bytes:
    """Shapes: PyPI openai 3.54.0, types/responses/response.py. Equal requests that were not read
    from the cache are a miss for which it has no reason.
    """
    if found.reason in (None, UNAVAILABLE):
        return _encoded({"type": UNAVAILABLE})
    return _missed(found.reason, found.missed)


def _missed(reason: str, tokens: int) -> bytes:
    return _encoded({"type": "cache_miss", "reason": reason, "cache_missed_tokens": tokens})


def _encoded(value: dict[str, Json]) -> bytes:
    return msgspec.json.encode({**value, **_FROM_US})
