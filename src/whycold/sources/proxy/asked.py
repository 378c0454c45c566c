"""The providers' own diagnostics in bodies: the question taken out, the answer put in.

Facts: PyPI anthropic 2.12.0, types/diagnostics.py and types/diagnostics_param.py; PyPI openai
3.54.0, types/responses/response.py (PromptCacheDiagnostics) and response_create_params.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

import msgspec

from whycold.sources.proxy.asking import Compared

__all__ = ["Api", "Question", "answer_of", "api_of", "filled", "question"]

_MESSAGES = re.compile(rb"/v1/messages/?(?:\?|\Z)|/models/[^/?]+:(?:streamR|r)awPredict(?:\?|\Z)")
_RESPONSES = re.compile(rb"/responses/?(?:\?|\Z)")

_Members: TypeAlias = dict[str, msgspec.Raw]
_members = msgspec.json.Decoder(_Members).decode

_PENDING: Final = b'{"cache_miss_reason":null,"answered_by":"whycold"}'
_UNAVAILABLE: Final = b'{"type":"unavailable","answered_by":"whycold"}'
_HIT: Final = b'{"type":"cache_hit","answered_by":"whycold"}'


class Api(Enum):
    """An API with diagnostics: Anthropic's Messages, OpenAI's Responses."""

    messages = "messages"
    responses = "responses"


class Question(NamedTuple):
    """``body`` is the request without its question. ``asked``: an answer is wanted; ``known``: the
    request is one that a later one may name.
    """

    body: bytes | None
    asked: bool
    known: bool


class _Shape(NamedTuple):
    kind: tuple[str, bytes]
    """What tells a reply from anything else."""
    name: str
    """The member that the answer stands in."""


_SHAPES: Mapping[Api, _Shape] = {
    Api.messages: _Shape(("type", b'"message"'), "diagnostics"),
    Api.responses: _Shape(("object", b'"response"'), "prompt_cache_diagnostics"),
}


def api_of(target: bytes) -> Api | None:
    """The API of a path, if it has diagnostics."""
    if _MESSAGES.search(target):
        return Api.messages
    return Api.responses if _RESPONSES.search(target) else None


def question(api: Api, body: bytes) -> Question:
    """What a request asks, and the request without it: the other members keep their bytes."""
    if api is Api.messages:
        return _of_messages(body)
    return _of_responses(body)


def _of_messages(body: bytes) -> Question:
    """The presence of the object is the question; without it nothing is stored either (Claude
    docs, Cache diagnostics, 2026-11-23).
    """
    members = _read(body) if b'"diagnostics"' in body else None
    found = members.pop("diagnostics", None) if members else None
    if members is None or found is None:
        return Question(None, asked=False, known=False)
    asked = bytes(found).startswith(b"{")
    return Question(_written(members), asked=asked, known=asked)


def _of_responses(body: bytes) -> Question:
    """Any response can be named later, whether it asked something itself or not (OpenAI guide
    Prompt caching diagnostics, 2026-11-23).
    """
    members = _read(body) if b'"comparison_response_id"' in body else None
    options = _read(bytes(members.get("prompt_cache_options", b""))) if members else None
    found = options.pop("comparison_response_id", None) if options else None
    if members is None or options is None or found is None:
        return Question(None, asked=False, known=True)
    if options:
        members["prompt_cache_options"] = msgspec.Raw(_written(options))
    else:
        del members["prompt_cache_options"]
    return Question(_written(members), asked=bytes(found) != b"null", known=True)


def filled(api: Api, reply: bytes, answer: Callable[[bytes], bytes]) -> bytes | None:
    """The reply with an answer, which ``answer`` makes of it. None where it has the upstream's own,
    or is no reply that could have one.
    """
    shape = _SHAPES[api]
    members = _read(reply)
    if members is None or bytes(members.get(shape.kind[0], b"")) != shape.kind[1]:
        return None
    there = members.get(shape.name)
    if there is not None and bytes(there) != b"null":
        return None
    value = answer(reply)
    if there is not None:
        members[shape.name] = msgspec.Raw(value)
        return _written(members)
    end = reply.rindex(b"}")
    return b'%b,"%b":%b%b' % (reply[:end], shape.name.encode(), value, reply[end:])


def answer_of(api: Api, compared: Compared | None, reply: bytes) -> bytes:
    """The answer as it is known now: without one it is pending, and of a Response unavailable."""
    if api is Api.messages:
        return _PENDING if compared is None else compared.answer
    if compared is None:
        return _UNAVAILABLE
    members = _read(reply) or {}
    read = _number(_inside(members, "usage", "input_tokens_details", "cached_tokens"))
    if compared.hit_at is not None and read is not None and read >= compared.hit_at:
        return _HIT
    tier = _inside(members, "service_tier")
    if compared.of_tier is not None and tier.startswith(b'"') and tier != _quoted(compared.tier):
        return compared.of_tier
    return compared.answer


def _inside(members: _Members, *path: str) -> bytes:
    """The value at a path, b"" where there is none."""
    value = b""
    for step in path:
        value = bytes(members.get(step, b""))
        members = _read(value) or {}
    return value


def _number(value: bytes) -> int | None:
    return int(value) if value.isdigit() else None


def _quoted(text: str | None) -> bytes:
    return msgspec.json.encode(text)


def _read(body: bytes) -> _Members | None:
    try:
        return _members(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _written(members: _Members) -> bytes:
    named = (msgspec.json.encode(name) + b":" + bytes(raw) for name, raw in members.items())
    return b"{" + b",".join(named) + b"}"
