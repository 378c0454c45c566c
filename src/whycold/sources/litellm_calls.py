"""One log of LiteLLM to a call: what was sent as far as it is logged, counts, times, origin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from whycold.core.call import Call, ProviderError
from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Section
from whycold.errors import UserError
from whycold.providers.body import decode
from whycold.sources.exchanged import Exchanged, Place, Reader
from whycold.sources.extract import without_prompt
from whycold.sources.recorded_files import Clock, time_of

__all__ = ["Skipped", "call_of_log"]

_KINDS = ("completion", "responses", "anthropic_messages", "generate_content")
"""How the types of calls to a model end; images, speech and embeddings have no prompt cache."""
_NOT_SENT = frozenset({"extra_body", "metadata", "tools", "messages", "model", "input", "api_key"})
"""Arguments that the model's API does not get, and what stands elsewhere in a log."""
_REDACTED = "redacted"
_FAILED = "failure"
_LONGEST = 86_400.0
_MESSAGES_APIS: Mapping[str, str] = {
    "bedrock": "bedrock-anthropic",
    "vertex_ai": "vertex-anthropic",
}


class Skipped(Exception):
    """A log of something else than a call to a provider."""


class _Parts(NamedTuple):
    """What a log says: request, response, when it was sent and answered, sections it leaves out."""

    request: JsonMap
    response: JsonMap
    at: datetime | None
    began: datetime | None
    unseen: frozenset[Section]


def call_of_log(log: JsonMap, reader: Reader, clock: Clock, place: Place) -> Call:
    """The call of a log. Raises Skipped, and UserError or NotACall for what cannot be read."""
    log = as_map(log.get("kwargs", {})) or {} if _wraps(log.get("kwargs")) else log
    log = as_map(log.get("standard_logging_object")) or log
    parts = _of_agent(log) if "kwargs" in log or "latency_sec" in log else _of_payload(log)
    path, provider = _spoken(parts, log)
    host = urlsplit(as_text(log.get("api_base")) or "").hostname or ""
    found = Exchanged(
        url=f"https://{host}{path}",
        request=json.dumps(parts.request).encode("ascii"),
        response=json.dumps(parts.response).encode("ascii"),
        at=parts.at,
        began=parts.began,
    )
    call = reader.call(found, clock.at(parts.at), place, provider)
    return _completed(call, log, parts)


def _wraps(kwargs: Json) -> bool:
    return "standard_logging_object" in (as_map(kwargs) or {})


def _completed(call: Call, log: JsonMap, parts: _Parts) -> Call:
    """The call with what the log says beside request and response."""
    metadata = as_map(log.get("metadata")) or {}
    prompt = replace(call.prompt, unseen=call.prompt.unseen | parts.unseen)
    if prompt.asks is False and (call.usage.cache_write or call.usage.cache_read):
        # somebody set markers behind what is logged
        prompt = replace(prompt, asks=None, unseen=prompt.unseen | {Section.settings})
    call = replace(
        call,
        prompt=prompt,
        project=_first(metadata, "user_api_key_team_alias", "user_api_key_alias"),
        session=_session(log, metadata),
        host=call.host or as_text(log.get("model_id")),
    )
    if as_text(log.get("status")) == _FAILED:
        said = as_map(log.get("error_information")) or {}
        code = as_text(said.get("error_code")) or ""
        error = ProviderError(
            int(code) if len(code) == 3 and code.isdecimal() else None,
            as_text(said.get("error_class")),
            as_text(log.get("error_str")) or as_text(said.get("error_message")) or "",
        )
        call = replace(call, reply=replace(call.reply, error=error))
    return without_prompt(call) if _is_redacted(parts.request) else call


def _session(log: JsonMap, metadata: JsonMap) -> str | None:
    """The conversation as the client names it, else the trace that several calls share."""
    asked = as_map(metadata.get("requester_metadata")) or {}
    named = _first(metadata, "session_id") or _first(asked, "session_id", "trace_id")
    trace = _first(log, "session_id", "trace_id")
    return named or (trace if trace not in (log.get("id"), log.get("litellm_call_id")) else None)


def _first(whole: JsonMap, *names: str) -> str | None:
    return next((text for name in names if (text := as_text(whole.get(name)))), None)


