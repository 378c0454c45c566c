"""What the model said, sent back: thinking dropped, replies rendered anew, and refused for it."""

from __future__ import annotations

import re

from whycold.causes.examples import (
    TASK,
    asks,
    body,
    chat,
    history_pair,
    result,
    said,
    text,
    use,
)
from whycold.causes.texts.partition import TextCause, of_same_kind
from whycold.causes.texts.sides import sides
from whycold.causes.texts.words import counted, name_of, quote, where
from whycold.core.call import Usage
from whycold.core.cause import Case, Cause, Evidence, Example, Obstacle
from whycold.core.content import JsonMap
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Change, Divergence
from whycold.core.edit import TextChange
from whycold.core.prompt import Kind, Section

__all__ = ["CAUSES"]

_NAMES = re.compile(
    r"(?i)\bthinking`?(?: or `redacted_thinking`)? blocks?\b|`signature` in `thinking`"
    r"|expected `thinking`|\bprefix[ _](?:check|binding)"
)
"""Errors about thinking that does not fit the rest of the request (Claude docs, Prefix checks on
thinking blocks, read 2026-11-23; texts of the errors as in anthropics/claude-code#63256, #20692).
"""


def _thought(words: str) -> JsonMap:
    return {"type": "thinking", "thinking": words, "signature": "EqQBCgIYAhIkM2Vi"}


_ASKS, _THOUGHT = asks(TASK), _thought("The totals are cut. I should round them.")
_CALL, _RESULT = use("toolu_02", path="a.py"), asks(result("toolu_02", "a = 1"))
_WITH = (_ASKS, said(_THOUGHT, _CALL), _RESULT)
_WITHOUT = (_ASKS, said(_CALL), _RESULT)
_NEXT = (said("Done."), asks("Good. Go on with the invoices."))


