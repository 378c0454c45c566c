"""An exchange from the spool, understood: which provider, which prompt, which usage, whose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from whycold.core.call import Call, ProviderError, Reply, Said
from whycold.core.content import Json, JsonMap, as_map, as_text
from whycold.core.prompt import Prompt
from whycold.errors import UserError
from whycold.pieces import Pieces
from whycold.providers.base import Wire
from whycold.providers.body import decode_map
from whycold.providers.registry import WIRES, guess, read_reply
from whycold.providers.turns import Prepared, Turns
from whycold.sources.decoding import Undecodable, decoded
from whycold.sources.extract import BadExtract, decode_extract, without_prompt
from whycold.sources.served import How, Served, Spoken, usual
from whycold.sources.spool_record import Capture, Exchange, Missing

__all__ = [
    "Elsewhere",
    "NotACall",
    "Seen",
    "client_of",
    "named_model",
    "read_proxied",
    "session_of",
]


class NotACall(Exception):
    """An exchange that is no call to a model, or cannot be read as one; says why in one line."""


class Elsewhere(NotACall):
    """An exchange with something else than a model."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A call that went through the proxy.

    ``how`` is how its provider is known, None where that was not noted. ``lacks`` says why its
    prompt is not there, where it is not although it was to be kept.
    """

    call: Call
    how: How | None = None
    lacks: str | None = None


_PATHS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"/v1/messages/?\Z"), "anthropic.messages"),
    (re.compile(r"/models/[^/]+:(?:streamR|r)awPredict\Z"), "anthropic.messages"),
    (re.compile(r"/model/[^/]+/invoke(?:-with-response-stream)?\Z"), "anthropic.messages"),
    (re.compile(r"/model/[^/]+/converse(?:-stream)?\Z"), "bedrock.converse"),
    (re.compile(r"/(?:chat/)?completions\Z"), "openai.chat"),
    (re.compile(r"/responses\Z"), "openai.responses"),
    (re.compile(r"/models/[^/]+:(?:stream)?[gG]enerateContent\Z"), "gemini.generate"),
)
_MODEL = re.compile(r"/models?/([^/:]+(?::\d+)?)")
_SESSION_HEADERS = (
    "x-claude-code-session-id",
    "x-session-id",
    "session-id",
    "session_id",
    "x-session-affinity",
    "x-grok-conv-id",
)
_CLIENT = re.compile(r"([A-Za-z][\w .+-]{0,40}?)/(\d+(?:\.\d+){1,3}(?:[-+.][\w.]+)?)")


def read_proxied(exchange: Exchange, served: Served, turns: Turns | None = None) -> Seen:
    """The call that an exchange holds. Raises NotACall for everything else that was proxied.

    ``turns`` remembers bodies, so that the next turn of a conversation is read quickly.
    """
    path = unquote(urlsplit(exchange.target).path)
    asked = _wire(path)
    if asked is None or exchange.method != "POST":
        raise Elsewhere(f"{exchange.method} {_shape(path)} is no call to a model")
    wire: Wire = asked
    sent, came = dict(exchange.request_headers), dict(exchange.response_headers)
    if exchange.extract:
        try:
            call = decode_extract(exchange.extract, _id(exchange), _time(exchange.started))
        except BadExtract as error:
            raise NotACall(str(error)) from None
        return Seen(_placed(call, exchange, sent, came, None))
    answer = _answer(exchange, came)
    raw, lacks = _request(exchange, sent)
    if raw is None:
        return _without_request(exchange, served, wire, answer, path, lacks)
    spoken = Spoken(usual(wire, None), How.shape)

    def prepare(body: JsonMap) -> Prepared:
        nonlocal spoken
        body = named_model(body, path, asked)
        fitting = _fitting(asked, body)
        known = served.spoken(exchange, fitting, came, answer or b"")
        spoken = known or Spoken(usual(fitting, body), How.shape)
        return Prepared(fitting, spoken.dialect, body)

    try:
        prepared, prompt = (turns or Turns()).read(wire.name, raw, sent, prepare)
    except UserError as error:
        raise NotACall(f"the body {error}") from None
    wire, body = prepared.wire, prepared.request
    reply = _reply(exchange, wire, spoken, answer)
    call = Call(
        id=_id(exchange),
        at=_time(exchange.started),
        provider=spoken.dialect.name,
        api=wire.name,
        model=wire.model(body) or reply.model,
        prompt=prompt,
        reply=reply,
    )
    return Seen(_placed(call, exchange, sent, came, body), spoken.how)


def _without_request(
    exchange: Exchange,
    served: Served,
    wire: Wire,
    answer: bytes | None,
    path: str,
    lacks: str | None,
) -> Seen:
    """What the answer alone tells: the usage, not the prompt."""
    sent, came = dict(exchange.request_headers), dict(exchange.response_headers)
    named = wire.model(named_model({}, path, wire))
    spoken = served.spoken(exchange, wire, came, answer or b"")
    spoken = spoken or Spoken(usual(wire, None), How.shape)
    reply = _reply(exchange, wire, spoken, answer)
    call = Call(
        id=_id(exchange),
        at=_time(exchange.started),
        provider=spoken.dialect.name,
        api=wire.name,
        model=named or reply.model,
        prompt=Prompt(()),
        reply=reply,
    )
    call = without_prompt(_placed(call, exchange, sent, came, None))
    return Seen(call, spoken.how, lacks)


def _placed(
    call: Call,
    exchange: Exchange,
    sent: Mapping[str, str],
    came: Mapping[str, str],
    body: JsonMap | None,
) -> Call:
    """The call with what its exchange says of it beside the bodies."""
    labels = exchange.labels
    return replace(
        call,
        began=_time(exchange.answered) if exchange.answered is not None else None,
        request_id=came.get("request-id")
        or came.get("x-request-id")
        or came.get("x-amzn-requestid"),
        project=labels.get("project"),
        session=labels.get("session") or call.session or session_of(body or {}, sent),
        agent=labels.get("agent"),
        release=labels.get("release") or client_of(sent.get("user-agent", "")),
        account=exchange.account,
        host=call.reply.host or exchange.upstream,
    )


def _wire(path: str) -> Wire | None:
    return next((WIRES[name] for known, name in _PATHS if known.search(path)), None)


def _shape(path: str) -> str:
    """A path to count by: without what looks like an id."""
    return re.sub(r"/[\w-]*\d[\w-]{7,}", "/…", path)[:80]


def _fitting(wire: Wire, body: JsonMap) -> Wire:
    """The wire format of the path, or another that fits better than not at all."""
    if wire.looks_like(body):
        return wire
    try:
        return guess(body)[0]
    except UserError as error:
        raise NotACall(f"the body {error}") from None


def _id(exchange: Exchange) -> str:
    return format(exchange.id, "016x")


def _time(nanoseconds: int) -> datetime:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def _request(
    exchange: Exchange, headers: Mapping[str, str]
) -> tuple[bytes | Pieces | None, str | None]:
    """The body of the request, or why it is not there. Raises NotACall for what no API takes."""
    if exchange.request.missing is Missing.capture and exchange.capture is not Capture.usage:
        raise NotACall("the body was none that could be read, and is not kept")
    if exchange.request.missing is not None:
        return None, f"request body left out: {exchange.request.missing}"
    body, codings = exchange.request, headers.get("content-encoding", "")
    if body.spliced is not None and not codings and not body.chunked:
        return body.spliced, None
    try:
        return decoded(body.content, codings), None
    except Undecodable as error:
        return None, f"request body not decoded: {error}"


def named_model(body: JsonMap, path: str, wire: Wire) -> JsonMap:
    """The body with the model that stands in the address, where the API puts it there."""
    if wire.model(body) is not None or (found := _MODEL.search(path)) is None:
        return body
    name = "modelId" if wire.name == "bedrock.converse" else "model"
    return {**body, name: found[1]}


def _answer(exchange: Exchange, headers: Mapping[str, str]) -> bytes | None:
    """The body of the answer, content codings taken off; None when it cannot be had."""
    if exchange.response.missing is not None:
        return None
    try:
        return decoded(exchange.response.content, headers.get("content-encoding", ""))
    except Undecodable:
        return None


def _reply(exchange: Exchange, wire: Wire, spoken: Spoken, answer: bytes | None) -> Reply:
    reply = Reply(complete=False)
    if answer is not None:
        reply = read_reply(wire, spoken.dialect, answer)
    verdict = reply.verdict
    if exchange.diagnosed and verdict is not None and verdict.said is Said.unchanged:
        # a null of an upstream that was not asked says nothing
        reply = replace(reply, verdict=None)
    if exchange.status is None or exchange.status >= 400:
        said = reply.error or ProviderError(None, None, exchange.own_answer or "")
        reply = replace(reply, error=replace(said, status=exchange.status))
    return reply if exchange.cut is None else replace(reply, complete=False)


def session_of(body: JsonMap, headers: Mapping[str, str]) -> str | None:
    """The conversation as clients name it: a header, or a field of the body. Names of headers are
    in lower case.
    """
    for name in _SESSION_HEADERS:
        if headers.get(name):
            return headers[name]
    metadata = as_map(body.get("metadata")) or {}
    user = as_text(metadata.get("user_id")) or ""
    if "_session_" in user:
        # Claude Code: user_HASH_account_UUID_session_UUID, later the same as a JSON object
        return user.rpartition("_session_")[2]
    if user.startswith("{"):
        return _in_user(user)
    return as_text(metadata.get("session_id")) or as_text(body.get("prompt_cache_key"))


def _in_user(user: str) -> str | None:
    try:
        value: Json = decode_map(user).get("session_id")
    except UserError:
        return None
    return as_text(value)


def client_of(agent: str) -> str | None:
    """``claude-cli 2.1.197`` from a user agent that names a program and its version."""
    found = _CLIENT.match(agent)
    return f"{found[1]} {found[2]}" if found else None
