"""An exchange from the spool, understood: which provider, which prompt, which usage, whose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from whycold.core.call import Call, ProviderError, Reply
from whycold.core.content import Json, JsonMap, as_map, as_text
from whycold.errors import UserError
from whycold.providers.base import Dialect, Wire
from whycold.providers.body import decode_map
from whycold.providers.registry import DIALECTS, WIRES, guess, read_reply
from whycold.sources.decoding import Undecodable, decoded
from whycold.sources.spool_record import Exchange

__all__ = ["NotACall", "Served", "read_proxied"]


class NotACall(Exception):
    """An exchange that is no call to a model, or cannot be read as one; says why in one line."""


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
_ENGINES = {"llama.cpp": "llama.cpp"}
"""Servers that name themselves in the ``Server`` header."""


class Served:
    """What is known of the upstreams: the provider behind each name, where one is set or known."""

    def __init__(
        self, hosts: Mapping[str, str], providers: Mapping[str, str] | None = None
    ) -> None:
        self._hosts, self._providers = hosts, providers or {}

    def dialect(self, exchange: Exchange, wire: Wire, headers: Mapping[str, str]) -> Dialect | None:
        """The provider that answered: as configured, by its address, or as the server says."""
        if (name := self._providers.get(exchange.upstream)) is not None:
            return DIALECTS.get(name)
        host = self._hosts.get(exchange.upstream, "")
        for spoken in DIALECTS.values():
            if wire.name in spoken.wires and any(_under(host, known) for known in spoken.hosts):
                return spoken
        return DIALECTS.get(_ENGINES.get(headers.get("server", "").split("/")[0].lower(), ""))


def _under(host: str, suffix: str) -> bool:
    return host == suffix or host.endswith(f".{suffix}")


def read_proxied(exchange: Exchange, served: Served) -> Call:
    """The call that an exchange holds. Raises NotACall for everything else that was proxied."""
    path = unquote(urlsplit(exchange.target).path)
    wire = _wire(path)
    if wire is None or exchange.method != "POST":
        raise NotACall(f"{exchange.method} {path[:80]} is no call to a model")
    sent, came = dict(exchange.request_headers), dict(exchange.response_headers)
    body = _with_model(_request(exchange, sent), path, wire)
    try:
        wire, usual = guess(body) if not wire.looks_like(body) else (wire, guess(body)[1])
    except UserError as error:
        raise NotACall(f"the body {error}") from None
    spoken = served.dialect(exchange, wire, came) or usual
    reply = _reply(exchange, wire, spoken, came)
    return Call(
        id=format(exchange.id, "016x"),
        at=_time(exchange.started),
        provider=spoken.name,
        api=wire.name,
        model=wire.model(body) or reply.model,
        prompt=wire.read_request(body, spoken, sent),
        reply=reply,
        began=_time(exchange.answered) if exchange.answered is not None else None,
        request_id=came.get("request-id")
        or came.get("x-request-id")
        or came.get("x-amzn-requestid"),
        project=exchange.labels.get("project"),
        session=exchange.labels.get("session") or _session(body, sent),
        agent=exchange.labels.get("agent"),
        release=exchange.labels.get("release") or _client(sent.get("user-agent", "")),
        account=exchange.account,
        host=exchange.upstream,
    )


def _wire(path: str) -> Wire | None:
    return next((WIRES[name] for known, name in _PATHS if known.search(path)), None)


def _time(nanoseconds: int) -> datetime:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def _request(exchange: Exchange, headers: Mapping[str, str]) -> JsonMap:
    if exchange.request.missing is not None:
        raise NotACall(f"its body was not kept ({exchange.request.missing})")
    try:
        return decode_map(decoded(exchange.request.content, headers.get("content-encoding", "")))
    except Undecodable as error:
        raise NotACall(str(error)) from None
    except UserError as error:
        raise NotACall(f"the body {error}") from None


def _with_model(body: JsonMap, path: str, wire: Wire) -> JsonMap:
    """The body with the model that stands in the address, where the API puts it there."""
    if wire.model(body) is not None or (found := _MODEL.search(path)) is None:
        return body
    name = "modelId" if wire.name == "bedrock.converse" else "model"
    return {**body, name: found[1]}


def _reply(exchange: Exchange, wire: Wire, spoken: Dialect, headers: Mapping[str, str]) -> Reply:
    if exchange.response.missing is not None:
        return Reply(complete=False)
    try:
        content = decoded(exchange.response.content, headers.get("content-encoding", ""))
    except Undecodable:
        return Reply(complete=False)
    reply = read_reply(wire, spoken, content)
    if exchange.status is None or exchange.status >= 400:
        said = reply.error or ProviderError(None, None, exchange.own_answer or "")
        reply = replace(reply, error=replace(said, status=exchange.status))
    return reply if exchange.cut is None else replace(reply, complete=False)


def _session(body: JsonMap, headers: Mapping[str, str]) -> str | None:
    """The conversation as clients name it: a header, or a field of the body."""
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


def _client(agent: str) -> str | None:
    """``claude-cli 2.1.197`` from a user agent that names a program and its version."""
    found = _CLIENT.match(agent)
    return f"{found[1]} {found[2]}" if found else None
