"""What broke the prefix among some calls, by culprit, and the sums that limits are held against."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from whycold.core.diagnosis import Diagnosis, Found, Verdict
from whycold.query import Query, main_edit
from whycold.store.answers import Filters, Totals

__all__ = ["Broken", "Counted", "count"]

_PAGE, _MOST = 1000, 200_000


@dataclass(frozen=True, slots=True)
class Broken:
    """All calls that one edit broke.

    ``unreported`` of the ``calls`` come from a provider that says nothing of reads: they would have
    missed, and ``missed_tokens`` holds the estimate. ``latest`` is the latest of them. Costs are in
    USD; None where no price is known.
    """

    id: str
    latest: Diagnosis
    calls: int
    unreported: int
    missed_tokens: int
    missed_cost_usd: Decimal | None

    @property
    def edit(self) -> Found | None:
        """The edit, where the cause is one."""
        return main_edit(self.latest)

    @property
    def path(self) -> str | None:
        """Where it is."""
        return self.edit.path if self.edit is not None else None


@dataclass(frozen=True, slots=True)
class Counted:
    """The sums of all calls, and what broke unexpectedly, most tokens first."""

    totals: Totals
    broken: tuple[Broken, ...]

    @property
    def misses(self) -> int:
        """Calls that missed, or would have."""
        return sum(one.calls for one in self.broken)

    @property
    def missed_tokens(self) -> int:
        """What they missed."""
        return sum(one.missed_tokens for one in self.broken)

    @property
    def missed_cost_usd(self) -> Decimal:
        """What that cost, as far as prices are known."""
        return sum((one.missed_cost_usd or Decimal(0) for one in self.broken), Decimal(0))


def count(query: Query, filters: Filters, allowed: Collection[str] = ()) -> Counted:
    """Count the calls that fit; what the client meant to do is no fault, nor are reasons and causes
    that are ``allowed``, nor culprits that people ignore.
    """
    ignored = query.ignored()
    found: dict[str, Broken] = {}
    for told in _broken(query, filters):
        id = told.fingerprint or told.cause or "unexplained"
        if told.expected or id in ignored or not {told.reason, told.cause}.isdisjoint(allowed):
            continue
        silent = told.verdict is Verdict.unknown
        before = found.get(id)
        one = Broken(
            id,
            # the newest call comes first
            before.latest if before is not None else told,
            (before.calls if before is not None else 0) + 1,
            (before.unreported if before is not None else 0) + silent,
            (before.missed_tokens if before is not None else 0)
            + (told.at_stake_tokens if silent else told.missed_tokens),
            _sum(before.missed_cost_usd if before is not None else None, told.missed_cost_usd),
        )
        found[id] = one
    dearest = sorted(found.values(), key=lambda one: (-one.missed_tokens, one.id))
    return Counted(query.totals(filters), tuple(dearest))


def _broken(query: Query, filters: Filters) -> Iterator[Diagnosis]:
    """Misses, and calls without reported reads that have lost what they could have read."""
    left = _MOST
    for verdict in (Verdict.miss, Verdict.partial, Verdict.unknown):
        cursor = None
        while left > 0:
            page = query.calls(replace(filters, verdict=verdict), cursor, _PAGE)
            for kept in page.items:
                if verdict is not Verdict.unknown or kept.told.at_stake_tokens:
                    yield kept.told
            left -= len(page.items)
            cursor = page.next
            if cursor is None:
                break


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other
