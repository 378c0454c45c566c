"""A call in which the provider itself ran tools: several rounds of the model, counted as one."""

from __future__ import annotations

from dataclasses import replace

from whycold.core.call import Call, Usage
from whycold.core.content import as_map, as_text
from whycold.core.predecessor import placed
from whycold.core.prompt import Block, Breakpoint
from whycold.core.rules import CacheRules
from whycold.core.tokens import Counts, count

__all__ = ["settled"]


def settled(call: Call, rules: CacheRules, counts: Counts) -> tuple[Call, Counts]:
    """The call and its counts as the last round left them in the cache.

    Where the provider marks the results of its own tools, an entry ends at the last of them: the
    prompt goes on to there, with that marker. The reported counts are sums over the rounds; what
    they say of the entry is its least size. A call without such results comes back as it is.
    """
    kept = _until_last_result(call, rules)
    if not kept or not call.prompt.breakpoints:
        return call, counts
    usage = call.usage
    read, wrote = usage.cache_read or 0, usage.cache_write or 0
    rounds = 1 + sum(_marked(block, rules) for block in kept)
    # nothing had been there before: then all that was written is what the last round left
    fresh = wrote >= read
    least = max(wrote, (read + wrote) // rounds)
    last = 1 + max((block.message for block in call.prompt.blocks), default=-1)
    marked = replace(kept[-1], breakpoint=Breakpoint(rules.ttls[0].name if rules.ttls else None))
    blocks = (*call.prompt.blocks, *placed((*kept[:-1], marked), last))
    left = replace(
        call,
        prompt=call.prompt.with_blocks(blocks),
        reply=replace(call.reply, usage=_net(usage, least, exact=fresh)),
    )
    first = {call.prompt.breakpoints[-1] + 1: read} if fresh and rounds == 2 else {}
    return left, count(left.prompt, left.usage.input, first)


def _net(usage: Usage, tokens: int, *, exact: bool) -> Usage:
    """Counts of one round that wrote the whole entry."""
    return Usage(
        input=tokens if exact else None,
        cache_read=0,
        cache_write=tokens,
        output=usage.output,
        tier=usage.tier,
    )


def _until_last_result(call: Call, rules: CacheRules) -> tuple[Block, ...]:
    """The reply up to the last result of a tool that the provider ran and marked."""
    blocks = call.reply.blocks
    ends = [i + 1 for i, block in enumerate(blocks) if _marked(block, rules)]
    return blocks[: ends[-1]] if ends and call.reply.error is None else ()


def _marked(block: Block, rules: CacheRules) -> bool:
    value = as_map(block.value)
    return value is not None and as_text(value.get("type")) in rules.marked_results
