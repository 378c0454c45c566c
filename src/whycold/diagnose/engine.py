"""From calls to diagnoses: link, compare, judge, name, price, grade. Pure: the same calls give the
same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from itertools import islice

from whycold.core.call import Call
from whycold.core.cause import Obstacle
from whycold.core.compare import compare
from whycold.core.cost import Rates
from whycold.core.diagnosis import Diagnosis
from whycold.core.divergence import Divergence
from whycold.core.judge import Judged, judge
from whycold.core.ledger import Ledger, scope
from whycold.core.live_entries import entries, reach, sent_back
from whycold.core.predecessor import History, Link, Linked, placed
from whycold.core.prompt import Prompt, Section
from whycold.core.rounds import settled
from whycold.core.rules import CacheRules
from whycold.core.tokens import Counts
from whycold.diagnose.telling import told

__all__ = ["Engine", "PriceList", "RuleBook", "diagnose", "diagnose_pair"]

RuleBook = Callable[[Call], CacheRules]
"""The cache rules that hold for a call."""
PriceList = Callable[[Call], Rates | None]
"""USD per token for a call at its own time; None for a model without a known price."""
_RECONSIDERED = 256
"""How many of the latest calls are looked at when one comes late."""


def diagnose(
    calls: Iterable[Call], rules: RuleBook, prices: PriceList | None = None
) -> list[Diagnosis]:
    """Diagnose calls, in time order; the order in which they are given does not matter."""
    engine = Engine(rules, prices)
    return [engine.take(call) for call in sorted(calls, key=lambda c: c.order)]


def diagnose_pair(
    before: Call,
    after: Call,
    rules: RuleBook,
    prices: PriceList | None = None,
    *,
    dated: bool = True,
) -> Diagnosis:
    """Diagnose one call against another that is known to be its predecessor; with ``dated`` false,
    nothing is said of the time between them.

    What the server keeps is put in front of both, or marked unseen where it was not recorded.
    """
    rule = rules(after)
    history = History()
    before = history.resolve(before)
    if after.prompt.links.continues is not None:
        history.add(before)
    after = history.resolve(after)
    before, was = settled(before, rule, judge(before, None, rules(before), (), None).counts)
    linked = Linked(before, Link.named)
    divergences = _divergences(linked, after, rule)
    limit, kept = reach(after, rule), divergences[0].kept if divergences else None
    same_cache = scope(before) == scope(after)
    live = tuple(
        e
        for e in entries(before, rule, was)
        if same_cache and e.readable(after.at) and _within(e.blocks, limit, kept)
    )
    judged = judge(after, linked, rule, divergences, was, live)
    if not dated:
        judged = replace(judged, gap=None)
    return told(after, linked, rule, judged, prices(after) if prices else None)


def _within(blocks: int, *limits: int | None) -> bool:
    return all(limit is None or blocks <= limit for limit in limits)


class Engine:
    """What is known of the calls so far.

    ``take`` each call, as far as possible in the order of ``Call.order``. One that comes late is
    held against older calls only; take those again that ``affected`` names, and the diagnoses are
    the same as if it had come in time. ``forget`` bounds what is remembered.
    """

    def __init__(self, rules: RuleBook, prices: PriceList | None = None) -> None:
        self._rules, self._prices = rules, prices
        self._history, self._ledger = History(), Ledger()
        self._left: dict[str, tuple[Call, Counts]] = {}

    def take(self, call: Call) -> Diagnosis:
        """Diagnose a call against all taken before it."""
        rules = self._rules(call)
        call = self._history.resolve(call)
        linked, was = self._linked(call)
        divergences = _divergences(linked, call, rules) if linked is not None else ()
        live = self._ledger.live(call, rules)
        refreshed = (
            self._ledger.refreshed(linked.call, self._rules(linked.call))
            if linked is not None
            else None
        )
        judged = judge(call, linked, rules, divergences, was, live, refreshed)
        if linked is not None and (_undated(call) or _undated(linked.call)):
            judged = replace(judged, gap=None)
        others = self._others(call, linked, judged)
        left, counts = self._left[call.id] = settled(call, rules, judged.counts)
        self._ledger.remember(left, rules, counts, live)
        self._history.add(call)
        rates = self._prices(call) if self._prices else None
        return told(call, linked, rules, judged, rates, others)

    def affected(self, late: Call) -> list[Call]:
        """Calls sent after ``late`` and taken before it, that may have reused what it left."""
        found = (call for call, _ in reversed(self._left.values()))
        recent = islice(found, _RECONSIDERED)
        return sorted((c for c in recent if _follows(c, late)), key=lambda c: c.order)

    def drop(self, id: str) -> None:
        """Know a call no longer, for it turned out to be another one; what it left in the cache
        stays there.
        """
        if (found := self._left.pop(id, None)) is not None:
            self._history.forget(found[0])

    def forget(self, before: datetime, most: int) -> int:
        """Let go of calls sent before that time, and of the oldest beyond ``most``; how many."""
        gone = 0
        for id, (call, _) in list(self._left.items()):
            if call.at >= before and len(self._left) <= most:
                break
            self._history.forget(call)
            del self._left[id]
            gone += 1
        self._ledger.forget(before)
        return gone

    def _linked(self, call: Call) -> tuple[Linked | None, Counts | None]:
        """The predecessor as it left the cache, with its counts."""
        linked = self._history.predecessor(call)
        if linked is None:
            return None, None
        left, was = self._left[linked.call.id]
        return replace(linked, call=left), was

    def _others(self, call: Call, linked: Linked | None, judged: Judged) -> tuple[Call, ...]:
        """Calls that came in between, where they may have pushed out what was lost."""
        lost = judged.why is not None and judged.why.obstacle is Obstacle.lost
        return self._ledger.others(call, linked.call) if lost and linked is not None else ()


def _undated(call: Call) -> bool:
    return call.prompt.links.undated


def _follows(call: Call, late: Call) -> bool:
    related = call.prompt.chain[:1] == late.prompt.chain[:1] or (
        late.session is not None and call.session == late.session
    )
    return call.order > late.order and call.api == late.api and related


def _divergences(linked: Linked, call: Call, rules: CacheRules) -> tuple[Divergence, ...]:
    found = compare(_sent(linked, call, rules), call.prompt, rules)
    if linked.link is Link.opened:
        # another conversation: only tools and system were owed
        return tuple(d for d in found if d.section is not Section.messages)
    return found


def _sent(linked: Linked, call: Call, rules: CacheRules) -> Prompt:
    """What the predecessor put into the cache: its prompt and, where generated tokens are kept, its
    reply.
    """
    before, reply = linked.call.prompt, linked.call.reply.blocks
    first = sent_back(call, linked.call) if rules.keeps_reply else None
    if first is None:
        return before
    return before.with_blocks((*before.blocks, *placed(reply, first)))
