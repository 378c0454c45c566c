"""The requests of a trace of block ids, in any of the layouts that are read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.errors import UserError
from whycold.sources.recorded_files import time_of

__all__ = ["Request", "block_size_in", "requests_of"]

_IDS = ("hash_ids", "block_hashes", "block_ids")
_INPUT = ("in", "input_length", "input_tokens", "prompt_tokens")
_OUTPUT = ("out", "output_length", "output_tokens", "completion_tokens")
_READ = ("cached_tokens", "cache_read", "cache_read_input_tokens", "prefix_cache_hit_tokens")
_SIZE = re.compile(r"bl(?:oc)?ks(?:i)?z(?:e)?[_-]?(\d{1,5})")
_DEEPEST = 20
_LONGEST = 10 * 365 * 86_400.0
"""Seconds that a trace may last."""
_MOST_TOKENS = 1 << 40


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a trace.

    ``scope`` names the trace that its ids belong to, ``key`` the request; ``before`` is the one
    that the trace lists before it, or names: ``named`` says which. ``opens``: it is said to go on
    from none. ``at`` and ``began`` are seconds since the trace began, ``when`` the time where it is
    known. Counts are tokens, None where the trace has none; ``size`` are the tokens of a block.
    ``begins`` and ``ends`` are where it stands in its file.
    """

    scope: str
    key: str
    ids: Sequence[int | str]
    at: float | None = None
    began: float | None = None
    when: datetime | None = None
    before: str | None = None
    named: bool = False
    opens: bool = False
    model: str | None = None
    provider: str | None = None
    session: str | None = None
    agent: str | None = None
    input: int | None = None
    output: int | None = None
    read: int | None = None
    size: int | None = None
    begins: int = 0
    ends: int = 0

    def standing(self, begins: int, ends: int) -> Request:
        """The same, with its place in the file."""
        return replace(self, begins=begins, ends=ends)


def block_size_in(name: str) -> int | None:
    """The tokens of a block as the name of a file says it (``…_blksz_16.jsonl``)."""
    found = _SIZE.search(name.lower())
    return int(found[1]) if found is not None else None


def requests_of(document: JsonMap, file: str, number: int = 0) -> Iterator[Request]:
    """The requests of a session, or the one that a line holds: that of this ``number`` in a
    ``file``. Raises UserError for what is neither.
    """
    listed = as_list(document.get("requests"))
    if listed is not None:
        session = as_text(document.get("id")) or f"{file} {number}"
        found = _nested(listed, document, session, None, 0.0, 0)
        yield from (replace(request, scope=f"{file} {session}") for request in found)
        return
    if _ids(document) is None:
        raise UserError("holds no requests with ids of blocks")
    yield _line(document, file, number)


def _nested(
    listed: Sequence[Json],
    session: JsonMap,
    name: str,
    agent: str | None,
    since: float,
    depth: int,
) -> Iterator[Request]:
    """The requests of a list, and those of the subagents in it, each with the one before it."""
    before: str | None = None
    size, last = _count(session, "block_size"), since
    for number, item in enumerate(listed):
        whole = as_map(item) or {}
        at = _seconds(whole.get("t"))
        inner = as_list(whole.get("requests"))
        if inner is not None and depth < _DEEPEST:
            kind = as_text(whole.get("subagent_type")) or as_text(whole.get("agent_id"))
            key = f"{name}/{number}"
            yield from _nested(
                inner, session, key, kind or "subagent", at if at is not None else last, depth + 1
            )
            continue
        ids = _ids(whole)
        if ids is None:
            continue
        if at is not None and at < since:
            # what stands in a subagent may count from its own beginning
            at += since
        last = at if at is not None else last
        ttft = _seconds(whole.get("ttft"))
        key = f"{name}/{number}"
        yield Request(
            "",
            key,
            ids,
            at=at if at is not None else last,
            began=at + ttft if at is not None and ttft is not None else None,
            before=before,
            model=as_text(whole.get("model")),
            session=name.partition("/")[0],
            agent=agent,
            input=_count(whole, *_INPUT),
            output=_count(whole, *_OUTPUT),
            read=_count(whole, *_READ),
            size=size,
        )
        before = key


def _line(whole: JsonMap, file: str, number: int) -> Request:
    """A line of one request. Times are milliseconds since the first; with ``chat_id``, seconds."""
    chat, parent = whole.get("chat_id"), whole.get("parent_chat_id")
    when = time_of(whole.get("at"))
    at = _seconds(whole.get("t") if "t" in whole else whole.get("timestamp"))
    if at is not None and chat is None and "t" not in whole:
        at /= 1000
    own = as_text(whole.get("request_id"))
    return Request(
        file,
        own or (f"{file} chat {chat}" if chat is not None else f"{file} {number}"),
        _ids(whole) or (),
        at=at,
        when=when,
        before=f"{file} chat {parent}" if isinstance(parent, int) and parent >= 0 else None,
        named=True,
        opens=parent == -1,
        model=as_text(whole.get("model")),
        provider=as_text(whole.get("provider")),
        session=as_text(whole.get("session_id")) or as_text(whole.get("session")),
        agent=as_text(whole.get("agent")),
        input=_count(whole, *_INPUT),
        output=_count(whole, *_OUTPUT),
        read=_count(whole, *_READ),
        size=_count(whole, "block_size"),
    )


def _ids(whole: JsonMap) -> list[int | str] | None:
    listed = next((found for name in _IDS if (found := as_list(whole.get(name))) is not None), None)
    if listed is None:
        return None
    ids = [item for item in listed if isinstance(item, (int, str))]
    if len(ids) < len(listed):
        raise UserError("holds ids of blocks that are no numbers or words")
    return ids


def _count(whole: JsonMap, *names: str) -> int | None:
    for name in names:
        found = whole.get(name)
        if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < _MOST_TOKENS:
            return found
    return None


def _seconds(value: Json) -> float | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return float(value) if 0 <= value < _LONGEST * 1000 else None
