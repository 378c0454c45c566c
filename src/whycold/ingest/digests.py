"""Calls whose text is not kept, as the engine compares them: a block is its digest and no more."""

from __future__ import annotations

from dataclasses import replace

from whycold.core.call import Call
from whycold.core.content import as_map, as_text
from whycold.core.prompt import Block

__all__ = ["comparable"]

_HASHED = "hashed"
_HEX_DIGITS = 32


def comparable(call: Call) -> Call:
    """The call with a number in place of each digest.

    A number is the same or another one. Of two texts of hexadecimal digits the engine would tell
    where they part, and that they look like ids.
    """
    return replace(
        call,
        prompt=call.prompt.with_blocks(tuple(map(_numbered, call.prompt.blocks))),
        reply=replace(call.reply, blocks=tuple(map(_numbered, call.reply.blocks))),
    )


def _numbered(block: Block) -> Block:
    value = as_map(block.value)
    digits = as_text(value.get(_HASHED)) if value is not None and len(value) == 1 else None
    if digits is None or len(digits) != _HEX_DIGITS:
        return block
    try:
        return replace(block, value=int(digits, 16))
    except ValueError:
        return block
