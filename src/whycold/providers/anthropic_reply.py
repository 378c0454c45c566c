"""Anthropic Messages: the response, whole or streamed, to a reply.

Facts: PyPI anthropic 2.12.0, type files; Claude docs, Cache diagnostics and Prompt caching; shapes
of llama.cpp, vLLM and SGLang as measured or read in their sources (2026-11-23).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from whycold.core.call import Alteration, ProviderError, ProviderVerdict, Reply, Said, Usage
from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Block, Section
from whycold.errors import UserError
from whycold.providers.anthropic_blocks import Place, read_block
from whycold.providers.base import Dialect, StreamReader
from whycold.providers.body import decode, decode_map
from whycold.providers.counts import as_count, total
from whycold.providers.eventstream import Unwrapped
from whycold.providers.sse import MAX_EVENT, SseDecoder, SseEvent

__all__ = ["MessagesStream", "answers", "read_reply"]

_INDEX = re.compile(r"\.(\d+)(?=\.|$)")
_ALTERATIONS = "input_transformations"
_MOST_ALTERATIONS = 1_000


def answers(body: JsonMap) -> int:
    """How much a response body looks like this wire format; 0: not at all."""
    if body.get("type") == "error" and "error" in body:
        return 8
    if body.get("type") == "message" and body.get("role") == "assistant":
        return 10
    return 1 if "stop_reason" in body and "content" in body else 0


def read_reply(body: JsonMap, dialect: Dialect) -> Reply:
    """A whole response; an error in any of the shapes that servers of this format send is kept."""
    reply = Reply(
        message_id=as_text(body.get("id")),
        model=as_text(body.get("model")),
        usage=read_usage(as_map(body.get("usage")) or {}, dialect),
        verdict=read_verdict(body),
        blocks=_blocks(as_list(body.get("content")) or ()),
        stop=as_text(body.get("stop_reason")),
        alterations=tuple(_alterations(body.get(_ALTERATIONS))),
    )
    return replace(reply, error=read_error(body))


def _blocks(content: Iterable[Json]) -> tuple[Block, ...]:
    return tuple(
        read_block(
            part, Place(Section.messages, f"content[{i}]", role="assistant", opens=i == 0), {}
        )
        for i, part in enumerate(content)
    )


def read_usage(usage: JsonMap, dialect: Dialect) -> Usage:
    """The counts; ``input`` is the sum: ``input_tokens`` leaves out what was read and written.

    A key that is absent stays None: llama.cpp never reports writes, vLLM neither without its flag.
    ``iterations`` is not added up: the counts on top hold all of it but compaction, which is no
    part of this prompt.
    """
    read = as_count(usage.get("cache_read_input_tokens"))
    split = as_map(usage.get("cache_creation")) or {}
    short = as_count(split.get("ephemeral_5m_input_tokens"))
    long = as_count(split.get("ephemeral_1h_input_tokens"))
    written = as_count(usage.get("cache_creation_input_tokens"))
    if written is None:
        written = total(short, long)
    elif total(short, long) != written:
        # the end of a stream can raise the sum and leave the split as it began
        short = long = None
    sent = as_count(usage.get("input_tokens"))
    cached = total(read, written)
    if dialect.exclusive is False:
        whole, uncached = sent, None if sent is None else max(0, sent - (cached or 0))
    else:
        whole, uncached = None if sent is None else sent + (cached or 0), sent
    tier = as_text(usage.get("service_tier"))
    region = as_text(usage.get("inference_geo"))
    return Usage(
        input=whole,
        cache_read=read,
        cache_write=written,
        cache_write_5m=short,
        cache_write_1h=long,
        uncached=None if read is None else uncached,
        output=as_count(usage.get("output_tokens")),
        tier=tier,
        speed=as_text(usage.get("speed")),
        region=None if region in ("", "not_available") else region,
        batch=tier == "batch",
    )


def read_verdict(message: JsonMap) -> ProviderVerdict | None:
    """The provider's own diagnosis; None where the response carries none.

    A null means "compared, no difference" only if the request asked for a comparison, which is not
    known here: it is given as ``unchanged`` without a reason, and the caller decides.
    """
    if "diagnostics" not in message:
        return None
    if message["diagnostics"] is None:
        return ProviderVerdict(Said.unchanged)
    diagnostics = as_map(message["diagnostics"]) or {}
    if "cache_miss_reason" not in diagnostics or "answered_by" in diagnostics:
        # the latter is whycold's own answer, in somebody else's recording of it
        return None
    reason = diagnostics["cache_miss_reason"]
    if reason is None:
        return ProviderVerdict(Said.inconclusive, "pending")
    found = as_map(reason) or {}
    kind = as_text(reason) or as_text(found.get("type"))
    changed = kind is not None and kind.endswith("_changed")
    missed = as_count(found.get("cache_missed_input_tokens"))
    return ProviderVerdict(Said.changed if changed else Said.inconclusive, kind, missed)


def _alterations(listed: Json) -> Iterator[Alteration]:
    """What the provider did to the request, in its own order (PyPI anthropic 2.12.0,
    beta_thinking_dropped_input_transformation.py; paths like ``messages.3.content.0``).
    """
    for item in map(as_map, (as_list(listed) or ())[:_MOST_ALTERATIONS]):
        kind = as_text(item.get("type")) if item is not None else None
        if item is None or kind is None:
            continue
        path = as_text(item.get("path"))
        place = _INDEX.sub(r"[\1]", path) if path else None
        yield Alteration(kind, place, as_text(item.get("reason")))


def read_error(body: JsonMap) -> ProviderError | None:
    """An error: Anthropic's, the OpenAI shape that local servers send, or a bare message (AWS)."""
    whole = body.get("error")
    error = as_map(whole)
    if error is not None:
        kind = as_text(error.get("type")) or as_text(error.get("status"))
        return ProviderError(as_count(error.get("code")), kind, as_text(error.get("message")) or "")
    if isinstance(whole, str):
        return ProviderError(None, as_text(body.get("type")), whole)
    text = as_text(body.get("message")) or as_text(body.get("detail"))
    if text is not None and "content" not in body:
        return ProviderError(None, as_text(body.get("__type")), text)
    return None


