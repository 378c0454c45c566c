"""Tokens per block: estimates, scaled so that they sum to what the provider counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

from whycold.core.prompt import Block, Kind, Prompt, Section

__all__ = ["Counts", "count", "estimate", "grown"]

_BYTES_PER_TOKEN = 4.0
_BYTES_PER_TOKEN_JSON = 3.3
"""Schemas and arguments hold more punctuation than prose, so fewer bytes go to a token."""
_FRAME = 4
"""Tokens around a block: role marks and separators."""


def estimate(block: Block) -> float:
    """Tokens of one block before scaling; only the proportions between blocks matter once a total
    is known.
    """
    if block.tokens is not None:
        return block.tokens + _FRAME
    per = _BYTES_PER_TOKEN if block.kind in (Kind.text, Kind.thinking) else _BYTES_PER_TOKEN_JSON
    return block.size / per + (_FRAME if block.opens or block.message < 0 else 1)


class Counts:
    """Token counts of a prompt.

    ``per_block`` are whole numbers that sum to ``total``; ``exact`` maps a number of leading blocks
    to the exact tokens they hold, where the provider's own counts tell. ``total`` is an estimate
    when ``reported`` is false. ``opening`` is what stands before the first block and was not
    recorded: an estimate, and part of ``total`` and of every position.
    """

    def __init__(
        self,
        per_block: tuple[int, ...],
        *,
        reported: bool,
        exact: Mapping[int, int],
        opening: int = 0,
    ) -> None:
        self.per_block = per_block
        self.opening = opening
        self.ends = tuple(accumulate(per_block, initial=opening))[1:]
        self.reported = reported
        self.exact = exact

    @property
    def total(self) -> int:
        """Tokens of the whole prompt."""
        return self.ends[-1] if self.ends else self.opening

    def until(self, blocks: int, share: float = 0.0) -> int:
        """Tokens before block number ``blocks``, plus a share of that block."""
        before = self.ends[blocks - 1] if blocks > 0 else self.opening
        return (
            before + int(self.per_block[blocks] * share)
            if blocks < len(self.per_block) and share
            else before
        )

    def is_exact(self, blocks: int) -> bool:
        """Whether the tokens of the leading ``blocks`` are known and not estimated."""
        return blocks in self.exact or (blocks == 0 and not self.opening)


def grown(prompt: Prompt, total: int, was: Counts) -> Counts | None:
    """Tokens per block of a prompt that goes on from one that was counted: its blocks keep their
    tokens, the new ones share what the total grew by. None where it did not grow so.
    """
    done = len(was.per_block)
    if not was.reported or not was.total <= total or done >= len(prompt.blocks):
        return None
    new = _share([estimate(block) for block in prompt.blocks[done:]], total - was.total)
    exact = {**was.exact, done: was.total, len(prompt.blocks): total}
    return Counts((*was.per_block, *new), reported=True, exact=exact, opening=was.opening)


def count(prompt: Prompt, total: int | None, anchors: Mapping[int, int] | None = None) -> Counts:
    """Tokens per block, scaled piecewise between exact anchors (leading blocks -> tokens) and the
    total.

    Anchors that do not rise with the blocks, or pass the total, are left out: counts of server-side
    loops can be sums. Where tools, system or the first messages are not recorded, they get what the
    recorded blocks are not estimated to hold, or what an anchor at 0 says.
    """
    weights = [estimate(block) for block in prompt.blocks]
    opening = 0
    if total is not None and _begins_unseen(prompt):
        opening = min(total, (anchors or {}).get(0, max(0, total - round(sum(weights)))))
    if not weights:
        return Counts((), reported=total is not None, exact={}, opening=opening)
    known = {0: opening}
    if total is not None:
        for blocks, tokens in sorted((anchors or {}).items()):
            if max(known) < blocks < len(weights) and max(known.values()) < tokens <= total:
                known[blocks] = tokens
        known[len(weights)] = total
    else:
        known[len(weights)] = round(sum(weights))
    out: list[int] = []
    stops = sorted(known)
    for start, stop in pairwise(stops):
        out += _share(weights[start:stop], known[stop] - known[start])
    exact = known if total is not None else {}
    if opening:
        exact = {blocks: tokens for blocks, tokens in known.items() if blocks}
    return Counts(tuple(out), reported=total is not None, exact=exact, opening=opening)


def _begins_unseen(prompt: Prompt) -> bool:
    """Whether something that was not recorded stands before the first block."""
    first = prompt.blocks[0].section if prompt.blocks else Section.messages
    return bool(prompt.unseen & _AHEAD.get(first, frozenset()))


_AHEAD: Mapping[Section, frozenset[Section]] = {
    Section.system: frozenset({Section.tools}),
    # the first messages may be missing themselves
    Section.messages: frozenset({Section.tools, Section.system, Section.messages}),
}


def _share(weights: Sequence[float], total: int) -> list[int]:
    """``total`` split in proportion, in whole numbers whose running sums are never off by more than
    one.
    """
    whole = sum(weights) or 1.0
    ends = [round(total * part / whole) for part in accumulate(weights)]
    return [b - a for a, b in zip([0, *ends], ends, strict=False)]
