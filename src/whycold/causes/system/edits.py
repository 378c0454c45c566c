"""Changes of the system prompt that say nothing more of themselves."""

from __future__ import annotations

from whycold.causes.examples import agent, asks, said, system_pair, text
from whycold.causes.texts.partition import TextCause
from whycold.causes.texts.sides import sides
from whycold.causes.texts.words import quote, words
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.content import JsonMap
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Divergence
from whycold.core.edit import TextChange

__all__ = ["CAUSES"]

_ROLE = "You are a careful programmer."
_STYLE = "Write short functions and say what they are for."
_SAFETY = "Never delete a file that you did not make."


def _blocks(name: str, before: tuple[str, ...], after: tuple[str, ...]) -> Example:
    return Example(
        name,
        agent(system=[text(part) for part in before]),
        agent(said("Done."), asks("Go on."), system=[text(part) for part in after]),
    )


def _at_once(*system: str) -> JsonMap:
    return agent(system=[text(part) for part in system])


class SystemEdited(TextCause):
    """Any edit of a block that stayed."""

    code = "system-edited"
    reason = Reason.system_changed
    title = "The system prompt was edited"
    what = (
        "Text of the system prompt differs from that of the request before. It stands in front of "
        "the whole conversation, so all of it is processed again."
    )
    advice = (
        "Keep the system prompt the same within a conversation; put what changes into the newest "
        "message."
    )
    examples = (
        system_pair("a rule in other words", "Answer briefly.", "Answer in full sentences."),
        system_pair(
            "a rule is added", "Run the tests.", "Run the tests. Then show what has changed."
        ),
    )
    near_misses = (
        system_pair("a time", "It is 09:00:12 now.", "It is 09:03:55 now."),
        _blocks("a block is added", (_ROLE, _STYLE), (_ROLE, _STYLE, _SAFETY)),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What came, went or changed."""
        texts = sides(d)
        if d.text is TextChange.rewritten:
            return Evidence(f"the system prompt was rewritten, it now says {quote(texts.come)}")
        if not texts.gone.strip():
            return Evidence(f"{quote(texts.come)} was put into the system prompt")
        if not texts.come.strip():
            return Evidence(f"{quote(texts.gone)} was taken out of the system prompt")
        before = quote(words(texts.old, texts.old_at, texts.gone))
        after = quote(words(texts.new, texts.new_at, texts.come))
        return Evidence(f"{before} in the system prompt became {after}")


class SystemAdded(TextCause):
    """A block that was not there."""

    code = "system-added"
    reason = Reason.system_changed
    title = "A block was added to the system prompt"
    what = (
        "The system prompt has a block that the request before did not have. Everything behind it "
        "moved, the whole conversation included."
    )
    advice = (
        "Send the same blocks with every request of a conversation; add what is new as a message "
        "at the end."
    )
    examples = (
        _blocks("at the end", (_ROLE, _STYLE), (_ROLE, _STYLE, _SAFETY)),
        _blocks("in the middle", (_ROLE, _STYLE), (_ROLE, _SAFETY, _STYLE)),
    )
    near_misses = (
        _blocks("text is added to a block", (_ROLE, _STYLE), (_ROLE, f"{_STYLE} Be kind.")),
        _blocks("one block becomes two", (f"{_ROLE} {_STYLE}",), (f"{_ROLE} ", _STYLE)),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Its beginning."""
        return Evidence(f"a block was added to the system prompt, {quote(sides(d).new)}")


class SystemRemoved(TextCause):
    """A block that is gone."""

    code = "system-removed"
    reason = Reason.system_changed
    title = "A block was taken out of the system prompt"
    what = (
        "The system prompt lacks a block that the request before had. Everything behind it moved, "
        "the whole conversation included."
    )
    advice = (
        "Send the same blocks with every request of a conversation, also those that matter only "
        "now and then."
    )
    examples = (
        _blocks("the last one", (_ROLE, _STYLE, _SAFETY), (_ROLE, _STYLE)),
        _blocks("one in the middle", (_ROLE, _SAFETY, _STYLE), (_ROLE, _STYLE)),
    )
    near_misses = (
        _blocks("another order", (_ROLE, _SAFETY, _STYLE), (_ROLE, _STYLE, _SAFETY)),
        Example(
            "a message is gone",
            agent(said("Done."), asks("Go on."), said("Well."), asks("Then go.")),
            agent(said("Well."), asks("Then go."), said("Gone."), asks("Thanks.")),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Its beginning."""
        return Evidence(f"a block is gone from the system prompt, {quote(sides(d).old)}")


class SystemReordered(TextCause):
    """The same blocks in another order."""

    code = "system-reordered"
    reason = Reason.system_changed
    title = "The blocks of the system prompt stand in another order"
    what = (
        "The system prompt holds the same blocks as before, in another order. To the cache that is "
        "another text from the first of them on."
    )
    advice = "Put the blocks together in a fixed order, not in the order in which they are ready."
    examples = (
        _blocks("two changed places", (_ROLE, _SAFETY, _STYLE), (_ROLE, _STYLE, _SAFETY)),
        _blocks("the last came first", (_ROLE, _STYLE, _SAFETY), (_SAFETY, _ROLE, _STYLE)),
    )
    near_misses = (
        system_pair("lines within a block", "Rules:\n- read\n- test", "Rules:\n- test\n- read"),
        Example("the same order", _at_once(_ROLE, _STYLE), _at_once(_ROLE, _STYLE)),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The block that moved."""
        return Evidence(f"blocks of the system prompt changed places, {quote(sides(d).old)}")


CAUSES: tuple[Cause, ...] = (SystemEdited(), SystemAdded(), SystemRemoved(), SystemReordered())
