"""Requests whose markers the provider refused, did not get, or passed over."""

from __future__ import annotations

from whycold.causes.examples import (
    MARKED,
    agent,
    asks,
    body,
    chat,
    said,
    text,
    wrote,
)
from whycold.causes.limits.kinds import LimitCause
from whycold.causes.limits.samples import (
    AGAIN,
    LOG,
    NEXT,
    PLAIN,
    SYSTEM_MARKED,
    WAS,
    neither,
    refusal,
)
from whycold.core.call import Usage
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.diagnosis import Reason

__all__ = ["CAUSES"]


_FOUR = tuple(asks(text(f"Part {i}.", mark=True)) for i in range(4))


class TooManyBreakpoints(LimitCause):
    code = "too-many-breakpoints"
    reason = Reason.breakpoint
    title = "More markers than the provider takes"
    what = (
        "The request carries more cache markers than the provider allows, and it was refused. "
        "Automatic caching uses one of them."
    )
    advice = (
        "Take markers out, oldest messages first: the end of the system prompt and the last block "
        "are the ones that pay."
    )
    examples = (
        Example(
            "five on one request",
            before=agent(),
            after=body(*_FOUR, system=SYSTEM_MARKED),
            was=WAS,
            after_reply=refusal(5),
        ),
        Example(
            "four, and the automatic one",
            before=agent(),
            after=body(
                *_FOUR,
                asks("Go on."),
                system=PLAIN,
                cache_control=MARKED,
            ),
            was=WAS,
            after_reply=refusal(5),
        ),
    )
    near_misses = (
        Example(
            "refused for something else",
            before=agent(),
            after=body(*_FOUR, system=SYSTEM_MARKED),
            was=WAS,
            after_reply={
                "type": "error",
                "error": {"type": "overloaded_error", "message": "Overloaded"},
            },
        ),
        Example(
            "as many as allowed",
            before=agent(),
            after=agent(asks(text("Then go on.", mark=True)), NEXT),
            was=WAS,
            now=wrote(48_700, read=48_200),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        count, most = len(case.call.prompt.breakpoints), case.rules.max_breakpoints
        return Evidence(f"the provider refused {count} markers in one request; {most} are allowed")


class MarkersDropped(LimitCause):
    code = "markers-dropped"
    reason = Reason.breakpoint
    title = "Markers had no effect"
    what = (
        "The request was sent with markers, is long enough, and its answer reports nothing read "
        "and nothing written. Something in between took the markers out, or left them behind when "
        "it translated the request."
    )
    advice = (
        "Compare what leaves your program with what reaches the provider: gateways drop markers "
        "they do not know. Use the gateway's own way to ask for caching, or send them directly."
    )
    rows = (59,)
    examples = (
        Example(
            "a gateway that does not know the field",
            before=agent(),
            after=agent(NEXT),
            was=neither(48_200),
            now=neither(48_700),
        ),
        Example(
            "from one request on",
            before=agent(),
            after=agent(NEXT),
            was=WAS,
            now=neither(48_700),
        ),
    )
    near_misses = (
        Example(
            "the request itself has no markers",
            before=body(system=PLAIN),
            after=body(*AGAIN, system=PLAIN),
            was=neither(48_200),
            now=neither(48_700),
        ),
        Example(
            "nothing is reported at all",
            before=agent(),
            after=agent(NEXT),
            was=Usage(input=48_200, output=200),
            now=Usage(input=48_700, output=200),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        which, call = "this call", case.call
        if call.usage.cache_write or call.usage.cache_read or not call.prompt.breakpoints:
            which, call = "the call before", case.predecessor or call
        count = len(call.prompt.breakpoints)
        markers = "a marker" if count == 1 else f"{count} markers"
        return Evidence(f"{which} carries {markers}, and its answer reports no read and no write")


class TooShort(LimitCause):
    code = "too-short"
    reason = Reason.too_short
    title = "Too short to be cached"
    what = (
        "The provider keeps no entry for a prompt, or a marked part, below a minimum length that "
        "depends on the model. It says nothing about it: both counts are simply 0."
    )
    advice = (
        "Nothing is lost with a prompt this short. Where the marked part is short and the rest is "
        "not, move the marker to the end of what repeats."
    )
    rows = (52,)
    examples = (
        Example(
            "a prompt of 640 tokens",
            before=body(system=SYSTEM_MARKED, tools=[]),
            after=body(*AGAIN, system=SYSTEM_MARKED, tools=[]),
            was=neither(580),
            now=neither(640),
        ),
        Example(
            "a short system prompt is all that is marked",
            before=body(asks(LOG), system=SYSTEM_MARKED, tools=[]),
            after=body(asks(LOG), said("It ends early."), NEXT, system=SYSTEM_MARKED, tools=[]),
            was=neither(14_200),
            now=neither(14_400),
        ),
        Example(
            "short, not marked, and nothing is reported",
            before=chat(model="anthropic/claude-sonnet-4.5"),
            after=chat(*AGAIN, model="anthropic/claude-sonnet-4.5"),
            provider="openrouter",
        ),
    )
    near_misses = (
        Example(
            "long, not marked, and nothing is reported",
            before=chat(model="anthropic/claude-sonnet-4.5", system=LOG),
            after=chat(*AGAIN, model="anthropic/claude-sonnet-4.5", system=LOG),
            provider="openrouter",
        ),
        Example(
            "a long prompt without a marker",
            before=body(system=PLAIN),
            after=body(*AGAIN, system=PLAIN),
            was=neither(14_200),
            now=neither(14_400),
        ),
        Example(
            "long enough, and marked at the end",
            before=agent(),
            after=agent(NEXT),
            was=neither(48_200),
            now=neither(48_700),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        minimum, total = case.rules.minimum or 0, case.call.usage.input
        model = case.call.model or "this model"
        if total is None or total < minimum:
            return Evidence(f"{model} caches from {minimum:,} tokens on")
        return Evidence(
            f"the marked part is shorter than the {minimum:,} tokens from which {model} caches",
            advice="Move the marker to the end of what repeats, at best the last block.",
        )


CAUSES: tuple[Cause, ...] = (
    TooManyBreakpoints(),
    MarkersDropped(),
    TooShort(),
)
