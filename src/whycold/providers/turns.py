"""One more turn of a conversation, read without reading the turns before it again.

If the first bytes of two JSON documents are equal, a parser is in the same state at every offset up
to there. So each element of the older body's list of messages that ends within them is an element
of the newer one's, and a document from which whole elements were cut holds exactly the rest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import msgspec

from whycold.core.content import JsonMap, same_as_sent
from whycold.core.predecessor import placed
from whycold.core.prompt import Block, Kind, Prompt, Section
from whycold.pieces import Pieces, alike
from whycold.providers.base import Dialect, Wire
from whycold.providers.body import decode_map

__all__ = ["Prepare", "Prepared", "Turns"]

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
class Prepared:
    """A request with the format and the provider that it is read as."""

    wire: Wire
    dialect: Dialect
    request: JsonMap


Prepare: TypeAlias = Callable[[JsonMap], Prepared]
_Key: TypeAlias = tuple[str, bytes, int]


@dataclass(frozen=True, slots=True)
class _Read:
    """What a body was read as, and where each of its messages begins and ends; ``opening`` is what
    stands before them.
    """

    prepared: Prepared
    prompt: Prompt
    opening: JsonMap
    starts: tuple[int, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    body: Pieces
    read: _Read


class Turns:
    """Remembers bodies, at most ``most`` bytes of them, to read those that go on from one."""

    def __init__(self, most: int = 128 << 20) -> None:
        self._most, self._size = most, 0
        self._seen: OrderedDict[_Key, _Seen] = OrderedDict()
        self._next = 0

    def read(
        self, path: str, sent: bytes | Pieces, headers: Mapping[str, str], prepare: Prepare
    ) -> tuple[Prepared, Prompt]:
        """The request as ``prepare`` has it, and its prompt: the same as reading the whole body.

        ``path`` tells one kind of request from another. The prepared request lacks the messages
        that were known. Raises UserError for what is not JSON.
        """
        body = sent if isinstance(sent, Pieces) else Pieces.of(sent)
        key = (path, body.cut(0, _HEAD))
        found = self._nearest(key, body) if len(body) >= _SMALLEST else None
        read = _onward(found[1], found[2], body, headers, prepare) if found else None
        if read is None:
            whole = body.whole()
            decoded = decode_map(whole)
            prepared = prepare(decoded)
            prompt = prepared.wire.read_request(prepared.request, prepared.dialect, headers)
            if len(body) < _SMALLEST:
                return prepared, prompt
            starts, ends = _elements(whole, _LISTS[prepared.wire.name])
            opening: JsonMap = _opened(whole[: starts[0]], decoded) if starts else {}
            read = _Read(prepared, prompt, opening, starts, ends)
        self._remember(
            key, found[0] if found and _goes_on(found[1], found[2]) else None, body, read
        )
        return read.prepared, read.prompt

    def _nearest(self, key: tuple[str, bytes], body: Pieces) -> tuple[_Key, _Seen, int] | None:
        """The remembered body that shares most of its beginning with this one."""
        best = None
        for full, seen in self._seen.items():
            if full[:2] == key:
                shared = alike(seen.body, body)
                if best is None or shared >= best[2]:
                    best = full, seen, shared
        return best

    def _remember(
        self,
        key: tuple[str, bytes],
        older: _Key | None,
        body: Pieces,
        read: _Read,
    ) -> None:
        if len(read.ends) < _FEWEST or len(body) > self._most:
            return
        if older is not None and len(self._seen[older].read.ends) <= len(read.ends):
            self._size -= len(self._seen.pop(older).body)
        self._next += 1
        self._seen[*key, self._next] = _Seen(body, read)
        self._size += len(body)
        while self._size > self._most:
            self._size -= len(self._seen.popitem(last=False)[1].body)


def _goes_on(seen: _Seen, shared: int) -> bool:
    """Whether a body holds all but the last turn of an older one, so that it can take its place;
    another conversation with the same beginning must not.
    """
    return bisect_right(seen.read.ends, shared) >= max(_FEWEST, len(seen.read.ends) - 2)


def _elements(
    body: bytes, name: str, opens: int | None = None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where each element of a top-level list begins and ends; none where the list does not open at
    ``opens``.
    """
    try:
        top = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        raws = msgspec.json.decode(top[name], type=list[msgspec.Raw])
    except (msgspec.DecodeError, KeyError):
        return (), ()
    whole = bytes(top[name])
    at = body.find(whole)
    if body.find(whole, at + 1) != -1 or opens not in (None, at):
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


def _opened(text: bytes, decoded: JsonMap) -> JsonMap:
    """What a body holds before its messages, as the values that were decoded already: the very
    same values are quick to compare.
    """
    known = decode_map(text + b"]}")
    return {
        name: decoded[name] if same_as_sent(decoded.get(name), value) else value
        for name, value in known.items()
    }


def _onward(
    seen: _Seen, shared: int, body: Pieces, headers: Mapping[str, str], prepare: Prepare
) -> _Read | None:
    """The prompt by what was known of it; None where that would not be the whole truth."""
    was = seen.read
    known = bisect_right(was.ends, shared)
    if known < _FEWEST or any(s.name in _OF_ALL_MESSAGES for s in was.prompt.settings):
        return None
    end = was.ends[known - 1]
    rest = body.cut(end, len(body))
    after = rest[:64].lstrip()[:1]
    if after not in (b",", b"]"):
        return None
    name = _LISTS[was.prepared.wire.name]
    start = b'{"%s":[' % name.encode()
    skipped = rest.index(after) + (after == b",")
    left = start + rest[skipped:]
    starts, ends = _elements(left, name, len(start) - 1)
    if after == b"," and not starts:
        return None
    prepared = prepare({**was.opening, **decode_map(left)})
    spoken = (prepared.wire.name, prepared.dialect.name)
    if spoken != (was.prepared.wire.name, was.prepared.dialect.name):
        return None
    part = prepared.wire.read_request(prepared.request, prepared.dialect, headers)
    loose = [b for b in part.blocks if b.section is not Section.messages and b.message >= 0]
    if loose or any(s.name in _OF_ALL_MESSAGES for s in part.settings):
        return None
    behind = end + skipped - len(start)
    return _Read(
        prepared,
        _joined(was.prompt, part, known),
        was.opening,
        (*was.starts[:known], *(at + behind for at in starts)),
        (*was.ends[:known], *(at + behind for at in ends)),
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
