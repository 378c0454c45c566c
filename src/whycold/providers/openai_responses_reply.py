"""What the Responses API answers: one body, or the events that lead up to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from whycold.core.call import Reply
from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Block
from whycold.providers.base import Dialect
from whycold.providers.counts import as_count
from whycold.providers.openai_content import Reading
from whycold.providers.openai_items import read_item
from whycold.providers.openai_stream import JsonEvents
from whycold.providers.openai_usage import read_error, read_usage, read_verdict

__all__ = ["ResponseStream", "read_reply"]

_RUNNING = frozenset({"queued", "in_progress"})
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


def read_reply(body: JsonMap, dialect: Dialect) -> Reply:
    """A Response, or an error, as a Reply; one that still runs is not complete."""
    status = as_text(body.get("status"))
    why = as_map(body.get("incomplete_details")) or {}
    error = read_error(body)
    return Reply(
        message_id=as_text(body.get("id")),
        model=as_text(body.get("model")),
        usage=read_usage(body, dialect),
        verdict=read_verdict(body),
        blocks=_blocks(as_list(body.get("output")) or (), as_text(body.get("model"))),
        stop=as_text(why.get("reason")) or (None if status in _RUNNING else status),
        error=error,
        complete=error is not None or status not in _RUNNING,
    )


def _blocks(items: Sequence[Json], model: str | None) -> tuple[Block, ...]:
    """The output as the next input should carry it: items after those it answers."""
    reading = Reading(model=model)
    called: dict[str, str] = {}
    for index, item in enumerate(items):
        read_item(item, reading, index, called)
    return tuple(reading.blocks)


class ResponseStream:
    """Reads the events of a streamed Response; the last one holds all of it."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._events = JsonEvents()
        self._response: dict[str, Json] = {}
        self._timings: Json = None
        self._items: dict[int, Json] = {}
        self._error: JsonMap | None = None
        self._ended = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        for event in self._events.feed(data):
            self._take(event)

    def finish(self) -> Reply:
        """What was read; complete when the event came that ends a Response.

        An error in the middle cuts it short; one that is all there is, is the whole answer.
        """
        for event in self._events.finish():
            self._take(event)
        if self._events.body is not None:
            return read_reply(self._events.body, self._dialect)
        body = dict(self._response)
        if not as_list(body.get("output")):
            # some servers leave the items out of the last event, and a cut stream has none
            body["output"] = [item for _, item in sorted(self._items.items())]
        if self._timings is not None:
            body["timings"] = self._timings
        reply = read_reply(body, self._dialect)
        ended = self._ended
        if self._error is not None and not ended:
            reply = replace(reply, error=read_error({"error": self._error}))
            ended = not self._response
        return replace(reply, complete=ended and not self._events.unread)

    def _take(self, event: JsonMap) -> None:
        kind = as_text(event.get("type")) or ""
        response = as_map(event.get("response"))
        if response is not None:
            self._response |= response
        if kind in _ENDS:
            self._ended = True
            self._response["status"] = kind.removeprefix("response.")
        self._timings = event.get("timings", self._timings)
        if kind == "response.output_item.done":
            at = as_count(event.get("output_index"))
            self._items[len(self._items) if at is None else at] = event.get("item")
        elif kind == "error":
            bare = {k: v for k, v in event.items() if k != "type"}
            self._error = as_map(event.get("error")) or bare
        elif not kind and event.get("error") is not None:
            self._error = as_map(event["error"]) or {"message": event["error"]}
