"""One more turn of a conversation, read without reading the turns before it again.

If the first bytes of two JSON documents are equal, a parser is in the same state at every offset up
to there. So each element of the older body's list of messages that ends within them is an element
of the newer one's, and a document from which whole elements were cut holds exactly the rest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from whycold.core.content import JsonMap
from whycold.core.predecessor import placed
from whycold.core.prompt import Block, Kind, Prompt, Section
from whycold.providers.base import Dialect, Wire
from whycold.providers.body import decode_map

__all__ = ["Turns"]

_LISTS = {
    "anthropic.messages": "messages",
    "openai.chat": "messages",
    "openai.responses": "input",
    "gemini.generate": "contents",
    "bedrock.converse": "messages",
}
"""Where each wire format keeps its messages."""
_OF_ALL_MESSAGES = frozenset({"images", "citations"})
"""Settings that are read off all messages, so that a part of them does not tell."""
_FEWEST = 4
"""Known messages from which it pays to cut them out."""
_SMALLEST = 16_384
"""Bytes of a body below which reading all of it is quicker."""
_HEAD = 256


@dataclass(frozen=True, slots=True)
class _Seen:
    """A body that was read, and where each of its messages begins and ends."""

    body: bytes
    prompt: Prompt
    starts: tuple[int, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    request: JsonMap
    prompt: Prompt
    starts: tuple[int, ...]
    ends: tuple[int, ...]


class Turns:
    """Remembers bodies, at most ``most`` bytes of them, to read those that go on from one."""

    def __init__(self, most: int = 128 << 20) -> None:
        self._most, self._size = most, 0
        self._seen: OrderedDict[tuple[str, str, bytes, int], _Seen] = OrderedDict()
        self._next = 0

    def read(
        self, wire: Wire, dialect: Dialect, body: bytes, headers: Mapping[str, str]
    ) -> tuple[JsonMap, Prompt]:
        """The request, and its prompt: the same as reading the whole body gives.

        The request lacks the messages that were known. Raises UserError for what is not JSON.
        """
        if len(body) < _SMALLEST:
            whole = decode_map(body)
            return whole, wire.read_request(whole, dialect, headers)
        key = (wire.name, dialect.name, body[:_HEAD])
        found = self._nearest(key, body)
        read = _onward(found[1], found[2], wire, dialect, body, headers) if found else None
        if read is None:
            whole = decode_map(body)
            places = _elements(body, _LISTS[wire.name])
            read = _Read(whole, wire.read_request(whole, dialect, headers), *places)
        self._remember(key, found[0] if found else None, body, read)
        return read.request, read.prompt

    def _nearest(
        self, key: tuple[str, str, bytes], body: bytes
    ) -> tuple[tuple[str, str, bytes, int], _Seen, int] | None:
        """The remembered body that shares most of its beginning with this one."""
        best = None
        for full, seen in self._seen.items():
            if full[:3] == key:
                shared = _shared(seen.body, body)
                if best is None or shared >= best[2]:
                    best = full, seen, shared
        return best

    def _remember(
        self,
        key: tuple[str, str, bytes],
        older: tuple[str, str, bytes, int] | None,
        body: bytes,
        read: _Read,
    ) -> None:
        if len(read.ends) < _FEWEST or len(body) > self._most:
            return
        if older is not None and len(self._seen[older].ends) <= len(read.ends):
            self._size -= len(self._seen.pop(older).body)
        self._next += 1
        self._seen[*key, self._next] = _Seen(body, read.prompt, read.starts, read.ends)
        self._size += len(body)
        while self._size > self._most:
            self._size -= len(self._seen.popitem(last=False)[1].body)


def _shared(a: bytes, b: bytes) -> int:
    """Length of the common beginning, by comparing memory piece by piece, then halving a piece."""
    low, most, step = 0, min(len(a), len(b)), 1 << 12
    while low < most and b.startswith(a[low : low + step], low):
        low += step
        step = min(2 * step, 1 << 20)
    high = min(most, low + step)
    low = min(low, most)
    while low < high:
        middle = (low + high + 1) // 2
        if b.startswith(a[low:middle], low):
            low = middle
        else:
            high = middle - 1
    return low


def _elements(body: bytes, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where each element of a top-level list begins and ends."""
    try:
        top = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        raws = msgspec.json.decode(top[name], type=list[msgspec.Raw])
    except (msgspec.DecodeError, KeyError):
        return (), ()
    whole = bytes(top[name])
    at = body.find(whole)
    if body.find(whole, at + 1) != -1:
        return (), ()  # the same list twice: which one is meant cannot be told from its text
    starts: list[int] = []
    ends: list[int] = []
    for raw in raws:
        element = bytes(raw)
        at = body.find(element, at)
        starts.append(at)
        at += len(element)
        ends.append(at)
    return tuple(starts), tuple(ends)


def _onward(
    seen: _Seen,
    shared: int,
    wire: Wire,
    dialect: Dialect,
    body: bytes,
    headers: Mapping[str, str],
) -> _Read | None:
    """The prompt by what was known of it; None where that would not be the whole truth."""
    known = bisect_right(seen.ends, shared)
    if known < _FEWEST or any(s.name in _OF_ALL_MESSAGES for s in seen.prompt.settings):
        return None
    after = body[seen.ends[known - 1] : seen.ends[known - 1] + 64].lstrip()
    if after[:1] not in (b",", b"]"):
        return None
    first = seen.starts[0]
    behind = body.index(after[:1], seen.ends[known - 1]) + (after[:1] == b",")
    left = body[:first] + body[behind:]
    rest = decode_map(left)
    part = wire.read_request(rest, dialect, headers)
    loose = [b for b in part.blocks if b.section is not Section.messages and b.message >= 0]
    if loose or any(s.name in _OF_ALL_MESSAGES for s in part.settings):
        return None
    starts, ends = _elements(left, _LISTS[wire.name])
    return _Read(
        rest,
        _joined(seen.prompt, part, known),
        (*seen.starts[:known], *(at + behind - first for at in starts)),
        (*seen.ends[:known], *(at + behind - first for at in ends)),
    )


def _joined(old: Prompt, part: Prompt, known: int) -> Prompt:
    kept = [_unmarked(b) for b in old.blocks if 0 <= b.message < known]
    leading = [b for b in kept if b.section is not Section.messages]
    talk = [b for b in kept if b.section is Section.messages]
    came = placed(part.section(Section.messages), known)
    opening = _as_known([b for b in part.blocks if b.section is not Section.messages], old)
    blocks = (*opening, *leading, *talk, *came)
    marked = any(b.breakpoint is not None for b in blocks)
    return replace(
        part,
        blocks=blocks,
        opaque=part.opaque + sum(b.kind is Kind.opaque for b in kept),
        asks=True if marked and part.asks is not None else part.asks,
    ).going_on(old)


def _as_known(blocks: list[Block], old: Prompt) -> list[Block]:
    """Equal blocks as the objects that were known, with all that was computed of them."""
    by_path = {b.path: b for b in old.blocks if b.message < 0}
    # equality alone would take keys in another order for the same
    return [
        was if (was := by_path.get(b.path)) is not None and was == b and was.same(b) else b
        for b in blocks
    ]


def _unmarked(block: Block) -> Block:
    """Where caching is automatic, the marker stands at the end of the new request."""
    if block.breakpoint is None or not block.breakpoint.automatic:
        return block
    return replace(block, breakpoint=None)
