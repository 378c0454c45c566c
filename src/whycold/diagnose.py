"""From calls to diagnoses: link, compare, judge, name, price, grade. Pure: the same calls give the
same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from whycold import causes
from whycold.core.call import Call
from whycold.core.cause import Case, Cause, Evidence, Obstacle
from whycold.core.compare import compare
from whycold.core.cost import Rates, missed_cost
from whycold.core.culprit import fingerprint
from whycold.core.diagnosis import BlockCount, Diagnosis, Found, Reason, Verdict
from whycold.core.divergence import Divergence
from whycold.core.grade import grade, spoken
from whycold.core.judge import Judged, judge
from whycold.core.ledger import Ledger
from whycold.core.live_entries import entries, reach, sent_back
from whycold.core.predecessor import History, Link, Linked, placed
from whycold.core.prompt import Prompt, Section
from whycold.core.rounds import settled
from whycold.core.rules import CacheRules
from whycold.core.tokens import Counts
from whycold.core.wording import ruled_out, summary

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
    before: Call, after: Call, rules: RuleBook, prices: PriceList | None = None
) -> Diagnosis:
    """Diagnose one call against another that is known to be its predecessor."""
    rule = rules(after)
    before, was = settled(before, rule, judge(before, None, rules(before), (), None).counts)
    linked = Linked(before, Link.named)
    divergences = _divergences(linked, after, rule)
    limit, kept = reach(after, rule), divergences[0].kept if divergences else None
    same_cache = (before.provider, before.model) == (after.provider, after.model)
    live = tuple(
        e
        for e in entries(before, rule, was)
        if same_cache and e.readable(after.at) and _within(e.blocks, limit, kept)
    )
    judged = judge(after, linked, rule, divergences, was, live)
    return _told(after, linked, rule, judged, prices(after) if prices else None)


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
        others = self._others(call, linked, judged)
        left, counts = self._left[call.id] = settled(call, rules, judged.counts)
        self._ledger.remember(left, rules, counts, live)
        self._history.add(call)
        rates = self._prices(call) if self._prices else None
        return _told(call, linked, rules, judged, rates, others)

    def affected(self, late: Call) -> list[Call]:
        """Calls sent after ``late`` and taken before it, that may have reused what it left."""
        found = (call for call, _ in reversed(self._left.values()))
        recent = islice(found, _RECONSIDERED)
        return sorted((c for c in recent if _follows(c, late)), key=lambda c: c.order)

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


@dataclass(frozen=True)
class _Named:
    """A cause with its evidence and, for an edit, the divergence as it is told."""

    cause: Cause
    evidence: Evidence
    divergence: Divergence | None = None
    found: Found | None = None


def _named(case: Case) -> _Named:
    cause, evidence = causes.claim(case)
    d = case.divergence
    found = None
    if d is not None:
        title, code = evidence.title, cause.code
        found = Found(
            d.section, d.path, d.offset, d.before, d.after, code, evidence.expected, title
        )
    return _Named(cause, evidence, d, found)


def _told(
    call: Call,
    linked: Linked | None,
    rules: CacheRules,
    judged: Judged,
    rates: Rates | None,
    others: tuple[Call, ...] = (),
) -> Diagnosis:
    earlier = linked.call if linked is not None else None
    case = Case(
        call=call,
        predecessor=earlier,
        rules=rules,
        divergences=judged.divergences,
        gap=judged.gap,
        reusable=judged.reusable,
        read=call.usage.cache_read,
        others=others,
    )
    edits = tuple(_named(replace(case, divergence=d)) for d in judged.divergences)
    main = _main(case, judged, edits)
    reason = _reason(judged, main)
    said = spoken(call)
    told = Diagnosis(
        call=call.id,
        at=call.at,
        api=call.api,
        provider=call.provider,
        model=call.model or call.reply.model,
        verdict=judged.verdict,
        summary="",
        usage=call.usage,
        reason=reason,
        cause=main.cause.code if main else None,
        grade=grade(call, judged.verdict, reason, judged.divergences, predicted=judged.predicted),
        title=main.evidence.title if main else None,
        advice=(main.evidence.advice or main.cause.advice) if main else None,
        expected=main.evidence.expected if main else False,
        message_id=call.reply.message_id,
        request_id=call.request_id,
        project=call.project,
        session=call.session,
        agent=call.agent,
        release=call.release,
        predecessor=earlier.id if earlier else None,
        predecessor_message_id=earlier.reply.message_id if earlier else None,
        divergences=tuple(e.found for e in edits if e.found is not None),
        missed_tokens=judged.missed,
        missed_cost_usd=missed_cost(judged.missed, call.usage, rates) if rates else None,
        at_stake_tokens=judged.at_stake,
        reusable_tokens=judged.reusable,
        broke_at=judged.broke_at,
        gap=judged.gap,
        provider_reason=said.reason if said else None,
        blocks=_blocks(call, judged.counts),
        ruled_out=ruled_out(call, judged) if reason is Reason.unexplained else (),
        opaque=call.prompt.opaque,
        fingerprint=fingerprint(call.project, main.cause.code, main.divergence) if main else None,
    )
    return replace(told, summary=summary(told))


def _main(case: Case, judged: Judged, edits: Sequence[_Named]) -> _Named | None:
    """What is told as the cause: what accounts for the loss, else the first edit there is."""
    if case.call.reply.error is not None:
        first = edits[0] if edits else None
        d, found = (first.divergence, first.found) if first is not None else (None, None)
        refused = causes.claims(replace(case, obstacle=Obstacle.rejected, divergence=d))
        if refused:
            return _Named(*refused[0], d, found)
    why = judged.why
    if why is not None and why.divergence is None:
        return _named(
            replace(case, obstacle=why.obstacle, lapsed=why.lapsed, positions=why.positions)
        )
    for edit in edits:
        if why is not None and edit.divergence is why.divergence:
            return edit
    return edits[0] if edits else None


def _reason(judged: Judged, main: _Named | None) -> Reason | None:
    if main is None or judged.verdict in (Verdict.hit, Verdict.first):
        return None
    return main.evidence.reason or main.cause.reason


def _blocks(call: Call, counts: Counts) -> tuple[BlockCount, ...]:
    read = call.usage.cache_read
    return tuple(
        BlockCount(
            section=block.section,
            path=block.path,
            name=block.name,
            role=block.role,
            tokens=tokens,
            cached=None if read is None else end <= read,
            breakpoint=(block.breakpoint.ttl or "default") if block.breakpoint else None,
        )
        for block, tokens, end in zip(
            call.prompt.blocks, counts.per_block, counts.ends, strict=True
        )
    )
