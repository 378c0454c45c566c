"""What stood between what the predecessor left in the cache and what a call could read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from whycold.core.call import Call
from whycold.core.cause import Obstacle
from whycold.core.divergence import Change, Divergence
from whycold.core.live_entries import Entry, entries, sent_back, unheard, unmarked
from whycold.core.predecessor import Link, Linked
from whycold.core.prompt import Section
from whycold.core.rules import CacheRules
from whycold.core.tokens import Counts

__all__ = ["LONGEST_MINIMUM", "Hindrance", "Scene"]

LONGEST_MINIMUM = 8192
"""Tokens that no provider asks for at least; stands in for a minimum that is not known."""
_WORTH_A_MARKER = 1024
"""Repeated tokens behind the last marker from which a later marker would have paid."""
_WORTH_A_SHARE = 0.2
"""And the share of the prompt that they must be."""


@dataclass(frozen=True, slots=True)
class Hindrance:
    """One thing that limits what can be read to ``allows`` tokens: an edit (``divergence``) or an
    ``obstacle``.

    ``exact`` is false when ``allows`` is an estimate, ``certain`` when the provider's rules leave
    the effect open. ``lapses`` are lifetimes that ran out, each with the tokens under it.
    ``bound``: it may as well have been less, since what stands before, or where it was marked, is
    not recorded.
    """

    allows: int
    obstacle: Obstacle | None = None
    divergence: Divergence | None = None
    exact: bool = False
    certain: bool = True
    lapses: tuple[tuple[str, int], ...] = ()
    positions: int | None = None
    bound: bool = False


class Scene:
    """One call beside its predecessor.

    ``reusable`` is what the predecessor left for it, in tokens, ``exact`` whether that was counted.
    ``live`` are entries of any call whose prefix this call shares and that it could read;
    ``refreshed`` maps a number of the predecessor's leading blocks to their entry as last used.
    ``left`` are the predecessor's own entries, ``deepest`` the longest of the live ones.
    ``potential`` is what would be reusable with a later marker, None where that would not pay.
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
        self.deepest = max(live, key=lambda e: e.blocks, default=None)
        self.left = entries(linked.call, rules, was)
        self.potential = self._behind_the_marker()
        self.reusable, self.exact = self._reuse()

    def _reuse(self) -> tuple[int, bool]:
        """Tokens that the predecessor left for this call, and whether they were counted."""
        if self.link is Link.opened:
            return self._opening()
        if self.left and self.another_account and not self.alive(self.left[-1]):
            # too late even for its own account
            return 0, True
        if self.left:
            if self._counted_in_loops():
                within = min(self.left[-1].blocks, len(self.counts.per_block))
                return self.counts.until(within), False
            if self.potential is not None:
                return self.potential, self.was.reported
            return self._with_reply(self.left[-1])
        if self._could_have_left():
            return self.was.total, self.was.reported
        return 0, True

    @property
    def another_account(self) -> bool:
        """Whether the predecessor was made with another account, key or workspace."""
        now, was = self.call.account, self.before.account
        return now is not None and was is not None and now != was

    def _counted_in_loops(self) -> bool:
        """Whether the predecessor's counts are sums over the turns of server tools.

        Its prompt is the beginning of this one and still counted more tokens.
        """
        now, was = self.call.usage.input, self.before.usage.input
        grown = not self.divergences and self.link in (Link.grown, Link.named)
        return grown and now is not None and was is not None and was > now

    def _behind_the_marker(self) -> int | None:
        """Tokens that repeat, where the predecessor's last marker stands early among them."""
        going_on = self.link in (Link.grown, Link.named) and not self.divergences
        if not self.left or self.left[-1].anywhere or not self.before.prompt.asks or not going_on:
            return None
        total = self.was.total
        worth = self.was.reported and self.pays(total - self.left[-1].tokens)
        return total if worth else None

    def pays(self, tokens: int) -> bool:
        """Whether a marker behind so many more repeated tokens would have been worth setting."""
        return tokens >= max(_WORTH_A_MARKER, int(_WORTH_A_SHARE * self.was.total))

    def _with_reply(self, last: Entry) -> tuple[int, bool]:
        """Local engines keep what they generated, but for the last token."""
        output = self.before.usage.output
        kept = self.rules.keeps_reply and sent_back(self.call, self.before) is not None
        if kept and last.anywhere and output:
            return last.tokens + output - 1, last.exact
        granular = self.rules.granularity
        return last.tokens // granular * granular if last.anywhere else last.tokens, last.exact

    def _opening(self) -> tuple[int, bool]:
        """What another conversation's tools and system left."""
        end = sum(1 for b in self.before.prompt.blocks if b.section is not Section.messages)
        best = [e for e in self.left if e.anywhere or e.blocks <= end]
        if not best or not self.alive(best[-1]):
            return 0, True
        blocks = min(best[-1].blocks, end)
        tokens = self.was.until(blocks)
        if self.rules.minimum is not None and tokens < self.rules.minimum:
            return 0, True
        return tokens // self.rules.granularity * self.rules.granularity, self.was.is_exact(blocks)

    def _could_have_left(self) -> bool:
        """Whether the predecessor left nothing only because of how it asked, or was heard."""
        before, least = self.before, self.rules.minimum
        if least is None and unheard(before):
            # too short for all that is known, and no entry was promised
            least = LONGEST_MINIMUM
        return (
            (before.prompt.asks is False or unheard(before))
            and Section.messages not in before.prompt.unseen
            and before.reply.error is None
            and (least is None or self.was.total >= least)
        )

    def alive(self, entry: Entry) -> bool:
        """Whether an entry of the predecessor had not expired, by its own time or its last use."""
        latest = self.refreshed.get(entry.blocks, entry)
        return entry.alive(self.call.at) or latest.alive(self.call.at)

    def edits(self) -> Iterator[Hindrance]:
        """What each divergence leaves readable; first that of an explicit cache, which holds the
        tools and system that are sent without it.
        """
        placed = sorted(enumerate(self.divergences), key=lambda d: not d[1].explicit_cache)
        for place, divergence in placed:
            yield self._edit(divergence, first=place == 0)

    def _edit(self, divergence: Divergence, *, first: bool) -> Hindrance:
        """What an edit leaves readable: the deepest entry before it, of any call for the edit that
        comes first.
        """
        certain = divergence.certain
        deepest = self.deepest if first else None
        hidden = unmarked(self.before, self.rules)
        if self.left and not self.left[-1].anywhere and not hidden:
            before = [e for e in self.left if e.blocks <= divergence.kept and self.alive(e)]
            entry = deepest or (before[-1] if before else None)
            older = self.older(self.position(divergence))
            if entry is None or entry.tokens < older:
                return Hindrance(older, divergence=divergence, exact=True, certain=certain)
            return Hindrance(
                entry.tokens, divergence=divergence, exact=entry.exact, certain=certain
            )
        allows = max(self.position(divergence), deepest.tokens if deepest else 0)
        granular = self.rules.granularity
        return Hindrance(
            allows // granular * granular,
            divergence=divergence,
            exact=allows == 0 and divergence.change is Change.set,
            certain=certain,
            # tools and system are marked, too: an edit of messages leaves some of them
            bound=hidden and bool(divergence.setting or self.call.usage.cache_read),
        )

    def older(self, until: int) -> int:
        """Tokens that the predecessor read from an entry that ends before ``until``.

        Who wrote it may not be recorded; the read shows that it was there, and kept it alive for as
        long as the last marker asks for.
        """
        read = self.before.usage.cache_read or 0
        marks = [block.breakpoint for block in self.before.prompt.blocks if block.breakpoint]
        ttl = self.rules.ttl(marks[-1].ttl if marks else None)
        alive = ttl is None or self.gap <= ttl.lifetime
        return read if alive and read <= until else 0

    def position(self, divergence: Divergence) -> int:
        """The token at which the predecessor's prompt parts from this one."""
        blocks = self.before.prompt.blocks
        if divergence.kept >= len(blocks):
            return self.was.total
        size = blocks[divergence.kept].size or 1
        return self.was.until(divergence.kept, min(1.0, divergence.kept_inside / size))
