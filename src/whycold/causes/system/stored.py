"""Explicit caches: what the client itself stored with the provider, and names in its requests."""

from __future__ import annotations

from whycold.causes.examples import TASK, agent, read, said, text
from whycold.causes.texts.partition import TextCause
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.content import Json, JsonMap
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Divergence

__all__ = ["CAUSES"]

_MORE = ("Where?", "In CI.")
_TOOL: JsonMap = {"functionDeclarations": [{"name": "read", "description": "Reads a file."}]}


def _gemini(*texts: str, **more: Json) -> JsonMap:
    """A request of Gemini with the texts as turns."""
    roles = ("user", "model")
    turns: list[Json] = [
        {"role": roles[at % 2], "parts": [{"text": turn}]} for at, turn in enumerate(texts)
    ]
    return {"model": "gemini-3.5-flash", "contents": turns, **more}


class ExplicitCacheChanged(TextCause):
    """Another explicit cache is named, or none any more, or one for the first time."""

    code = "explicit-cache-changed"
    reason = Reason.system_changed
    title = "Another explicit cache was used"
    what = (
        "The request names another explicit cache than the one before, or names one on only one "
        "side. What the provider keeps under a name stands at the beginning of the prompt, so "
        "nothing of the other one is read."
    )
    advice = (
        "Create an explicit cache once, keep its name for the whole conversation, and extend its "
        "lifetime instead of making a new one; send the name with every request."
    )
    examples = (
        Example(
            "another name",
            before=_gemini(TASK, cachedContent="cachedContents/manual-1"),
            after=_gemini(TASK, *_MORE, cachedContent="cachedContents/manual-2"),
            was=read(40_000, of=40_100),
            now=read(0, of=40_200),
            provider="gemini",
        ),
        Example(
            "none any more, and what is left is short",
            before=_gemini(TASK, cachedContent="cachedContents/manual-1"),
            after=_gemini(TASK, *_MORE),
            was=read(40_000, of=40_100),
            now=read(0, of=200),
            provider="gemini",
        ),
        Example(
            "what it held is sent instead",
            before=_gemini(TASK, cachedContent="cachedContents/manual-1"),
            after=_gemini(
                TASK,
                *_MORE,
                tools=[_TOOL],
                systemInstruction={"parts": [{"text": "You know the manual. " * 400}]},
            ),
            was=read(40_000, of=40_100),
            now=read(0, of=40_200),
            provider="gemini",
        ),
    )
    near_misses = (
        Example(
            "the same name",
            before=_gemini(TASK, cachedContent="cachedContents/manual-1"),
            after=_gemini(TASK, *_MORE, cachedContent="cachedContents/manual-1"),
            was=read(40_000, of=40_100),
            now=read(40_000, of=40_200),
            provider="gemini",
        ),
        Example(
            "an edit of the system prompt",
            before=agent(system=[text("You know manual-1.")]),
            after=agent(said("Done."), system=[text("You know manual-2.")]),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The names."""
        was, now = (str(side[0].value) if side else None for side in (d.old, d.new))
        if was is None:
            return Evidence(f"the explicit cache {now} is named, and none was before")
        if now is None:
            return Evidence(f"the explicit cache {was} is no longer named")
        return Evidence(f"another explicit cache was used, {now} instead of {was}")


CAUSES: tuple[Cause, ...] = (ExplicitCacheChanged(),)
