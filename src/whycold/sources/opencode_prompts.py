"""Messages of an opencode session to turns: each call with the messages that it held.

What is sent is made anew of the stored messages for every call (1.18.33, its program text): results
of tools that were cleared by then, only what follows a compaction, no reply that failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Block, Kind, Section
from whycold.providers.counts import as_count
from whycold.sources.opencode_storage import Message

__all__ = ["Conversation", "Turn"]

_CLEARED = "[Old tool result content cleared]"
_INTERRUPTED = "[Tool execution was interrupted]"
_ABORTED = "MessageAbortedError"
_READ_AS_TEXT = frozenset({"text/plain", "application/x-directory"})
"""Types of files whose content stands in a text part beside them."""
_STANDS_FOR = {
    "compaction": "What did we do so far?",
    "subtask": "The following tool was executed by the user",
}


@dataclass(slots=True, eq=False)
class _Unit:
    """One block to be; ``cleared`` is when its content was taken out, in milliseconds. ``made`` is
    what was made of it last.
    """

    role: str
    kind: Kind
    value: Json
    name: str | None = None
    cleared: int | None = None
    made: Block | None = None


@dataclass(slots=True, eq=False)
class _Entry:
    """A message of the conversation as later calls hold it."""

    id: str
    units: Sequence[_Unit]
    tail: str | None = None
    compacts: bool = False
    summary_of: str | None = None


@dataclass(slots=True, eq=False)
class Turn:
    """A call: ``prompt`` are its blocks, None where what it held is not recorded, and ``reply``
    those that came back. ``number`` counts the calls of one message. Times in milliseconds.
    ``first``: no call of the session stands before it.
    """

    info: JsonMap
    number: int
    prompt: tuple[Block, ...] | None
    reply: Sequence[Block]
    tokens: JsonMap
    at: int | None
    stop: str | None
    first: bool


@dataclass
class Conversation:
    """The messages of one session as they come, oldest first.

    Give every message to ``take``; it gives back the calls that it holds, as far as they have
    ended.
    """

    _entries: list[_Entry] = field(default_factory=list["_Entry"])
    _calls: int = 0
    _latest: int = 0

    def take(self, message: Message) -> Iterator[Turn]:
        """Take the next message; the calls that it is made of."""
        info = message.info
        if info.get("role") == "user":
            entry = _Entry(_id(info), tuple(_asked(message.parts)))
            for part in message.parts:
                if part.get("type") == "compaction":
                    entry.compacts, entry.tail = True, as_text(part.get("tail_start_id"))
            self._entries.append(entry)
        elif info.get("role") == "assistant":
            yield from self._answered(info, message.parts)

    def _answered(self, info: JsonMap, parts: Sequence[JsonMap]) -> Iterator[Turn]:
        times = as_map(info.get("time")) or {}
        entry, at = _Entry(_id(info), ()), as_count(times.get("created"))
        self._entries.append(entry)
        units: list[_Unit] = []
        for number, step in enumerate(_steps(parts, info)):
            said = [unit for part in step.parts for unit in _said(part)]
            if step.tokens is not None:
                yield self._turn(info, number, said, step, at)
            units += said
            units += [unit for part in step.parts for unit in _results(part)]
            entry.units = tuple(units)
            at = max((end for part in step.parts if (end := _end(part)) is not None), default=at)
        if _failed(info, parts):
            entry.units = ()
        elif info.get("summary") is True and info.get("finish") and info.get("error") is None:
            entry.summary_of = as_text(info.get("parentID"))
            self._compacted(entry)

    def _turn(
        self, info: JsonMap, number: int, said: Sequence[_Unit], step: _Step, at: int | None
    ) -> Turn:
        if at is not None:
            at = self._latest = max(at, self._latest)
        # a summary is asked for with the conversation told in other words
        prompt = None if info.get("summary") is True else tuple(self._prompt(at or 0))
        self._calls += 1
        return Turn(
            info,
            number,
            prompt,
            [_block(u, f"content[{i}]", -1, opens=not i) for i, u in enumerate(said)],
            step.tokens or {},
            at,
            step.reason,
            self._calls == 1,
        )

    def _prompt(self, at: int) -> Iterator[Block]:
        message, role, count = -1, None, 0
        for entry in self._entries:
            for unit in entry.units:
                cleared = unit.cleared is not None and unit.cleared <= at
                if cleared and unit.kind is not Kind.tool_result:
                    continue
                opens = unit.role != role
                if opens:
                    message, role, count = message + 1, unit.role, 0
                path = f"messages[{message}].content[{count}]"
                value = _CLEARED if cleared else unit.value
                made = unit.made
                if made is None or made.value is not value or made.path != path:
                    unit.made = made = _block(unit, path, message, opens=opens, value=value)
                elif made.opens != opens:
                    unit.made = made = made.at(path, message, opens=opens)
                yield made
                count += 1

    def _compacted(self, summary: _Entry) -> None:
        """From here on the summary is sent, with the messages that were to be kept."""
        ids = [entry.id for entry in self._entries]
        asked = next((e for e in self._entries if e.compacts and e.id == summary.summary_of), None)
        if asked is None:
            return
        upto = ids.index(asked.id)
        tail = self._entries[ids.index(asked.tail) : upto] if asked.tail in ids[:upto] else []
        self._entries = [*self._entries[upto:], *tail]


@dataclass(slots=True, eq=False)
class _Step:
    parts: list[JsonMap]
    tokens: JsonMap | None = None
    reason: str | None = None


def _steps(parts: Sequence[JsonMap], info: JsonMap) -> list[_Step]:
    """The calls of a message: each ends with its counts; the last may have been cut off."""
    steps = [_Step([])]
    for part in parts:
        if part.get("type") == "step-start" and steps[-1].tokens is not None:
            steps.append(_Step([]))
        elif part.get("type") == "step-finish":
            steps[-1].tokens = as_map(part.get("tokens")) or {}
            steps[-1].reason = as_text(part.get("reason"))
        else:
            steps[-1].parts.append(part)
    tokens = as_map(info.get("tokens")) or {}
    ended = as_count((as_map(info.get("time")) or {}).get("completed")) is not None
    if ended and len(steps) == 1 and steps[0].tokens is None and any(_counts(tokens)):
        steps[0].tokens, steps[0].reason = tokens, as_text(info.get("finish"))
    return steps


def _counts(tokens: JsonMap) -> Iterator[int]:
    cache = as_map(tokens.get("cache")) or {}
    for value in (tokens.get("input"), tokens.get("output"), *cache.values()):
        yield as_count(value) or 0


def _failed(info: JsonMap, parts: Sequence[JsonMap]) -> bool:
    """Whether a reply is not sent back: one that failed, or was stopped before it said anything."""
    error = as_map(info.get("error"))
    if error is None:
        return False
    kept = any(part.get("type") not in ("step-start", "reasoning") for part in parts)
    return error.get("name") != _ABORTED or not kept


def _id(info: JsonMap) -> str:
    return as_text(info.get("id")) or ""


def _asked(parts: Sequence[JsonMap]) -> Iterator[_Unit]:
    """What the user's message holds."""
    for part in parts:
        kind = as_text(part.get("type"))
        if kind == "text" and not part.get("ignored"):
            yield _Unit("user", Kind.text, as_text(part.get("text")) or "")
        elif kind == "file" and part.get("mime") not in _READ_AS_TEXT:
            yield _file(part, "user")
        elif kind in _STANDS_FOR:
            yield _Unit("user", Kind.text, _STANDS_FOR[kind])


