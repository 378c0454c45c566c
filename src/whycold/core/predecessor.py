"""The earlier call that a call should have reused: found among all, whatever order or branch they
came in.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import attrgetter, is_
from typing import TypeAlias

from whycold.core.call import Call
from whycold.core.content import digest
from whycold.core.edit import similarity
from whycold.core.prompt import Block, Kind, Prompt, Section

__all__ = ["History", "Link", "Linked", "placed"]

_size = attrgetter("size")
_Calls: TypeAlias = dict[Hashable, Call]
_Groups: TypeAlias = defaultdict[Hashable, list[Call]]

_RECENT = 4
"""How many of the latest calls of a session and of a tool set are looked at."""
_ALIKE = 0.5
"""Share of tools and system that must be left for a new conversation to owe something to an older
one.
"""
_TRIVIAL = 64
"""Bytes of shared messages below which two conversations have nothing in common ("hi",
"continue").
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
class Linked:
    """A call's predecessor and how it was found."""

    call: Call
    link: Link


class History:
    """Calls seen so far, indexed to find predecessors.

    Feed it with ``add``, as far as possible in the order of ``Call.order``: of calls that are alike
    the latest added is remembered, and a call is never taken for the predecessor of an older one.
    ``resolve`` first puts the server-side context back in front of a call that only sends what is
    new.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, Call] = {}
        self._by_message: _Calls = {}
        self._ends: _Calls = {}
        self._prefixes: _Calls = {}
        self._messages: _Calls = {}
        self._answers: _Calls = {}
        self._sessions: _Groups = defaultdict(list)
        self._families: _Groups = defaultdict(list)
        self._latest: list[Call] = []

    def add(self, call: Call) -> None:
        """Take a (resolved) call."""
        self._by_id[call.id] = call
        if call.reply.message_id:
            self._by_message[call.reply.message_id] = call
        if not call.prompt.blocks or call.reply.error is not None:
            return
        realm = _realm(call)
        for link in call.prompt.chain:
            self._prefixes[realm, link] = call
        self._ends[realm, call.prompt.chain[-1]] = call
        for key in self._answer_keys(call):
            self._answers[key] = call
        for block in call.prompt.section(Section.messages):
            self._messages[realm, block.content] = call
        if call.session:
            _push(self._sessions[realm, call.session, call.agent], call)
        for key in _families(call):
            _push(self._families[realm, key], call)
        self._latest = [*self._latest[-_RECENT + 1 :], call]

    def forget(self, call: Call) -> None:
        """Let go of a call, and of everything that only it is remembered for."""
        self._by_id.pop(call.id, None)
        realm, messages = _realm(call), call.prompt.section(Section.messages)
        keyed: tuple[tuple[_Calls, Iterable[Hashable]], ...] = (
            (self._by_message, [call.reply.message_id]),
            (self._prefixes, [(realm, link) for link in call.prompt.chain]),
            (self._ends, [(realm, link) for link in call.prompt.chain[-1:]]),
            (self._messages, [(realm, block.content) for block in messages]),
            (self._answers, self._answer_keys(call)),
        )
        for known, keys in keyed:
            for key in keys:
                if (found := known.get(key)) is not None and found.id == call.id:
                    del known[key]
        groups: tuple[tuple[_Groups, Iterable[Hashable]], ...] = (
            (self._sessions, [(realm, call.session, call.agent)]),
            (self._families, [(realm, key) for key in _families(call)]),
        )
        for group, keys in groups:
            for key in keys:
                left = [c for c in group.pop(key, []) if c.id != call.id]
                if left:
                    group[key] = left
        self._latest = [c for c in self._latest if c.id != call.id]

    def resolve(self, call: Call) -> Call:
        """The call with its whole prompt: what the server keeps of an earlier response is put in
        front.

        Where that response was not recorded, the inherited sections are marked unseen.
        """
        prompt = call.prompt
        if prompt.links.continues is None and prompt.links.conversation is None:
            return call
        earlier = self._by_message.get(prompt.links.continues or "")
        if earlier is None or not earlier.reply.complete:
            return replace(call, prompt=replace(prompt, unseen=prompt.unseen | prompt.inherits))
        return replace(call, prompt=_rebuilt(prompt, earlier))

    def predecessor(self, call: Call) -> Linked | None:
        """The call that this one should have reused, None when there is none."""
        links = call.prompt.links
        for named in (links.continues, links.compares, links.follows):
            found = self._by_message.get(named) or self._by_id.get(named) if named else None
            if found is not None and found.prompt.blocks:
                return Linked(found, Link.named)
        if not call.prompt.blocks or links.begins:
            return None
        answered = self._answered(call)
        # whose reply stands furthest down, of that call the whole prompt begins this one: it shares
        # more than any whose reply stands above
        deepest = (answered[i] for i in sorted(answered, reverse=True))
        last = next((c for c in deepest if c.order < call.order), None)
        candidates = {c.id: c for c in (*([last] if last else []), *self._candidates(call))}
        older = [c for c in candidates.values() if c.order < call.order]
        scored = [
            (score, c) for c in older if (score := _continued(call, c, answered.keys())) is not None
        ]
        if not scored:
            # looked at only now: to hold two openings against each other takes long
            scored = [(score, c) for c in older if (score := _opened(call, c)) is not None]
        if not scored:
            return None
        # of equals, the one whose reply comes back, then one whose cache this is, then the latest
        replied = {c.id for c in answered.values()}
        score, best = max(
            scored,
            key=lambda p: (p[0].rank, p[1].id in replied, _same_cache(call, p[1]), p[1].order),
        )
        return Linked(best, score.link)

    @staticmethod
    def _answer_keys(call: Call) -> list[tuple[str, bytes, bytes]]:
        """Where the reply to a call would stand in the next one: behind its prompt."""
        chain, reply = call.prompt.chain, call.reply.blocks
        return [(_realm(call), chain[-1], reply[0].content)] if chain and reply else []

    def _answered(self, call: Call) -> dict[int, Call]:
        """Where this call holds a recorded reply: leading blocks, and whose reply follows them."""
        chain, blocks, realm = call.prompt.chain, call.prompt.blocks, _realm(call)
        found = (
            (i + 1, self._answers.get((realm, chain[i], blocks[i + 1].content)))
            for i in range(len(chain) - 1)
            if self._answers
        )
        return {i: earlier for i, earlier in found if earlier is not None}

    def _candidates(self, call: Call) -> Iterator[Call]:
        prompt, realm = call.prompt, _realm(call)
        for link in reversed(prompt.chain):
            if (found := self._ends.get((realm, link))) is not None:
                yield found
                break
        for link in reversed(prompt.chain):
            if (found := self._prefixes.get((realm, link))) is not None:
                yield found
                break
        votes: Counter[str] = Counter()
        for block in prompt.section(Section.messages):
            if (found := self._messages.get((realm, block.content))) is not None:
                votes[found.id] += block.size
        yield from (self._by_id[i] for i, _ in votes.most_common(_RECENT))
        if call.session:
            yield from self._sessions.get((realm, call.session, call.agent), ())
        for key in _families(call):
            yield from self._families.get((realm, key), ())
        yield from (c for c in self._latest if _realm(c) == realm)


@dataclass(frozen=True, slots=True)
class _Score:
    rank: tuple[int, int, int]
    link: Link


def _continued(call: Call, other: Call, answered: Collection[int]) -> _Score | None:
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
        _whole_message(ours, theirs) and (opening or _owes(ours, theirs))
    ):
        return None
    dropped = theirs.size - shared - opening
    if dropped and theirs.blocks[0].kind is Kind.chained:
        # behind the first change every id is another one, whatever was dropped
        dropped = 1
    grown = (
        len(theirs.chain) <= len(ours.chain)
        and ours.chain[len(theirs.chain) - 1] == theirs.chain[-1]
    )
    return _Score((3, shared + opening, -dropped), Link.grown if grown else Link.edited)


def _opened(call: Call, other: Call) -> _Score | None:
    """How much of the tools and the system of another conversation is left in a ``call``."""
    ours, theirs = call.prompt, other.prompt
    same_session = call.session is not None and (call.session, call.agent) == (
        other.session,
        other.agent,
    )
    if not _owes(ours, theirs):
        return None
    opening = _shared(ours.opening, theirs.opening)
    if same_session:
        return _Score((2, opening, 0), Link.restarted)
    # another conversation owes nothing to another cache
    return _Score((1, opening, 0), Link.opened) if _same_cache(call, other) else None


def _realm(call: Call) -> str:
    """Calls of two realms are never held against each other."""
    apart = call.prompt.links.apart
    return call.api if apart is None else f"{call.api} {apart}"


def _parted(ours: Prompt, theirs: Prompt) -> int:
    """How many leading blocks are the same, all of the older prompt's when it only goes on."""
    # links name all before them: where one is equal, those before it are
    one, other = ours.chain, theirs.chain
    same = bisect_left(range(min(len(one), len(other))), True, key=lambda i: one[i] != other[i])
    return same if same < len(one) else len(other)


