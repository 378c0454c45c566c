"""Gemini responses, whole and streamed."""

from __future__ import annotations

from whycold.core.call import ProviderError, Reply, Usage
from whycold.core.content import Json, JsonMap, as_map, as_text
from whycold.core.prompt import Block, Section
from whycold.errors import UserError
from whycold.providers.base import Dialect
from whycold.providers.body import decode_map
from whycold.providers.counts import as_count, total
from whycold.providers.gemini_parts import many, member, part_block, plain
from whycold.providers.jsonstream import JsonObjects
from whycold.providers.sse import SseDecoder

__all__ = ["GeminiStream", "read_reply", "unwrapped"]

_OMITS_ZERO = frozenset({"gemini", "vertex"})
"""Google's own endpoints; a gateway that speaks Gemini may leave a count out for other reasons."""


def unwrapped(body: JsonMap, name: str) -> JsonMap:
    """The body, taken out of the envelope that Google's Code Assist puts around it."""
    return as_map(body.get(name)) or body


def read_reply(body: JsonMap, dialect: Dialect, *, complete: bool = True) -> Reply:
    """A GenerateContentResponse, or an error, as a Reply.

    ``complete`` is false for a stream that ended early: its counts are those of a chunk.
    """
    body = unwrapped(body, "response")
    model = as_text(member(body, "modelVersion"))
    candidates = many(body.get("candidates"))
    first = as_map(candidates[0]) if candidates else None
    content = as_map(first.get("content")) if first else None
    feedback = as_map(member(body, "promptFeedback"))
    return Reply(
        message_id=as_text(member(body, "responseId")),
        model=model,
        usage=_usage(as_map(member(body, "usageMetadata")), dialect, complete),
        blocks=_blocks(content, model),
        stop=as_text(member(first, "finishReason")) or as_text(member(feedback, "blockReason")),
        error=_error(body.get("error")),
        complete=complete,
    )


def _blocks(content: JsonMap | None, model: str | None) -> tuple[Block, ...]:
    parts = many(content.get("parts")) if content else ()
    return tuple(
        part_block(
            part,
            Section.messages,
            f"content[{j}]",
            role="assistant",
            opens=j == 0,
            model=model,
        )
        for j, part in enumerate(parts)
    )


def _usage(meta: JsonMap | None, dialect: Dialect, complete: bool) -> Usage:
    """The counts of ``usageMetadata``.

    ``promptTokenCount`` contains the cached tokens, an explicit cache's too (google-genai 3.4.0,
    types.py). An absent ``cachedContentTokenCount`` is 0 here, once the prompt is counted: the
    field is an int32 without presence in Google's published definition
    (googleapis/googleapis, generative_service.proto), and such a field is left out when it is 0
    (protobuf.dev, ProtoJSON; both read 2026-11-23). Chunks of a stream leave it out too until the
    last one, so in a stream that was cut it stays not reported.
    ``toolUsePromptTokenCount``, what the server's own tools fetched, is billed as input but is no
    part of the request that a later one could read again: it is left out.
    """
    if meta is None:
        return Usage()
    prompt = as_count(member(meta, "promptTokenCount"))
    read = as_count(member(meta, "cachedContentTokenCount"))
    if read is None and prompt is not None and complete and dialect.name in _OMITS_ZERO:
        read = 0
    output = total(
        as_count(member(meta, "candidatesTokenCount")),
        as_count(member(meta, "thoughtsTokenCount")),
    )
    return Usage(
        input=prompt,
        cache_read=read,
        uncached=None if prompt is None or read is None else max(prompt - read, 0),
        output=output,
        tier=_tier(meta),
    )


def _tier(meta: JsonMap) -> str | None:
    """ "flex", "priority" ...: ``serviceTier``, or on Vertex the end of ``trafficType``."""
    tier = as_text(member(meta, "serviceTier")) or as_text(member(meta, "trafficType"))
    if tier is None:
        return None
    name = tier.lower().removeprefix("service_tier_").removeprefix("on_demand_")
    return None if name in ("on_demand", "unspecified", "traffic_type_unspecified") else name


def _error(value: Json) -> ProviderError | None:
    if value is None:
        return None
    found = as_map(value) or {}
    message = as_text(found.get("message")) or as_text(value) or ""
    return ProviderError(as_count(found.get("code")), as_text(found.get("status")), message)


class GeminiStream:
    """Reads streamGenerateContent: server-sent events (``alt=sse``) or one JSON array."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._sse = SseDecoder()
        self._json = JsonObjects()
        self._is_json: bool | None = None
        self._top: dict[str, Json] = {}
        self._usage: dict[str, Json] = {}
        self._parts: list[Json] = []
        self._more_text: list[str] = []
        self._stop: str | None = None
        self._unread = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        if self._is_json is None:
            data = data.lstrip(b" \t\r\n\xef\xbb\xbf")
            if not data:
                return
            self._is_json = data[0] in b"[{"
        if self._is_json:
            for raw in self._json.feed(data):
                self._take(raw)
        else:
            for event in self._sse.feed(data):
                self._take(event.data)

    def finish(self) -> Reply:
        """What was read; complete when a finish reason, a refusal or an error came."""
        for event in self._sse.finish():
            self._take(event.data)
        self._join()
        lost = self._json.open or self._json.dropped or self._sse.dropped or self._unread
        refused = member(as_map(self._top.get("promptFeedback")), "blockReason") is not None
        failed_at_once = "error" in self._top and not self._parts
        ended = self._stop is not None or refused or failed_at_once
        candidate: JsonMap = {"content": {"parts": self._parts}, "finishReason": self._stop}
        body: JsonMap = {**self._top, "candidates": [candidate], "usageMetadata": self._usage}
        return read_reply(body, self._dialect, complete=ended and not lost)

    def _take(self, raw: bytes | str) -> None:
        """One chunk: counts replace those before, text goes on where it stopped."""
        try:
            chunk = unwrapped(decode_map(raw), "response")
        except UserError:
            self._unread += raw.strip() not in ("", "[DONE]")
            return
        for name in ("modelVersion", "responseId", "promptFeedback", "error"):
            value = member(chunk, name)
            if value is not None:
                self._top[name] = value
        self._usage.update(as_map(member(chunk, "usageMetadata")) or {})
        candidates = many(chunk.get("candidates"))
        first = as_map(candidates[0]) if candidates else None
        if first is None:
            return
        self._stop = as_text(member(first, "finishReason")) or self._stop
        for part in many((as_map(first.get("content")) or {}).get("parts")):
            self._add(part)

    def _add(self, part: Json) -> None:
        new = as_map(part)
        if new is None:
            self._join()
            self._parts.append(part)
            return
        new = dict(plain(new))
        if new == {"text": ""}:
            return
        last = (as_map(self._parts[-1]) if self._parts else None) or {}
        more = as_text(new.get("text"))
        only_text = {*last} == {*new} <= {"text", "thought"}
        if only_text and more is not None and as_text(last.get("text")) is not None:
            self._more_text.append(more)
        else:
            self._join()
            self._parts.append(new)

    def _join(self) -> None:
        if self._more_text and (last := as_map(self._parts[-1])):
            text = "".join((as_text(last["text"]) or "", *self._more_text))
            self._parts[-1] = {**last, "text": text}
            self._more_text.clear()
