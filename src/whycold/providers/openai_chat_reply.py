"""What Chat Completions answers: one body, or chunks of a message."""

from __future__ import annotations

import json
from collections.abc import Sequence

from whycold.core.call import ProviderError, Reply
from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Block
from whycold.providers.base import Dialect
from whycold.providers.counts import as_count
from whycold.providers.openai_content import Reading
from whycold.providers.openai_messages import read_message
from whycold.providers.openai_stream import JsonEvents
from whycold.providers.openai_usage import read_error, read_usage

__all__ = ["ChatStream", "read_reply"]

_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")


def read_reply(body: JsonMap, dialect: Dialect) -> Reply:
    """A chat completion, or an error, as a Reply; of several choices the first one."""
    choice = _first_choice(body) or {}
    message = as_map(choice.get("message"))
    if message is None and as_text(choice.get("text")) is not None:
        message = {"role": "assistant", "content": choice["text"]}
    error = read_error(body) or _choice_error(choice)
    return Reply(
        message_id=as_text(body.get("id")),
        model=as_text(body.get("model")),
        host=_host(body, dialect),
        usage=read_usage(body, dialect),
        blocks=_blocks(message, as_text(body.get("model"))),
        stop=as_text(choice.get("finish_reason")),
        error=error,
        complete=message is not None or error is not None,
    )


def _host(body: JsonMap, dialect: Dialect) -> str | None:
    """Who answered behind OpenRouter (``provider``; openrouter.ai docs, read 2026-11-23)."""
    return as_text(body.get("provider")) if dialect.name == "openrouter" else None


def _first_choice(body: JsonMap) -> JsonMap | None:
    """The choice with index 0, as far as choices say which one they are."""
    for item in as_list(body.get("choices")) or ():
        choice = as_map(item)
        if choice is not None and choice.get("index", 0) in (0, None):
            return choice
    return None


def _choice_error(choice: JsonMap) -> ProviderError | None:
    """OpenRouter reports a host that failed half-way on the choice."""
    return read_error({"error": choice["error"]}) if choice.get("error") is not None else None


def _blocks(message: JsonMap | None, model: str | None) -> tuple[Block, ...]:
    """The message as the next request should carry it: the first message after those it answers."""
    if message is None:
        return ()
    reading = Reading(model=model)
    read_message({**message, "role": as_text(message.get("role")) or "assistant"}, reading, 0)
    return tuple(reading.blocks)


class ChatStream:
    """Puts the chunks of a streamed chat completion together."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._events = JsonEvents()
        self._top: dict[str, Json] = {}
        self._texts: dict[str, list[str]] = {}
        self._parts: list[Json] = []
        self._details: list[Json] = []
        self._calls: dict[int, _Call] = {}
        self._function: _Call | None = None
        self._audio: dict[str, Json] = {}
        self._said = False
        self._stop: str | None = None
        self._error: ProviderError | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        for chunk in self._events.feed(data):
            self._take(chunk)

    def finish(self) -> Reply:
        """What was read; complete when it ended with a finish reason or ``[DONE]``.

        An error in the middle cuts it short; one that is all there is, is the whole answer.
        """
        for chunk in self._events.finish():
            self._take(chunk)
        if self._events.body is not None:
            return read_reply(self._events.body, self._dialect)
        message = self._message() if self._said else None
        ended = self._events.done or self._stop is not None
        if self._error is not None:
            ended = message is None
        return Reply(
            message_id=as_text(self._top.get("id")),
            model=as_text(self._top.get("model")),
            host=_host(self._top, self._dialect),
            usage=read_usage(self._top, self._dialect),
            blocks=_blocks(message, as_text(self._top.get("model"))),
            stop=self._stop,
            error=self._error,
            complete=ended and not self._events.unread,
        )

    def _take(self, chunk: JsonMap) -> None:
        for name in ("id", "model", "provider", "usage", "timings", "service_tier"):
            # some servers send empty values on the chunks around the first one
            if chunk.get(name):
                self._top[name] = chunk[name]
        self._error = self._error or read_error(chunk)
        choice = _first_choice(chunk)
        if choice is None:
            return
        self._error = self._error or _choice_error(choice)
        self._stop = as_text(choice.get("finish_reason")) or self._stop
        delta = as_map(choice.get("delta"))
        if delta is not None:
            self._said = True
            self._take_delta(delta)
        elif (text := as_text(choice.get("text"))) is not None:
            self._said = True
            self._texts.setdefault("content", []).append(text)

    def _take_delta(self, delta: JsonMap) -> None:
        for name in _TEXTS:
            if text := as_text(delta.get(name)):
                self._texts.setdefault(name, []).append(text)
        self._parts += as_list(delta.get("content")) or ()
        self._details += as_list(delta.get("reasoning_details")) or ()
        self._audio.update(as_map(delta.get("audio")) or {})
        for item in as_list(delta.get("tool_calls")) or ():
            call = as_map(item)
            if call is not None:
                self._call(call).take(call)
        function = as_map(delta.get("function_call"))
        if function is not None:
            self._function = self._function or _Call()
            self._function.take({"function": function})

    def _call(self, delta: JsonMap) -> _Call:
        """The call that a piece belongs to; servers that give no index send whole calls."""
        index = as_count(delta.get("index"))
        if index is None:
            begins = delta.get("id") is not None or not self._calls
            index = len(self._calls) if begins else max(self._calls)
        return self._calls.setdefault(index, _Call())

    def _message(self) -> JsonMap:
        message: dict[str, Json] = {"role": "assistant"}
        message |= {name: "".join(pieces) for name, pieces in self._texts.items()}
        if self._parts:
            message["content"] = self._parts
        if self._details:
            message["reasoning_details"] = _merged(self._details)
        if self._audio.get("id") is not None:
            message["audio"] = {"id": self._audio["id"]}
        if self._calls:
            message["tool_calls"] = [call.whole() for _, call in sorted(self._calls.items())]
        if self._function is not None:
            message["function_call"] = self._function.whole().get("function")
        return message


def _merged(details: Sequence[Json]) -> list[Json]:
    """OpenRouter's reasoning details, put together from their pieces by type and index."""
    found: dict[tuple[Json, str], dict[str, Json]] = {}
    for detail in filter(None, map(as_map, details)):
        key = (as_text(detail.get("type")), json.dumps(detail.get("index")))
        whole = found.setdefault(key, {})
        for name, value in detail.items():
            before = whole.get(name)
            if name in ("text", "summary", "data") and isinstance(before, str):
                whole[name] = before + (as_text(value) or "")
            elif value is not None:
                whole[name] = value
    return [*found.values()]


class _Call:
    """A tool call whose arguments come in pieces."""

    def __init__(self) -> None:
        self._fields: dict[str, Json] = {}
        self._inner: dict[str, dict[str, Json]] = {}
        self._pieces: dict[tuple[str, str], list[str]] = {}

    def take(self, delta: JsonMap) -> None:
        """Take a piece."""
        for name, value in delta.items():
            inner = as_map(value) if name in ("function", "custom") else None
            if inner is None:
                if value is not None:
                    self._fields[name] = value
                continue
            for field, piece in inner.items():
                text = as_text(piece)
                if text is not None and field in ("arguments", "input"):
                    self._pieces.setdefault((name, field), []).append(text)
                    piece = ""
                if piece is not None:
                    self._inner.setdefault(name, {}).setdefault(field, piece)

    def whole(self) -> dict[str, Json]:
        """The call as a message carries it."""
        for (name, field), pieces in self._pieces.items():
            self._inner[name][field] = "".join(pieces)
        return {**self._fields, **self._inner}
