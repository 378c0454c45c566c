"""The same text, written in another way."""

from __future__ import annotations

from whycold.causes.examples import (
    TASK,
    agent,
    asks,
    history_pair,
    opening_pair,
    result,
    said,
    system_pair,
    text,
    use,
)
from whycold.causes.texts.partition import TextCause
from whycold.causes.texts.sides import sides
from whycold.causes.texts.words import line_at, quote, where
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Divergence

__all__ = ["CAUSES"]


class ListingReordered(TextCause):
    """Row 10: the same lines in another order."""

    code = "listing-reordered"
    reason = Reason.system_changed
    title = "A list was written in another order"
    what = (
        "The same lines or items stand in the prompt in another order, as when a set or the files "
        "of a folder are written without sorting. To the cache that is another text."
    )
    advice = "Sort the list before it is written into the prompt."
    rows = (10,)
    examples = (
        system_pair(
            "skills",
            "Skills:\n- docx: write documents\n- pdf: read documents\n- xlsx: fill tables",
            "Skills:\n- pdf: read documents\n- xlsx: fill tables\n- docx: write documents",
        ),
        opening_pair(
            "files in the first message",
            f"{TASK}\n<files>\nb.py\na.py\nc.py\n</files>",
            f"{TASK}\n<files>\na.py\nb.py\nc.py\n</files>",
        ),
        system_pair(
            "names on one line", "Languages (python, rust, go).", "Languages (go, python, rust)."
        ),
    )
    near_misses = (
        system_pair(
            "one more line",
            "Skills:\n- docx: write documents\n- pdf: read documents",
            "Skills:\n- docx: write documents\n- pdf: read documents\n- xlsx: fill tables",
        ),
        Example(
            "results of tools in another order",
            agent(said(use("t1"), use("t2")), asks(result("t1", "a = 1"), result("t2", "b = 2"))),
            agent(
                said(use("t1"), use("t2")),
                asks(result("t2", "b = 2"), result("t1", "a = 1")),
                said("Done."),
                asks("Go on."),
            ),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Where the order begins to differ."""
        texts = sides(d)
        line = quote(line_at(texts.old, texts.old_at))
        return Evidence(f"the same lines stand in {where(d)} in another order, from {line} on")


class Whitespace(TextCause):
    """Row 54: blanks and line ends."""

    code = "whitespace"
    reason = Reason.messages_changed
    title = "Only blanks or line ends differ"
    what = (
        "The text is the same but for spaces, blank lines, line ends or trimming. Tokens are made "
        "of these too, so the cache cannot be read beyond the first of them."
    )
    advice = (
        "Send texts back as they were sent first: do not trim them, and do not change line ends "
        "when a conversation is stored and loaded."
    )
    rows = (54,)
    examples = (
        history_pair(
            "an old message is trimmed",
            [said("I repaired both.\n"), asks("Good. \n")],
            [said("I repaired both."), asks("Good.")],
        ),
        system_pair(
            "line ends of Windows",
            "Read first.\nWrite then.\nTest last.",
            "Read first.\r\nWrite then.\r\nTest last.",
        ),
    )
    near_misses = (
        system_pair("a word", "Read it first.", "Read all first."),
        opening_pair("the text cut into two blocks", TASK, [text(TASK[:20]), text(TASK[20:])]),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What kind of blanks."""
        texts = sides(d)
        crlf = texts.old.count("\r\n") != texts.new.count("\r\n")
        what = "line ends" if crlf else "blanks"
        return Evidence(f"in {where(d)} only {what} differ")


CAUSES: tuple[Cause, ...] = (ListingReordered(), Whitespace())
