"""Equal blocks of different calls as one object, so that a conversation is held in memory once."""

from __future__ import annotations

from dataclasses import replace
from operator import is_
from weakref import WeakValueDictionary

from whycold.core.call import Call
from whycold.core.prompt import Block

__all__ = ["SharedBlocks"]


class SharedBlocks:
    """Knows the blocks of all calls that somebody still holds."""

    def __init__(self) -> None:
        self._known: WeakValueDictionary[tuple[object, ...], Block] = WeakValueDictionary()

    def of(self, call: Call) -> Call:
        """The call with blocks that are known already in place of its own where they are equal."""
        prompt, reply = call.prompt, call.reply
        # whose digest was computed before comes from an earlier call
        blocks = tuple([b if "content" in vars(b) else self._one(b) for b in prompt.blocks])
        if not all(map(is_, blocks, prompt.blocks)):
            call = replace(call, prompt=prompt.with_blocks(blocks))
        replied = tuple([b if "content" in vars(b) else self._one(b) for b in reply.blocks])
        if not all(map(is_, replied, reply.blocks)):
            call = replace(call, reply=replace(reply, blocks=replied))
        return call

    def size(self) -> int:
        """Bytes of content in all blocks that are known."""
        return sum(block.size for block in list(self._known.values()))

    def _one(self, block: Block) -> Block:
        key = (
            block.content,
            block.path,
            block.name,
            block.message,
            block.opens,
            block.breakpoint,
            block.tokens,
        )
        known = self._known.get(key)
        if known is not None:
            return known
        self._known[key] = block
        return block
