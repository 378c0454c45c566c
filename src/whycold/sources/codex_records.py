"""Lines of Codex CLI's rollout files: what a call is made of, and nothing else.

Shapes: what Codex 0.47.0, 0.80.0, 0.116.0, 0.130.0, 0.145.0, 0.157.0 and 0.169.0 wrote when they
were run, and codex-rs/rollout/src/policy.rs and compression.rs of openai/codex; 2026-11-23.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from whycold.core.content import Json, JsonMap, as_map, as_text
from whycold.errors import UserError
from whycold.providers.body import MAX_DEPTH, decode
from whycold.sources.claude_code_records import read_time

__all__ = ["Line", "Meta", "read_line", "read_meta"]

_ITEMS = frozenset(
    {"session_meta", "response_item", "compacted", "turn_context", "token_usage_record"}
)
_EVENTS = frozenset({"token_count", "thread_rolled_back", "thread_settings_applied"})
_STARTS = frozenset({"task_started", "turn_started"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what ``kind`` it is of, when it was written, its number within the thread, which
    runs on through forks, and its payload. An event's kind is its own: ``token_count``,
    ``user_message`` (whatever the version calls that), ``turn_started``. Kinds that say nothing of
    a call have no payload.
    """

    kind: str
    at: datetime | None
    ordinal: int | None
    payload: JsonMap


class _Raw(msgspec.Struct, gc=False):
    type: str = ""
    timestamp: str | None = None
    ordinal: int | None = None
    payload: msgspec.Raw = msgspec.Raw(b"null")


class _Tag(msgspec.Struct, gc=False):
    type: str = ""
    item: Any = None


_decode = msgspec.json.Decoder(_Raw).decode
_tag = msgspec.json.Decoder(_Tag).decode


def read_line(line: bytes) -> Line:
    """One line; UserError for what is no JSON object, or nested too deep."""
    try:
        raw = _decode(line)
        kind, payload = _read(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _lenient(line)
    if payload and line.count(b"{") + line.count(b"[") > MAX_DEPTH:
        decode(line)
    return Line(kind, read_time(raw.timestamp), raw.ordinal, payload)


def _read(raw: _Raw) -> tuple[str, JsonMap]:
    if raw.type in _ITEMS:
        return raw.type, as_map(msgspec.json.decode(raw.payload)) or {}
    if raw.type != "event_msg":
        return raw.type, {}
    tag = _tag(raw.payload)
    kind = _kind(tag.type, tag.item)
    return kind, (as_map(msgspec.json.decode(raw.payload)) or {}) if kind in _EVENTS else {}


def _kind(event: str, item: Json) -> str:
    if event == "item_completed" and (as_map(item) or {}).get("type") == "UserMessage":
        return "user_message"
    return "turn_started" if event in _STARTS else event


def _lenient(line: bytes) -> Line:
    """Slower, but takes lone surrogates, damaged characters and fields of a wrong type."""
    whole = as_map(decode(line))
    if whole is None:
        raise UserError("is JSON, but not an object")
    kind, payload = as_text(whole.get("type")) or "", as_map(whole.get("payload")) or {}
    if kind == "event_msg":
        kind = _kind(as_text(payload.get("type")) or "", payload.get("item"))
    ordinal = whole.get("ordinal")
    return Line(
        kind,
        read_time(as_text(whole.get("timestamp"))),
        ordinal if isinstance(ordinal, int) else None,
        payload,
    )


@dataclass(frozen=True, slots=True)
class Meta:
    """What a file says of its thread.

    ``parent`` is the thread that it was forked from or that started it, ``until`` how many of that
    one's lines it goes on from, None where it holds a copy of them instead. ``agent`` is the kind
    of subagent, None for a conversation with the user.
    """

    id: str | None = None
    at: datetime | None = None
    cwd: str | None = None
    release: str | None = None
    provider: str | None = None
    parent: str | None = None
    until: int | None = None
    agent: str | None = None


def read_meta(payload: JsonMap) -> Meta:
    """The payload of a ``session_meta``."""
    text = {name: as_text(value) or None for name, value in payload.items()}
    version, source = text.get("cli_version"), payload.get("source")
    until = payload.get("forked_from_ordinal_exclusive")
    started = as_map((as_map(source) or {}).get("subagent")) or {}
    spawned = as_map(started.get("thread_spawn")) or {}
    return Meta(
        id=text.get("id") or text.get("session_id"),
        at=read_time(text.get("timestamp")),
        cwd=text.get("cwd"),
        release=f"{text.get('originator') or 'codex'} {version}" if version else None,
        provider=text.get("model_provider"),
        parent=text.get("forked_from_id")
        or text.get("parent_thread_id")
        or as_text(spawned.get("parent_thread_id")),
        until=until if isinstance(until, int) else None,
        agent=text.get("agent_role") or _agent(source, text.get("thread_source"), spawned),
    )


def _agent(source: Json, thread: str | None, spawned: JsonMap) -> str | None:
    """The kind of a subagent: its role, or what Codex itself uses it for."""
    kind = (as_map(source) or {}).get("subagent")
    if kind is None:
        return "subagent" if thread == "subagent" else None
    role = as_text(spawned.get("agent_role")) or as_text(kind)
    return role or as_text((as_map(kind) or {}).get("other")) or "subagent"
