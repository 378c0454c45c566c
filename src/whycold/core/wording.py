"""The one sentence about a call, and what was ruled out when nothing explains a loss."""

from __future__ import annotations

from decimal import Decimal

from whycold.core.call import Call
from whycold.core.diagnosis import Diagnosis, Verdict
from whycold.core.judge import Judged
from whycold.core.live_entries import unheard
from whycold.core.numbers import exact, span, usd

__all__ = ["ruled_out", "shortened", "summary"]

_LONGEST_PATH = 100


def summary(told: Diagnosis) -> str:
    """What changed, where, and how many tokens and dollars it cost."""
    match told.verdict:
        case Verdict.hit:
            return _hit(told)
        case Verdict.first:
            return _first(told)
        case Verdict.uncacheable:
            return _uncacheable(told)
        case Verdict.unknown:
            return _unknown(told)
        case Verdict.miss | Verdict.partial:
            return _lost(told)


def ruled_out(call: Call, before: Call | None, judged: Judged) -> tuple[str, ...]:
    """What was looked at and found in order, for a loss without a cause, ``before`` being the
    predecessor.
    """
    out = [
        "the prompt begins with all of its predecessor's"
        if not judged.divergences
        else "the edits found lie behind what was read"
    ]
    if before is not None and unheard(before):
        out.append("the call before asked for caching, and no entry was reported as written")
    elif judged.gap is not None:
        age = span(judged.gap.total_seconds())
        out.append(f"the entry was {age} old and should still have been there")
    if call.prompt.asks:
        out.append("the marker can reach the entry")
    out.append(
        "model, account and settings are the same"
        if not judged.divergences
        else "model and account are the same"
    )
    return tuple(out)


def shortened(text: str, most: int) -> str:
    """At most so many characters of a text: its beginning and its end."""
    if len(text) <= most:
        return text
    end = (most - 1) // 3
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def _lost(told: Diagnosis) -> str:
    """Tokens that were charged, or on an engine of one's own computed, a second time."""
    could = _readable(told)
    if could is None or could < told.missed_tokens:
        what = f"{exact(told.missed_tokens)} tokens"
    elif could == told.missed_tokens:
        what = f"All {exact(could)} tokens"
    else:
        what = f"{exact(told.missed_tokens)} of {exact(could)} tokens"
    again = f"{what} that could have been read from the cache were {_again(told.missed_cost_usd)}"
    why = f": {told.title}{_where(told)}." if told.title else ", and nothing recorded explains it."
    return again + why + (" The client meant to do this." if told.expected else "")


def _readable(told: Diagnosis) -> int | None:
    """Tokens that the cache held and that this prompt had a use for."""
    left, total = told.reusable_tokens, told.usage.input
    return left if left is None or total is None else min(left, total)


def _again(cost: Decimal | None) -> str:
    if cost is None:
        return "processed again"
    return f"paid for again, {usd(cost)} more than reading them"


def _hit(told: Diagnosis) -> str:
    read, total = told.usage.cache_read, told.usage.input
    if read is None or total is None:
        return f"Nothing that could have been read from the cache was lost{_though(told)}."
    kept = f"{exact(read)} of {exact(total)} input tokens were read from the cache"
    could = _readable(told)
    if could is None:
        return f"{kept}{_though(told)}."
    if read < could:
        return f"{kept}, nearly all of the {exact(could)} that could be{_though(told)}."
    return f"{kept}, all that could be{_though(told)}."


def _first(told: Diagnosis) -> str:
    if told.predecessor is None:
        return "The first call of its kind: nothing in the cache could have been reused."
    return (
        "Nothing was lost: the earlier call left nothing in the cache that this one could have "
        f"read{_though(told)}."
    )


def _though(told: Diagnosis) -> str:
    """A change that cost nothing this time."""
    return f", although {told.title}{_where(told)}" if told.title and told.divergences else ""


def _uncacheable(told: Diagnosis) -> str:
    total = f" of {exact(told.usage.input)} tokens" if told.usage.input is not None else ""
    return f"This prompt{total} cannot be cached{f': {told.title}' if told.title else ''}."


def _unknown(told: Diagnosis) -> str:
    recorded = told.usage.input is not None
    unsure = (
        "The provider did not report how many tokens were read."
        if recorded
        else "No usage is recorded, so token counts are estimates."
    )
    if told.predecessor is None and not told.title:
        return "The prompt is not recorded, so what it could have read from the cache is not known."
    if not told.title:
        return (
            "The prompt begins with all of the earlier one, so that nothing in it breaks the "
            f"cache. {unsure}"
        )
    why = f"{told.title[:1].upper()}{told.title[1:]}{_where(told)}"
    stake = told.at_stake_tokens
    if not stake:
        return f"{why}. {unsure}"
    return f"{why}: about {exact(stake)} tokens can no longer be read from the cache. {unsure}"


def _where(told: Diagnosis) -> str:
    """The place of the change that the title is about; nothing where the cause is no change."""
    first = next((found for found in told.divergences if found.cause == told.cause), None)
    if first is None:
        return ""
    path = shortened(first.path, _LONGEST_PATH)
    return f" ({path}, character {exact(first.offset)})" if first.offset else f" ({path})"
