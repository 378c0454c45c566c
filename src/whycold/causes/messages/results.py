"""Tool calls and their results in the history."""

from __future__ import annotations

import re

from whycold.causes.examples import (
    TASK,
    agent,
    asks,
    chat,
    history_pair,
    result,
    said,
    text,
    use,
)
from whycold.causes.texts.partition import TextCause, of_same_kind
from whycold.causes.texts.sides import sides, text_of
from whycold.causes.texts.words import counted, name_of, quote, where, words
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.content import JsonMap
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Divergence

__all__ = ["CAUSES"]

_SOURCE = "def total(prices):\n    return sum(prices)\n" * 8
_CLEARED = "[Old tool result content cleared]"
_CALLS = said(use("t1", path="a.py"), use("t2", path="b.py"), use("t3", path="c.py"))
_RESULTS = (result("t1", "a = 1"), result("t2", "b = 2"), result("t3", "c = 3"))


_ANSWER: JsonMap = {"role": "tool", "tool_call_id": "call_1", "content": "a = 1"}


def _spoken(arguments: str) -> JsonMap:
    """A call of Chat Completions, whose arguments are a text."""
    function: JsonMap = {"name": "Read", "arguments": arguments}
    call: JsonMap = {"id": "call_1", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _of(d: Divergence) -> str:
    name = name_of(d)
    return f"of {name} in {where(d)}" if name else f"in {where(d)}"


class ToolResultsReordered(TextCause):
    """Row 33: results in the order in which they came."""

    code = "tool-results-reordered"
    reason = Reason.messages_changed
    title = "Results of parallel tool calls stand in another order"
    what = (
        "The results of tools that ran side by side were written into the history in the order in "
        "which they finished, and in another order when the history was built again."
    )
    advice = "Write tool results in the order of the calls that they answer."
    rows = (33,)
    examples = (
        history_pair(
            "two of three changed places",
            [_CALLS, asks(*_RESULTS)],
            [_CALLS, asks(_RESULTS[1], _RESULTS[0], _RESULTS[2])],
        ),
        history_pair(
            "the last one came first",
            [_CALLS, asks(*_RESULTS)],
            [_CALLS, asks(_RESULTS[2], _RESULTS[0], _RESULTS[1])],
        ),
    )
    near_misses = (
        history_pair(
            "another result",
            [_CALLS, asks(*_RESULTS)],
            [_CALLS, asks(result("t1", "a = 10"), *_RESULTS[1:])],
        ),
        history_pair("the newest results", [], [_CALLS, asks(*_RESULTS[::-1])]),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Where."""
        return Evidence(f"the tool results in {where(d)} stand in another order")


class ToolResultsCleared(TextCause):
    """Row 44: old results gave way to placeholders."""

    code = "tool-results-cleared"
    reason = Reason.messages_changed
    title = "The client cleared old tool results"
    what = (
        "To save room the client replaced the content of old tool results by a short placeholder. "
        "All that follows the first of them has to be processed again, which can cost more than "
        "the room was worth."
    )
    advice = (
        "Clear seldom and many at once, best after a pause in which the cache expired anyway, and "
        "leave the newest results alone."
    )
    rows = (44,)
    examples = (
        Example(
            "one result",
            agent(answer=_SOURCE),
            agent(said("Done."), asks("Go on."), answer=_CLEARED),
        ),
        history_pair(
            "two results at once",
            [_CALLS, asks(result("t1", _SOURCE), result("t2", _SOURCE), _RESULTS[2])],
            [_CALLS, asks(result("t1", _CLEARED), result("t2", _CLEARED), _RESULTS[2])],
        ),
        Example(
            "only the beginning is kept",
            agent(answer=_SOURCE),
            agent(
                said("Done."), asks("Go on."), answer=f"{_SOURCE[:44]}\n[output truncated: 8 lines]"
            ),
        ),
    )
    near_misses = (
        Example(
            "the tool was run again",
            agent(answer="3 passed, 1 failed"),
            agent(said("Done."), asks("Go on."), answer="4 passed"),
        ),
        history_pair(
            "calls and results are gone",
            [_CALLS, asks(*_RESULTS), said("So."), asks("Go on.")],
            [said("So."), asks("Go on.")],
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """How many."""
        found = of_same_kind(case)
        blocks = {other.old[0].path for other in found if other.old}
        first = found[0] is d
        if first and len(blocks) > 1:
            title = f"{counted(len(blocks))} old tool results were cleared by the client"
        else:
            title = f"the old result {_of(d)} was cleared by the client"
        return Evidence(title, expected=True)


class ToolResultEdited(TextCause):
    """An old result says something else."""

    code = "tool-result-edited"
    reason = Reason.messages_changed
    title = "An old tool result came back with other content"
    what = (
        "The result of a tool call that was answered long ago differs from what was sent before: "
        "it was run again, read again, or shortened in another way."
    )
    advice = "Store each result as it was first sent and send it back unchanged."
    examples = (
        Example(
            "the tool was run again",
            agent(answer="3 passed, 1 failed in 0.41 s"),
            agent(said("Done."), asks("Go on."), answer="4 passed in 0.38 s"),
        ),
        Example(
            "another limit for long output",
            agent(answer=_SOURCE),
            agent(said("Done."), asks("Go on."), answer=_SOURCE[:200]),
        ),
    )
    near_misses = (
        Example(
            "cleared",
            agent(answer=_SOURCE),
            agent(said("Done."), asks("Go on."), answer=_CLEARED),
        ),
        Example(
            "only line ends differ",
            agent(answer=_SOURCE),
            agent(said("Done."), asks("Go on."), answer=_SOURCE.replace("\n", "\r\n")),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What differs."""
        texts = sides(d)
        old, new = (text_of(blocks[0]) if blocks else "" for blocks in (d.old, d.new))
        if old == new:
            return Evidence(f"the old result {_of(d)} says the same and differs otherwise")
        if old.startswith(new) or new.startswith(old):
            sizes = f"{len(new):,} characters long, not {len(old):,}"
            return Evidence(f"the old result {_of(d)} is {sizes}")
        before = quote(words(texts.old, texts.old_at, texts.gone))
        after = quote(words(texts.new, texts.new_at, texts.come))
        return Evidence(f"the old result {_of(d)} differs, {before} became {after}")


class ToolCallEdited(TextCause):
    """An old call has other arguments."""

    code = "tool-call-edited"
    reason = Reason.messages_changed
    title = "An old tool call came back with other arguments"
    what = (
        "A tool call that the model made earlier is sent back with another name or other arguments "
        "than before, as when arguments are shortened, filled up with defaults or repaired."
    )
    advice = "Send tool calls back exactly as the model made them, defaults and all."
    examples = (
        history_pair(
            "a default was filled in",
            [said(use("t1", path="a.py")), asks(_RESULTS[0])],
            [said(use("t1", path="a.py", limit=2000)), asks(_RESULTS[0])],
        ),
        history_pair(
            "a long argument was shortened",
            [said(use("t1", "Write", path="a.py", content=_SOURCE)), asks(_RESULTS[0])],
            [said(use("t1", "Write", path="a.py", content="(see the file)")), asks(_RESULTS[0])],
        ),
    )
    near_misses = (
        history_pair(
            "the keys stand in another order",
            [said(use("t1", path="a.py", limit=9)), asks(_RESULTS[0])],
            [said(use("t1", limit=9, path="a.py")), asks(_RESULTS[0])],
        ),
        history_pair("a new call", [], [said(use("t1", path="b.py")), asks(_RESULTS[0])]),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Which argument."""
        found = re.search(r"\.(?:input|args)\.(.+)", d.path)
        what = f"another value for {found[1]}" if found else "other arguments"
        return Evidence(f"the old call {_of(d)} came back with {what}")


class InputKeysReordered(TextCause):
    """Arguments with their keys in another order; row 29 is counted with the tools."""

    code = "input-keys-reordered"
    reason = Reason.messages_changed
    title = "The keys of an old tool call stand in another order"
    what = (
        "The arguments of a tool call are the same, but their keys were written in another order "
        "when the history was built again. To the cache that is another text."
    )
    advice = (
        "Keep the arguments as the text that the model wrote, or use a map that keeps the order in "
        "which keys were put in."
    )
    examples = (
        history_pair(
            "two keys",
            [said(use("t1", path="a.py", limit=9)), asks(_RESULTS[0])],
            [said(use("t1", limit=9, path="a.py")), asks(_RESULTS[0])],
        ),
        Example(
            "arguments that are sent as a text",
            chat(asks(TASK), _spoken('{"path": "a.py", "limit": 9}'), _ANSWER),
            chat(asks(TASK), _spoken('{"limit": 9, "path": "a.py"}'), _ANSWER, asks("Go on.")),
            provider="openai",
        ),
        history_pair(
            "keys of an object inside",
            [said(use("t1", where={"path": "a.py", "line": 4})), asks(_RESULTS[0])],
            [said(use("t1", where={"line": 4, "path": "a.py"})), asks(_RESULTS[0])],
        ),
    )
    near_misses = (
        history_pair(
            "another value",
            [said(use("t1", path="a.py", limit=9)), asks(_RESULTS[0])],
            [said(use("t1", path="a.py", limit=10)), asks(_RESULTS[0])],
        ),
        history_pair(
            "words in another order",
            [said("Done."), asks(text("Read a.py, then b.py."))],
            [said("Done."), asks(text("Read b.py, then a.py."))],
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Of which call."""
        return Evidence(f"the keys of the old call {_of(d)} stand in another order")


CAUSES: tuple[Cause, ...] = (
    ToolResultsReordered(),
    ToolResultsCleared(),
    ToolResultEdited(),
    ToolCallEdited(),
    InputKeysReordered(),
)
