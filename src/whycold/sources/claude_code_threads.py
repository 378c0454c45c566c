"""Records of a session to turns: each call with the conversation that it goes on from.

What a request held is found along ``parentUuid``, never by the order of lines: sidechains, parallel
tools and rewinds interleave. Results that came back in parallel hang beside each other and belong
to the request all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.sources.claude_code_notes import noted
from whycold.sources.claude_code_records import ABSENT, Message, Record, read_time

__all__ = ["Part", "Threads", "Turn"]

_SYNTHETIC = "<synthetic>"
_MOST_HELD = 256 << 20
"""Bytes of lines whose records are remembered: far more than one conversation can be long."""
_LONGEST_CHAIN = 100_000
_TICK = timedelta(microseconds=1)
_FORKED = re.compile(r"a([a-z_]+)-\w+")
"""The id of an agent that goes on from the conversation it was started in: its task and a number,
where others have a number alone.
"""


@dataclass(slots=True, eq=False)
class Part:
    """What one record adds to the prompt of the next request.

    ``turn`` is the turn that it stands behind, ``above`` the part before it in the same turn.
    ``answer`` marks the result of a tool that the turn called, and what a hook said of it. ``note``
    is the type of an attachment, ``stamp`` when it was written. ``gap``: something before it is
    missing.
    """

    turn: Turn
    above: Part | None = None
    content: Any = None
    note: str | None = None
    stamp: str | None = None
    answer: bool = False
    gap: bool = False


@dataclass(slots=True, eq=False)
class Turn:
    """A call as its records come, or the beginning of a conversation: then without a ``key``.

    ``before`` is the turn that it goes on from, ``parts`` what was said since, ``behind`` all that
    was said after it. ``kept`` is what a compaction took over. ``follows`` is the message id of the
    reply that stands before a beginning in time, but not in its prompt. ``gap``: some of what
    comes before is not recorded. ``thread`` is who takes turns: an agent's id, "" for any sidechain
    within a session's file, None for the main conversation. ``begins`` and ``ends`` are positions
    in its file. ``reply`` and ``built`` are for who makes a call of it.
    """

    key: str | None = None
    before: Turn | None = None
    above: Part | None = None
    parts: tuple[Part, ...] = ()
    behind: list[Part] = field(default_factory=list["Part"])
    kept: tuple[Part | Turn, ...] = ()
    follows: str | None = None
    gap: bool = False
    content: list[Json] = field(default_factory=list["Json"])
    first: Record | None = None
    last: Record | None = None
    at: datetime | None = None
    place: Part | None = None
    thread: str | None = None
    told: bool = False
    diagnosed: bool = False
    begins: int = 0
    ends: int = 0
    reply: Any = None
    built: Any = None

    @property
    def answered(self) -> datetime | None:
        """When the last of its answer was written."""
        return read_time(self.last.timestamp) if self.last is not None else None

    @property
    def message_id(self) -> str | None:
        """The message id of its reply, or of the one that stands before it."""
        if self.last is None or self.last.message is None:
            return self.follows
        return self.last.message.id


class Threads:
    """The conversations of one session, of all its files.

    Give it every record with ``take``; it gives back the turns that are whole. ``rest`` gives those
    that nothing follows. ``tasks`` maps the prompt of a subagent to the kind of agent it was given
    to. ``untimed`` counts calls that no time is known of; they are left out. Of more than ``most``
    bytes of records the older half is forgotten, and what goes on from there has a gap.
    """

    def __init__(self, most: int = _MOST_HELD) -> None:
        self._most = most
        self._places: dict[str, Part] = {}
        self._turns: dict[str, Turn] = {}
        self._users: dict[str, Turn] = {}
        self._latest: dict[str | None, Part] = {}
        self._open: dict[str, Turn] = {}
        self._last: dict[str | None, Turn] = {}
        self._forks: dict[str | None, Part | None] = {}
        self._held = 0
        self._asked = False
        self.tasks: dict[str, str] = {}
        self.untimed = 0

    def take(self, record: Record, begins: int, ends: int) -> Sequence[Turn]:
        """Take the next record of a file, which stands at these bytes; what is whole by now."""
        thread = record.agent_id or ("" if record.is_sidechain else None)
        if record.type == "fork-context-ref":
            self._forks[thread] = self._places.get(record.parent_last_uuid or "")
            return ()
        uuid = record.uuid
        if uuid is None or uuid in self._places:
            return ()
        self._held += ends - begins
        if self._held > self._most:
            self._let_go()
        done: Sequence[Turn] = ()
        message = record.message
        if record.type == "assistant" and message is not None and _is_answer(record, message):
            key = record.request_id or message.id or uuid
            turn = self._turns.get(key)
            if turn is None:
                turn = self._begun(record, key, begins, thread)
                done = list(self._completed(turn, thread))
            if not turn.told:
                self._grown(turn, record, message, ends)
            place = turn.place
            assert place is not None
        else:
            place = self._place(record, thread)
        self._places[uuid] = self._latest[thread] = place
        return done

    def rest(self) -> Iterator[Turn]:
        """The turns that were not given yet."""
        waiting, self._open = self._open, {}
        yield from (turn for turn in waiting.values() if self._tell(turn))

    def close(self) -> None:
        """Undo what goes round, so that all of it can go at once."""
        for turn in self._turns.values():
            for known in (turn, turn.before):
                if known is not None:
                    known.behind.clear()
                    known.place = None

    def _place(self, record: Record, thread: str | None) -> Part:
        """The place of a record that is no answer; one without content is its parent's."""
        if record.subtype == "compact_boundary" and record.type == "system":
            return Part(self._compacted(record, thread))
        above = self._above(record, thread)
        if record.is_compact_summary and (above.turn.key is not None or not above.turn.follows):
            above = Part(self._compacted(record, thread))
        return self._said(record, above) if record.type in ("user", "attachment") else above

    def _said(self, record: Record, above: Part) -> Part:
        content, note = _content(record)
        if content is None:
            return above
        answer = above.answer if note else _is_result(content)
        behind = above if above.content is not None else above.above
        part = Part(above.turn, behind, content, note, record.timestamp, answer, above.gap)
        above.turn.behind.append(part)
        return part

    def _above(self, record: Record, thread: str | None) -> Part:
        """The place of the parent; where that is missing, the most likely one."""
        if record.parent_uuid is not None:
            found = self._places.get(record.parent_uuid)
            if found is not None:
                return found
            caller = self._users.get(_result_of(record) or "")
            if caller is not None:
                return Part(caller)
            latest = self._latest.get(thread)
            if latest is not None:
                nearest = latest if latest.content is not None else latest.above
                return Part(latest.turn, nearest, gap=True)
            return Part(Turn(gap=True), gap=True)
        if thread in self._forks:
            return self._forks[thread] or Part(Turn(gap=True), gap=True)
        return Part(Turn(gap=_FORKED.fullmatch(record.agent_id or "") is not None))

    def _begun(self, record: Record, key: str, begins: int, thread: str | None) -> Turn:
        above = self._above(record, thread)
        before = above.turn
        turn = Turn(key, before, above, thread=thread, begins=begins, first=record)
        turn.place = Part(turn)
        turn.parts = _parts(before, above, beside=before.key is None or before.thread == thread)
        turn.gap = before.gap or any(part.gap for part in turn.parts) or above.gap
        turn.at = _sent(turn, read_time(record.timestamp))
        self._turns[key] = self._open[key] = turn
        return turn

    def _completed(self, turn: Turn, thread: str | None) -> Iterator[Turn]:
        """The turns that are whole when another begins: the one that it goes on from, or, where it
        begins a conversation, the last one of its thread.
        """
        last = self._last.get(thread) if thread != "" else None
        self._last[thread] = turn
        begins = turn.before is None or turn.before.key is None
        for done in (last if begins else None, turn.before):
            if done is None or self._open.pop(done.key or "", None) is None:
                continue
            if self._tell(done):
                yield done

    def _grown(self, turn: Turn, record: Record, message: Message, ends: int) -> None:
        content: Json = message.content
        items = as_list(content)
        for item in (content,) if items is None else items:
            block = as_map(item)
            if block is not None and ("id" in block or "signature" in block):
                # such a block is told from every other one: an equal one is a copy of it
                if item in turn.content:
                    continue
                self._called(turn, block)
            if item is not None:
                turn.content.append(item)
        turn.last, turn.ends = record, ends
        if message.diagnostics is not ABSENT and message.diagnostics is not None:
            self._asked = True
        turn.diagnosed = self._asked

    def _called(self, turn: Turn, use: JsonMap) -> None:
        if use.get("type") != "tool_use":
            return
        self._users[as_text(use.get("id")) or ""] = turn
        given = as_map(use.get("input")) or {}
        prompt, agent = as_text(given.get("prompt")), as_text(given.get("subagent_type"))
        if prompt and agent:
            self.tasks[prompt] = agent

    def _tell(self, turn: Turn) -> bool:
        """Whether a turn is a call that can be told of; it is told once."""
        turn.told = True
        self.untimed += turn.at is None
        return turn.at is not None

    def _compacted(self, record: Record, thread: str | None) -> Turn:
        """The beginning of a conversation whose first message stands for an earlier one."""
        place = self._places.get(record.logical_parent_uuid or "")
        if place is None:
            place = self._latest.get(thread)
        before = place.turn if place is not None else None
        start = Turn(follows=before.message_id if before is not None else None)
        segment = as_map((as_map(record.compact_metadata) or {}).get("preservedSegment")) or {}
        head, tail = (as_text(segment.get(name)) or "" for name in ("headUuid", "tailUuid"))
        if head and tail:
            start.kept = _segment(self._places.get(head), self._places.get(tail))
            start.gap = not start.kept
        return start

    def _let_go(self) -> None:
        """Forget the older half of what is remembered."""
        self._held //= 2
        for known in (self._places, self._turns, self._users):
            for key in list(known)[: len(known) // 2]:
                del known[key]


def _is_answer(record: Record, message: Message) -> bool:
    """Whether a record is of a reply of the API: no error, and not what the client wrote itself."""
    return (
        message.usage is not None
        and not record.is_api_error_message
        and message.model != _SYNTHETIC
    )


def _content(record: Record) -> tuple[Json, str | None]:
    """What a record puts into the prompt, and the type of note that it is; None for nothing."""
    if record.type == "user":
        content = record.message.content if record.message is not None else None
        return (content or None), None
    note = noted(record.attachment, record.rendered)
    return (list(note.parts), note.kind) if note is not None else (None, None)


def _is_result(content: Json) -> bool:
    return any((as_map(i) or {}).get("type") == "tool_result" for i in as_list(content) or ())


def _result_of(record: Record) -> str | None:
    """The id of the tool use that a record answers."""
    content = record.message.content if record.message is not None else None
    ids = ((as_map(item) or {}).get("tool_use_id") for item in as_list(content) or ())
    return next((text for id in ids if (text := as_text(id)) is not None), None)


def _parts(before: Turn, above: Part, *, beside: bool) -> tuple[Part, ...]:
    """What was said behind a turn up to ``above``, in the order written; ``beside``: with all that
    its tools answered.
    """
    if len(before.behind) == 1 and above is before.behind[0]:
        return (above,)
    on_chain: set[int] = set()
    at: Part | None = above
    while at is not None and len(on_chain) < _LONGEST_CHAIN:
        on_chain.add(id(at))
        at = at.above
    return tuple(p for p in before.behind if (p.answer and beside) or id(p) in on_chain)


def _segment(head: Part | None, tail: Part | None) -> tuple[Part | Turn, ...]:
    """What stands from one place to another, in order; nothing where the one is not above the
    other.
    """
    found: list[Part | Turn] = []
    while head is not None and tail is not None and len(found) < _LONGEST_CHAIN:
        run: list[Part] = []
        part = tail if tail.content is not None else tail.above
        while part is not None and (not run or run[-1] is not head):
            run.append(part)
            part = part.above
        on_chain = set(map(id, run))
        if run and run[-1] is head:
            return (*run[::-1], *found[::-1])
        found += [p for p in reversed(tail.turn.behind) if p.answer or id(p) in on_chain]
        if tail.turn.key is None:
            break
        found.append(tail.turn)
        if head.content is None and head.turn is tail.turn:
            return tuple(found[::-1])
        tail = tail.turn.above
    return ()


def _sent(turn: Turn, answered: datetime | None) -> datetime | None:
    """When the request was sent: not recorded, so when the last of what it holds was written.

    It is later than the request before it, and not later than its own answer.
    """
    times = [at for part in turn.parts if (at := read_time(part.stamp)) is not None]
    at = max(times, default=None)
    if at is None:
        at = (turn.before.answered or turn.before.at if turn.before else None) or answered
    if at is not None and answered is not None:
        at = min(at, answered)
    earlier = turn.before.at if turn.before is not None else None
    return max(at, earlier + _TICK) if at is not None and earlier is not None else at
