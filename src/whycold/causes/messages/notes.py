"""What a client adds to messages for the model: reminders, listings, budgets, command output."""

from __future__ import annotations

from whycold.causes.examples import (
    TASK,
    agent,
    asks,
    history_pair,
    note,
    opening_pair,
    said,
    text,
)
from whycold.causes.texts.partition import TextCause
from whycold.causes.texts.sides import sides
from whycold.causes.texts.words import first_line, quote, value_at, where
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Change, Divergence
from whycold.core.edit import TextChange

__all__ = ["CAUSES"]

_SKILLS = "The following skills are available:\n- docx: write documents\n- pdf: read documents"
_DEFERRED = "The following deferred tools are now available via ToolSearch:\n"
_TOKENS = "<total_tokens>{} tokens left</total_tokens>"
_STDOUT = "<local-command-stdout>Context usage: 41k of 200k</local-command-stdout>"


class ReminderMoved(TextCause):
    """Row 12: a reminder or listing stands elsewhere."""

    code = "reminder-moved"
    reason = Reason.messages_changed
    title = "A note of the client moved to another message"
    what = (
        "A reminder or listing that the client puts into a message for the model stands in another "
        "message now, as after a resume. The place where it was differs, and so does all behind "
        "it."
    )
    advice = (
        "Store such notes with the conversation and send them back where they were; update the "
        "client if it does this on each resume."
    )
    rows = (12,)
    examples = (
        Example(
            "the skills listing moves to the newest message",
            agent(first=[note(_SKILLS), text(TASK)]),
            agent(said("Done."), asks(note(_SKILLS), text("Go on.")), first=[text(TASK)]),
        ),
        Example(
            "a note is glued to the newest message",
            agent(first=[note("Plan mode is on."), text(TASK)]),
            agent(
                said("Done."),
                asks(text(f"{note('Plan mode is on.')['text']}\n\nGo on.")),
                first=[text(TASK)],
            ),
        ),
    )
    near_misses = (
        opening_pair("it is gone", [note(_SKILLS), text(TASK)], [text(TASK)]),
        Example(
            "messages of the user changed places",
            agent(asks("Round half up."), said("Yes."), asks("Write a test."), said("Fine.")),
            agent(asks("Write a test."), said("Yes."), asks("Round half up."), said("Fine.")),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The note."""
        what = sides(d).gone or sides(d).old
        return Evidence(f"a note of the client moved out of {where(d)}, {first_line(what)}")


class ReminderDropped(TextCause):
    """Row 13: a reminder was there for one request."""

    code = "reminder-dropped"
    reason = Reason.messages_changed
    title = "A note of the client was there for one request only"
    what = (
        "The client added a reminder to a message and left it out of the same message in the next "
        "request. What was cached ends where the reminder stood."
    )
    advice = (
        "Once a note is sent, keep it in the history; if it must not stay, put it behind the last "
        "cache marker. In Claude Code, CLAUDE_CODE_TOTAL_TOKENS_REMINDER=off ends the token notes."
    )
    rows = (13,)
    examples = (
        history_pair(
            "a reminder behind the question",
            [said("Done."), asks(text("Go on."), note("The task tools were not used recently."))],
            [said("Done."), asks(text("Go on."))],
        ),
        history_pair(
            "the tokens that were left",
            [said("Done."), asks(text("Go on."), text(_TOKENS.format(180000)))],
            [said("Done."), asks(text("Go on."))],
        ),
        opening_pair(
            "a reminder within a text",
            f"{TASK}\n<system-reminder>\nPlan mode is on.\n</system-reminder>",
            TASK,
        ),
    )
    near_misses = (
        Example(
            "it moved",
            agent(first=[note(_SKILLS), text(TASK)]),
            agent(said("Done."), asks(note(_SKILLS), text("Go on.")), first=[text(TASK)]),
        ),
        history_pair(
            "a text of the user is gone",
            [said("Done."), asks(text("Go on."), text("And be quick about it."))],
            [said("Done."), asks(text("Go on."))],
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The note."""
        return Evidence(
            f"a note of the client vanished from {where(d)}, {first_line(sides(d).gone)}"
        )


class TokenBudget(TextCause):
    """A number of tokens left that is rewritten in place."""

    code = "token-budget"
    reason = Reason.messages_changed
    title = "Tokens used or left are written into an old message"
    what = (
        "A message that was sent before says how many tokens or how much money is left, and the "
        "client brings that number up to date in place instead of telling it anew."
    )
    advice = "Tell the budget in the newest message only, and leave what older messages say."
    examples = (
        history_pair(
            "tokens left",
            [asks(text("Go on."), text(_TOKENS.format(180000)))],
            [asks(text("Go on."), text(_TOKENS.format(171200)))],
        ),
        opening_pair(
            "money spent",
            [note("Budget: $0.12/$5.00; $4.88 remaining"), text(TASK)],
            [note("Budget: $0.31/$5.00; $4.69 remaining"), text(TASK)],
        ),
    )
    near_misses = (
        history_pair(
            "the note is gone",
            [asks(text("Go on."), text(_TOKENS.format(180000)))],
            [asks(text("Go on."))],
        ),
        opening_pair("a limit in the task", f"{TASK} Use 3 files.", f"{TASK} Use 5 files."),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The two numbers."""
        texts = sides(d)
        before = quote(value_at(texts.old, texts.old_at, texts.gone))
        after = quote(value_at(texts.new, texts.new_at, texts.come))
        return Evidence(f"{where(d)} holds a budget that changes, {before} became {after}")


class DeferredTools(TextCause):
    """Row 31: the listing of tools that can be loaded."""

    code = "deferred-tools"
    reason = Reason.messages_changed
    title = "The listing of tools that can be loaded differs"
    what = (
        "The conversation begins with the names of tools that the model can load when it needs "
        "them. A server was not connected yet, or went away, and the client wrote the listing "
        "anew."
    )
    advice = (
        "Let the client wait for its MCP servers before the first request of a resumed session, or "
        "keep the listing with which the conversation began."
    )
    rows = (31,)
    examples = (
        opening_pair(
            "servers are not connected yet",
            [note(f"{_DEFERRED}CronCreate\nmcp__jira__search\nmcp__jira__comment"), text(TASK)],
            [note(f"{_DEFERRED}CronCreate"), text(TASK)],
        ),
        opening_pair(
            "in a block of its own",
            [text("<available-deferred-tools>\nA\nB\nC\n</available-deferred-tools>"), text(TASK)],
            [text("<available-deferred-tools>\nA\nC\n</available-deferred-tools>"), text(TASK)],
        ),
    )
    near_misses = (
        opening_pair(
            "the same names in another order",
            [note(f"{_DEFERRED}CronCreate\nmcp__jira__search"), text(TASK)],
            [note(f"{_DEFERRED}mcp__jira__search\nCronCreate"), text(TASK)],
        ),
        opening_pair(
            "the skills listing", [note(_SKILLS)], [note(f"{_SKILLS}\n- xlsx: fill tables")]
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Whether it shrank or grew."""
        texts = sides(d)
        if d.change is Change.removed or not texts.come.strip():
            gone = texts.gone.split()
            names = quote(" ".join(gone)) if d.change is not Change.removed else "all of it"
            return Evidence(f"the listing of tools to load in {where(d)} shrank, {names} is gone")
        if d.change is Change.added or not texts.gone.strip():
            return Evidence(f"the listing of tools to load in {where(d)} grew")
        return Evidence(f"the listing of tools to load in {where(d)} differs")


class ContinueTrailer(TextCause):
    """Row 18: a call to go on that a resume adds."""

    code = "continue-trailer"
    reason = Reason.messages_changed
    title = "A call to go on was added to, or taken out of, an old message"
    what = (
        'On a resume the client adds a text such as "Continue from where you left off." to the '
        "last message, and leaves it out again later. From that message on nothing can be reused."
    )
    advice = (
        "Send the call to go on as a message of its own and keep it in the history, or leave it "
        "out."
    )
    rows = (18,)
    examples = (
        Example(
            "added by the resume",
            agent(asks("Round half up."), said("Done."), asks("Go on.")),
            agent(
                asks(text("Round half up."), text("Continue from where you left off.")),
                said("Done."),
                asks("Go on."),
            ),
        ),
        history_pair(
            "gone with the next request",
            [said("Yes."), asks(text("Go on."), text("Continue from where you left off."))],
            [said("Yes."), asks(text("Go on."))],
        ),
    )
    near_misses = (
        history_pair("in the newest message", [], [said("Yes."), asks("Continue where you left.")]),
        history_pair(
            "another text is gone",
            [said("Yes."), asks(text("Go on."), text("Continue with the invoices."))],
            [said("Yes."), asks(text("Go on."))],
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Whether it came or went."""
        texts = sides(d)
        come = bool(texts.come.strip())
        what = quote(texts.come if come else texts.gone)
        return Evidence(f"{what} {'came into' if come else 'vanished from'} {where(d)}")


class LocalCommandOutput(TextCause):
    """Row 63: the output of a command of the client."""

    code = "local-command-output"
    reason = Reason.messages_changed
    title = "The output of a client command is in the history"
    what = (
        "A command that the user gave to the client, such as /context or /model, left its text in "
        "the history, or a later request no longer has it. From there on nothing can be reused."
    )
    advice = (
        "Keep the text where it was, or never send it; run such commands in a session of their own "
        "while a long one is open."
    )
    rows = (63,)
    examples = (
        Example(
            "put between older messages",
            agent(said("Done."), asks("Round half up.")),
            agent(asks(_STDOUT), said("Done."), asks("Round half up."), said("Yes.")),
        ),
        history_pair(
            "left out again",
            [said("Done."), asks(text("<command-name>/context</command-name>"), text("Go on."))],
            [said("Done."), asks(text("Go on."))],
        ),
    )
    near_misses = (
        history_pair("in the newest message", [], [said("Done."), asks(_STDOUT)]),
        Example(
            "a text of the user is put in",
            agent(said("Done."), asks("Round half up.")),
            agent(asks("The command is /context."), said("Done."), asks("Round half up.")),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Whether it came, went or differs."""
        if d.change is Change.added:
            return Evidence(f"the output of a client command was put in as {where(d)}")
        if d.change is Change.removed or d.text is TextChange.deleted:
            return Evidence(f"the output of a client command vanished from {where(d)}")
        return Evidence(f"the output of a client command in {where(d)} differs")


CAUSES: tuple[Cause, ...] = (
    ReminderMoved(),
    ReminderDropped(),
    TokenBudget(),
    DeferredTools(),
    ContinueTrailer(),
    LocalCommandOutput(),
)
