"""A prompt to scale: tools, system and messages side by side, what was read and what was paid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from whycold.core.diagnosis import BlockCount, Diagnosis
from whycold.core.prompt import Section
from whycold.frontends.explain_parts import part_of

__all__ = ["Bar", "Drawn", "Tick", "prompt_strip"]

_NARROW = 0.25
"""Percent of the width below which a part is drawn together with the next one."""


class Bar(NamedTuple):
    """Parts of one section in a row; ``x`` and ``width`` in percent; ``kept``: read from the cache,
    or unchanged where reads are not reported.
    """

    section: Section
    name: str
    tokens: int
    x: float
    width: float
    kept: bool


class Tick(NamedTuple):
    """A cache marker at ``x`` percent, with its lifetime."""

    x: float
    ttl: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """``broke`` is where the prefix parted, in percent; ``sections`` are tokens by section."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    broke: float | None
    total: int
    kept: int
    sections: tuple[tuple[Section, int], ...]


def prompt_strip(told: Diagnosis) -> Drawn | None:
    """None for a prompt whose tokens are not known."""
    total = sum(block.tokens for block in told.blocks)
    if not total:
        return None
    kept = _kept(told, total)
    sums: dict[Section, int] = {}
    for block in told.blocks:
        sums[block.section] = sums.get(block.section, 0) + block.tokens
    broke = told.broke_at if told.divergences else None
    return Drawn(
        tuple(_bars(told.blocks, total, kept)),
        tuple(_ticks(told.blocks, total)),
        round(100 * min(broke, total) / total, 3) if broke is not None else None,
        total,
        kept,
        tuple((section, tokens) for section, tokens in sums.items() if tokens),
    )


def _kept(told: Diagnosis, total: int) -> int:
    if told.usage.cache_read is not None:
        return min(told.usage.cache_read, total)
    return min(told.broke_at, total) if told.broke_at is not None else total


def _bars(blocks: Sequence[BlockCount], total: int, kept: int) -> Iterator[Bar]:
    """Parts from left to right, cut where what was read ends."""
    at, waiting = 0, list[tuple[BlockCount, int]]()
    for index, block in enumerate(blocks):
        waiting.append((block, block.tokens))
        after = blocks[index + 1] if index + 1 < len(blocks) else None
        tokens = sum(count for _, count in waiting)
        ends = after is None or after.section is not block.section
        same = after is not None and part_of(after) == part_of(block)
        if not ends and (same or 100 * tokens / total < _NARROW):
            continue
        name = part_of(waiting[0][0])
        if part_of(block) != name:
            name = f"{name} … {part_of(block)}"
        for start, end, read in _cut(at, at + tokens, kept):
            width = 100 * (end - start) / total
            yield Bar(
                block.section, name, tokens, round(100 * start / total, 3), round(width, 3), read
            )
        at += tokens
        waiting = []


def _cut(start: int, end: int, kept: int) -> Iterator[tuple[int, int, bool]]:
    if start < min(end, kept):
        yield start, min(end, kept), True
    if max(start, kept) < end:
        yield max(start, kept), end, False


def _ticks(blocks: Sequence[BlockCount], total: int) -> Iterator[Tick]:
    at = 0
    for block in blocks:
        at += block.tokens
        if block.breakpoint is not None:
            yield Tick(round(100 * at / total, 3), block.breakpoint)