def _said(part: JsonMap) -> Iterator[_Unit]:
    """What a part of a reply holds, without the answers of tools."""
    match part.get("type"):
        case "text":
            if text := as_text(part.get("text")):
                yield _Unit("assistant", Kind.text, text)
        case "reasoning":
            value = {k: part[k] for k in ("text", "metadata") if k in part}
            yield _Unit("assistant", Kind.thinking, value)
        case "tool":
            name, state = as_text(part.get("tool")), as_map(part.get("state")) or {}
            value = {"id": part.get("callID"), "name": name, "input": state.get("input")}
            yield _Unit("assistant", Kind.tool_use, value, name)
        case _:
            pass


def _results(part: JsonMap) -> Iterator[_Unit]:
    """What the tool of a part answered."""
    if part.get("type") != "tool":
        return
    name, state = as_text(part.get("tool")), as_map(part.get("state")) or {}
    cleared = as_count((as_map(state.get("time")) or {}).get("compacted"))
    attached: Sequence[Json] = ()
    match state.get("status"):
        case "completed":
            value = as_text(state.get("output")) or ""
            attached = as_list(state.get("attachments")) or ()
        case "error":
            kept = as_map(state.get("metadata")) or {}
            stopped = as_text(kept.get("output")) if kept.get("interrupted") is True else None
            value = stopped if stopped is not None else as_text(state.get("error")) or ""
        case _:
            value = _INTERRUPTED
    yield _Unit("tool", Kind.tool_result, value, name, cleared)
    yield from (_file(as_map(raw) or {}, "tool", cleared) for raw in attached)


def _file(part: JsonMap, role: str, cleared: int | None = None) -> _Unit:
    mime = as_text(part.get("mime")) or ""
    kind = Kind.image if mime.startswith("image/") else Kind.document
    value = {name: part.get(name) for name in ("mime", "filename", "url")}
    return _Unit(role, kind, value, cleared=cleared)


def _end(part: JsonMap) -> int | None:
    """When the tool of a part answered."""
    state = as_map(part.get("state")) or {}
    return as_count((as_map(state.get("time")) or {}).get("end"))


def _block(unit: _Unit, path: str, message: int, *, opens: bool, value: Json = None) -> Block:
    value = unit.value if value is None else value
    return Block(Section.messages, path, unit.kind, value, unit.role, unit.name, message, opens)
