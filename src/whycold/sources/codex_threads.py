"""Lines of a Codex thread to turns: each call with the items that its request held.

A rollout holds the items of the conversation, and the counts of each call. Versions differ in what
comes first: the counts (0.47), the items of the reply (0.80 to 0.130, 0.157 on), or these and what
the tools answered (0.145). Counts are repeated, by ``token_count`` events that come again or stand
beside a ``token_usage_record``; their sum over the thread tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Block, Kind
from whycold.providers.counts import as_count
from whycold.providers.openai_content import Reading
from whycold.providers.openai_items import read_item
from whycold.sources.codex_records import Line

__all__ = ["Counts", "Thread", "Turn"]

_SAID = frozenset(
    {
        "reasoning",
        "function_call",
        "custom_tool_call",
        "local_shell_call",
        "web_search_call",
        "tool_search_call",
        "image_generation_call",
        "compaction",
        "context_compaction",
    }
)
_NOT_SENT = frozenset({"ghost_snapshot", "compaction_trigger", "other"})
_BESIDE = "internal_chat_message_metadata_passthrough"
_TICK = timedelta(microseconds=1)


class Counts(NamedTuple):
    """Tokens as Codex writes them; None where the version has no such count."""

    input: int | None
    read: int | None
    written: int | None
    output: int | None
    total: int | None


@dataclass(slots=True, eq=False)
class _Item:
    """An item of the conversation, read; ``said``: by the model."""

    blocks: Sequence[Block]
    said: bool
    message: bool
    opaque: int
    at: datetime | None


@dataclass(slots=True, eq=False)
class Turn:
    """A call. ``prompt`` are its blocks, ``reply`` those that came back; ``first``: no call of its
    thread stands before it; ``before`` is the one that does, as long as it is needed. ``gap``: some
    of the prompt is not recorded. ``sum`` are the counts of the thread so far, ``counted`` is when
    its own were written. ``begins`` and ``ends`` are positions in its file. ``id`` is given to it
    once it is told of.
    """

    prompt: Sequence[Block]
    opaque: int
    reply: list[Block]
    counts: Counts
    sum: Counts | None
    at: datetime | None
    counted: datetime | None
    response_id: str | None
    model: str | None
    effort: str | None
    first: bool
    before: Turn | None
    gap: bool
    begins: int
    ends: int
    id: str | None = None

    def let_go(self) -> None:
        """Forget what is only needed to tell of it."""
        self.before, self.prompt, self.reply = None, (), []


@dataclass
class Thread:
    """The conversation of one rollout, as its lines come.

    Give it every line with ``take``; it gives back the turns that are whole; ``rest`` gives the
    one that nothing follows. ``branch`` is a thread that goes on from here.
    """

    gap: bool = False
    provider: str | None = None
    _model: str | None = None
    _effort: str | None = None
    _items: list[_Item] = field(default_factory=list["_Item"])
    _starts: list[int] = field(default_factory=list[int])
    _names: dict[str, str] = field(default_factory=dict[str, str])
    _run: int | None = None
    _run_begins: int = 0
    _open: Turn | None = None
    _last: Turn | None = None
    _sum: Counts | None = None
    _sent: datetime | None = None

    def branch(self) -> Thread:
        """A thread that goes on from what this one holds."""
        return Thread(
            gap=self.gap,
            _model=self._model,
            _effort=self._effort,
            _items=list(self._items),
            _starts=list(self._starts),
            _names=dict(self._names),
            _last=self._last,
            _sum=self._sum,
        )

    def take(self, line: Line, begins: int, ends: int) -> Iterator[Turn]:
        """Take the next line, which stands at these bytes of its file; what is whole by now."""
        match line.kind:
            case "response_item":
                yield from self._item(line, begins, ends)
            case "token_usage_record":
                yield from self._record(line, begins, ends)
            case "token_count":
                yield from self._count(line, begins, ends)
            case "compacted":
                yield from self.rest()
                self._compacted(line.payload)
            case "turn_context" | "thread_settings_applied":
                self._settle(line.payload)
                self._sent = line.at
            case "turn_started":
                self._sent = line.at
            case "user_message":
                self._starts.append(max(0, len(self._items) - 1))
            case "thread_rolled_back":
                yield from self.rest()
                self._roll_back(as_count(line.payload.get("num_turns")) or 0)
            case _:
                pass

    def rest(self) -> Iterator[Turn]:
        """The turn whose reply was still to come."""
        if self._open is not None:
            yield self._open
            self._open = None

    def _item(self, line: Line, begins: int, ends: int) -> Iterator[Turn]:
        item = self._read(line.payload, line.at)
        if item is None:
            return
        if item.said and self._open is not None:
            self._open.reply += item.blocks
            self._open.ends = ends
        elif item.said:
            if self._run is None:
                self._run, self._run_begins = len(self._items), begins
        else:
            if item.message:
                yield from self.rest()
                # what was said before and never counted was cut off
                self._run = None
            if self._run is None:
                self._sent = line.at
        self._items.append(item)

    def _read(self, payload: JsonMap, at: datetime | None) -> _Item | None:
        role = as_text(payload.get("role"))
        kind = as_text(payload.get("type")) or ("message" if role else None)
        if kind in _NOT_SENT or kind is None:
            return None
        reading = Reading(model=self._model)
        whole = {k: v for k, v in payload.items() if k != _BESIDE}
        read_item(whole, reading, len(self._items), self._names)
        said = kind in _SAID or (kind == "message" and role == "assistant")
        opaque = sum(block.kind is Kind.opaque for block in reading.blocks)
        return _Item(tuple(reading.blocks), said, kind == "message", opaque, at)

    def _record(self, line: Line, begins: int, ends: int) -> Iterator[Turn]:
        counts = _counts(line.payload.get("usage"))
        if counts is None:
            return
        self._sum = _counts(line.payload.get("thread_token_usage")) or self._sum
        yield from self._counted(counts, line, begins, ends)
        # here the counts come behind the reply
        yield from self.rest()

    def _count(self, line: Line, begins: int, ends: int) -> Iterator[Turn]:
        info = as_map(line.payload.get("info")) or {}
        so_far, before = _counts(info.get("total_token_usage")), self._sum
        counts = _counts(info.get("last_token_usage")) or _difference(so_far, before)
        if counts is None or so_far is None or so_far == before:
            return
        self._sum = so_far
        if counts.input or counts.output:
            yield from self._counted(counts, line, begins, ends)

    def _counted(self, counts: Counts, line: Line, begins: int, ends: int) -> Iterator[Turn]:
        """A call was counted: with the reply that stands before it, or that is to come."""
        yield from self.rest()
        upto = len(self._items) if self._run is None else self._run
        prompt, reply = self._items[:upto], self._items[upto:]
        turn = Turn(
            prompt=tuple(block for item in prompt for block in item.blocks),
            opaque=sum(item.opaque for item in prompt),
            reply=[block for item in reply if item.said for block in item.blocks],
            counts=counts,
            sum=self._sum,
            at=self._when(line.at),
            counted=line.at,
            response_id=as_text(line.payload.get("response_id")),
            model=self._model,
            effort=self._effort,
            first=self._last is None,
            before=self._last,
            gap=self.gap,
            begins=begins if self._run is None else self._run_begins,
            ends=ends,
        )
        waits, self._run, self._last = self._run is None, None, turn
        # what the tools answered stands before these counts
        self._sent = next((item.at for item in reversed(reply) if not item.said), self._sent)
        if waits:
            self._open = turn
        else:
            yield turn

    def _when(self, counted: datetime | None) -> datetime | None:
        """When a request was sent: not recorded, so when the last was written that it waited for.

        It is later than the request before it, and not later than its own counts.
        """
        at = self._sent or counted
        if at is None or counted is None:
            return at
        at = min(at, counted)
        earlier = self._last.at if self._last is not None else None
        return max(at, earlier + _TICK) if earlier is not None else at

    def _settle(self, payload: JsonMap) -> None:
        settings = as_map(payload.get("thread_settings")) or payload
        mode = as_map((as_map(settings.get("collaboration_mode")) or {}).get("settings")) or {}
        self._model = as_text(settings.get("model")) or self._model
        self.provider = as_text(settings.get("model_provider_id")) or self.provider
        effort = as_text(settings.get("effort")) or as_text(mode.get("reasoning_effort"))
        self._effort = effort

    def _compacted(self, payload: JsonMap) -> None:
        """Another history takes the place of this one; where it is not recorded, only its summary
        is known.
        """
        history = as_list(payload.get("replacement_history"))
        self._items, self._starts, self._run = [], [], None
        self.gap = history is None
        summary = {"type": "message", "role": "user", "content": payload.get("message")}
        for raw in (summary,) if history is None else history:
            item = self._read(as_map(raw) or {}, None)
            if item is not None:
                self._items.append(item)

    def _roll_back(self, turns: int) -> None:
        """The last turns of the user are taken back, with what was said just before them."""
        if not turns or not self._starts:
            return
        first = turns >= len(self._starts)
        at = self._starts[0 if first else -turns]
        while at and not first and self._items[at - 1].message and not self._items[at - 1].said:
            at -= 1
        del self._items[at:], self._starts[0 if first else -turns :]
        self._run = None


def _counts(value: Json) -> Counts | None:
    found = as_map(value)
    if found is None:
        return None
    names = (
        "input_tokens",
        "cached_input_tokens",
        "cache_write_input_tokens",
        "output_tokens",
        "total_tokens",
    )
    return Counts(*(as_count(found.get(name)) for name in names))


def _difference(so_far: Counts | None, before: Counts | None) -> Counts | None:
    """What a call added, where only sums are written."""
    if so_far is None or before is None:
        return so_far
    pairs = zip(so_far, before, strict=True)
    parts = [None if now is None else now - (was or 0) for now, was in pairs]
    # the sums begin anew
    return so_far if any(part is not None and part < 0 for part in parts) else Counts(*parts)
