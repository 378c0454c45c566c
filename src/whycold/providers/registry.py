"""Every wire format and provider, found by name, by address or from the shape of a body."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict, cast

from whycold.core.call import Call, Reply
from whycold.core.content import JsonMap
from whycold.core.rules import CacheRules
from whycold.errors import UserError
from whycold.providers import (
    anthropic,
    anthropic_rules,
    bedrock,
    bedrock_rules,
    compatible,
    engines,
    gemini,
    gemini_rules,
    openai_chat,
    openai_responses,
    openai_rules,
)
from whycold.providers.base import Dialect, Wire

__all__ = ["DIALECTS", "WIRES", "dialect", "guess", "read_call", "read_reply", "rules_for"]

WIRES: Mapping[str, Wire] = {
    wire.name: wire
    for wire in (
        anthropic.ANTHROPIC_MESSAGES,
        openai_chat.OPENAI_CHAT,
        openai_responses.OPENAI_RESPONSES,
        gemini.GEMINI_GENERATE,
        bedrock.BEDROCK_CONVERSE,
    )
}
DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        *anthropic_rules.DIALECTS,
        *openai_rules.DIALECTS,
        *gemini_rules.DIALECTS,
        *bedrock_rules.DIALECTS,
        *compatible.DIALECTS,
        *engines.DIALECTS,
    )
}


def dialect(name: str) -> Dialect:
    """The provider of that name; UserError lists the names there are."""
    found = DIALECTS.get(name.lower())
    if found is None:
        raise UserError(f"no provider is called {name!r}; known are {', '.join(sorted(DIALECTS))}")
    return found


def guess(request: JsonMap, provider: str | None = None) -> tuple[Wire, Dialect]:
    """The wire format by the shape of a request, and the provider named or usual for it.

    Raises UserError when no format fits, or when the provider does not speak the one that does.
    """
    named = dialect(provider) if provider is not None else None
    wires = [w for w in WIRES.values() if named is None or w.name in named.wires]
    likeness, best = max(
        ((wire.looks_like(request), wire) for wire in wires), key=lambda graded: graded[0]
    )
    if not likeness:
        what = f"a request to {named.title}" if named else "a request of an API that is known"
        raise UserError(
            f"is not {what}: it has none of messages, input, contents or their like "
            f"(its keys are {_keys(request)})"
        )
    return best, named or _usual(best, best.model(request))


def _keys(body: JsonMap) -> str:
    names = [key[:30] for key in list(body)[:6]]
    return ", ".join(names) + (", …" if len(body) > 6 else "") if names else "none"


def _usual(wire: Wire, model: str | None) -> Dialect:
    """The provider that a body points to when nobody names one: by its model, else the format's
    owner.
    """
    for start, name in compatible.MODEL_PREFIXES.items():
        if (
            model is not None
            and model.lower().startswith(start)
            and wire.name in DIALECTS[name].wires
        ):
            return DIALECTS[name]
    return next(d for d in DIALECTS.values() if wire.name in d.wires)


def read_call(
    request: JsonMap,
    response: JsonMap | bytes | None = None,
    *,
    id: str,
    at: datetime,
    provider: str | None = None,
    headers: Mapping[str, str] | None = None,
    began: datetime | None = None,
    reply: Reply | None = None,
    origin: Mapping[str, str] | None = None,
) -> Call:
    """One exchange as a Call.

    ``response`` is a JSON body or the bytes of one, streamed or not; ``reply`` one already read.
    ``headers`` are the request's, names in lower case; ``origin`` are fields of Call such as
    ``session`` and ``account``; who answered behind a router is taken from the answer. UserError
    when the request is of no known API; an answer that cannot be read leaves its usage unknown.
    """
    wire, spoken = guess(request, provider)
    if reply is None:
        reply = read_reply(wire, spoken, response)
    origin = dict(origin or {}) | ({"host": reply.host} if reply.host else {})
    return Call(
        id=id,
        at=at,
        provider=spoken.name,
        api=wire.name,
        model=wire.model(request) or reply.model,
        prompt=wire.read_request(request, spoken, headers or {}),
        reply=reply,
        began=began,
        **_origin(origin),
    )


class _Origin(TypedDict, total=False):
    project: str
    session: str
    agent: str
    release: str
    account: str
    host: str
    request_id: str


def _origin(given: Mapping[str, str]) -> _Origin:
    return cast("_Origin", {name: given[name] for name in _Origin.__annotations__ if name in given})


def read_reply(wire: Wire, spoken: Dialect, response: JsonMap | bytes | None) -> Reply:
    """A response body, streamed or not, as a Reply; an empty one when there is none."""
    if response is None:
        return Reply()
    if isinstance(response, bytes):
        reader = wire.stream(spoken)
        reader.feed(response)
        return reader.finish()
    return wire.read_reply(response, spoken)


def rules_for(call: Call) -> CacheRules:
    """The cache rules that hold for a call."""
    return DIALECTS[call.provider].rules(call.api, call.model)
