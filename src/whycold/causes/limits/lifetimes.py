"""How long an entry lives, and when it can be read for the first time."""

from __future__ import annotations

from datetime import timedelta

from whycold.causes.examples import (
    MARKED,
    TASK,
    agent,
    asks,
    body,
    responses,
    said,
    text,
    wrote,
)
from whycold.causes.limits.kinds import LimitCause, asked_ttl, last_marked, span
from whycold.core.call import Usage
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.content import JsonMap
from whycold.core.diagnosis import Reason
from whycold.core.numbers import exact

__all__ = ["CAUSES"]

_NEXT = asks("Then run them again, please.")
_AGAIN = (asks(TASK), said("Where?"), asks("In CI."))
_HOUR: JsonMap = {**MARKED, "ttl": "1h"}
_WAS, _LOST = wrote(48_200), wrote(48_700)
_BIG_SYSTEM = [text("You are a careful programmer. " * 400, ttl="1h")]


def _split(tokens: int, *, read: int = 0, hour: int = 0, five: int = 0) -> Usage:
    """A usage that says for how long was written."""
    return Usage(
        input=tokens,
        cache_read=read,
        cache_write=hour + five,
        cache_write_1h=hour,
        cache_write_5m=five,
        uncached=tokens - read - hour - five,
        output=200,
    )


