"""What a call should have read, by a rule of its own: it looks at the recorded bodies and counts
and at nothing of the engine.

A call that begins with all that an earlier call sent (same provider, model and account; cache
markers aside) is owed what that call left: with markers, what it read and wrote, up to its last
marker and for five minutes; with automatic caching its whole prompt, for an hour. Where only the
tools or the system are shared, it is owed their share of the characters. To have read 95 % of what
was owed (85 % of such a share) is a hit, to have read nothing of it a miss.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from bench.recordings import Recording
from whycold.core.call import Usage
from whycold.core.diagnosis import Verdict

__all__ = ["Expected", "agrees", "expected"]

_Json: TypeAlias = Any

_ENOUGH, _ENOUGH_OF_SHARE = 0.95, 0.85
_SHORTEST = 1024
_STEP = 128
_MARKED_LIVES = timedelta(minutes=5)
_AUTOMATIC_LIVES = timedelta(hours=1)
_FRAMES = ("tools", "system", "instructions", "systemInstruction", "system_instruction")
_TURNS = ("messages", "input", "contents")


class Expected(StrEnum):
    """What the rule says of a call.

    ``unasked``: a repeat for which nobody had asked a cache entry; ``expired``: a repeat whose
    entry was too old; ``nothing``: no earlier call begins like it; ``short``: below 1,024 tokens.
    """

    hit = "hit"
    partial = "partial"
    miss = "miss"
    unasked = "unasked"
    expired = "expired"
    nothing = "nothing"
    short = "short"


_MEANS: Mapping[Expected, frozenset[Verdict]] = {
    Expected.hit: frozenset({Verdict.hit}),
    Expected.partial: frozenset({Verdict.partial}),
    Expected.miss: frozenset({Verdict.miss}),
    Expected.unasked: frozenset({Verdict.miss}),
    Expected.expired: frozenset({Verdict.miss, Verdict.partial}),
    Expected.short: frozenset({Verdict.uncacheable, Verdict.first}),
}


def agrees(said: Expected, verdict: Verdict, usage: Usage) -> bool:
    """Whether the engine's verdict is what the rule says."""
    if said is Expected.nothing:
        return verdict is (Verdict.hit if usage.cache_read else Verdict.first)
    return verdict in _MEANS[said]


@dataclass(frozen=True)
class _Sent:
    """A recorded request cut into parts (tools, system, each turn), and what it left."""

    found: Recording
    usage: Usage
    parts: tuple[str, ...]
    marked: int
    by_marker: bool

    @property
    def covered(self) -> int:
        """How many of the parts it left in the cache."""
        return self.marked if self.by_marker else len(self.parts)

    @property
    def tokens(self) -> int:
        if self.by_marker:
            return (self.usage.cache_read or 0) + (self.usage.cache_write or 0)
        return self.usage.input or 0

    @property
    def lives(self) -> timedelta:
        return _MARKED_LIVES if self.by_marker else _AUTOMATIC_LIVES


def expected(recordings: Sequence[Recording], usages: Sequence[Usage]) -> list[Expected | None]:
    """Per recording, in the order given, what the rule says; None where reads are not reported."""
    sent = [_cut(found, usage) for found, usage in zip(recordings, usages, strict=True)]
    return [_judge(one, [s for s in sent if s.found.at < one.found.at]) for one in sent]


def _judge(now: _Sent, before: Sequence[_Sent]) -> Expected | None:
    read, total = now.usage.cache_read, now.usage.input
    if read is None or total is None:
        return None
    if total < _SHORTEST:
        return Expected.short
    kin = [s for s in before if _same_cache(s.found, now.found)]
    owed, enough, expired, unasked = 0, _ENOUGH, False, False
    for earlier in kin:
        tokens, counted = _owed(earlier, now)
        if now.found.at - earlier.found.at > earlier.lives:
            expired = expired or tokens > 0
            continue
        if tokens > owed:
            owed, enough = tokens, _ENOUGH if counted else _ENOUGH_OF_SHARE
        begins = earlier.parts == now.parts[: len(earlier.parts)]
        unasked = unasked or (earlier.by_marker and not earlier.marked and begins)
    if owed:
        return (
            Expected.hit if read >= enough * owed else Expected.partial if read else Expected.miss
        )
    if read:
        return Expected.nothing
    return Expected.unasked if unasked else Expected.expired if expired else Expected.nothing


def _owed(earlier: _Sent, now: _Sent) -> tuple[int, bool]:
    """What an earlier call left for this one, and whether that was counted, not a share."""
    shared = 0
    for a, b in zip(earlier.parts, now.parts, strict=False):
        if a != b:
            break
        shared += 1
    whole = shared == len(earlier.parts)
    if earlier.by_marker:
        left = earlier.tokens if 0 < earlier.covered <= shared else 0
    elif whole:
        left = earlier.tokens // _STEP * _STEP
    else:
        share = sum(map(len, earlier.parts[:shared])) / sum(map(len, earlier.parts))
        left = int(earlier.tokens * share) // _STEP * _STEP
    # the sums of a call whose server ran tools can pass the prompt of the next one
    left = min(left, now.usage.input or 0)
    return (left if left >= _SHORTEST else 0), whole or earlier.by_marker


def _same_cache(a: Recording, b: Recording) -> bool:
    return (a.provider, a.request.get("model"), a.account, _turns(a)) == (
        b.provider,
        b.request.get("model"),
        b.account,
        _turns(b),
    )


def _turns(found: Recording) -> str | None:
    return next((name for name in _TURNS if name in found.request), None)


def _cut(found: Recording, usage: Usage) -> _Sent:
    parts: list[str] = []
    marked = 0
    for value in _values(found.request):
        text = json.dumps(_plain(value))
        parts.append(text)
        if '"cache_control"' in json.dumps(value):
            marked = len(parts)
    model = str(found.request.get("model"))
    return _Sent(found, usage, tuple(parts), marked, by_marker="claude" in model)


def _values(request: Mapping[str, Any]) -> Iterator[Any]:
    for name in _FRAMES:
        if request.get(name):
            yield [name, request[name]]
    for name in _TURNS:
        turns = request.get(name)
        yield from turns if isinstance(turns, list) else [turns] if turns else []


def _plain(value: _Json) -> _Json:
    """The value without cache markers, a text alike whether it came as a string or as a block."""
    if isinstance(value, dict):
        kept = {k: _plain(v) for k, v in value.items() if k != "cache_control"}
        if isinstance(kept.get("content"), str):
            kept["content"] = [{"type": "text", "text": kept["content"]}]
        return kept
    return [_plain(item) for item in value] if isinstance(value, list) else value
