"""Calls told in plain words, and what became of them.

A message is a string that begins with who speaks: ``user: …``, ``assistant: …``, ``system: …``,
``use ID``, ``result ID: …``, ``thinking: …``. A tool is ``Name: description``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from whycold import causes
from whycold.core.call import Call, ProviderError, Reply, Usage
from whycold.core.cause import Case, Cause, Evidence, Obstacle
from whycold.core.diagnosis import Diagnosis, Reason, Verdict
from whycold.core.predecessor import History, Link, Linked
from whycold.core.prompt import Block, Breakpoint, Kind, Links, Prompt, Section, Setting
from whycold.core.rules import CacheRules, Effect, Isolation, Lookback, OptIn, Ttl
from whycold.diagnose import diagnose

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

MARKED = CacheRules(
    name="asked for by markers",
    opt_in=OptIn.explicit,
    minimum=1000,
    ttls=(Ttl("5m", 5 * MINUTE), Ttl("1h", 60 * MINUTE)),
    markable=True,
    max_breakpoints=4,
    lookback=Lookback(20),
    reports_write=True,
    effects={
        "model": Effect(Section.tools, "model_changed"),
        "tool_choice": Effect(Section.messages),
        "thinking": Effect(Section.messages, certain=False),
    },
)
AUTOMATIC = CacheRules(
    name="in steps of 128",
    minimum=1024,
    ttls=(Ttl("1h", 60 * MINUTE),),
    granularity=128,
    best_effort=True,
    effects={"model": Effect(Section.tools, "model_changed")},
)
EITHER = replace(MARKED, name="automatic, markers too", opt_in=OptIn.both, lookback=None)
ENGINE = CacheRules(
    name="a local engine",
    keeps_reply=True,
    always_evaluated=1,
    isolation=Isolation.server,
    best_effort=True,
    effects={"model": Effect(Section.tools, "model_changed")},
)

TOOLS = ("Read: Reads a file from the disk and numbers its lines.", "Bash: Runs a command.")
SYSTEM = ("You are a careful programmer. You read before you write, and you run the tests.",)
TASK = "user: The tests of the billing module fail since yesterday. Find out why, please."


def block(told: str, message: int = 0, *, opens: bool = True) -> Block:
    """One block of a message, from its words."""
    who, _, text = told.partition(": ")
    kind, value, role, name = Kind.text, text, who, None
    word, _, identity = who.partition(" ")
    if word == "use":
        kind, role, name = Kind.tool_use, "assistant", "Read"
        value = {"id": identity, "name": "Read", "input": {"path": text or identity}}
    elif word == "result":
        kind, role = Kind.tool_result, "user"
        value = {"tool_use_id": identity, "content": text}
    elif word == "thinking":
        kind, role, value = Kind.thinking, "assistant", {"thinking": text}
    return Block(
        Section.messages,
        f"messages[{message}].content[0]",
        kind,
        value,
        role,
        name,
        message=message,
        opens=opens,
    )


def prompt(
    messages: Sequence[str],
    *,
    tools: Sequence[str] = TOOLS,
    system: Sequence[str] = SYSTEM,
    marks: Mapping[int, str | None] | Iterable[int] = (),
    settings: Mapping[str, Any] | None = None,
    **more: Any,
) -> Prompt:
    """A prompt of tools, system and messages; ``marks`` are indexes of marked blocks (of all
    blocks, negative ones from the end), perhaps with a lifetime.
    """
    blocks = [
        Block(Section.tools, f"tools[{n}]", Kind.tool, {"name": n, "description": d}, name=n)
        for n, _, d in (tool.partition(": ") for tool in tools)
    ]
    blocks += [Block(Section.system, f"system[{i}]", Kind.text, s) for i, s in enumerate(system)]
    blocks += [block(told, number) for number, told in enumerate(messages)]
    asked = dict(marks) if isinstance(marks, Mapping) else dict.fromkeys(marks)
    for index, ttl in asked.items():
        blocks[index] = replace(blocks[index], breakpoint=Breakpoint(ttl))
    kept = tuple(Setting(k, v) for k, v in (settings or {}).items())
    return Prompt(tuple(blocks), kept, **{"asks": bool(asked) or None, **more})


def call(
    id: str,
    messages: Sequence[str] = (TASK,),
    *,
    at: timedelta = timedelta(0),
    answer: str | Sequence[str] = (),
    usage: Usage | None = None,
    took: timedelta | None = SECOND,
    model: str = "model-a",
    links: Links | None = None,
    error: ProviderError | None = None,
    origin: Mapping[str, str] | None = None,
    **sent: Any,
) -> Call:
    """A call ``at`` a time after the start of the story; its id is its message's id, too.

    ``sent`` is what ``prompt`` takes; ``origin`` are fields of Call such as ``session``.
    """
    asked = prompt(messages, **sent)
    if links is not None:
        asked = replace(asked, links=links)
    settings = (Setting("model", model), *asked.settings)
    said = [answer] if isinstance(answer, str) else answer
    blocks = tuple(block(told, opens=i == 0) for i, told in enumerate(said))
    return Call(
        id=id,
        at=START + at,
        provider="provider-a",
        api="messages",
        model=model,
        prompt=replace(asked, settings=settings),
        reply=Reply(message_id=id, usage=usage or Usage(), blocks=blocks, error=error),
        began=START + at + took if took is not None else None,
        **dict[str, Any](origin or {}),
    )


def counted(
    total: int, *, read: int | None = 0, write: int | None = None, output: int = 50
) -> Usage:
    """A prompt of ``total`` tokens, some read and some written."""
    return Usage(input=total, cache_read=read, cache_write=write, output=output)


def linked(*calls: Call) -> Linked | None:
    """The predecessor of the last call."""
    history = History()
    *before, last = calls
    for earlier in before:
        history.add(history.resolve(earlier))
    return history.predecessor(history.resolve(last))


def predecessor(*calls: Call) -> tuple[str, Link] | None:
    """The predecessor of the last call, by id, and how it was found."""
    found = linked(*calls)
    return (found.call.id, found.link) if found is not None else None


@dataclass(frozen=True)
class Outcome:
    """What became of a story's last call.

    ``obstacle`` is what stood in the way where it was no edit, ``edits`` are the paths of all edits
    found, ``case`` is the question that the causes were asked about the loss.
    """

    told: Diagnosis
    obstacle: Obstacle | None
    case: Case | None

    @property
    def verdict(self) -> Verdict:
        return self.told.verdict

    @property
    def missed(self) -> int:
        return self.told.missed_tokens

    @property
    def reusable(self) -> int | None:
        return self.told.reusable_tokens

    @property
    def edits(self) -> list[str]:
        return [found.path for found in self.told.divergences]


class _Listener(Cause):
    """Claims nothing and remembers what was asked."""

    code = "listener"
    reason = Reason.unexplained
    title = what = advice = ""

    def __init__(self) -> None:
        self.heard: list[Case] = []

    def explains(self, case: Case) -> Evidence | None:
        self.heard.append(case)
        return None


def outcome(*calls: Call, rules: CacheRules = MARKED) -> Outcome:
    """The story through the whole engine, however its calls are ordered; the last one's outcome."""
    listener, known = _Listener(), causes.ALL
    causes.ALL = (listener, *known)
    try:
        told = diagnose(calls, lambda _: rules)
    finally:
        causes.ALL = known
    last = calls[-1].id
    asked = [c for c in listener.heard if c.call.id == last and c.obstacle is not None]
    case = asked[-1] if asked else None
    diagnosis = next(d for d in told if d.call == last)
    return Outcome(diagnosis, case.obstacle if case else None, case)
