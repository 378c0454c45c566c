"""Conversations made shorter: compacted, begun anew, cut at the front, thinned out."""

from __future__ import annotations

from whycold.causes.examples import (
    MARKED,
    TASK,
    agent,
    asks,
    body,
    chat,
    note,
    result,
    said,
    text,
    use,
)
from whycold.causes.texts.history import fate_of
from whycold.causes.texts.partition import TextCause
from whycold.causes.texts.sides import sides
from whycold.causes.texts.words import count, name_of, quote, where
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Divergence
from whycold.core.prompt import Kind

__all__ = ["CAUSES"]

_TALK = (
    said("The rounding is wrong: totals are cut, not rounded."),
    asks("Then round half up, please, and write a test for it."),
    said("I wrote the test and changed the rounding."),
    asks("What about negative amounts, are they rounded the same way?"),
)
_SUMMARY = (
    "This session is being continued from a previous conversation that ran out of context. "
    "Summary: the rounding of totals was repaired, negative amounts are open."
)


class Compacted(TextCause):
    """Row 45: a summary instead of the history."""

    code = "compacted"
    reason = Reason.messages_changed
    title = "The conversation was compacted"
    what = (
        "The client replaced the history by a summary. The first request with the summary cannot "
        "use what was cached of the history; those after it can use the summary."
    )
    advice = (
        "Expect one such miss per compaction. Compact seldom and at the end of a task, and keep a "
        "cache marker behind the system prompt so that tools and system are still read."
    )
    rows = (45,)
    examples = (
        Example(
            "a summary opens the conversation",
            agent(*_TALK),
            body(asks(_SUMMARY), cache_control=MARKED),
        ),
        Example(
            "the last messages are kept behind the summary",
            agent(*_TALK),
            body(
                asks(TASK),
                asks("<summary>\nTests were read and the rounding was found wrong.\n</summary>"),
                *_TALK[2:],
                said("Yes, away from zero."),
                asks("Good."),
                cache_control=MARKED,
            ),
        ),
    )
    near_misses = (
        Example(
            "the oldest messages are cut", agent(*_TALK), body(*_TALK[1:], cache_control=MARKED)
        ),
        Example(
            "the user asks for a summary",
            agent(*_TALK),
            agent(*_TALK, said("Both."), asks("Write a summary of this conversation.")),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """How much gave way."""
        dropped = count(fate_of(case).dropped, "message")
        return Evidence(
            f"the conversation was compacted, a summary stands for {dropped}", expected=True
        )


class ConversationRestarted(TextCause):
    """The same session with another conversation."""

    code = "conversation-restarted"
    reason = Reason.messages_changed
    title = "The session began another conversation"
    what = (
        "None of the earlier messages is in this request: the user cleared the session or the "
        "program began another conversation under the same session. Nothing of the old one is "
        "owed."
    )
    advice = (
        "Nothing is wrong; give each conversation a session of its own if it should not be "
        "compared with the one before."
    )
    examples = (
        Example(
            "after clearing",
            agent(*_TALK),
            body(asks("Write the release notes for version 4, in plain words.")),
        ),
        Example(
            "the notes of the client open this one too",
            agent(*_TALK, first=[note("The following skills are available:\n- pdf"), text(TASK)]),
            body(
                asks(
                    note("The following skills are available:\n- pdf"),
                    text("Write the release notes for version 4, in plain words."),
                )
            ),
        ),
    )
    near_misses = (
        Example("a summary stands for it", agent(*_TALK), body(asks(_SUMMARY))),
        Example(
            "the conversation goes on", agent(*_TALK), agent(*_TALK, said("Yes."), asks("Ok."))
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """That nothing is left."""
        return Evidence(
            "another conversation began, none of the earlier messages is left in it", expected=True
        )


class Rewound(TextCause):
    """The conversation went on otherwise from an earlier point."""

    code = "rewound"
    reason = Reason.messages_changed
    title = "The conversation went on from an earlier point"
    what = (
        "The last question was taken back, and another one was asked in its place: the user went "
        "back, or the client asked something beside the conversation. What stands before that "
        "point is the same; what came after it is left behind."
    )
    advice = (
        "Nothing is wrong. A cache marker at the end of every request lets the new branch read all "
        "that both have in common."
    )
    examples = (
        Example(
            "the user went back one question",
            agent(*_TALK),
            agent(*_TALK[:3], asks("Add the currency to each line of an invoice.")),
        ),
        Example(
            "the client had asked something beside the conversation",
            agent(*_TALK, said("Yes, away from zero."), asks("Suggest what I could ask next.")),
            agent(
                *_TALK,
                said("Yes, away from zero."),
                asks("Then merge it."),
                said("Merged."),
                asks("Good."),
            ),
        ),
    )
    near_misses = (
        Example(
            "the last question in other words",
            agent(*_TALK),
            agent(*_TALK[:3], asks("What about amounts below 0, are they rounded the same way?")),
        ),
        Example(
            "a question in the middle is gone",
            agent(*_TALK, said("Yes, they are."), asks("Good.")),
            agent(*_TALK[:1], *_TALK[3:], said("Yes, they are."), asks("Good."), said("So.")),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What was left behind."""
        texts = sides(d)
        return Evidence(
            f"the conversation went on from an earlier point, {quote(texts.old)} was left behind",
            expected=True,
        )


class SlidingWindow(TextCause):
    """Row 46: the oldest messages are cut."""

    code = "sliding-window"
    reason = Reason.messages_changed
    title = "The oldest messages are cut off"
    what = (
        "To keep the history short the client drops its oldest messages and sends the rest. What "
        "follows moves to the front, where the cache has never seen it; with a window that slides "
        "each turn, every request misses."
    )
    advice = (
        "Cut rarely and much at once, or compact into a summary that then stays the same, instead "
        "of dropping a little each turn."
    )
    rows = (46,)
    examples = (
        Example(
            "a window of four messages",
            body(asks(TASK), *_TALK, cache_control=MARKED),
            body(*_TALK[1:], said("Away from zero."), asks("Good."), cache_control=MARKED),
        ),
        Example(
            "the task is kept, what followed it is not",
            body(asks(TASK), *_TALK, cache_control=MARKED),
            body(
                asks(TASK), *_TALK[2:], said("Away from zero."), asks("Good."), cache_control=MARKED
            ),
        ),
        Example(
            "a chat of OpenAI",
            chat(asks(TASK), *_TALK),
            chat(*_TALK[1:], said("Away from zero."), asks("Good.")),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "one note at the front is gone",
            agent(*_TALK, first=[note("The task tools were not used."), text(TASK)]),
            agent(*_TALK, said("Yes."), asks("Good."), first=[text(TASK)]),
        ),
        Example(
            "messages in the middle are gone",
            agent(*_TALK, said("Yes, they are."), asks("Good.")),
            agent(*_TALK[:1], *_TALK[3:], said("Yes, they are."), asks("Good."), said("So.")),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """How many are gone."""
        return Evidence(f"the oldest messages were cut off, {fate_of(case).dropped} of them")


class MessageRemoved(TextCause):
    """Row 68: messages or blocks vanish from the middle."""

    code = "message-removed"
    reason = Reason.messages_changed
    title = "Messages vanished from the history"
    what = (
        "A message or block that was sent before is no longer in the history, and nothing stands "
        "for it. Everything behind the gap is processed again, often many times what was saved."
    )
    advice = (
        "Leave the history as it was sent; if it has to become shorter, do so seldom, at once, and "
        "as late in the conversation as possible."
    )
    rows = (68,)
    examples = (
        Example(
            "a question and its answer",
            agent(*_TALK, said("Yes, they are."), asks("Good.")),
            agent(*_TALK[:1], *_TALK[3:], said("Yes, they are."), asks("Good."), said("So.")),
        ),
        Example(
            "a tool call with its result",
            agent(
                said(use("toolu_02", path="a.py")),
                asks(result("toolu_02", "a = 1")),
                said(use("toolu_03", path="b.py")),
                asks(result("toolu_03", "b = 2")),
            ),
            agent(
                said(use("toolu_03", path="b.py")),
                asks(result("toolu_03", "b = 2")),
                said("Done."),
                asks("Good."),
            ),
        ),
    )
    near_misses = (
        Example(
            "a window",
            body(asks(TASK), *_TALK, cache_control=MARKED),
            body(*_TALK[1:], said("Away from zero."), asks("Good."), cache_control=MARKED),
        ),
        Example(
            "a result that was cleared",
            agent(*_TALK, answer="def total():\n" * 20),
            agent(*_TALK, said("Yes."), asks("Good."), answer="[Old tool result content cleared]"),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What is gone."""
        kind = d.old[0].kind if d.old else Kind.text
        if kind in (Kind.tool_use, Kind.tool_result):
            what = "call" if kind is Kind.tool_use else "result"
            return Evidence(f"a tool {what} of {name_of(d) or 'a tool'} vanished from {where(d)}")
        what = quote(sides(d).old) if sides(d).old.strip() else f"a {kind} block"
        return Evidence(f"{what} vanished from {where(d)}")


CAUSES: tuple[Cause, ...] = (
    Compacted(),
    ConversationRestarted(),
    Rewound(),
    SlidingWindow(),
    MessageRemoved(),
)
