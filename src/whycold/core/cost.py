"""What missed tokens cost above a cache read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from whycold.core.call import Usage

__all__ = ["Rates", "missed_cost"]


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per token for one call, at its own time, tier and length; None for a rate that does not
    exist.

    ``cache_write`` is the default lifetime's. ``source`` names the price list.
    """

    input: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None
    cache_write_30m: Decimal | None = None
    cache_write_12h: Decimal | None = None
    output: Decimal | None = None
    source: str = ""


def missed_cost(missed: int, usage: Usage, rates: Rates) -> Decimal | None:
    """USD paid for ``missed`` tokens above what a read would have cost; None when a needed rate is
    not known.

    Missed tokens lie directly behind what was read: they were written again first, long lifetimes
    before short ones (Anthropic, Prompt caching, 2026-08-22), then sent as plain input.
    """
    if rates.cache_read is None:
        return None
    left, cost = missed, Decimal(0)
    for tokens, rate in _paid(usage, rates):
        part = left if tokens is None else min(left, tokens)
        if part <= 0:
            continue
        if rate is None:
            return None
        cost += part * (rate - rates.cache_read)
        left -= part
    return max(cost, Decimal(0))


def _paid(usage: Usage, rates: Rates) -> Iterator[tuple[int | None, Decimal | None]]:
    """(tokens, USD per token) in the order of the prompt; the last part takes all that is left."""
    split = (
        (usage.cache_write_1h, rates.cache_write_1h),
        (usage.cache_write_12h, rates.cache_write_12h),
        (usage.cache_write_30m, rates.cache_write_30m),
        (usage.cache_write_5m, rates.cache_write_5m),
    )
    known = [(tokens, rate) for tokens, rate in split if tokens]
    if known:
        yield from known
    elif usage.cache_write:
        yield usage.cache_write, rates.cache_write
    yield None, rates.input
