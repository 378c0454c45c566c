"""What stood between what the predecessor left in the cache and what a call could read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from whycold.core.call import Call
from whycold.core.cause import Obstacle
from whycold.core.divergence import Change, Divergence
from whycold.core.live_entries import Entry, entries, positions_between, reach, sent_back
from whycold.core.predecessor import Link, Linked
from whycold.core.prompt import Section
from whycold.core.rules import CacheRules, OptIn
from whycold.core.tokens import Counts

__all__ = ["Hindrance", "Scene"]

_WORTH_A_MARKER = 1024
"""Repeated tokens behind the last marker from which a later marker would have paid."""
_WORTH_A_SHARE = 0.2
"""And the share of the prompt that they must be."""


@dataclass(frozen=True, slots=True)
class Hindrance:
    """One thing that limits what can be read to ``allows`` tokens: an edit (``divergence``) or an
    ``obstacle``.

    ``exact`` is false when ``allows`` is an estimate, ``certain`` when the provider's rules leave
    the effect open.
    """

    allows: int
    obstacle: Obstacle | None = None
    divergence: Divergence | None = None
    exact: bool = False
    certain: bool = True
    lapsed: str | None = None
    positions: int | None = None


class Scene:
    """One call beside its predecessor.

    ``reusable`` is what the predecessor left for it, in tokens, ``exact`` whether that was counted.
    ``live`` are entries of any call whose prefix this call shares and that it could read;
    ``refreshed`` maps a number of the predecessor's leading blocks to their entry as last used.
    """

    def __init__(
        self,
        call: Call,
        linked: Linked,
        rules: CacheRules,
        divergences: tuple[Divergence, ...],
        was: Counts,
        counts: Counts,
        live: tuple[Entry, ...],
        refreshed: Mapping[int, Entry],
    ) -> None:
        self.call, self.before, self.link = call, linked.call, linked.link
        self.rules, self.divergences, self.was, self.counts = rules, divergences, was, counts
        self.live, self.refreshed = live, refreshed
        self.gap = call.at - linked.call.at
        self.left = entries(linked.call, rules, was)
        self.reusable, self.exact = self._reuse()

    def _reuse(self) -> tuple[int, bool]:
        """Tokens that the predecessor left for this call, and whether they were counted."""
        if self.link is Link.opened:
            return self._opening()
        if self.left:
            if self._counted_in_loops():
                within = min(self.left[-1].blocks, len(self.counts.per_block))
                return self.counts.until(within), False
            if (potential := self._behind_the_marker()) is not None:
                return potential, self.was.reported
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

    def _behind_the_marker(self) -> int | None:
        """Tokens that repeat, where the predecessor's last marker stands early among them."""
        last, asked = self.left[-1], self.before.prompt.asks
        if last.anywhere or not asked or self.link is not Link.grown or self.divergences:
            return None
        total = self.was.total
        unmarked = total - last.tokens
        worth = max(_WORTH_A_MARKER, int(_WORTH_A_SHARE * total))
        return total if self.was.reported and unmarked >= worth else None

    def _with_reply(self, last: Entry) -> tuple[int, bool]:
        """Local engines keep what they generated, but for the last token."""
        output = self.before.usage.output
        kept = self.rules.keeps_reply and sent_back(self.call, self.before)
        if kept and last.anywhere and output:
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
        latest = self.refreshed.get(entry.blocks, entry)
        return entry.alive(self.call.at) or latest.alive(self.call.at)

    def hindrances(self) -> Iterator[Hindrance]:
        """Everything that limits what can be read, whether or not it accounts for the loss."""
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
        if self.left and self._behind_the_marker() is not None:
            yield Hindrance(self.left[-1].tokens, Obstacle.marker_early, exact=True)
        yield from self._far()
        yield from self._retimed()
        yield from self._rerendered()

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
        allows = max(self.position(divergence), deepest.tokens if deepest else 0)
        granular = self.rules.granularity
        return Hindrance(allows // granular * granular, divergence=divergence, certain=certain)

    def position(self, divergence: Divergence) -> int:
        """The token at which the predecessor's prompt parts from this one."""
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

    def _rerendered(self) -> Iterator[Hindrance]:
        """Only the reply was not read: the engine renders what comes back unlike what it wrote.

        Where the client changed it, that is a divergence of its own.
        """
        if self.rules.keeps_reply and not self.divergences and self.reusable > self.was.total:
            yield Hindrance(self.was.total, Obstacle.rerendered, exact=True, certain=False)
