"""Lines of Claude Code transcripts to records: what a call is made of, and nothing else.

Shapes: transcripts of Claude Code 1.0.98 to 2.1.119 that others published, and readers of later
ones on GitHub (``rendered``, ``forkedFrom``, ``fork-context-ref``, ``effort``); read 2026-11-23.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from whycold.core.content import Json, JsonMap, as_map
from whycold.errors import UserError
from whycold.providers.body import MAX_DEPTH, decode

__all__ = ["ABSENT", "Message", "Record", "read_record", "read_time"]

ABSENT = msgspec.UNSET
"""The value of ``diagnostics`` where the response had no such key; null is an answer."""


class Message(msgspec.Struct, gc=False):
    """The API's own part of a record. ``diagnostics`` is the provider's verdict, ``ABSENT`` where
    there was none.
    """

    role: str | None = None
    id: str | None = None
    model: str | None = None
    content: Any = None
    usage: dict[str, Any] | None = None
    stop_reason: str | None = None
    diagnostics: Any = ABSENT


class Record(msgspec.Struct, rename="camel", gc=False):
    """One line of a transcript. A field that is absent, or of a wrong type, has its default.

    ``rendered`` is what an attachment put into the prompt, where the version writes that down;
    ``forked_from`` names the session that a copied record comes from; ``parent_last_uuid`` is where
    a forked agent left the conversation that it goes on from.
    """

    type: str = ""
    subtype: str | None = None
    uuid: str | None = None
    parent_uuid: str | None = None
    logical_parent_uuid: str | None = None
    parent_last_uuid: str | None = None
    session_id: str | None = None
    request_id: str | None = None
    timestamp: str | None = None
    agent_id: str | None = None
    attribution_agent: str | None = None
    version: str | None = None
    cwd: str | None = None
    effort: str | None = None
    is_sidechain: bool = False
    is_compact_summary: bool = False
    is_api_error_message: bool = False
    message: Message | None = None
    attachment: Any = None
    rendered: Any = None
    forked_from: Any = None
    compact_metadata: Any = None


_decode = msgspec.json.Decoder(Record).decode


def read_record(line: bytes) -> Record:
    """One line as a record; UserError for what is no JSON object, or nested too deep."""
    try:
        record = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # slower, but takes lone surrogates, damaged characters and fields of a wrong type
        whole = as_map(decode(line))
        if whole is None:
            raise UserError("is JSON, but not an object") from None
        record = _lenient(Record, whole)
        record.message = _message(whole.get("message"))
    # no line is deeper than it has openings
    if line.count(b"{") + line.count(b"[") > MAX_DEPTH:
        content = record.message.content if record.message is not None else None
        if _deeper_than([content, record.attachment, record.rendered], MAX_DEPTH):
            raise UserError(f"is nested deeper than {MAX_DEPTH} levels")
    return record


_TYPES: Mapping[str, type] = {"str": str, "bool": bool, "dict": dict}


def _lenient(kind: type[Any], whole: JsonMap) -> Any:  # noqa: ANN401
    """A struct of those fields that have the right type."""
    found: dict[str, Any] = {}
    for name, key in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
        wanted = _TYPES.get(re.split(r"\W", kind.__annotations__[name])[0], object)
        if key in whole and isinstance(whole[key], wanted):
            found[name] = whole[key]
    return kind(**found)


def _message(value: Json) -> Message | None:
    whole = as_map(value)
    return None if whole is None else _lenient(Message, whole)


def _deeper_than(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for item in level
            if isinstance(item, (list, dict))
            for child in (item if isinstance(item, list) else item.values())
            if isinstance(child, (list, dict))
        ]
        if not level:
            return False
    return True


def read_time(text: str | None) -> datetime | None:
    """A time stamp, UTC; None for what is none."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
