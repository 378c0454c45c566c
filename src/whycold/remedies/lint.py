"""What will break a cached prefix, from requests alone: before any call has missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from whycold.core.call import Call
from whycold.core.content import Json, encode
from whycold.core.live_entries import positions_between
from whycold.core.prompt import Section
from whycold.core.rules import CacheRules, OptIn
from whycold.core.tokens import count
from whycold.core.volatile import Volatile, describe
from whycold.core.volatile_forms import find_values

__all__ = ["Finding", "Flaw", "Level", "lint", "lint_together"]

_CHANGING: Mapping[Volatile, str] = {
    Volatile.time: "with every call",
    Volatile.uuid: "with every call",
    Volatile.random_id: "with every call",
    Volatile.counter: "with every call",
    Volatile.token_budget: "with every call",
    Volatile.attribution: "with every release of the client",
    Volatile.git: "with every edit of the files",
    Volatile.date: "every day",
}
"""What changes by itself, and how often; other values stay for as long as a program is used."""
_LONGEST = 262_144
_MOST = 5
"""Values of one text that are told."""
_AROUND = 30
_SURE = 1.2
"""Counts are estimates: by how much one has to be off before it is told."""


class Level(StrEnum):
    """``error``: nothing can be read from the cache; ``warning``: less can, or not for long;
    ``note``: worth knowing.
    """

    error = "error"
    warning = "warning"
    note = "note"


class Flaw(StrEnum):
    """Kinds of findings."""

    volatile_early = "volatile-early"
    keys_unsorted = "keys-unsorted"
    breakpoint_missing = "breakpoint-missing"
    too_many_breakpoints = "too-many-breakpoints"
    lookback_exceeded = "lookback-exceeded"
    too_short = "too-short"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that will break the prefix: where, what, and what to do. ``offset`` counts
    characters in the value at ``path``.
    """

    flaw: Flaw
    level: Level
    path: str
    message: str
    advice: str
    offset: int | None = None


def lint(call: Call, rules: CacheRules) -> tuple[Finding, ...]:
    """What is wrong with one request, in prefix order."""
    return *_volatile(call), *_marked(call, rules), *_long(call, rules)


def lint_together(calls: Sequence[Call]) -> tuple[Finding, ...]:
    """What several requests show: a tool whose keys come in another order."""
    seen: dict[tuple[str, bytes], bytes] = {}
    found: dict[str, Finding] = {}
    for call in calls:
        for block in call.prompt.section(Section.tools):
            same = block.path, encode(block.value, sort_keys=True)
            if seen.setdefault(same, block.encoded) != block.encoded:
                found[block.path] = Finding(
                    Flaw.keys_unsorted,
                    Level.error,
                    block.path,
                    "the same tool comes with its keys in another order",
                    "Sort the keys when the schema is written out, or build it once.",
                )
    return tuple(found.values())


def _volatile(call: Call) -> Iterator[Finding]:
    """Values in tools and system that change by themselves: everything behind is paid again."""
    for block in call.prompt.blocks:
        if block.section in (Section.tools, Section.system):
            place = f"{block.path}.text" if isinstance(block.value, str) else block.path
            for path, text in _texts(place, block.value):
                yield from _values(block.section, path, text)


def _values(section: Section, path: str, text: str) -> Iterator[Finding]:
    text = text[:_LONGEST]
    told = 0
    for value in find_values(text):
        often = _CHANGING.get(value.kind)
        if often is None or value.weak or told >= _MOST:
            continue
        told += 1
        around = text[max(0, value.start - _AROUND) : value.end + _AROUND // 2]
        shown = " ".join(around.split())
        daily = value.kind is Volatile.date
        where = "tools" if section is Section.tools else "system prompt"
        yield Finding(
            Flaw.volatile_early,
            Level.note if daily else Level.warning,
            path,
            f"{describe(value.kind)} that may change {often}: …{shown}…",
            f"Take it out of the {where}; give it in the newest message, or let a tool tell it.",
            value.start,
        )


def _texts(path: str, value: Json) -> Iterator[tuple[str, str]]:
    """Every text in a value, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(f"{path}.{key}", item)
    elif isinstance(value, Sequence):
        for index, item in enumerate(value):
            yield from _texts(f"{path}[{index}]", item)


def _marked(call: Call, rules: CacheRules) -> Iterator[Finding]:
    """Markers: none at all, too many, or too far apart."""
    prompt = call.prompt
    marks = list(prompt.breakpoints)
    last = prompt.blocks[-1].path if prompt.blocks else "messages"
    if rules.opt_in is OptIn.explicit and not marks and not prompt.unseen:
        yield Finding(
            Flaw.breakpoint_missing,
            Level.error,
            last,
            "no block carries a cache marker, so that nothing is kept and nothing can be read",
            "Set cache_control on the last block of the system prompt and of the newest message.",
        )
    most = rules.max_breakpoints
    if most is not None and len(marks) > most:
        yield Finding(
            Flaw.too_many_breakpoints,
            Level.error,
            prompt.blocks[marks[most]].path,
            f"{len(marks)} cache markers, and no more than {most} are taken",
            "Keep those behind the tools, the system prompt and the newest message.",
        )
    if rules.lookback is None or not marks:
        return
    for before, after in pairwise(marks):
        far = (positions_between(call, rules, before + 2) or 0) + 1
        if far > rules.lookback.positions:
            yield Finding(
                Flaw.lookback_exceeded,
                Level.warning,
                prompt.blocks[after].path,
                f"{far} positions behind the marker before it, and only {rules.lookback.positions} "
                "are looked at",
                "Set one more marker between the two.",
            )


def _long(call: Call, rules: CacheRules) -> Iterator[Finding]:
    """A prefix that is too short to be kept, by an estimate of its tokens."""
    if rules.minimum is None or not call.prompt.blocks or call.prompt.unseen:
        return
    counts = count(call.prompt, call.usage.input)
    marks = list(call.prompt.breakpoints)
    end = marks[-1] + 1 if marks else len(call.prompt.blocks)
    tokens = counts.until(end)
    exact = counts.is_exact(end)
    if tokens * (1 if exact else _SURE) < rules.minimum:
        yield Finding(
            Flaw.too_short,
            Level.warning,
            call.prompt.blocks[end - 1].path,
            f"{'' if exact else 'about '}{tokens:,} tokens, and nothing under {rules.minimum:,} "
            "is kept by this model",
            "Nothing to mend where the conversation grows; else do without markers here.",
        )
