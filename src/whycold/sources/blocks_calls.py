"""Requests of block ids to calls: what they share is found first, so a prompt is a few blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from whycold.core.call import Call, Reply, Usage
from whycold.core.content import JsonMap, digest
from whycold.core.prompt import Block, Kind, Links, Prompt, Section, Setting
from whycold.errors import UserError
from whycold.providers.registry import DIALECTS, dialect, guess
from whycold.sources.blocks_requests import Request

__all__ = ["Chains", "Writer"]

_TICK = timedelta(microseconds=1)
_SETTINGS = frozenset({Section.settings})
_OWNERS = (("gpt", "openai"), ("o1", "openai"), ("o3", "openai"), ("gemini", "gemini"))
_USUAL = "vllm"
"""Whose rules stand for an engine that nobody names: such traces follow its blocks and hashes."""
_USUAL_SIZE = 512
"""Tokens of a block in the traces of Mooncake, the only ones that do not say."""


class Met(NamedTuple):
    """How many leading blocks a request shares with an earlier one, and how many the latest of
    those has in all.
    """

    shared: int
    of: int


class Chains:
    """All chains of a trace as a tree: a node is an id behind all that stood before it.

    A stretch that no request ends in and none branches off from is one block. ``size`` are the
    tokens of an id where all of them have the same; else each request says its own.
    """

    def __init__(self, size: int | None = None) -> None:
        self._size = size
        self._nodes: dict[tuple[int, int | str], int] = {}
        self._children: list[int] = []
        self._ends: set[int] = set()
        self._blocks: dict[int, Block] = {}
        self._lengths: list[int] = []
        self._latest: dict[str, Sequence[int | str]] = {}
        self._most = (0, 0)

    def _root(self, request: Request) -> int:
        """The node before the first id of a trace."""
        key = (-1, request.scope)
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = len(self._children)
            self._children.append(0)
        return found

    def add(self, request: Request) -> None:
        """Learn the chain of a request."""
        before = node = self._root(request)
        for id in request.ids:
            found = self._nodes.get((node, id))
            if found is None:
                found = self._nodes[node, id] = len(self._children)
                self._children[node] += 1
                self._children.append(0)
            before, node = node, found
        size = request.size or self._size
        full = size is not None and len(request.ids) * size <= (request.input or 0)
        # the last one is left out where it is not full
        self._ends |= {node} if full else {before, node}
        if request.input:
            self._most = max(self._most, (len(request.ids), request.input))

    def size(self, request: Request) -> int:
        """The tokens of a block: as the trace says, else the power of two that fits the longest
        prompt.
        """
        if request.size or self._size:
            return request.size or self._size or 0
        count, tokens = self._most
        return 2 ** round(math.log2(max(1, tokens / count))) if count else _USUAL_SIZE

    def met(self, request: Request) -> Met:
        """What a request shares with those that were met before it."""
        self._lengths += [0] * (len(self._children) - len(self._lengths))
        node, shared, of = self._root(request), 0, 0
        for depth, id in enumerate(request.ids, 1):
            node = self._nodes[node, id]
            if self._lengths[node]:
                shared, of = depth, self._lengths[node]
            self._lengths[node] = len(request.ids)
        return Met(shared, of)

    def follows(self, request: Request, met: Met) -> bool:
        """Whether a request shares as much with the one listed before it as with any."""
        ids = self._latest.pop(request.before or "", ())
        self._latest[request.key] = request.ids
        pairs = enumerate(zip(request.ids, ids, strict=False))
        shared = next((i for i, (a, b) in pairs if a != b), min(len(ids), len(request.ids)))
        return shared >= met.shared

    def blocks(self, request: Request) -> Iterator[Block]:
        """The chain of a request, as blocks. One that is not full at the end is left out: what
        comes next fills it, and it gets another id.
        """
        ids, size = request.ids, self.size(request)
        whole = len(ids)
        if request.input is not None and whole * size > request.input:
            whole -= 1
        node, begins = self._root(request), 0
        for at, id in enumerate(ids[:whole], 1):
            node = self._nodes[node, id]
            if at == whole or self._children[node] != 1 or node in self._ends:
                yield self._block(node, begins, list(ids[begins:at]), size)
                begins = at

    def _block(self, node: int, begins: int, ids: list[int | str], size: int) -> Block:
        block = self._blocks.get(node)
        if block is None:
            path, tokens = f"blocks[{begins}]", len(ids) * size
            block = self._blocks[node] = Block(
                Section.messages, path, Kind.chained, ids, opens=not begins, tokens=tokens
            )
        return block


class Writer:
    """Makes calls of the requests of one trace, in its order.

    ``begins`` is when it began.
    """

    def __init__(self, chains: Chains, begins: datetime) -> None:
        self._chains, self._begins = chains, begins
        self._number = 0

    def call(self, request: Request) -> Call:
        """The call of a request."""
        api, provider = _spoken(request)
        links = replace(self._links(request), apart=request.scope)
        at = request.when or self._begins + timedelta(seconds=request.at or 0.0)
        self._number += 1
        at += self._number * _TICK
        began = None
        if request.began is not None and request.when is None:
            began = self._begins + timedelta(seconds=request.began) + self._number * _TICK
        settings = (Setting("model", request.model),) if request.model is not None else ()
        return Call(
            id=digest(b"blocks", *map(_bytes, _identity(request))).hex(),
            at=at,
            provider=provider,
            api=api,
            model=request.model,
            prompt=Prompt(
                tuple(self._chains.blocks(request)),
                settings=settings,
                links=links,
                unseen=_SETTINGS,
            ),
            reply=Reply(
                message_id=request.key,
                usage=Usage(
                    input=request.input,
                    cache_read=request.read,
                    uncached=_rest(request),
                    output=request.output,
                ),
            ),
            began=began,
            session=request.session,
            agent=request.agent,
        )

    def _links(self, request: Request) -> Links:
        """What is known of the past of a request: the one that it names; else what it shares, and
        among equals the place in a list.

        Where nobody says which requests are one conversation, one that shares less than half of an
        earlier one has only begun like it.
        """
        met = self._chains.met(request)
        if request.named and request.before is not None:
            return Links(follows=request.before)
        if request.session is None:
            return Links(begins=request.opens or 2 * met.shared < met.of)
        return Links(follows=request.before if self._chains.follows(request, met) else None)


def _rest(request: Request) -> int | None:
    if request.input is None or request.read is None:
        return None
    return max(0, request.input - request.read)


def _identity(request: Request) -> tuple[str, ...]:
    """What names a request in every copy of a trace."""
    ids = digest(*(_bytes(str(id)) for id in request.ids)).hex()
    return request.key, ids, str(request.at), str(request.input), str(request.output)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _spoken(request: Request) -> tuple[str, str]:
    """Wire format and provider: as named, else by a model of which only one makes its own."""
    if request.provider is not None:
        try:
            named = dialect(request.provider)
        except UserError:
            return "openai.chat", _USUAL
        return named.wires[0], named.name
    model = (request.model or "").lower()
    body: JsonMap = {"model": request.model, "messages": [], "system": [], "anthropic_version": ""}
    if "claude" in model:
        wire, found = guess(body)
        return wire.name, found.name
    for start, name in (
        ("gpt", "openai"),
        ("o1", "openai"),
        ("o3", "openai"),
        ("gemini", "gemini"),
    ):
        if model.startswith(start):
            return DIALECTS[name].wires[0], name
    return "openai.chat", _USUAL
