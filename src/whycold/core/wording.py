"""The one sentence about a call, and what was ruled out when nothing explains a loss."""

from __future__ import annotations

from decimal import Decimal

from whycold.core.call import Call
from whycold.core.diagnosis import Diagnosis, Verdict
from whycold.core.judge import Judged
from whycold.core.numbers import exact, usd

__all__ = ["ruled_out", "summary"]


def summary(told: Diagnosis) -> str:
    """What changed, where, and how many tokens and dollars it cost."""
    usage = told.usage
    if told.verdict is Verdict.first:
        return (
            "The first call of its kind: there was nothing in the cache that it could have reused."
        )
    if told.verdict is Verdict.hit:
        return f"{_read(told)} Nothing that was reusable was missed{_yet(told)}."
    if told.verdict is Verdict.uncacheable:
        total = f" of {exact(usage.input)} tokens" if usage.input is not None else ""
        return (
            f"This prompt{total} cannot be cached: {told.title}."
            if told.title
            else f"This prompt{total} cannot be cached."
        )
    if told.verdict is Verdict.unknown:
        return _unknown(told)
    again = f"Paid for {exact(told.missed_tokens)} tokens{_dollars(told.missed_cost_usd)} again"
    return (
        f"{again}: {told.title}{_where(told)}."
        if told.title
        else f"{again}, and nothing recorded explains it."
    )


def ruled_out(call: Call, judged: Judged) -> tuple[str, ...]:
    """What was looked at and found in order, for a loss without a cause."""
    out = [
        "the prompt begins with all of its predecessor's"
        if not judged.divergences
        else "the edits found lie behind what was read"
    ]
    if judged.gap is not None:
        age = _span(judged.gap.total_seconds())
        out.append(f"the entry was {age} old and should still have been there")
    if call.prompt.asks:
        out.append("the marker can reach the entry")
    out.append(
        "model, account and settings are the same"
        if not judged.divergences
        else "model and account are the same"
    )
    return tuple(out)


def _read(told: Diagnosis) -> str:
    read, total = told.usage.cache_read, told.usage.input
    if read is None or total is None:
        return "Reads are not reported."
    return f"Read {exact(read)} of {exact(total)} input tokens from the cache."


def _yet(told: Diagnosis) -> str:
    return f", although {told.title}" if told.title and told.divergences else ""


def _unknown(told: Diagnosis) -> str:
    if not told.title:
        return "Nothing of the earlier prompt changed; cache reads are not reported for this call."
    stake = (
        f"; about {exact(told.at_stake_tokens)} tokens behind it have to be paid again"
        if told.at_stake_tokens
        else ""
    )
    title = told.title[:1].upper() + told.title[1:]
    return f"{title}{_where(told)}{stake}. Cache reads are not reported for this call."


def _where(told: Diagnosis) -> str:
    first = told.divergences[0] if told.divergences else None
    if first is None or first.cause != told.cause:
        return ""
    return (
        f" ({first.path}, character {exact(first.offset)})" if first.offset else f" ({first.path})"
    )


def _dollars(cost: Decimal | None) -> str:
    return f" ({usd(cost)})" if cost is not None else ""


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