def _of_agent(log: JsonMap) -> _Parts:
    """A file of one call: ``timestamp`` (seconds) is when its answer was there."""
    messages, response = log.get("messages", log.get("input")), as_map(log.get("response"))
    if messages is None or response is None:
        raise UserError("no request with its response")
    sent = as_map(log.get("kwargs")) or {}
    request: dict[str, Json] = {
        "model": response.get("model") or log.get("model"),
        "messages" if "messages" in log else "input": messages,
        **({"tools": tools} if (tools := log.get("tools") or sent.get("tools")) else {}),
        **{name: value for name, value in sent.items() if name not in _NOT_SENT},
    }
    came, lasted = time_of(log.get("timestamp")), log.get("latency_sec")
    seconds = float(lasted) if isinstance(lasted, (int, float)) else 0.0
    took = timedelta(seconds=seconds if 0 <= seconds < _LONGEST else 0.0)
    return _Parts(request, response, came - took if came else None, came, frozenset())


def _of_payload(log: JsonMap) -> _Parts:
    """A standard logging payload, or a row of the spend logs."""
    kind = as_text(log.get("call_type")) or "completion"
    if log.get("cache_hit") in (True, "True") or not kind.endswith(_KINDS):
        # LiteLLM answered itself, or it was no call to a language model
        raise Skipped
    whole = as_map(_parsed(log.get("proxy_server_request"))) or {}
    whole = as_map(whole.get("body")) or whole
    messages = as_list(_parsed(log.get("messages")))
    given = as_map(_parsed(log.get("model_parameters")))
    if not messages and not any(whole.get(name) for name in ("messages", "input")):
        if "startTime" not in log:
            raise UserError("no request with its response")
        # what was sent is not logged; what it counted is
        messages, given = ({"role": "user", "content": _REDACTED},), {}
    unseen = set[Section]()
    if any(whole.get(name) for name in ("messages", "input")):
        request = {"model": log.get("model"), **whole}
    else:
        # its parameters leave out the system prompt and what LiteLLM does not know
        # (litellm_core_utils/model_param_helper.py)
        unseen.add(Section.settings)
        if given is None:
            unseen.add(Section.tools)
        if kind.endswith("anthropic_messages"):
            unseen.add(Section.system)
        sent = {n: v for n, v in (given or {}).items() if n not in _NOT_SENT or n == "tools"}
        listed = "input" if kind.endswith("responses") else "messages"
        request = {"model": log.get("model"), listed: messages or (), **sent}
    response = as_map(_parsed(log.get("response"))) or {}
    if "usage" not in response:
        response = {**response, "usage": _usage(log)}
    if not request.get("tools") and "tool_calls" in json.dumps(response.get("choices")):
        unseen.add(Section.tools)
    at, ended = time_of(log.get("startTime")), time_of(log.get("endTime"))
    began = time_of(log.get("completionStartTime")) or ended
    return _Parts(request, response, at, began, frozenset(unseen))


def _parsed(value: Json) -> Json:
    """Rows of a database hold JSON as text."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return decode(value)
        except UserError:
            return None
    return value


def _usage(log: JsonMap) -> Json:
    """The counts of a log whose response has none: the whole usage as newer versions keep it."""
    metadata = as_map(_parsed(log.get("metadata"))) or {}
    whole = as_map(metadata.get("usage_object"))
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return whole or {name: log[name] for name in names if isinstance(log.get(name), int)}


def _is_redacted(request: JsonMap) -> bool:
    messages = as_list(request.get("messages", request.get("input"))) or ()
    said = [as_map(message) or {} for message in messages]
    return bool(said) and all(str(one.get("content")).startswith(_REDACTED) for one in said)


def _spoken(parts: _Parts, log: JsonMap) -> tuple[str, str]:
    """The path of the API whose form a log has, and the provider."""
    if "choices" not in parts.response and as_list(parts.response.get("content")) is not None:
        provider = as_text(log.get("custom_llm_provider")) or ""
        return "/v1/messages", _MESSAGES_APIS.get(provider, "anthropic")
    return ("/v1/responses" if "input" in parts.request else "/v1/chat/completions"), "litellm"
