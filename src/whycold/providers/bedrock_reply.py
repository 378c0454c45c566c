"""Converse responses: whole, and as a stream of frames."""

from __future__ import annotations

from collections.abc import Sequence

from whycold.core.call import ProviderError, Reply, Usage
from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Block, Section
from whycold.errors import UserError
from whycold.providers.base import Dialect
from whycold.providers.bedrock_content import Place, content_block
from whycold.providers.body import decode, decode_map
from whycold.providers.counts import as_count, total
from whycold.providers.eventstream import EventStreamDecoder, Frame, frame_error

__all__ = ["ConverseStream", "answers", "read_reply"]


def answers(body: JsonMap) -> int:
    """How much a response body looks like this wire format; 0: not at all."""
    output = as_map(body.get("output"))
    if output is not None and "message" in output:
        return 10
    if "stopReason" in body and "usage" in body:
        return 6
    return 2 if _error(body) is not None else 0


def read_reply(body: JsonMap, dialect: Dialect) -> Reply:
    """A whole response. Bedrock gives it no id: that of the request stands in a header."""
    message = as_map((as_map(body.get("output")) or {}).get("message")) or {}
    return Reply(
        model=_routed(body),
        usage=_usage(as_map(body.get("usage")) or {}, body),
        blocks=_blocks(as_list(message.get("content")) or ()),
        stop=as_text(body.get("stopReason")),
        error=_error(body),
    )


def _blocks(content: Sequence[Json]) -> tuple[Block, ...]:
    places = (
        Place(Section.messages, f"content[{i}]", role="assistant", opens=i == 0)
        for i in range(len(content))
    )
    return tuple(
        content_block(part, place, {}) for part, place in zip(content, places, strict=True)
    )


def _usage(usage: JsonMap, body: JsonMap) -> Usage:
    """The counts; ``input`` is the sum, since ``inputTokens`` leaves out what was read and written.

    ``cacheDetails`` splits the writes by lifetime; where it accounts for all of them, a lifetime
    that it does not name was written nothing.
    """
    sent = as_count(usage.get("inputTokens"))
    read = as_count(usage.get("cacheReadInputTokens"))
    written = as_count(usage.get("cacheWriteInputTokens"))
    split: dict[str, int] = {}
    for detail in map(as_map, as_list(usage.get("cacheDetails")) or ()):
        tokens = as_count((detail or {}).get("inputTokens"))
        ttl = as_text((detail or {}).get("ttl"))
        if tokens is not None and ttl is not None:
            split[ttl] = split.get(ttl, 0) + tokens
    if written is None and split:
        written = sum(split.values())
    rest = 0 if split and sum(split.values()) == written else None
    speed = as_text((as_map(body.get("performanceConfig")) or {}).get("latency"))
    return Usage(
        input=None if sent is None else total(sent, read, written),
        cache_read=read,
        cache_write=written,
        cache_write_5m=split.get("5m", rest),
        cache_write_1h=split.get("1h", rest),
        uncached=None if read is None else sent,
        output=as_count(usage.get("outputTokens")),
        tier=as_text((as_map(body.get("serviceTier")) or {}).get("type")),
        speed=None if speed == "standard" else speed,
    )


def _routed(body: JsonMap) -> str | None:
    """The model that a prompt router chose."""
    router = as_map((as_map(body.get("trace")) or {}).get("promptRouter")) or {}
    return as_text(router.get("invokedModelId"))


def _error(body: JsonMap) -> ProviderError | None:
    if "output" in body or "usage" in body:
        return None
    message = as_text(body.get("message")) or as_text(body.get("Message"))
    kind = as_text(body.get("__type"))
    if message is None and kind is None:
        return None
    # "com.amazon.coral.validate#ValidationException": the part that says something
    return ProviderError(None, kind and kind.rpartition("#")[2], message or "")


