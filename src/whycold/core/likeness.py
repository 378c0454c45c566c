"""How much one call has of another: whether it is the same conversation, or begins alike."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from operator import attrgetter, is_

from whycold.core.call import Call
from whycold.core.edit import similarity
from whycold.core.prompt import Block, Kind, Prompt, Section

__all__ = ["Likeness", "Link", "continued", "deep_enough", "opened", "same_cache"]

_size = attrgetter("size")
_ANSWERS = "assistant"
_ALIKE = 0.5
"""Share of tools and system that must be left for a new conversation to owe something to an older
one.
"""
_TRIVIAL = 64
"""Bytes of shared messages below which two conversations have nothing in common ("hi",
"continue").
"""


_LATELY = timedelta(hours=1)
"""How long ago a conversation of a few words may have been, of which the opening was edited: most
entries live no longer, and behind a long pause another one has begun with the same words.
"""


class Link(StrEnum):
    """How the predecessor is known.

    ``named``: the request or its source names it; ``grown``: its whole prompt is the beginning of
    this one; ``edited``: the same conversation, changed; ``restarted``: the same session and agent
    with other messages (compaction, clearing); ``opened``: another conversation with the same tools
    and system.
    """

    named = "named"
    grown = "grown"
    edited = "edited"
    restarted = "restarted"
    opened = "opened"


@dataclass(frozen=True, slots=True)
class Likeness:
    """``rank``: the greater, the more likely; how it is then known."""

    rank: tuple[int, int, int]
    link: Link


def continued(call: Call, other: Call, answered: Collection[int]) -> Likeness | None:
    """How much of ``other`` is left in a ``call`` of the same conversation: more shared bytes
    first, then less that was dropped.

    Where they part at one of the ``answered`` places, other turns followed: what is alike behind it
    is no sign that one was made from the other.
    """
    ours, theirs = call.prompt, other.prompt
    was = theirs.section(Section.messages)
    parted = _parted(ours, theirs) if answered else len(theirs.blocks)
    if parted in answered:
        ahead = len(theirs.blocks) - len(was)
        if theirs.blocks[ahead:] == was:
            was = was[: max(0, parted - ahead)]
        else:
            was = tuple(b for b in theirs.blocks[:parted] if b.section is Section.messages)
    shared = _shared(ours.section(Section.messages), was)
    if not shared:
        return None
    opening = _shared(ours.opening, theirs.opening)
    if shared < _TRIVIAL and not (
        _whole_message(ours, theirs)
        and (opening or (call.at - other.at <= _LATELY and _owes(ours, theirs)))
    ):
        return None
    if _only_notes(ours, theirs, shared):
        return None
    dropped = theirs.size - shared - opening
    if dropped and theirs.blocks[0].kind is Kind.chained:
        # behind the first change every id is another one, whatever was dropped
        dropped = 1
    grown = (
        len(theirs.chain) <= len(ours.chain)
        and ours.chain[len(theirs.chain) - 1] == theirs.chain[-1]
    )
    return Likeness((3, shared + opening, -dropped), Link.grown if grown else Link.edited)


def deep_enough(call: Call, scored: list[tuple[Likeness, Call]]) -> list[tuple[Likeness, Call]]:
    """Without those that part from the call before a call does whose whole prompt begins it: what
    they share further down, such as a reply that is the same for everybody, is no sign.
    """
    deepest = max((len(c.prompt.chain) for s, c in scored if s.link is Link.grown), default=0)
    if not deepest:
        return scored
    return [
        (score, c)
        for score, c in scored
        if score.link is Link.grown or _parted(call.prompt, c.prompt) >= deepest
    ]


def _only_notes(ours: Prompt, theirs: Prompt, shared: int) -> bool:
    """Whether nothing is shared but how the first message begins, and the rest of it is another:
    notes that a client puts in front of every conversation.
    """
    now, was = ours.section(Section.messages), theirs.section(Section.messages)
    same = 0
    for a, b in zip(now, was, strict=False):
        if a.content != b.content or a.message != now[0].message or a.role == _ANSWERS:
            break
        same += 1
    if not 0 < same < len(was) or was[same].message != was[0].message:
        return False
    if same == len(now) or now[same].message != now[0].message:
        # the rest of the first message is gone, and nothing stands in its place
        return False
    return shared <= sum(block.size for block in now[:same])


def opened(call: Call, other: Call) -> Likeness | None:
    """How much of the tools and the system of another conversation is left in a ``call``."""
    ours, theirs = call.prompt, other.prompt
    same_session = call.session is not None and (call.session, call.agent) == (
        other.session,
        other.agent,
    )
    if not _owes(ours, theirs):
        return None
    opening = _shared(ours.opening, theirs.opening)
    # of two that are as like, the one that asked for an entry left more
    marked = int(bool(theirs.breakpoints))
    if same_session:
        return Likeness((2, opening, marked), Link.restarted)
    # another conversation owes nothing to another cache
    return Likeness((1, opening, marked), Link.opened) if same_cache(call, other) else None


def _parted(ours: Prompt, theirs: Prompt) -> int:
    """How many leading blocks are the same, all of the older prompt's when it only goes on."""
    # links name all before them: where one is equal, those before it are
    one, other = ours.chain, theirs.chain
    same = bisect_left(range(min(len(one), len(other))), True, key=lambda i: one[i] != other[i])
    return same if same < len(one) else len(other)


def same_cache(call: Call, other: Call) -> bool:
    """Whether both read from and write to one cache."""
    return (call.provider, call.account, call.model) == (
        other.provider,
        other.account,
        other.model,
    )


def _whole_message(ours: Prompt, theirs: Prompt) -> bool:
    """Whether the older conversation's messages, however short, all begin the newer one."""
    was, now = theirs.section(Section.messages), ours.section(Section.messages)
    return len(was) <= len(now) and all(
        a.content == b.content for a, b in zip(was, now, strict=False)
    )


def _shared(ours: Sequence[Block], theirs: Sequence[Block]) -> int:
    """Bytes of the blocks that both hold, wherever they stand."""
    # turns of one conversation begin with the very same blocks
    same = [*map(is_, ours, theirs), False].index(False)
    left = Counter(b.content for b in theirs[same:])
    total = sum(map(_size, ours[:same]))
    for block in ours[same:]:
        if left[block.content] > 0:
            left[block.content] -= 1
            total += block.size
    return total


def _owes(ours: Prompt, theirs: Prompt) -> bool:
    """Whether tools and system are the same ones, perhaps edited. Where one of the two is not,
    another agent asks, and it owes nothing.
    """
    sections = (Section.tools, Section.system)
    pairs = [(ours.section(s), theirs.section(s)) for s in sections]
    found = [(now, was) for now, was in pairs if now or was]
    return bool(found) and all(_alike(now, was) for now, was in found)


def _alike(now: Sequence[Block], was: Sequence[Block]) -> bool:
    size = max(sum(b.size for b in now), sum(b.size for b in was))
    alike = float(_shared(now, was))
    if alike >= _ALIKE * size:
        return True
    left = Counter(b.content for b in was)
    places = {b.path: b for b in was}
    for block in now:
        if (
            left[block.content] == 0
            and (old := places.get(block.path)) is not None
            and old.kind is block.kind
        ):
            alike += similarity(_text(old), _text(block)) * block.size
    return alike >= _ALIKE * size


def _text(block: Block) -> str:
    return block.value if isinstance(block.value, str) else block.encoded.decode("latin-1")
