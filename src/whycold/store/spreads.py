"""How the sizes of calls are spread: counts per bucket, kept as calls come and go."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from whycold.store.measures import TOKENS

__all__ = ["BOUNDS", "PARTS", "Placed", "Spread", "SpreadRow", "bucket_sql", "places", "selects"]

PARTS: Final = 1_000_000
"""A ratio is counted in these parts of one."""


class Spread(StrEnum):
    """What is spread: missed tokens of a miss, input tokens of a call, its read ratio."""

    miss_size = "miss_size"
    prompt_size = "prompt_size"
    read_ratio = "read_ratio"


_TOKEN_BOUNDS: Final = (
    *(500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000),
    *(100_000, 200_000, 500_000, 1_000_000),
)
BOUNDS: Final[Mapping[Spread, tuple[int, ...]]] = {
    Spread.miss_size: _TOKEN_BOUNDS,
    Spread.prompt_size: _TOKEN_BOUNDS,
    Spread.read_ratio: tuple(PARTS * part // 100 for part in (0, 10, 25, 50, 75, 90, 95, 99)),
}
"""The greatest value of each bucket but the last, which has no bound. Files hold counts by these:
other bounds are another version of the tables.
"""

_INPUT, _READ = TOKENS.index("input"), TOKENS.index("cache_read")


class Placed(NamedTuple):
    """A value of one call, and its bucket."""

    spread: Spread
    bucket: int
    value: int


@dataclass(frozen=True, slots=True)
class SpreadRow:
    """Calls of a provider, model and project (None: absent) per bucket of ``BOUNDS`` and the one
    behind them, and the sum of their values.
    """

    spread: Spread
    provider: str | None
    model: str | None
    project: str | None
    counts: tuple[int, ...]
    total: int


def places(*, miss: bool, missed: int, tokens: Sequence[int | None]) -> Iterator[Placed]:
    """Where a call belongs; nowhere with what it does not report."""
    size, read = tokens[_INPUT], tokens[_READ]
    if miss:
        yield _placed(Spread.miss_size, missed)
    if size is not None:
        yield _placed(Spread.prompt_size, size)
    if size and read is not None:
        yield _placed(Spread.read_ratio, min(read * PARTS // size, PARTS))


def _placed(spread: Spread, value: int) -> Placed:
    return Placed(spread, bisect_left(BOUNDS[spread], value), value)


def selects() -> Iterator[tuple[Spread, str, str]]:
    """The same as SQL over the rows of ``call``: the value, and which calls have one."""
    yield Spread.miss_size, "missed", "miss = 1"
    yield Spread.prompt_size, "input", "input IS NOT NULL"
    ratio = f"min(cache_read * {PARTS} / input, {PARTS})"
    yield Spread.read_ratio, ratio, "input > 0 AND cache_read IS NOT NULL"


def bucket_sql(spread: Spread, value: str) -> str:
    """The bucket of a value, as SQL."""
    return " + ".join(f"({value} > {bound})" for bound in BOUNDS[spread])