class ConverseStream:
    """Reads ConverseStream: frames, or the JSON of a refused call."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._decoder = EventStreamDecoder()
        self._whole: bytearray | None = None
        self._begun = False
        self._top: dict[str, Json] = {}
        self._blocks: dict[int, _Building] = {}
        self._error: ProviderError | None = None
        self._ended = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        if not self._begun and data:
            self._begun = True
            if data[:1] in (b"{", b" ", b"\n", b"\r", b"\t"):
                self._whole = bytearray()
        if self._whole is not None:
            if len(self._whole) < _LONGEST_ERROR:
                self._whole += data
            return
        for frame in self._decoder.feed(data):
            self._take(frame)

    def finish(self) -> Reply:
        """What was read; complete once the last event, the one with the counts, has come."""
        if self._whole is not None:
            try:
                return read_reply(decode_map(bytes(self._whole)), self._dialect)
            except UserError:
                return Reply(complete=False)
        lost = self._decoder.dropped or self._decoder.broken or self._decoder.open
        content = [self._blocks[index].value() for index in sorted(self._blocks)]
        reply = read_reply(
            {**self._top, "output": {"message": {"content": content}}}, self._dialect
        )
        complete = self._ended and not lost and self._error is None
        return Reply(
            model=reply.model,
            usage=reply.usage,
            blocks=reply.blocks,
            stop=reply.stop,
            error=self._error,
            complete=complete,
        )

    def _take(self, frame: Frame) -> None:
        self._error = self._error or frame_error(frame)
        event = frame.body()
        match frame.event:
            case "contentBlockStart":
                self._block(event).start(as_map(event.get("start")) or {})
            case "contentBlockDelta":
                self._block(event).add(as_map(event.get("delta")) or {})
            case "messageStop":
                self._top["stopReason"] = event.get("stopReason")
            case "metadata":
                self._ended = "stopReason" in self._top
                for name in ("usage", "trace", "performanceConfig", "serviceTier"):
                    if name in event:
                        self._top[name] = event[name]
            case _:
                pass

    def _block(self, event: JsonMap) -> _Building:
        index = as_count(event.get("contentBlockIndex")) or 0
        return self._blocks.setdefault(index, _Building())


_LONGEST_ERROR = 16 * 1024 * 1024
"""Bytes of a JSON body that are kept when a stream turns out to be none."""


class _Building:
    """A content block while its deltas come."""

    def __init__(self) -> None:
        self._kind = ""
        self._texts: list[str] = []
        self._fields: dict[str, Json] = {}
        self._items: list[Json] = []

    def start(self, start: JsonMap) -> None:
        """The beginning of a block: tool uses and results have one, texts do not."""
        for kind, fields in start.items():
            self._kind = kind
            self._fields.update(as_map(fields) or {})

    def add(self, delta: JsonMap) -> None:
        """The next part of the block."""
        for kind, part in delta.items():
            fields = as_map(part) or {}
            if kind == "citation":
                self._kind = "citationsContent"
                self._items.append(part)
                continue
            self._kind = self._kind or kind
            self._items += as_list(part) or ()
            text = part if kind == "text" else fields.get("text", fields.get("input"))
            self._texts.append(as_text(text) or "")
            self._fields.update({k: v for k, v in fields.items() if k not in ("text", "input")})

    def value(self) -> Json:
        """The block as the next request sends it back."""
        text = "".join(self._texts)
        match self._kind:
            case "text":
                return {"text": text}
            case "citationsContent":
                return {"citationsContent": {"content": [{"text": text}], "citations": self._items}}
            case "toolUse":
                return {"toolUse": {**self._fields, "input": _arguments(text)}}
            case "toolResult":
                return {"toolResult": {**self._fields, "content": self._items}}
            case "reasoningContent" if "redactedContent" not in self._fields:
                return {"reasoningContent": {"reasoningText": {"text": text, **self._fields}}}
            case kind:
                return {kind: self._fields}


def _arguments(text: str) -> Json:
    """The arguments of a tool use, streamed as JSON text; the text itself when it was cut."""
    if not text:
        return {}
    try:
        return decode(text)
    except UserError:
        return text
