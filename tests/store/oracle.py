"""The answers of a store, worked out from all records one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

from whycold.core.diagnosis import Verdict
from whycold.store.answers import Cross, Dimension, Filters, Group, Point, Totals
from whycold.store.records import Record
from whycold.store.spreads import BOUNDS, PARTS, Spread, SpreadRow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FACTS = ("project", "model", "provider", "session", "agent", "release", "reason", "cause")


def spreads(records: Iterable[Record]) -> set[SpreadRow]:
    values: defaultdict[tuple[Spread, str | None, str | None, str | None], list[int]]
    values = defaultdict(list)
    for record in records:
        told, usage = record.told, record.told.usage
        label = told.provider, told.model, told.project
        if is_miss(record):
            values[Spread.miss_size, *label].append(told.missed_tokens)
        if usage.input is not None:
            values[Spread.prompt_size, *label].append(usage.input)
        if usage.input and usage.cache_read is not None:
            ratio = min(usage.cache_read / usage.input, 1)
            values[Spread.read_ratio, *label].append(int(ratio * PARTS))
    return {SpreadRow(*key, _counts(key[0], found), sum(found)) for key, found in values.items()}


def _counts(spread: Spread, values: Sequence[int]) -> tuple[int, ...]:
    edges = (-1, *BOUNDS[spread], 1 << 62)
    return tuple(sum(low < value <= high for value in values) for low, high in pairwise(edges))


def is_miss(record: Record) -> bool:
    return record.told.verdict in (Verdict.miss, Verdict.partial)


def fits(record: Record, filters: Filters) -> bool:
    told = record.told
    if filters.since is not None and told.at < filters.since:
        return False
    if filters.until is not None and told.at >= filters.until:
        return False
    culprit = told.fingerprint if is_miss(record) else None
    if filters.culprit is not None and filters.culprit != (culprit or ""):
        return False
    return all(
        (wanted := getattr(filters, name)) is None or (getattr(told, name) or "") == wanted
        for name in (*_FACTS, "verdict")
    )


def totals(records: Iterable[Record]) -> Totals:
    chosen = list(records)
    told = [record.told for record in chosen]
    usages = [each.usage for each in told]

    def reported(name: str) -> int | None:
        numbers = [n for usage in usages if (n := getattr(usage, name)) is not None]
        return sum(numbers) if numbers else None

    reading = [usage for usage in usages if usage.cache_read is not None]
    counts = (
        *("input", "cache_read", "cache_write", "uncached", "output"),
        *(f"cache_write_{life}" for life in ("5m", "1h", "30m", "12h")),
    )
    return Totals(
        calls=len(chosen),
        misses=sum(map(is_miss, chosen)),
        missed_tokens=sum(each.missed_tokens for each in told),
        missed_cost_usd=sum((each.missed_cost_usd or Decimal(0) for each in told), Decimal(0)),
        unpriced=sum(each.missed_tokens > 0 and each.missed_cost_usd is None for each in told),
        at_stake_tokens=sum(each.at_stake_tokens for each in told),
        reporting=len(reading),
        reporting_input=sum(usage.input or 0 for usage in reading),
        **{name: reported(name) for name in counts},
    )


def grouped(records: Sequence[Record], filters: Filters, by: Dimension) -> set[Group]:
    return {Group(line.values[0], line.totals) for line in crossed(records, filters, (by,))}


def crossed(records: Sequence[Record], filters: Filters, by: Sequence[Dimension]) -> set[Cross]:
    groups: defaultdict[tuple[str | None, ...], list[Record]] = defaultdict(list)
    for record in records:
        if fits(record, filters):
            groups[tuple(getattr(record.told, each.value) for each in by)].append(record)
    return {Cross(values, totals(inside)) for values, inside in groups.items()}


def series(
    records: Sequence[Record], filters: Filters, hours: int, by: Dimension | None
) -> set[Point]:
    steps: defaultdict[tuple[datetime, str | None], list[Record]] = defaultdict(list)
    for record in records:
        if fits(record, filters):
            hour = int((record.told.at - _EPOCH).total_seconds() // 3600) // hours * hours
            start = datetime.fromtimestamp(hour * 3600, UTC)
            steps[start, getattr(record.told, by.value) if by else None].append(record)
    return {Point(*key, totals(inside)) for key, inside in steps.items()}
