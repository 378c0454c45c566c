"""The earlier call that a call should have reused: found among all, whatever order or branch they
came in.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from whycold.core.call import Call
from whycold.core.content import digest
from whycold.core.likeness import Link, continued, deep_enough, opened, same_cache
from whycold.core.prompt import Block, Prompt, Section

__all__ = ["History", "Link", "Linked", "placed"]

_Calls: TypeAlias = dict[Hashable, Call]
_Groups: TypeAlias = defaultdict[Hashable, list[Call]]

_RECENT = 4
"""How many of the latest calls of a session and of a tool set are looked at."""


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
            (score, c) for c in older if (score := continued(call, c, answered.keys())) is not None
        ]
        scored = deep_enough(call, scored)
        if not scored:
            # looked at only now: to hold two openings against each other takes long
            scored = [(score, c) for c in older if (score := opened(call, c)) is not None]
        if not scored:
            return None
        # of equals, the one whose reply comes back, then one whose cache this is, then the latest
        replied = {c.id for c in answered.values()}
        score, best = max(
            scored,
            key=lambda p: (p[0].rank, p[1].id in replied, same_cache(call, p[1]), p[1].order),
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


def _realm(call: Call) -> str:
    """Calls of two realms are never held against each other."""
    apart = call.prompt.links.apart
    return call.api if apart is None else f"{call.api} {apart}"


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