class Expired(LimitCause):
    code = "expired"
    reason = Reason.expired
    title = "The entry ran out"
    what = (
        "The pause since the entry was last used was longer than its lifetime. Nothing was "
        "changed: the same request in time would have been read."
    )
    advice = (
        "Where pauses of this length are common, ask for a longer lifetime or send a small request "
        "before the entry runs out; where they are rare, the loss is the cheaper choice."
    )
    rows = (41,)
    examples = (
        Example(
            "seven minutes with a lifetime of five",
            before=agent(),
            after=agent(_NEXT),
            was=_WAS,
            now=_LOST,
            gap=timedelta(minutes=7),
        ),
        Example(
            "the conversation's five minutes ran out, the system prompt's hour did not",
            before=agent(system=_BIG_SYSTEM),
            after=agent(_NEXT, system=_BIG_SYSTEM),
            was=_split(48_200, hour=46_000, five=2_200),
            now=_split(48_700, read=46_000, five=2_700),
            gap=timedelta(minutes=12),
        ),
        Example(
            "both the five minutes and the hour ran out",
            before=agent(system=_BIG_SYSTEM),
            after=agent(_NEXT, system=_BIG_SYSTEM),
            was=_split(48_200, hour=46_000, five=2_200),
            now=_split(48_700, hour=46_000, five=2_700),
            gap=timedelta(hours=2),
        ),
        Example(
            "half an hour on OpenAI, and ten minutes more",
            before=responses(),
            after=responses(*_AGAIN),
            was=wrote(6_200),
            now=wrote(6_400),
            gap=timedelta(minutes=40),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "four minutes, and still not read",
            before=agent(),
            after=agent(_NEXT),
            was=_WAS,
            now=_LOST,
            gap=timedelta(minutes=4),
        ),
        Example(
            "seven minutes with a lifetime of an hour",
            before=agent(cache_control=_HOUR),
            after=agent(_NEXT, cache_control=_HOUR),
            was=_split(48_200, hour=48_200),
            now=_split(48_700, read=48_200, hour=500),
            gap=timedelta(minutes=7),
        ),
        Example(
            "asked for an hour, and got five minutes",
            before=agent(cache_control=_HOUR),
            after=agent(_NEXT, cache_control=_HOUR),
            was=_split(48_200, five=48_200),
            now=_split(48_700, five=48_700),
            gap=timedelta(minutes=7),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        ttl, gap = case.rules.ttl(case.lapsed), case.gap or timedelta(0)
        life = ttl.lifetime if ttl is not None else gap
        if len(case.lapses) > 1:
            ran_out = f"all entries ran out before the call came ({_lifetimes(case)}"
            return Evidence(f"{ran_out}; {span(gap)} pause)", advice=_longer(case, gap))
        return Evidence(
            f"the entry ran out {span(gap - life)} before the call came "
            f"({span(life)} lifetime, {span(gap)} pause)",
            advice=_longer(case, gap),
        )


def _lifetimes(case: Case) -> str:
    """Lifetimes that ran out together, each with the tokens that it held."""
    found = ((case.rules.ttl(name), tokens) for name, tokens in case.lapses)
    parts = [
        f"{span(ttl.lifetime)} for about {exact(tokens)} tokens" for ttl, tokens in found if ttl
    ]
    return f"lifetime {', '.join(parts)}"


def _longer(case: Case, gap: timedelta) -> str | None:
    """What to ask for instead, where the provider offers a lifetime that would have held."""
    held = [t for t in case.rules.ttls if t.lifetime > gap]
    held = [t for t in held if t.name not in dict(case.lapses)]
    if not held:
        return None
    best = min(held, key=lambda ttl: ttl.lifetime)
    return (
        f"Ask for the lifetime {best.name}: it would have held through this pause. It costs more "
        "to write, so use it where pauses of this length are common."
    )


class TtlDowngraded(LimitCause):
    code = "ttl-downgraded"
    reason = Reason.expired
    title = "The entry got a shorter lifetime than was asked for"
    what = (
        "The marker asked for a long lifetime, and the response says that the entry was written "
        "for a short one. A pause that should have been covered was too long."
    )
    advice = (
        "Look who changes the request or the entitlement in between: a gateway, a quota that is "
        "used up, or a switch of the client (telemetry off, another login). Until then, count on "
        "the short lifetime."
    )
    rows = (42,)
    examples = (
        Example(
            "an hour asked, five minutes written, seven minutes pause",
            before=agent(cache_control=_HOUR),
            after=agent(_NEXT, cache_control=_HOUR),
            was=_split(48_200, five=48_200),
            now=_split(48_700, five=48_700),
            gap=timedelta(minutes=7),
        ),
        Example(
            "from the second turn on",
            before=agent(
                system=[text("You are a careful programmer.", ttl="1h")], cache_control=_HOUR
            ),
            after=agent(
                _NEXT,
                system=[text("You are a careful programmer.", ttl="1h")],
                cache_control=_HOUR,
            ),
            was=_split(48_200, read=40_000, five=8_200),
            now=_split(48_700, read=40_000, five=8_700),
            gap=timedelta(minutes=20),
        ),
    )
    near_misses = (
        Example(
            "five minutes asked and written",
            before=agent(),
            after=agent(_NEXT),
            was=_split(48_200, five=48_200),
            now=_split(48_700, five=48_700),
            gap=timedelta(minutes=7),
        ),
        Example(
            "an hour asked and written, and longer away",
            before=agent(cache_control=_HOUR),
            after=agent(_NEXT, cache_control=_HOUR),
            was=_split(48_200, hour=48_200),
            now=_split(48_700, hour=48_700),
            gap=timedelta(minutes=95),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        asked = asked_ttl(case)
        pause = f", and the pause was {span(case.gap)}" if case.gap is not None else ""
        return Evidence(
            f"the marker asked for {asked.name if asked else 'more'} and the entry was written for "
            f"{case.lapsed}{pause}"
        )


class TtlChanged(LimitCause):
    code = "ttl-changed"
    reason = Reason.breakpoint
    title = "The marker asks for another lifetime"
    what = (
        "The same place is marked with another lifetime than in the call before. The content is "
        "the same, and still nothing behind that marker was read."
    )
    advice = (
        "Give each marker one lifetime for the whole conversation; a lifetime that depends on a "
        "quota, a flag or the kind of request flips."
    )
    rows = (43,)
    examples = (
        Example(
            "an hour, then five minutes for one request",
            before=agent(cache_control=_HOUR),
            after=agent(_NEXT),
            was=_split(48_200, hour=48_200),
            now=_split(48_700, five=48_700),
        ),
        Example(
            "five minutes, then an hour",
            before=agent(),
            after=agent(_NEXT, cache_control=_HOUR),
            was=_split(48_200, five=48_200),
            now=_split(48_700, hour=48_700),
        ),
    )
    near_misses = (
        Example(
            "the default lifetime, spelled out",
            before=agent(),
            after=agent(_NEXT, cache_control={**MARKED, "ttl": "5m"}),
            was=_split(48_200, five=48_200),
            now=_split(48_700, five=48_700),
        ),
        Example(
            "another lifetime, and the prefix was read all the same",
            before=agent(cache_control=_HOUR),
            after=agent(_NEXT),
            was=_split(48_200, hour=48_200),
            now=_split(48_700, read=48_200, five=500),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        default = case.rules.ttls[0].name if case.rules.ttls else "the default"
        was, now = (
            (block.breakpoint.ttl if block and block.breakpoint else None) or default
            for block in (last_marked(case.predecessor), last_marked(case.call))
        )
        return Evidence(f"the marker asks for {now} where it asked for {was}")


class Concurrent(LimitCause):
    code = "concurrent"
    reason = Reason.concurrent
    title = "Sent before the entry could be read"
    what = (
        "The call was sent while the one that writes the entry had not been answered yet. An entry "
        "can be read only once the response to its writer has begun, so parallel first calls all "
        "pay."
    )
    advice = (
        "Send one call first and the others once its response has begun, or warm the cache up with "
        "a call that generates nothing (max_tokens 0 on Anthropic)."
    )
    rows = (39,)
    examples = (
        Example(
            "two subagents start together",
            before=body(cache_control=MARKED),
            after=body(cache_control=MARKED),
            was=wrote(18_300),
            now=wrote(18_300),
            gap=timedelta(milliseconds=200),
            began=timedelta(seconds=3),
            call={"session": "session-2"},
        ),
        Example(
            "the next question comes before the first is being answered",
            before=agent(),
            after=agent(_NEXT),
            was=_WAS,
            now=_LOST,
            gap=timedelta(seconds=1.5),
            began=timedelta(seconds=4),
        ),
    )
    near_misses = (
        Example(
            "sent after the response had begun",
            before=agent(),
            after=agent(_NEXT),
            was=_WAS,
            now=_LOST,
            gap=timedelta(seconds=3),
            began=timedelta(seconds=1),
        ),
        Example(
            "nobody saw when the response began",
            before=agent(),
            after=agent(_NEXT),
            was=_WAS,
            now=_LOST,
            gap=timedelta(seconds=1),
            began=None,
        ),
    )

    def tell(self, case: Case) -> Evidence:
        begun = case.predecessor.began if case.predecessor is not None else None
        early = f"{span(begun - case.call.at)} " if begun is not None else ""
        return Evidence(f"it was sent {early}before the response that writes the entry had begun")


CAUSES: tuple[Cause, ...] = (Expired(), TtlDowngraded(), TtlChanged(), Concurrent())
