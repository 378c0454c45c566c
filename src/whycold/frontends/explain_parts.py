"""The prompt of a call by tool, system block and message: how many tokens each, how they were
paid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from whycold.core.call import Usage
from whycold.core.cost import Rates
from whycold.core.diagnosis import BlockCount, Diagnosis
from whycold.core.prompt import Section

__all__ = ["Part", "part_of", "parts"]

_MESSAGE = re.compile(r"messages\[\d+\]")
_LIFETIMES = ("1h", "12h", "30m", "5m")
"""Of what is written, the long lifetimes stand first (Anthropic, Prompt caching, 2026-08-22)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A tool, a system block or a whole message.

    ``paid`` says how its tokens were paid, in the order of the prompt: ``read``, ``written 5m``,
    ``uncached`` …; empty where reads are not reported. ``cost`` is USD, None without a price.
    """

    section: Section
    path: str
    role: str | None
    blocks: int
    tokens: int
    paid: Mapping[str, int]
    cost: Decimal | None


def parts(told: Diagnosis, rates: Rates | None) -> list[Part]:
    """The parts in the order of the prompt; their tokens sum to the input."""
    out: list[Part] = []
    start = 0
    for path, group in groupby(told.blocks, part_of):
        blocks = list(group)
        tokens = sum(block.tokens for block in blocks)
        paid = dict(_within(told.usage, start, start + tokens))
        start += tokens
        role = blocks[0].role
        cost = _cost(paid, rates) if paid and rates is not None else None
        out.append(Part(blocks[0].section, path, role, len(blocks), tokens, paid, cost))
    return out


def part_of(block: BlockCount) -> str:
    """The part that a block belongs to: the whole message, or the block itself."""
    found = _MESSAGE.match(block.path) if block.section is Section.messages else None
    return found[0] if found else block.path


def _within(usage: Usage, start: int, end: int) -> Iterator[tuple[str, int]]:
    """What of [start, end) was read, written and neither."""
    if usage.cache_read is None:
        return
    at = 0
    for name, tokens in _stretches(usage):
        below, at = at, at + tokens
        inside = min(end, at) - max(start, below)
        if inside > 0:
            yield name, inside
    if end > at:
        yield "uncached", end - max(start, at)


def _stretches(usage: Usage) -> Iterator[tuple[str, int]]:
    yield "read", usage.cache_read or 0
    known = [(ttl, getattr(usage, f"cache_write_{ttl}") or 0) for ttl in _LIFETIMES]
    if any(tokens for _, tokens in known):
        yield from ((f"written {ttl}", tokens) for ttl, tokens in known)
    else:
        yield "written", usage.cache_write or 0


def _cost(paid: Mapping[str, int], rates: Rates) -> Decimal | None:
    """The price of all of it; None when one rate is not known."""
    cost = Decimal(0)
    for name, tokens in paid.items():
        rate = _rate(name, rates)
        if rate is None:
            return None
        cost += tokens * rate
    return cost


def _rate(name: str, rates: Rates) -> Decimal | None:
    if name == "read":
        return rates.cache_read
    if name == "uncached":
        return rates.input
    how, _, ttl = name.partition(" ")
    return getattr(rates, f"cache_write_{ttl}") if ttl and how else rates.cache_write
