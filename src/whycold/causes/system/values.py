"""Values in the prompt that change by themselves: times, dates, ids, counters, the model's name."""

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
    system_pair,
    text,
    use,
)
from whycold.causes.texts.partition import TextCause
from whycold.causes.texts.sides import sides
from whycold.causes.texts.words import quote, value_at, where
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Divergence
from whycold.core.volatile import describe

__all__ = ["CAUSES"]


def _values(d: Divergence) -> tuple[str, str]:
    """The value as it was and as it is, in quotation marks."""
    texts = sides(d)
    before = value_at(texts.old, texts.old_at, texts.gone)
    return quote(before), quote(value_at(texts.new, texts.new_at, texts.come))


class Clock(TextCause):
    """Row 6: a time of day."""

    code = "clock"
    reason = Reason.system_changed
    title = "The prompt holds a time that changes"
    what = (
        "A time of day stands in a part of the prompt that is sent with every request. Each "
        "request says another time, so nothing behind that place can be read from the cache."
    )
    advice = (
        "Take the time out of the system prompt; give it in the newest message, where the model "
        "needs it, or let a tool tell it."
    )
    rows = (6,)
    examples = (
        system_pair(
            "seconds in the system prompt",
            "The time is 2026-11-23 09:00:12 UTC.",
            "The time is 2026-11-23 09:03:55 UTC.",
        ),
        opening_pair(
            "a clock in front of the first question",
            f"[09:00:12] {TASK}",
            f"[09:03:55] {TASK}",
        ),
        system_pair(
            "a time stamp of the editor's context",
            "<environment_details>\n# Current Time\n11/23/2026, 9:00:12 AM\n</environment_details>",
            "<environment_details>\n# Current Time\n11/23/2026, 9:03:55 AM\n</environment_details>",
        ),
    )
    near_misses = (
        system_pair("a day", "Today is 2026-11-23.", "Today is 2026-11-24."),
        history_pair(
            "the time in the newest message",
            [],
            [said("Done."), asks("It is 09:03:55 now. How long did it take?")],
        ),
        system_pair("a number", "Answer in at most 12 lines.", "Answer in at most 20 lines."),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The two times."""
        before, after = _values(d)
        return Evidence(f"{where(d)} holds a time that changes, {before} became {after}")


class DateRolledOver(TextCause):
    """Row 7: the day changed."""

    code = "date-rolled-over"
    reason = Reason.messages_changed
    title = "The date in the prompt rolled over"
    what = (
        "The prompt says which day it is, at or near its beginning. With the first request of a "
        "new day, or when a session is taken up again the next day, everything behind it is "
        "processed again."
    )
    advice = (
        "Keep the date with which the conversation began, and tell a new day in a new message at "
        "the end."
    )
    rows = (7,)
    examples = (
        opening_pair(
            "today's date in the first message",
            [note("# currentDate\nToday's date is 2026-11-22."), text(TASK)],
            [note("# currentDate\nToday's date is 2026-11-23."), text(TASK)],
        ),
        system_pair(
            "a written date in the system prompt",
            "Today is Sunday, November 22, 2026.",
            "Today is Monday, November 23, 2026.",
        ),
    )
    near_misses = (
        system_pair(
            "a time of day", "Now: 2026-11-23 09:00:12 UTC.", "Now: 2026-11-23 09:03:55 UTC."
        ),
        history_pair(
            "the new day in a new message", [], [said("Done."), asks("Today is 2026-11-23 by now.")]
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The two days."""
        before, after = _values(d)
        place = f"the date in {where(d)}"
        return Evidence(f"{place} rolled over from {before} to {after}")


class RandomId(TextCause):
    """Rows 55 and 60: values that a generator makes."""

    code = "random-id"
    reason = Reason.system_changed
    title = "The prompt holds an id that is made anew"
    what = (
        "A random id, a UUID or a hash stands in a part of the prompt that should stay the same. "
        "It is made anew for each request, by the client or by a proxy that hides who the client "
        "is."
    )
    advice = (
        "Make the id once per conversation and keep it, or send it outside the prompt, in a header "
        "or in metadata."
    )
    rows = (55, 60)
    examples = (
        system_pair(
            "a UUID in the system prompt",
            "Request 7f0c1f6e-2b1a-4c55-9d0e-6a1b2c3d4e5f belongs to the night build.",
            "Request 0b9d7a42-8c3e-4f10-b6aa-91d2e3f4a5b6 belongs to the night build.",
        ),
        system_pair(
            "a proxy cloaks the client with an identity of its own making",
            "Caller: user_3f9a1c77d2e84b06a5c1f0d9e8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9.",
            "Caller: user_b81e0d4f6a2c93578e1d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a65.",
        ),
        history_pair(
            "ids of tool calls are made anew",
            [said(use("call_Zk3fQ9aB71", path="a.py")), asks(result("call_Zk3fQ9aB71", "x = 1"))],
            [said(use("call_8Hq2LmW0tC", path="a.py")), asks(result("call_8Hq2LmW0tC", "x = 1"))],
        ),
    )
    near_misses = (
        system_pair(
            "the id of the session",
            "Session id: 7f0c1f6e-2b1a-4c55-9d0e-6a1b2c3d4e5f",
            "Session id: 0b9d7a42-8c3e-4f10-b6aa-91d2e3f4a5b6",
        ),
        system_pair(
            "a commit",
            "Current branch: main\nHEAD is now at 3f9a1c7 Round totals",
            "Current branch: main\nHEAD is now at b81e0d4 Add invoices",
        ),
        system_pair("a word", "Call the module billing.", "Call the module invoices."),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The kind of id."""
        if d.path.rsplit(".", 1)[-1] not in ("text", "content") and d.volatile is None:
            return Evidence(
                f"the id of a tool call in {where(d)} is another one",
                advice="Keep the ids of tool calls as the model gave them; do not make new ones "
                "when the history is built again.",
            )
        before, after = _values(d)
        kind = describe(d.volatile) if d.volatile else "an id"
        return Evidence(f"{where(d)} holds {kind} that is made anew, {before} became {after}")


class Counter(TextCause):
    """A number that counts."""

    code = "counter"
    reason = Reason.system_changed
    title = "The prompt holds a counter"
    what = (
        "A number that counts turns, steps or open items stands in front of the conversation. Each "
        "request has another number, and nothing behind it can be read from the cache."
    )
    advice = "Put the number into the newest message, or leave it out."
    examples = (
        system_pair(
            "the turn in the system prompt",
            "This is turn 3 of 20.",
            "This is turn 4 of 20.",
        ),
        opening_pair("unread mail", f"{TASK} (Step: 1 of 5)", f"{TASK} (Step: 2 of 5)"),
    )
    near_misses = (
        system_pair("a rule with a number", "Write at most 3 files.", "Write at most 5 files."),
        history_pair(
            "tokens left",
            [asks(text("Go on."), text("<total_tokens>180000 tokens left</total_tokens>"))],
            [asks(text("Go on."), text("<total_tokens>171200 tokens left</total_tokens>"))],
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The two counts."""
        before, after = _values(d)
        return Evidence(f"{where(d)} holds a counter, {before} became {after}")


class ModelNamed(TextCause):
    """The prompt says which model reads it."""

    code = "model-named"
    reason = Reason.system_changed
    title = "The prompt names the model"
    what = (
        "The prompt says which model it is sent to. With another model that text differs too, so "
        "even an engine that shares one cache among models could reuse nothing behind it."
    )
    advice = "Leave the model's name out of the prompt, or stay with one model in a conversation."
    examples = (
        system_pair(
            "after a switch",
            "You are powered by the model claude-opus-5.",
            "You are powered by the model claude-sonnet-5.",
        ),
        opening_pair(
            "in the first message",
            [note("The model in use is gpt-5.6-terra."), text(TASK)],
            [note("The model in use is gpt-5.6-luna."), text(TASK)],
        ),
    )
    near_misses = (
        system_pair("a version", "Run with python 3.12.1.", "Run with python 3.13.0."),
        Example(
            "a question about models",
            agent(),
            agent(said("Both pass."), asks("Would claude-haiku-5-5 have found it?")),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The two names."""
        before, after = _values(d)
        return Evidence(f"{where(d)} names the model, {before} became {after}")


CAUSES: tuple[Cause, ...] = (Clock(), DateRolledOver(), RandomId(), Counter(), ModelNamed())
