"""Where entries are asked for, and whether a later call can find them."""

from __future__ import annotations

from whycold.causes.examples import (
    TASK,
    agent,
    asks,
    body,
    chat,
    result,
    said,
    text,
    use,
    wrote,
)
from whycold.causes.limits.kinds import LimitCause, last_marked
from whycold.causes.limits.samples import (
    AGAIN,
    LONG,
    NEXT,
    PLAIN,
    SYSTEM_MARKED,
    WAS,
    behind,
    neither,
    note,
    steps,
    subagent,
    unmarked_end,
)
from whycold.core.call import Call
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.diagnosis import Reason

__all__ = ["CAUSES"]


class BreakpointMissing(LimitCause):
    code = "breakpoint-missing"
    reason = Reason.breakpoint
    title = "No cache marker"
    what = (
        "The provider caches only up to a marker, and the request, or the one before it, carries "
        "none. Nothing is written then and nothing can be read."
    )
    advice = (
        "Mark the last block of every request (on Anthropic cache_control at the top level of the "
        "body does that), and the end of the system prompt."
    )
    rows = (35,)
    examples = (
        Example(
            "one request without a marker",
            before=agent(),
            after=body(
                asks(TASK),
                said(text("I look at the tests first."), use("toolu_01", path="tests")),
                asks(result("toolu_01", "test_billing.py")),
                system=PLAIN,
            ),
            was=WAS,
            now=neither(48_300),
        ),
        Example(
            "no marker in either",
            before=body(system=PLAIN),
            after=body(*AGAIN, system=PLAIN),
            was=neither(12_400),
            now=neither(12_600),
        ),
    )
    near_misses = (
        Example(
            "a provider that needs no marker",
            before=chat(),
            after=chat(*AGAIN),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
        Example(
            "a marker, but only on the system prompt",
            before=body(system=SYSTEM_MARKED),
            after=body(*AGAIN, system=SYSTEM_MARKED),
            was=behind(48_200, wrote=9_100),
            now=behind(48_700, wrote=0, read=9_100),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        now, was = case.call.prompt.asks, case.predecessor and case.predecessor.prompt.asks
        if not case.rules.markable:
            name = case.rules.name
            return Evidence(
                f"{name} caches this model only by an explicit cache, and none is named",
                advice="Create an explicit cache of what repeats and name it in requests, or use "
                "a model with implicit caching.",
            )
        if now is False and was is False:
            return Evidence("neither this call nor the one before carries a cache marker")
        if now is False:
            return Evidence("this call carries no cache marker, so it cannot read what is there")
        return Evidence("the call before carried no cache marker, so it left nothing to read")


class BreakpointEarly(LimitCause):
    code = "breakpoint-early"
    reason = Reason.breakpoint
    title = "The last marker stands too early"
    what = (
        "What repeats goes on behind the last marker. Only the part up to a marker is written and "
        "read; the rest is paid in full by every call."
    )
    advice = (
        "Move the last marker, or add one: it belongs behind all that the next request repeats, "
        "which is the last block of the conversation, and before what changes."
    )
    rows = (36,)
    examples = (
        Example(
            "only the system prompt of a subagent is marked",
            before=subagent(),
            after=subagent(said("Two of them fail."), NEXT),
            was=behind(21_400, wrote=5_300),
            now=behind(21_900, wrote=0, read=5_300),
        ),
        Example(
            "the marker went from the last message back to the system prompt",
            before=agent(),
            after=unmarked_end(),
            was=wrote(48_200),
            now=behind(48_700, wrote=0, read=9_100),
        ),
    )
    near_misses = (
        Example(
            "little stands behind the marker",
            before=body(system=SYSTEM_MARKED),
            after=body(*AGAIN, system=SYSTEM_MARKED),
            was=behind(5_600, wrote=5_300),
            now=behind(5_900, wrote=0, read=5_300),
        ),
        Example(
            "another conversation with the same system prompt",
            before=subagent(),
            after=body(asks("Write the release notes for version four."), system=LONG),
            was=behind(21_400, wrote=5_300),
            now=behind(5_400, wrote=0, read=5_300),
            call={"session": "session-2"},
        ),
    )

    def tell(self, case: Case) -> Evidence:
        now, was = last_marked(case.call), last_marked(case.predecessor)
        if now is None or was is None or case.reusable is None or case.read is None:
            return Evidence("much of what repeats stands behind the last marker")
        if now.path != was.path and _index(case.call) < _index(case.predecessor):
            return Evidence(f"the last marker went from {was.path} back to {now.path}")
        return Evidence(
            f"{case.reusable - case.read:,} tokens that repeat stand behind the last marker, "
            f"at {was.path}"
        )


def _index(call: Call | None) -> int:
    return call.prompt.breakpoints[-1] if call is not None and call.prompt.breakpoints else -1


class BreakpointMoving(LimitCause):
    code = "breakpoint-moving"
    reason = Reason.breakpoint
    title = "The marker stands on a message that does not stay in its place"
    what = (
        "The last marker stood on a system message at the end of the conversation. In the next "
        "request that message stands behind the new ones, or is gone, so the entry ends in "
        "something that never comes again."
    )
    advice = (
        "Put the marker on the last message before such a trailing one; what moves to the end with "
        "every request must stand behind the last marker."
    )
    rows = (15,)
    examples = (
        Example(
            "a reminder that always stands last",
            before=agent(note()),
            after=agent(said("Both fail."), NEXT, note()),
            was=wrote(48_200),
            now=wrote(48_900, read=9_100),
        ),
        Example(
            "a note for one request only",
            before=agent(note()),
            after=agent(said("Both fail."), NEXT),
            was=wrote(48_200),
            now=wrote(48_700, read=9_100),
        ),
    )
    near_misses = (
        Example(
            "the note stays where it was",
            before=agent(note()),
            after=agent(note(), said("Both fail."), NEXT),
            was=wrote(48_200),
            now=wrote(48_700),
        ),
        Example(
            "the marker stands before the note",
            before=body(asks(text(TASK, mark=True)), note(), system=PLAIN),
            after=body(asks(text(TASK, mark=True)), said("Both fail."), NEXT, note(), system=PLAIN),
            was=behind(48_230, wrote=48_200),
            now=behind(48_730, wrote=0, read=48_200),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        was = last_marked(case.predecessor)
        place = was.path if was is not None else "the end"
        return Evidence(
            f"the last marker stood on the system message {place}, which is not there any more"
        )


class LookbackExceeded(LimitCause):
    code = "lookback-exceeded"
    reason = Reason.breakpoint
    title = "The older entry lies further back than the provider looks"
    what = (
        "So many blocks came in one turn that the older entry lies outside the window in which the "
        "provider searches before each marker. It is alive, and it is not found."
    )
    advice = (
        "Set a second marker on the place of the last call's marker, or one about every fifteen "
        "blocks in a long turn; on Anthropic four markers are allowed."
    )
    rows = (34,)
    examples = (
        Example(
            "26 blocks since the last marker",
            before=agent(),
            after=agent(*steps(13)),
            was=WAS,
            now=wrote(56_300),
        ),
        Example(
            "one message of many parts",
            before=agent(),
            after=agent(said("Here:"), asks(*(text(f"Part {i} of the log.") for i in range(24)))),
            was=WAS,
            now=wrote(52_100, read=9_100),
        ),
    )
    near_misses = (
        Example(
            "18 blocks since the last marker",
            before=agent(),
            after=agent(*steps(9)),
            was=WAS,
            now=wrote(53_900, read=48_200),
        ),
        Example(
            "a run of thirty tool calls, which counts once",
            before=agent(),
            after=agent(
                said(*(use(f"toolu_1{i:02}", path=f"{i}.py") for i in range(30))),
                asks(*(result(f"toolu_1{i:02}", "ok") for i in range(30))),
            ),
            was=WAS,
            now=wrote(53_900, read=48_200),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        look = case.rules.lookback
        back = f"{case.rules.name} looks back {look.positions if look is not None else 0}"
        return Evidence(
            f"the older entry lies {case.positions} positions before the marker; {back}"
        )


CAUSES: tuple[Cause, ...] = (
    BreakpointMissing(),
    BreakpointEarly(),
    BreakpointMoving(),
    LookbackExceeded(),
)