def _same_cache(call: Call, other: Call) -> bool:
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


def _families(call: Call) -> Iterator[bytes]:
    """Keys under which calls with like tools or system are kept: the tools' names, the system, its
    beginning.
    """
    tools, system = call.prompt.section(Section.tools), call.prompt.section(Section.system)
    if tools:
        yield digest(b"tools", *sorted(b.path.encode("utf-8", "surrogatepass") for b in tools))
    if system:
        yield digest(b"system", *(b.content for b in system))
        yield digest(b"opens", system[0].encoded[:64])


def _push(calls: list[Call], call: Call) -> None:
    others = [c for c in calls if c.id != call.id]
    calls[:] = [*others[-_RECENT + 1 :], call]


def _rebuilt(prompt: Prompt, earlier: Call) -> Prompt:
    """The prompt as the server sees it: inherited sections from the earlier call, its reply, then
    what is new.
    """
    kept = earlier.prompt
    answered = placed(earlier.reply.blocks, 1 + max((b.message for b in kept.blocks), default=-1))
    count = 1 + max((b.message for b in (*kept.blocks, *answered)), default=-1)
    blocks: list[Block] = []
    sections = [*(b.section for b in kept.blocks), *(b.section for b in prompt.blocks)]
    for section in dict.fromkeys(sections):
        if section in prompt.inherits:
            blocks += kept.section(section)
        if section is Section.messages:
            blocks += answered
            blocks += placed(prompt.section(section), count)
        elif section not in prompt.inherits:
            if Section.messages in prompt.inherits:
                # a system message among the earlier messages comes along with them
                blocks += (b for b in kept.section(section) if b.message >= 0)
            blocks += prompt.section(section)
    return replace(
        prompt, blocks=tuple(blocks), unseen=prompt.unseen | (kept.unseen & prompt.inherits)
    )


def placed(blocks: Iterable[Block], first: int) -> tuple[Block, ...]:
    """Blocks of a reply or of new messages as messages number ``first`` and on."""
    return tuple(
        replace(b, message=b.message + first, path=f"messages[{b.message + first}]{_within(b)}")
        if b.message >= 0
        else replace(b, message=first, path=f"messages[{first}].{b.path}")
        for b in blocks
    )


def _within(block: Block) -> str:
    return block.path.partition("]")[2]
