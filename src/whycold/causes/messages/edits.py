"""Changes of messages that say nothing more of themselves, and of the shape of messages."""

from __future__ import annotations

from whycold.causes.examples import (
    TASK,
    agent,
    asks,
    history_pair,
    note,
    opening_pair,
    result,
    said,
    text,
    use,
)
from whycold.causes.texts.partition import TextCause
from whycold.causes.texts.sides import sides
from whycold.causes.texts.words import count, first_line, quote, where, words
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Change, Divergence
from whycold.core.edit import TextChange
from whycold.core.prompt import Section

__all__ = ["CAUSES"]

_TALK = (said("The totals are cut."), asks("Then round half up, please."))


class AttributionInHistory(TextCause):
    """Row 4: the client replaces its placeholder in old messages too."""

    code = "attribution-in-history"
    reason = Reason.messages_changed
    title = "The client writes its request hash into old messages"
    what = (
        "Before it sends a request, the client replaces a placeholder such as cch=00000 by a hash, "
        "and does so wherever the text occurs, in old messages and tool results too. Each request "
        "then has another history."
    )
    advice = (
        "Keep that text out of the conversation (do not let the agent read its own logs or "
        "sources), update the client, or set CLAUDE_CODE_ATTRIBUTION_HEADER to 0."
    )
    rows = (4,)
    examples = (
        Example(
            "in a tool result",
            agent(answer="headers: cc_version=2.1.69.a1b; cch=00000;"),
            agent(said("So."), asks("Go on."), answer="headers: cc_version=2.1.69.a1b; cch=a5145;"),
        ),
        opening_pair(
            "in the first message",
            f"{TASK} The log says cch=a5145; what is that?",
            f"{TASK} The log says cch=07bd2; what is that?",
        ),
    )
    near_misses = (
        opening_pair("another text of the user", f"{TASK} See log A.", f"{TASK} See log B."),
        Example(
            "the header itself",
            agent(system=[text("x-anthropic-billing-header: cc_version=2.1.69.a1b; cch=a5145;")]),
            agent(
                said("So."),
                asks("Go on."),
                system=[text("x-anthropic-billing-header: cc_version=2.1.69.a1b; cch=07bd2;")],
            ),
            provider="sglang",
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Where."""
        return Evidence(f"the client replaced its request hash in {where(d)}")


class Reshaped(TextCause):
    """Row 14: the same text in other blocks."""

    code = "reshaped"
    reason = Reason.messages_changed
    title = "The same text is cut into other blocks or messages"
    what = (
        "The text is the same, but it is split over other blocks or joined into fewer, as when a "
        "stored history is read back in another shape. The blocks are part of what is cached."
    )
    advice = "Store messages as they were sent, with their blocks, and send them back like that."
    rows = (14,)
    examples = (
        opening_pair("one text became two blocks", TASK, [text(TASK[:46]), text(TASK[46:])]),
        history_pair(
            "two blocks became one",
            [asks(text("Round half up. "), text("Then write a test.")), said("Done."), asks("Ok.")],
            [asks(text("Round half up. Then write a test.")), said("Done."), asks("Ok.")],
        ),
        history_pair(
            "two messages became one",
            [asks("Round half up."), asks("Then write a test."), said("Done.")],
            [asks(text("Round half up."), text("Then write a test.")), said("Done.")],
        ),
    )
    near_misses = (
        opening_pair("a string became one block, which is the same", TASK, [text(TASK)]),
        opening_pair("a block with other text", TASK, [text(TASK[:46]), text("And be quick.")]),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Into how many."""
        place = "the system prompt" if d.section is Section.system else where(d)
        if len(d.old) == len(d.new):
            how = "begins a message" if d.new[0].opens else "belongs to the message before it"
            return Evidence(f"a block of {place} {how} now")
        shape = f"{count(len(d.new), 'block')}, not {count(len(d.old), 'block')}"
        return Evidence(f"the same text in {place} is cut into {shape}")


class MessageInserted(TextCause):
    """Row 17: something new in the middle."""

    code = "message-inserted"
    reason = Reason.messages_changed
    title = "Something was put into the middle of the history"
    what = (
        "A message or block that was not there stands in front of messages that were sent before, "
        "such as the text of a hook or a late reminder. All that follows it is processed again."
    )
    advice = "Add what is new at the end of the conversation; never in front of what was sent."
    rows = (17,)
    examples = (
        history_pair(
            "the text of a stop hook",
            [*_TALK],
            [asks("Stop hook feedback: the linter found 2 faults."), *_TALK],
        ),
        history_pair(
            "a reminder in an old message",
            [asks(text("Round half up.")), said("Done.")],
            [asks(text("Round half up."), note("Plan mode is on.")), said("Done.")],
        ),
    )
    near_misses = (
        history_pair(
            "at the end", [*_TALK], [*_TALK, said("Done."), asks("Stop hook feedback: 2.")]
        ),
        history_pair("a message is gone", [asks("Be quick."), *_TALK], [*_TALK]),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What was put in."""
        texts = sides(d)
        what = first_line(texts.come) if texts.come.strip() else f"a {d.new[0].kind} block"
        whole = d.change is Change.added and d.new[0].opens
        place = f"in as {where(d)}" if whole else f"into {where(d)}"
        return Evidence(f"{what} was put {place}, among what was sent before")


class MessagesReordered(TextCause):
    """The same messages in another order."""

    code = "messages-reordered"
    reason = Reason.messages_changed
    title = "Old messages stand in another order"
    what = (
        "The history holds the same messages as before, in another order, as when messages of "
        "several agents are sorted anew each time."
    )
    advice = "Keep the order in which messages were first sent; add new ones at the end."
    examples = (
        history_pair(
            "two questions changed places",
            [asks("Round half up."), said("Yes."), asks("Write a test."), said("Fine.")],
            [asks("Write a test."), said("Yes."), asks("Round half up."), said("Fine.")],
        ),
        history_pair(
            "blocks within a message",
            [asks(text("Round half up."), text("Write a test.")), said("Fine.")],
            [asks(text("Write a test."), text("Round half up.")), said("Fine.")],
        ),
    )
    near_misses = (
        history_pair(
            "tool results",
            [said(use("t1"), use("t2")), asks(result("t1", "a = 1"), result("t2", "b = 2"))],
            [said(use("t1"), use("t2")), asks(result("t2", "b = 2"), result("t1", "a = 1"))],
        ),
        Example(
            "a listing that moved",
            agent(first=[note("The following skills are available:\n- pdf"), text(TASK)]),
            agent(
                said("Done."),
                asks(note("The following skills are available:\n- pdf"), text("Go on.")),
                first=[text(TASK)],
            ),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The one that moved."""
        return Evidence(f"old messages stand in another order, {quote(sides(d).old)} moved")


class MessageEdited(TextCause):
    """Any other edit of a message that was sent before."""

    code = "message-edited"
    reason = Reason.messages_changed
    title = "An old message was edited"
    what = (
        "Text of a message that was sent before differs. Everything behind the edit is processed "
        "again."
    )
    advice = "Leave messages as they were sent; say what has changed in a new message at the end."
    examples = (
        opening_pair("the first message", f"{TASK} Be quick.", f"{TASK} Take your time."),
        history_pair(
            "a reply",
            [said("The totals are cut, not rounded."), asks("Go on.")],
            [said("The totals are cut off and not rounded."), asks("Go on.")],
        ),
    )
    near_misses = (
        opening_pair("a day", f"{TASK} Today is 2026-11-22.", f"{TASK} Today is 2026-11-23."),
        opening_pair("blanks", f"{TASK}\nBe quick.", f"{TASK}\n\nBe quick."),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What came, went or changed."""
        texts = sides(d)
        if d.text is TextChange.rewritten:
            return Evidence(f"{where(d)} was rewritten, it now says {quote(texts.come)}")
        if texts.gone == texts.come:
            field, kind = d.path.rpartition(".")[2], d.old[0].kind if d.old else "block"
            return Evidence(f"the {kind} in {where(d)} differs in its {field}")
        if not texts.gone.strip():
            return Evidence(f"{quote(texts.come)} was put into {where(d)}")
        if not texts.come.strip():
            return Evidence(f"{quote(texts.gone)} was taken out of {where(d)}")
        before = quote(words(texts.old, texts.old_at, texts.gone))
        after = quote(words(texts.new, texts.new_at, texts.come))
        return Evidence(f"{before} in {where(d)} became {after}")


CAUSES: tuple[Cause, ...] = (
    AttributionInHistory(),
    Reshaped(),
    MessageInserted(),
    MessagesReordered(),
    MessageEdited(),
)