class ThinkingDropped(TextCause):
    """Row 23: thinking of earlier replies is not sent back as it came."""

    code = "thinking-dropped"
    reason = Reason.messages_changed
    title = "Thinking of earlier replies is not sent back as it was"
    what = (
        "The thinking of an earlier reply was part of the last request and is missing or different "
        "now, as when a client drops it once the user asks the next question."
    )
    advice = (
        "Send thinking blocks back unchanged for as long as the conversation lasts; the provider "
        "itself leaves out what the model does not need."
    )
    rows = (23,)
    examples = (
        Example("dropped with the next question", body(*_WITH), body(*_WITHOUT, *_NEXT)),
        Example(
            "dropped from two replies",
            body(*_WITH, said(_thought("Now the invoices."), text("Done.")), asks("Go on.")),
            body(*_WITHOUT, said(text("Done.")), asks("Go on."), *_NEXT),
        ),
        Example(
            "shortened",
            body(*_WITH),
            body(_ASKS, said(_thought("The totals are cut."), _CALL), _RESULT, *_NEXT),
        ),
    )
    near_misses = (
        Example(
            "the words of a reply are gone",
            body(_ASKS, said(text("I look at a.py."), _CALL), _RESULT),
            body(_ASKS, said(_CALL), _RESULT, *_NEXT),
        ),
        Example("new thinking", body(*_WITH), body(*_WITH, said(_thought("So."), text("Done.")))),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Of how many replies."""
        found = of_same_kind(case)
        replies = {other.old[0].message for other in found if other.old}
        if d.change is Change.removed and found[0] is d and len(replies) > 1:
            number = counted(len(replies))
            return Evidence(f"the thinking of {number} earlier replies was dropped")
        if d.change is Change.removed:
            return Evidence(f"the thinking in {where(d)} was dropped")
        if d.change is Change.added:
            return Evidence(f"the thinking in {where(d)}, left out before, is sent again")
        return Evidence(f"the thinking in {where(d)} was changed")


class ReplyRerendered(TextCause):
    """Row 24: a reply comes back other than it was generated."""

    code = "reply-rerendered"
    reason = Reason.messages_changed
    title = "The reply came back other than it was generated"
    what = (
        "This engine keeps the tokens that it generates. The client sent the reply back in another "
        "form, or the engine's chat template wrote it in another form, so that the kept tokens did "
        "not fit from there on."
    )
    advice = (
        "Send replies back as they came: not trimmed, with their thinking, arguments as the model "
        "wrote them. If the client does, look at the chat template, which may add empty thinking "
        "tags."
    )
    rows = (24,)
    examples = (
        Example(
            "trimmed",
            chat(asks(TASK)),
            chat(asks(TASK), said("The totals are cut."), asks("Go on.")),
            provider="llama.cpp",
            reply={
                "choices": [
                    {
                        "message": {"role": "assistant", "content": "\n\nThe totals are cut.\n"},
                        "finish_reason": "stop",
                    }
                ]
            },
        ),
        Example(
            "its thinking is left out",
            body(_ASKS),
            body(_ASKS, said(text("The totals are cut.")), asks("Go on.")),
            provider="llama.cpp",
            reply={
                "role": "assistant",
                "content": [_thought("They are cut."), text("The totals are cut.")],
            },
        ),
        Example(
            "sent back as it came, and not found by the engine",
            chat(asks(TASK)),
            chat(asks(TASK), said("The totals are cut."), asks("Go on.")),
            provider="llama.cpp",
            reply={
                "choices": [
                    {
                        "message": {"role": "assistant", "content": "The totals are cut."},
                        "finish_reason": "stop",
                    }
                ]
            },
            was=Usage(input=4000, cache_read=0, output=900),
            now=Usage(input=4950, cache_read=4000, output=200),
        ),
        history_pair(
            "empty thinking tags",
            [said("<think>\n\n</think>\n\nThe totals are cut."), asks("Go on.")],
            [said("The totals are cut."), asks("Go on.")],
        ),
    )
    near_misses = (
        Example(
            "as it was generated",
            chat(asks(TASK)),
            chat(asks(TASK), said("The totals are cut."), asks("Go on.")),
            provider="llama.cpp",
            reply={
                "choices": [
                    {
                        "message": {"role": "assistant", "content": "The totals are cut."},
                        "finish_reason": "stop",
                    }
                ]
            },
        ),
        history_pair(
            "an older reply was edited",
            [said("The totals are cut."), asks("Go on.")],
            [said("The totals are truncated."), asks("Go on.")],
        ),
    )

    def explains(self, case: Case) -> Evidence | None:
        """Also a reply whose text is the same and that still was not read."""
        if case.obstacle is Obstacle.rerendered and case.divergence is None:
            return Evidence(
                "the engine did not find the reply that it had generated, although it was sent "
                "back as it came",
                advice="Look at the chat template of the model: it writes earlier replies in "
                "another form than they were generated in, with or without thinking tags.",
            )
        return super().explains(case)

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """In which way it differs."""
        if d.change is Change.removed and d.old[0].kind is Kind.thinking:
            return Evidence("the reply came back without its thinking")
        if d.text is TextChange.whitespace or d.change is Change.reshaped:
            how = "trimmed or with other blanks" if d.text else "cut into other blocks"
            return Evidence(f"the reply came back {how}")
        if d.change is Change.keys_reordered:
            call = name_of(d) or "its tool call"
            return Evidence(f"the reply came back with the arguments of {call} in another order")
        texts = sides(d)
        if not texts.come.strip():
            return Evidence(f"the reply came back without {quote(texts.gone)}")
        return Evidence(f"the reply in {where(d)} came back as {quote(texts.come)}")


class RejectedForThinking(Cause):
    """Row 69: the provider refuses a request whose thinking no longer fits its prefix."""

    code = "rejected-for-thinking"
    reason = Reason.messages_changed
    title = "The provider refused the call, because its thinking no longer fits the rest"
    what = (
        "Some models check that each thinking block still stands behind the same tools, system "
        "prompt and messages as when it was made. Something of that was changed, and the provider "
        "answered with an error; the same change would have missed the cache."
    )
    advice = (
        "Undo the change: send what stands in front of thinking blocks, and the blocks themselves, "
        "exactly as before. If the history has to be changed, take the thinking behind it out."
    )
    rows = (69,)
    examples = (
        Example(
            "the system prompt was changed",
            body(*_WITH, system="Answer briefly."),
            body(*_WITH, *_NEXT, system="Answer at length."),
            after_reply={
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "message": "messages.1.content.0: the thinking block failed its prefix check",
                },
            },
        ),
        Example(
            "the thinking itself was changed",
            body(*_WITH),
            body(_ASKS, said(_thought("The totals are cut."), _CALL), _RESULT, *_NEXT),
            after_reply={
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "message": "messages.1.content.0: `thinking` or `redacted_thinking` blocks in "
                    "the latest assistant message cannot be modified.",
                },
            },
        ),
    )
    near_misses = (
        Example(
            "refused for something else",
            body(*_WITH, system="Answer briefly."),
            body(*_WITH, *_NEXT, system="Answer at length."),
            after_reply={
                "type": "error",
                "error": {"type": "overloaded_error", "message": "Overloaded"},
            },
        ),
        Example("not refused", body(*_WITH), body(*_WITHOUT, *_NEXT)),
    )

    def explains(self, case: Case) -> Evidence | None:
        """Only a refusal that names thinking, with an edit to show."""
        error, d = case.call.reply.error, case.divergence
        if case.obstacle is not Obstacle.rejected or error is None or d is None:
            return None
        if error.status not in (None, 400) or not _NAMES.search(error.message):
            return None
        reason = {
            Section.settings: Reason.settings_changed,
            Section.tools: Reason.tools_changed,
            Section.system: Reason.system_changed,
            Section.messages: Reason.messages_changed,
        }[d.section]
        return Evidence(
            f"the provider refused the call, since {d.path} is not what its thinking was made with",
            reason=reason,
        )


CAUSES: tuple[Cause, ...] = (ThinkingDropped(), ReplyRerendered(), RejectedForThinking())
