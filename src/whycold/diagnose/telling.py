"""A judged call put into words: every edit named, the cause, the price, how sure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from whycold import causes
from whycold.core.call import Call
from whycold.core.cause import Case, Cause, Evidence, Obstacle
from whycold.core.cost import Rates, missed_cost
from whycold.core.culprit import fingerprint
from whycold.core.diagnosis import BlockCount, Diagnosis, Found, Reason, Verdict
from whycold.core.divergence import Divergence
from whycold.core.grade import asked_elsewhere, grade, spoken
from whycold.core.judge import Judged
from whycold.core.predecessor import Linked
from whycold.core.prompt import Section
from whycold.core.rules import CacheRules
from whycold.core.tokens import Counts
from whycold.core.wording import ruled_out, summary

__all__ = ["told"]

_SAID_SO = frozenset({Obstacle.altered, Obstacle.attested})
"""What only the response itself tells of."""
_BEFORE = (Section.tools, Section.system, Section.messages)


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
        found = Found(
            section=d.section,
            path=d.path,
            offset=d.offset,
            before=d.before,
            after=d.after,
            cause=cause.code,
            expected=evidence.expected,
            title=evidence.title,
            rest=d.rest,
        )
    return _Named(cause, evidence, d, found)


def told(
    call: Call,
    linked: Linked | None,
    rules: CacheRules,
    judged: Judged,
    rates: Rates | None,
    others: tuple[Call, ...] = (),
) -> Diagnosis:
    """All that is said of a judged call; ``others`` are calls that came in between."""
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
        opening=judged.counts.opening or None,
    )
    edits = tuple(_named(replace(case, divergence=d)) for d in judged.divergences)
    main = _main(case, judged, edits)
    found = _facts(call, earlier, judged)
    if main is not None:
        found = _with_cause(found, case, judged, main)
    found = replace(
        found,
        grade=grade(
            call,
            judged.verdict,
            found.reason,
            judged.divergences,
            predicted=judged.predicted,
            elsewhere=asked_elsewhere(call, earlier),
            told=judged.why is not None and judged.why.obstacle in _SAID_SO,
        ),
        divergences=tuple(e.found for e in edits if e.found is not None),
        missed_cost_usd=_cost(judged, call, rates),
    )
    return replace(found, summary=summary(found))


def _cost(judged: Judged, call: Call, rates: Rates | None) -> Decimal | None:
    if rates is None or judged.verdict is Verdict.unknown:
        return None
    return missed_cost(judged.missed, call.usage, rates)


def _with_cause(found: Diagnosis, case: Case, judged: Judged, main: _Named) -> Diagnosis:
    reason = _reason(judged, main)
    return replace(
        found,
        reason=reason,
        cause=main.cause.code,
        title=main.evidence.title,
        advice=main.evidence.advice or main.cause.advice,
        expected=main.evidence.expected,
        ruled_out=ruled_out(case.call, case.predecessor, judged)
        if reason is Reason.unexplained
        else (),
        fingerprint=fingerprint(case.call.project, main.cause.code, main.divergence),
    )


def _facts(call: Call, earlier: Call | None, judged: Judged) -> Diagnosis:
    """What needs no cause: who, when, how much."""
    said = spoken(call)
    return Diagnosis(
        call=call.id,
        at=call.at,
        api=call.api,
        provider=call.provider,
        model=call.model or call.reply.model,
        verdict=judged.verdict,
        summary="",
        usage=call.usage,
        message_id=call.reply.message_id,
        request_id=call.request_id,
        project=call.project,
        session=call.session,
        agent=call.agent,
        release=call.release,
        predecessor=earlier.id if earlier else None,
        predecessor_message_id=earlier.reply.message_id if earlier else None,
        missed_tokens=judged.missed,
        at_stake_tokens=judged.at_stake,
        reusable_tokens=judged.reusable,
        broke_at=judged.broke_at,
        gap=judged.gap,
        provider_reason=said.reason if said else None,
        blocks=_blocks(call, judged.counts),
        opaque=call.prompt.opaque,
    )


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
            replace(case, obstacle=why.obstacle, lapses=why.lapses, positions=why.positions)
        )
    for edit in edits:
        if why is not None and edit.divergence is why.divergence:
            return edit
    return edits[0] if edits else None


def _reason(judged: Judged, main: _Named) -> Reason | None:
    if judged.verdict in (Verdict.hit, Verdict.first):
        return None
    return main.evidence.reason or main.cause.reason


def _blocks(call: Call, counts: Counts) -> tuple[BlockCount, ...]:
    return (*_opening(call, counts), *_recorded(call, counts))


def _opening(call: Call, counts: Counts) -> Iterator[BlockCount]:
    """What stands before the first block and is not recorded, as one block."""
    read = call.usage.cache_read
    hidden = [section for section in _BEFORE if section in call.prompt.unseen]
    if counts.opening:
        yield BlockCount(
            section=hidden[0],
            path=f"({', '.join(hidden)}: not recorded)",
            name=None,
            role=None,
            tokens=counts.opening,
            cached=None if read is None else counts.opening <= read,
            breakpoint=None,
        )


def _recorded(call: Call, counts: Counts) -> tuple[BlockCount, ...]:
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
