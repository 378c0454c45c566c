"""Prompt caches that follow what providers publish, so that the demo's counts are true ones.

Anthropic: Claude docs, Prompt caching (2026-08-22). OpenAI: guide Prompt caching; DeepSeek:
api-docs.deepseek.com, Context Caching; llama.cpp as measured on build 11669 (all 2026-11-23). What
the engine takes as given is printed in docs/providers.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from whycold.frontends.demo.pieces import Piece, Spent

__all__ = ["AutomaticCache", "MarkedCache", "Sent", "SlotCache"]

_LIFETIMES = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1)}
_LOOKBACK = 20
_RUNS = frozenset({"tool_use", "tool_result"})
_REMEMBERED = 6


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as a cache sees it.

    ``seed`` is what tells caches apart (account, model), ``voids`` what stands in front of the
    messages, whose first piece is number ``talk``. ``marks`` are pieces with the lifetime they ask
    for. ``began`` is when the answer began.
    """

    seed: str
    pieces: Sequence[Piece]
    at: datetime
    began: datetime
    talk: int = 0
    voids: str = ""
    marks: Sequence[tuple[int, str]] = ()


@dataclass(slots=True)
class _Kept:
    usable: datetime
    expires: datetime
    ttl: str


class MarkedCache:
    """Anthropic's: entries at markers, found up to 20 positions back, kept alive by reads."""

    def __init__(self, minimum: int) -> None:
        self._minimum = minimum
        self._names: dict[tuple[object, object], int] = {}
        self._kept: dict[int, _Kept] = {}

    def take(self, sent: Sent) -> Spent:
        """What a request reads and writes, and what it leaves."""
        names, ends, total = self._chained(sent)
        read = 0
        for mark, _ in reversed(sent.marks):
            hit = self._found(sent, names, mark)
            if hit is not None:
                read = ends[hit]
                break
        done, written = read, dict.fromkeys(_LIFETIMES, 0)
        for mark, ttl in sent.marks:
            kept = self._kept.get(names[mark])
            if ends[mark] <= read:
                if kept is not None and sent.at <= kept.expires:
                    kept.expires = sent.at + _LIFETIMES[kept.ttl]
            elif ends[mark] >= self._minimum:
                written[ttl] += ends[mark] - done
                done = ends[mark]
                self._kept[names[mark]] = _Kept(sent.began, sent.at + _LIFETIMES[ttl], ttl)
        return Spent(read, written, total - done)

    def forget(self, sent: Sent) -> None:
        """Drop every entry of the conversation, as an eviction does; tools and system stay."""
        names, _, _ = self._chained(sent)
        for name in names[sent.talk :]:
            self._kept.pop(name, None)

    def _chained(self, sent: Sent) -> tuple[list[int], list[int], int]:
        """A name for each prefix, and where it ends."""
        names, ends, total = list[int](), list[int](), 0
        name = self._name(0, sent.seed)
        for number, part in enumerate(sent.pieces):
            if number == sent.talk:
                name = self._name(name, sent.voids)
            name = self._name(name, part.key)
            total += part.tokens
            names.append(name)
            ends.append(total)
        return names, ends, total

    def _name(self, before: int, key: object) -> int:
        return self._names.setdefault((before, key), len(self._names) + 1)

    def _found(self, sent: Sent, names: Sequence[int], mark: int) -> int | None:
        positions, previous = 0, ""
        for number in range(mark, -1, -1):
            kind = sent.pieces[number].kind
            if not (kind == previous and kind in _RUNS):
                positions += 1
            previous = kind
            if positions > _LOOKBACK:
                return None
            kept = self._kept.get(names[number])
            if kept is not None and kept.usable <= sent.at <= kept.expires:
                kept.expires = sent.at + _LIFETIMES[kept.ttl]
                return number
        return None


@dataclass(slots=True)
class _Node:
    part: Piece | None
    usable: datetime
    expires: datetime
    behind: dict[object, _Node] = field(default_factory=dict[object, "_Node"])


class AutomaticCache:
    """One that keeps what it is sent: any prefix can be read, in steps of so many tokens."""

    def __init__(self, step: int, lifetime: timedelta, minimum: int, *, writes: bool) -> None:
        self._step, self._lifetime, self._minimum = step, lifetime, minimum
        self._writes = writes
        self._roots: dict[str, _Node] = {}

    def take(self, sent: Sent) -> Spent:
        """What a request reads and writes, and what it leaves."""
        total = sum(part.tokens for part in sent.pieces)
        read = self._read(sent) // self._step * self._step
        read = read if read >= self._minimum else 0
        if total < self._minimum:
            return Spent(0, {}, total)
        self._leave(sent)
        if self._writes:
            return Spent(read, {"30m": total - read}, 0)
        return Spent(read, {}, total - read)

    def forget(self, sent: Sent) -> None:
        """Drop all that is kept."""
        self._roots.pop(sent.seed, None)

    def _read(self, sent: Sent) -> int:
        node, read = self._roots.get(sent.seed), 0
        for part in sent.pieces:
            if node is None:
                return read
            following = node.behind.get(part.key)
            if following is None or not following.usable <= sent.at <= following.expires:
                return read + self._inside(node, part, sent.at)
            read += part.tokens
            node = following
        return read

    def _inside(self, node: _Node, part: Piece, at: datetime) -> int:
        """Tokens of a piece that begins like one that was sent before."""
        alive = [n for n in node.behind.values() if n.usable <= at <= n.expires]
        best = 0
        for other in alive[-_REMEMBERED:]:
            if other.part is not None:
                shared = _common(other.part.data, part.data)
                best = max(best, part.tokens * shared // len(part.data))
        return best

    def _leave(self, sent: Sent) -> None:
        until = sent.at + self._lifetime
        node = self._roots.setdefault(sent.seed, _Node(None, sent.began, until))
        for part in sent.pieces:
            following = node.behind.get(part.key)
            if following is None or following.expires < sent.at:
                node.behind.pop(part.key, None)
                following = node.behind[part.key] = _Node(part, sent.began, until)
            following.expires = until
            node = following


class SlotCache:
    """A local server: each slot holds one conversation with its last answer, but for the last
    token; another conversation takes the slot that was used longest ago.
    """

    def __init__(self, slots: int) -> None:
        self._slots: list[list[Piece]] = [[] for _ in range(slots)]

    def take(self, sent: Sent, answer: Piece) -> Spent:
        """What a request reuses; ``answer`` is what is generated, and stays in the slot."""
        total = sum(part.tokens for part in sent.pieces)
        slot = max(self._slots, key=lambda held: _shared(held, sent.pieces))
        read = _shared(slot, sent.pieces)
        if 2 * read < total:
            slot, read = self._slots[0], _shared(self._slots[0], sent.pieces)
        self._slots.remove(slot)
        self._slots.append([*sent.pieces, answer])
        return Spent(read, {}, total - read)


def _shared(held: Sequence[Piece], pieces: Sequence[Piece]) -> int:
    tokens = 0
    for number, (old, new) in enumerate(zip(held, pieces, strict=False)):
        if old.key != new.key:
            return tokens + new.tokens * _common(old.data, new.data) // len(new.data)
        tokens += new.tokens
        if number == len(held) - 1:
            tokens -= 1
    return min(tokens, sum(part.tokens for part in pieces) - 1)


def _common(a: bytes, b: bytes) -> int:
    """Length of the common beginning, by halves."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if b.startswith(a[low:middle], low):
            low = middle
        else:
            high = middle - 1
    return low
