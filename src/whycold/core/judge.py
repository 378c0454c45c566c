"""Verdict: what was reusable, what was read, and which single thing stood between the two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from whycold.core.call import Call
from whycold.core.cause import Obstacle
from whycold.core.diagnosis import Verdict
from whycold.core.divergence import Change, Divergence
from whycold.core.live_entries import Entry, entries, positions_between, reach
from whycold.core.predecessor import Link, Linked
from whycold.core.prompt import Section
from whycold.core.rules import CacheRules, OptIn
from whycold.core.tokens import Counts, count

__all__ = ["Hindrance", "Judged", "judge"]

_ESTIMATE_ERROR = 0.15
"""Share of a count by which an estimated position may be off."""
_WORTH_A_MARKER = 1024
"""Repeated tokens behind the last marker from which a later marker would have paid."""


@dataclass(frozen=True, slots=True)
class Hindrance:
    """One thing that limits what can be read to ``allows`` tokens: an edit (``divergence``) or an
    ``obstacle``.

    ``exact`` is false when ``allows`` is an estimate, ``certain`` when the provider's rules leave
    the effect open."""

    allows: int
    obstacle: Obstacle | None = None
    divergence: Divergence | None = None
    exact: bool = False
    certain: bool = True
    lapsed: str | None = None
    positions: int | None = None


@dataclass(frozen=True)
class Judged:
    """The verdict on one call. Tokens; None where the provider does not report.

    ``reusable`` is what the predecessor left for it, ``missed`` what of that was not read. ``why``
    is what accounts for the loss, None without one. ``predicted`` says that the reported read is
    what ``why`` predicts. ``at_stake`` is what the change would cost where reads are not reported
    (an estimate). ``broke_at`` is the token position of the first divergence. ``looked_at`` are all
    hindrances found."""

    verdict: Verdict
    counts: Counts
    divergences: tuple[Divergence, ...] = ()
    reusable: int | None = None
    missed: int = 0
    why: Hindrance | None = None
    predicted: bool = False
    at_stake: int = 0
    broke_at: int | None = None
    gap: timedelta | None = None
    looked_at: tuple[Hindrance, ...] = ()


def judge(
    call: Call,
    linked: Linked | None,
    rules: CacheRules,
    divergences: tuple[Divergence, ...],
    was: Counts | None,
    live: Sequence[Entry] = (),
    refreshed: Mapping[bytes, Entry] | None = None,
) -> Judged:
    """Judge one call.

    ``was`` are the predecessor's counts; ``live`` are entries of any call whose prefix this call
    shares, and that could be read; ``refreshed`` maps a prefix to its entry as last used."""
    counts = count(call.prompt, call.usage.input, _anchors(call, linked, divergences))
    if linked is None or was is None:
        return Judged(_alone(call, rules), counts, why=_too_short(call, rules))
    scene = _Scene(call, linked, rules, divergences, was, counts, tuple(live), refreshed or {})
    return scene.judged()


def _alone(call: Call, rules: CacheRules) -> Verdict:
    if call.usage.cache_read:
        return Verdict.hit
    if _too_short(call, rules) is not None:
        return Verdict.uncacheable
    return Verdict.first


def _too_short(call: Call, rules: CacheRules) -> Hindrance | None:
    total = call.usage.input
    if rules.minimum is None or total is None or total >= rules.minimum or call.usage.cache_read:
        return None
    return Hindrance(0, Obstacle.too_short, exact=True)


def _anchors(
    call: Call, linked: Linked | None, divergences: tuple[Divergence, ...]
) -> dict[int, int]:
    """Leading blocks whose tokens the provider counted: up to the last marker, and what the
    predecessor sent.
    """
    anchors: dict[int, int] = {}
    usage = call.usage
    if linked is not None and linked.link in (Link.grown, Link.named) and not divergences:
        total = linked.call.usage.input
        if total is not None:
            anchors[len(linked.call.prompt.blocks)] = total
    if call.prompt.breakpoints and usage.cache_read is not None and usage.cache_write is not None:
        anchors[call.prompt.breakpoints[-1] + 1] = usage.cache_read + usage.cache_write
    return anchors


class _Scene:
    """One call beside its predecessor."""

    def __init__(
        self,
        call: Call,
        linked: Linked,
        rules: CacheRules,
        divergences: tuple[Divergence, ...],
        was: Counts,
        counts: Counts,
        live: tuple[Entry, ...],
        refreshed: Mapping[bytes, Entry],
    ) -> None:
        self.call, self.before, self.link = call, linked.call, linked.link
        self.rules, self.divergences, self.was, self.counts = rules, divergences, was, counts
        self.live, self.refreshed = live, refreshed
        self.gap = call.at - linked.call.at
        self.left = entries(linked.call, rules, was)
        self.reusable, self.exact = self._reusable()

    def judged(self) -> Judged:
        hindrances = tuple(self._hindrances())
        first = self.divergences[0] if self.divergences else None
        broke_at = self._position(first) if first is not None else None
        read = self.call.usage.cache_read
        total = self.counts.total
        could = min(self.reusable, max(0, total - self.rules.always_evaluated))
        judged = Judged(
            Verdict.hit,
            self.counts,
            divergences=self.divergences,
            reusable=self.reusable,
            broke_at=broke_at,
            gap=self.gap,
            looked_at=hindrances,
        )
        if read is None:
            why = min(hindrances, key=_rank, default=None)
            stake = max(0, could - why.allows) if why is not None else 0
            return replace(judged, verdict=Verdict.unknown, why=why, at_stake=stake)
        if (short := _too_short(self.call, self.rules)) is not None:
            verdict = Verdict.uncacheable
            return replace(judged, verdict=verdict, reusable=0, why=short, predicted=True)
        if could == 0:
            return replace(judged, verdict=Verdict.hit if read else Verdict.first, reusable=0)
        missed = max(0, could - read)
        if missed <= self._tolerance(could):
            return replace(judged, predicted=True)
        why, predicted = self._binding(hindrances, read, could, missed)
        verdict = Verdict.partial if read else Verdict.miss
        return replace(judged, verdict=verdict, missed=missed, why=why, predicted=predicted)

    def _tolerance(self, could: int) -> int:
        slack = self.rules.slack
        return slack if self.exact else slack + int(_ESTIMATE_ERROR * could)

    def _reusable(self) -> tuple[int, bool]:
        """Tokens that the predecessor left for this call, and whether they were counted."""
        if self.link is Link.opened:
            return self._opening()
        if self.left:
            if self._counted_in_loops():
                return self.counts.until(min(self.left[-1].blocks, len(self.counts.per_block))), False
            return self._with_reply(self.left[-1])
        if self._could_have_asked():
            return self.was.total, self.was.reported
        return 0, True

    def _counted_in_loops(self) -> bool:
        """Whether the predecessor's counts are sums over the turns of server tools.

        Its prompt is the beginning of this one and still counted more tokens.
        """
        now, was = self.call.usage.input, self.before.usage.input
        grown = not self.divergences and self.link in (Link.grown, Link.named)
        return grown and now is not None and was is not None and was > now

    def _with_reply(self, last: Entry) -> tuple[int, bool]:
        """Local engines keep what they generated, but for the last token."""
        output = self.before.usage.output
        answered = bool(self.before.reply.blocks) and len(self.call.prompt.blocks) > len(
            self.before.prompt.blocks
        )
        if self.rules.keeps_reply and last.anywhere and output and answered:
            return last.tokens + output - 1, last.exact
        granular = self.rules.granularity
        return last.tokens // granular * granular if last.anywhere else last.tokens, last.exact

    def _opening(self) -> tuple[int, bool]:
        """What another conversation's tools and system left."""
        end = sum(1 for b in self.before.prompt.blocks if b.section is not Section.messages)
        best = [e for e in self.left if e.anywhere or e.blocks <= end]
        if not best or not self._alive(best[-1]):
            return 0, True
        blocks = min(best[-1].blocks, end)
        tokens = self.was.until(blocks)
        if self.rules.minimum is not None and tokens < self.rules.minimum:
            return 0, True
        return tokens // self.rules.granularity * self.rules.granularity, self.was.is_exact(blocks)

    def _could_have_asked(self) -> bool:
        """Whether the predecessor left nothing only because it did not ask."""
        asked = self.before.prompt.asks
        return (
            asked is False
            and self.rules.opt_in is OptIn.explicit
            and Section.messages not in self.before.prompt.unseen
            and self.before.reply.error is None
            and (self.rules.minimum is None or self.was.total >= self.rules.minimum)
        )

    def _alive(self, entry: Entry) -> bool:
        latest = self.refreshed.get(entry.key, entry)
        return entry.alive(self.call.at) or latest.alive(self.call.at)

    def _hindrances(self) -> Iterator[Hindrance]:
        call, before = self.call, self.before
        if (
            call.account is not None
            and before.account is not None
            and call.account != before.account
        ):
            yield Hindrance(0, Obstacle.account, exact=True)
        if self.rules.opt_in is OptIn.explicit and (
            call.prompt.asks is False or before.prompt.asks is False
        ):
            yield Hindrance(0, Obstacle.not_asked, exact=True)
        if call.host is not None and before.host is not None and call.host != before.host:
            yield Hindrance(0, Obstacle.host, exact=True, certain=False)
        yield from self._lapsed()
        yield from self._not_begun()
        for place, divergence in enumerate(self.divergences):
            yield self._edit(divergence, first=place == 0)
        yield from self._far()
        yield from self._retimed()

    def _edit(self, divergence: Divergence, *, first: bool) -> Hindrance:
        """What an edit leaves readable: the deepest entry before it, of any call for the edit that
        comes first.
        """
        certain = divergence.certain
        if divergence.change is Change.set and divergence.kept == 0:
            return Hindrance(0, divergence=divergence, exact=True, certain=certain)
        deepest = max(self.live, key=lambda e: e.blocks, default=None) if first else None
        if self.left and not self.left[-1].anywhere:
            before = [e for e in self.left if e.blocks <= divergence.kept and self._alive(e)]
            entry = deepest or (before[-1] if before else None)
            if entry is None:
                return Hindrance(0, divergence=divergence, exact=True, certain=certain)
            return Hindrance(
                entry.tokens, divergence=divergence, exact=entry.exact, certain=certain
            )
        allows = max(self._position(divergence), deepest.tokens if deepest else 0)
        granular = self.rules.granularity
        return Hindrance(allows // granular * granular, divergence=divergence, certain=certain)

    def _position(self, divergence: Divergence) -> int:
        blocks = self.before.prompt.blocks
        if divergence.kept >= len(blocks):
            return self.was.total
        size = blocks[divergence.kept].size or 1
        return self.was.until(divergence.kept, min(1.0, divergence.kept_inside / size))

    def _lapsed(self) -> Iterator[Hindrance]:
        dead = [e for e in self.left if not self._alive(e)]
        if dead and dead[-1] is self.left[-1]:
            alive = [e for e in self.left if self._alive(e)]
            ttl = dead[-1].ttl
            allows = alive[-1].tokens if alive else 0
            yield Hindrance(
                allows,
                Obstacle.expired,
                exact=not alive or alive[-1].exact,
                lapsed=ttl.name if ttl else None,
            )

    def _not_begun(self) -> Iterator[Hindrance]:
        begun = self.before.began
        if self.rules.usable_when_begun and begun is not None and self.call.at < begun:
            earlier = max(
                (e for e in self.live if e.call != self.before.id),
                key=lambda e: e.blocks,
                default=None,
            )
            yield Hindrance(
                earlier.tokens if earlier else 0,
                Obstacle.not_begun,
                exact=earlier is None or earlier.exact,
            )

    def _far(self) -> Iterator[Hindrance]:
        """Entries that stand where this call's markers cannot find them, and markers that stand too
        early.
        """
        limit = reach(self.call, self.rules)
        if limit is None or not self.left:
            return
        last = self.left[-1]
        shared = self.divergences[0].kept if self.divergences else len(self.before.prompt.blocks)
        if last.blocks > shared:
            return
        reachable = [e for e in self.left if e.blocks <= limit and self._found(e)]
        if not reachable or reachable[-1].blocks < last.blocks:
            allows = reachable[-1].tokens if reachable else 0
            what = Obstacle.lookback if last.blocks <= limit else Obstacle.marker_early
            yield Hindrance(
                allows,
                what,
                exact=not reachable or reachable[-1].exact,
                positions=positions_between(self.call, self.rules, last.blocks),
            )

    def _found(self, entry: Entry) -> bool:
        positions = positions_between(self.call, self.rules, entry.blocks)
        return (
            positions is None
            or self.rules.lookback is None
            or positions <= self.rules.lookback.positions
        )

    def _retimed(self) -> Iterator[Hindrance]:
        """The same blocks marked with another lifetime."""
        was = [b.breakpoint for b in self.before.prompt.blocks if b.breakpoint]
        now = [b.breakpoint for b in self.call.prompt.blocks if b.breakpoint]
        if was and now and {b.ttl or "" for b in was} != {b.ttl or "" for b in now}:
            yield Hindrance(0, Obstacle.retimed, certain=False)

    def _binding(
        self, hindrances: Sequence[Hindrance], read: int, could: int, missed: int
    ) -> tuple[Hindrance, bool]:
        """The hindrance that accounts for most of the loss and that the numbers do not refute."""
        fits = [
            h for h in hindrances if self._fits(h, read) and could - h.allows > self.rules.slack
        ]
        for certain in (True, False):
            ranked = sorted((h for h in fits if h.certain is certain), key=_rank)
            if ranked and (could - ranked[0].allows) * 2 >= missed:
                best = ranked[0]
                return best, abs(best.allows - read) <= self._margin(best)
        hidden = self.before.prompt.unseen | self.call.prompt.unseen
        if hidden:
            return Hindrance(read, Obstacle.unseen), False
        return Hindrance(read, Obstacle.lost), not any(h.allows < could for h in hindrances)

    def _fits(self, hindrance: Hindrance, read: int) -> bool:
        return read <= hindrance.allows + self._margin(hindrance)

    def _margin(self, hindrance: Hindrance) -> int:
        slack = self.rules.slack + 1
        return (
            slack if hindrance.exact else slack + int(_ESTIMATE_ERROR * max(hindrance.allows, 200))
        )


def _rank(hindrance: Hindrance) -> tuple[int, int, int]:
    """What allows least comes first; among equals what stands earlier in the life of a request."""
    where = (
        list(Obstacle).index(hindrance.obstacle)
        if hindrance.obstacle is not None
        else len(Obstacle)
    )
    return (0 if hindrance.certain else 1, hindrance.allows, where)