class MessagesStream:
    """Reads a streamed response: server-sent events, AWS frames around them, or plain JSON.

    The first byte tells which: an upstream that refuses a streaming call answers in JSON, and
    Bedrock's InvokeModelWithResponseStream puts the events into frames.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._reader: StreamReader | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        if not data:
            return
        if self._reader is None:
            if data[0] == 0:
                self._reader = Unwrapped(_Events(self._dialect))
            elif data.lstrip()[:1] == b"{":
                self._reader = _Whole(self._dialect)
            else:
                self._reader = _Events(self._dialect)
        self._reader.feed(data)

    def finish(self) -> Reply:
        """What was read; not complete unless the message was ended."""
        return Reply(complete=False) if self._reader is None else self._reader.finish()


class _Whole:
    """A body that is one JSON object."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        if len(self._data) <= MAX_EVENT:
            self._data += data

    def finish(self) -> Reply:
        try:
            return read_reply(decode_map(bytes(self._data)), self._dialect)
        except UserError:
            return Reply(complete=False)


class _Events:
    """The events of one message."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._decoder = SseDecoder()
        self._message: JsonMap = {}
        self._usage: dict[str, Json] = {}
        self._parts: dict[int, _Part] = {}
        self._stop: str | None = None
        self._altered: Json = None
        self._error: ProviderError | None = None
        self._ended = False

    def feed(self, data: bytes) -> None:
        for event in self._decoder.feed(data):
            self._take(event)

    def finish(self) -> Reply:
        for event in self._decoder.finish():
            self._take(event)
        content = [part.content() for _, part in sorted(self._parts.items())]
        stop = self._stop or as_text(self._message.get("stop_reason"))
        whole = {**self._message, "usage": self._usage, "content": content, "stop_reason": stop}
        if self._altered is not None:
            whole[_ALTERATIONS] = self._altered
        reply = read_reply(whole, self._dialect)
        intact = self._ended and not self._decoder.dropped
        return replace(reply, error=self._error or reply.error, complete=intact)

    def _take(self, event: SseEvent) -> None:
        try:
            body = decode_map(event.data)
        except UserError:
            return
        match as_text(body.get("type")) or event.event:
            case "message_start":
                self._message = as_map(body.get("message")) or {}
                self._count(self._message.get("usage"))
            case "content_block_start":
                self._parts[self._index(body)] = _Part(as_map(body.get("content_block")) or {})
            case "content_block_delta":
                part = self._parts.get(self._index(body))
                if part is not None:
                    part.grow(as_map(body.get("delta")) or {})
            case "message_delta":
                self._count(body.get("usage"))
                delta = as_map(body.get("delta")) or {}
                self._stop = as_text(delta.get("stop_reason")) or self._stop
                for told in (body, delta):
                    # which event carries it is not published
                    self._altered = told.get(_ALTERATIONS) or self._altered
            case "message_stop":
                self._ended = True
            case _:
                if "error" in body:
                    self._error = read_error(body)

    def _index(self, body: JsonMap) -> int:
        index = as_count(body.get("index"))
        return len(self._parts) if index is None else index

    def _count(self, usage: Json) -> None:
        """Counts are cumulative: a later one replaces an earlier, unless it is an idle 0."""
        for name, value in (as_map(usage) or {}).items():
            if value is not None and (value != 0 or name not in self._usage):
                self._usage[name] = value


_TEXTS: Mapping[str, tuple[str, str]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
    "compaction_delta": ("content", "content"),
    "input_json_delta": ("partial_json", "input"),
}
"""Per kind of delta: the key of its piece, and the key of the block that the pieces make up."""


class _Part:
    """One content block as its pieces come."""

    def __init__(self, start: JsonMap) -> None:
        self._start = start
        self._pieces: dict[str, list[str]] = {}
        self._citations: list[Json] = []

    def grow(self, delta: JsonMap) -> None:
        kind = as_text(delta.get("type")) or ""
        if kind == "citations_delta":
            self._citations.append(delta.get("citation"))
        elif kind in _TEXTS:
            source, target = _TEXTS[kind]
            piece = as_text(delta.get(source))
            if piece is not None:
                self._pieces.setdefault(target, []).append(piece)

    def content(self) -> JsonMap:
        """The block as the next request sends it back."""
        content = dict(self._start)
        for name, pieces in self._pieces.items():
            joined = "".join(pieces)
            if name == "input":
                content[name] = _arguments(joined, self._start.get(name))
            else:
                content[name] = (as_text(self._start.get(name)) or "") + joined
        if self._citations:
            begun = as_list(self._start.get("citations")) or ()
            content["citations"] = [*begun, *self._citations]
        return content


def _arguments(joined: str, start: Json) -> Json:
    """The arguments of a tool use; the text itself when the stream was cut inside them."""
    if not joined:
        return start
    try:
        return decode(joined)
    except UserError:
        return joined
