"""Which cause a loss without an edit belongs to: one answer for every obstacle.

All causes of this family ask here, so that no two of them claim the same case.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from whycold.causes.limits.sayings import COMPACTED
from whycold.core.call import Call
from whycold.core.cause import Case, Cause, Evidence, Obstacle
from whycold.core.grade import attested
from whycold.core.prompt import Block
from whycold.core.rules import OptIn, Ttl

__all__ = ["LimitCause", "asked_ttl", "crowd", "last_marked", "owner", "span"]

_OWNERS: Mapping[Obstacle, str] = {
    Obstacle.account: "account-changed",
    Obstacle.too_short: "too-short",
    Obstacle.ignored: "markers-dropped",
    Obstacle.host: "host-changed",
    Obstacle.other_model: "model-substituted",
    Obstacle.not_begun: "concurrent",
    Obstacle.lookback: "lookback-exceeded",
    Obstacle.marker_early: "breakpoint-early",
    Obstacle.marker_moves: "breakpoint-moving",
    Obstacle.retimed: "ttl-changed",
    Obstacle.altered: "thinking-dropped-by-provider",
}
_CROWD = 15
"""Requests a minute under one key from which OpenAI spreads them over several machines (OpenAI
guide Prompt caching, 2026-11-23).
"""
_MINUTE = timedelta(minutes=1)


class LimitCause(Cause):
    """A cause of this family: subclasses say what happened once the case is theirs."""

    def explains(self, case: Case) -> Evidence | None:
        """The evidence when ``owner`` names this cause."""
        return self.tell(case) if owner(case) == self.code else None

    def tell(self, case: Case) -> Evidence:
        """What is said of a case that is this cause's."""
        raise NotImplementedError


def owner(case: Case) -> str | None:
    """The code of the cause that claims the case; None for edits and for what nothing proves."""
    match case.obstacle:
        case None:
            return None
        case Obstacle.expired:
            return _expired(case)
        case Obstacle.not_asked:
            return "breakpoint-missing" if case.rules.opt_in is OptIn.explicit else None
        case Obstacle.rejected:
            return "too-many-breakpoints" if _has_too_many(case) else None
        case Obstacle.attested:
            return "compacted-by-provider" if _is_compacted(case) else "told-by-provider"
        case Obstacle.unseen:
            return "compacted-by-provider" if _is_compacted(case) else "unseen-change"
        case Obstacle.lost:
            return _lost(case)
        case obstacle:
            return _OWNERS.get(obstacle)


def _expired(case: Case) -> str:
    lapsed, asked = case.rules.ttl(case.lapsed), asked_ttl(case)
    shorter = lapsed is not None and asked is not None and lapsed.lifetime < asked.lifetime
    return "ttl-downgraded" if shorter else "expired"


def asked_ttl(case: Case) -> Ttl | None:
    """The lifetime that the last marker of the predecessor asked for, None without a marker."""
    marked = last_marked(case.predecessor)
    if marked is None or marked.breakpoint is None:
        return None
    return case.rules.ttl(marked.breakpoint.ttl)


def last_marked(call: Call | None) -> Block | None:
    """The last block that carries a marker, None without one."""
    if call is None or not call.prompt.breakpoints:
        return None
    return call.prompt.blocks[call.prompt.breakpoints[-1]]


def _has_too_many(case: Case) -> bool:
    """Whether there are more markers than the provider takes, and it says so."""
    error, most = case.call.reply.error, case.rules.max_breakpoints
    return (
        error is not None
        and most is not None
        and len(case.call.prompt.breakpoints) > most
        and ("cache_control" in error.message or "cachePoint" in error.message)
    )


def _is_compacted(case: Case) -> bool:
    """Whether the provider says that it made the context shorter."""
    before = case.predecessor
    return before is not None and attested(case.call, before, case.divergences) == COMPACTED


def _lost(case: Case) -> str | None:
    """Whose fault it is that an unchanged prefix was not read; None where something may differ."""
    if not _same_prefix(case) or not _was_kept(case) or _may_overlap(case):
        return None
    if case.rules.slots:
        return "slot-taken" if case.others else "evicted"
    return "cache-key-crowded" if crowd(case) >= _CROWD else "evicted"


def _same_prefix(case: Case) -> bool:
    """Whether an unchanged prefix accounts for the loss: what no edit touches was not read.

    Edits that account for most of a loss are its cause; where nothing at all was read in spite of a
    late one, more than half of what is lost stands before it.
    """
    marked = case.predecessor.prompt.breakpoints if case.predecessor is not None else ()
    behind = bool(marked) and bool(case.divergences) and case.divergences[0].kept > marked[-1]
    return not case.divergences or behind or case.read == 0


def _was_kept(case: Case) -> bool:
    """Whether the predecessor's entry is known to have been there, as far as that is reported."""
    if case.predecessor is None or case.rules.reports_write is not True:
        return case.predecessor is not None
    if case.rules.opt_in is OptIn.both and not case.predecessor.prompt.breakpoints:
        # only what was marked is reported as written; the rest is cached without a word
        return True
    usage = case.predecessor.usage
    return bool(usage.cache_write or usage.cache_read)


def _may_overlap(case: Case) -> bool:
    """Whether the predecessor may not have been answered yet: nobody saw, and it was just sent."""
    before, call = case.predecessor, case.call
    if before is None or before.began is not None or case.gap is None or case.gap > _MINUTE:
        return False
    behind = call.prompt.blocks[len(before.prompt.blocks) :]
    return not behind or behind[0].role != "assistant"


def crowd(case: Case) -> int:
    """Other calls with the same routing key in the minute before, where the key is a hint only."""
    key = case.call.prompt.links.cache_key
    if key is None or not case.rules.best_effort:
        return 0
    since = case.call.at - _MINUTE
    return sum(c.at >= since and c.prompt.links.cache_key == key for c in case.others)


def span(time: timedelta) -> str:
    """A time span in words: ``0.4 s``, ``40 s``, ``4 min 59 s``, ``17 min``, ``3 h``, ``2 days``.

    Below ten minutes seconds count: lifetimes of five minutes are missed by a few of them.
    """
    seconds = time.total_seconds()
    if seconds < 10 and seconds % 1:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 600 and (rest := round(seconds) % 60):
        return f"{round(seconds) // 60} min {rest} s"
    if seconds < 100 * 60 and seconds % 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"
