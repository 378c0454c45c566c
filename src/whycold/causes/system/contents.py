"""Parts that a client puts into the prompt: task list, instruction files, memory, identity."""

from __future__ import annotations

import re

from whycold.causes.examples import (
    TASK,
    agent,
    asks,
    body,
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
from whycold.causes.texts.words import became, first_line, line_at, quote, value_at, where
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Change, Divergence
from whycold.core.volatile import Volatile

__all__ = ["CAUSES"]

_FILE = re.compile(r"[\w.@~/\\-]*?([\w-]+\.mdc?)\b")
_READ = "Read before you write."
_RULES = "Contents of /home/ada/billing/CLAUDE.md (project instructions):\n\n# Billing\n\n{}"


def _line(d: Divergence) -> str:
    """The line that came in, else the one that is gone, in quotation marks."""
    texts = sides(d)
    if texts.come.strip() or not texts.gone.strip():
        blank = len(texts.come) - len(texts.come.lstrip())
        return first_line(line_at(texts.new, texts.new_at + blank))
    blank = len(texts.gone) - len(texts.gone.lstrip())
    return first_line(line_at(texts.old, texts.old_at + blank))


class TaskList(TextCause):
    """Row 5: a snapshot of the task list."""

    code = "task-list"
    reason = Reason.system_changed
    title = "The prompt holds the task list"
    what = (
        "A snapshot of the task list stands in front of the conversation. Every task that is made "
        "or finished rewrites it, and the whole history behind it is processed again."
    )
    advice = (
        "Tell the state of the tasks in the newest message only, and leave older messages and the "
        "system prompt as they were."
    )
    rows = (5,)
    examples = (
        system_pair(
            "a task was finished",
            "# Tasks\n- [ ] find the cause\n- [ ] repair the tests",
            "# Tasks\n- [x] find the cause\n- [ ] repair the tests",
        ),
        system_pair(
            "a task was made",
            "<todos>\n1. find the cause (in_progress)\n</todos>",
            "<todos>\n1. find the cause (in_progress)\n2. write a test (pending)\n</todos>",
        ),
    )
    near_misses = (
        system_pair("an edited rule", "# Rules\n- Ask before writing.", "# Rules\n- Never ask."),
        history_pair(
            "the list in the newest message",
            [],
            [said("Done."), asks("# Tasks\n- [x] find the cause")],
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What of the list changed."""
        return Evidence(f"the task list in {where(d)} was rewritten, at {_line(d)}")


class InstructionsRewritten(TextCause):
    """Row 11: an instruction file."""

    code = "instructions-rewritten"
    reason = Reason.system_changed
    title = "An instruction file was rewritten"
    what = (
        "The text of CLAUDE.md, AGENTS.md or another instruction file stands in the prompt, and "
        "the file changed between the two requests, by hand or by a tool that writes it anew each "
        "run."
    )
    advice = (
        "Write the file once and change it between sessions only; let an orchestrator put what "
        "differs from run to run into the task instead."
    )
    rows = (11,)
    examples = (
        opening_pair(
            "CLAUDE.md in the first message",
            [note(f"# claudeMd\n{_RULES.format('Run the tests with make test.')}"), text(TASK)],
            [note(f"# claudeMd\n{_RULES.format('Run the tests with make check.')}"), text(TASK)],
        ),
        system_pair(
            "AGENTS.md in the system prompt",
            "# AGENTS.md instructions for /home/ada/billing\n\nAssigned issue: rounding.",
            "# AGENTS.md instructions for /home/ada/billing\n\nAssigned issue: currencies.",
        ),
    )
    near_misses = (
        opening_pair(
            "the date behind the file",
            [note(f"{_RULES.format('Be brief.')}\n# currentDate\nToday's date is 2026-11-22.")],
            [note(f"{_RULES.format('Be brief.')}\n# currentDate\nToday's date is 2026-11-23.")],
        ),
        history_pair(
            "the model reads the file",
            [],
            [said(use("toolu_02", path="CLAUDE.md")), asks(result("toolu_02", _RULES.format("x")))],
        ),
        system_pair("another rule of the prompt itself", "Answer briefly.", "Answer at length."),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Which file."""
        texts = sides(d)
        above = (texts.new or texts.old)[: texts.new_at or texts.old_at or 400]
        names = _FILE.findall(above)
        name = names[-1] if names else "an instruction file"
        return Evidence(f"the text of {name} in {where(d)} was rewritten")


class MemoryRecalled(TextCause):
    """Row 56: what a plugin puts in per turn."""

    code = "memory-recalled"
    reason = Reason.system_changed
    title = "A plugin puts other text into the prompt each turn"
    what = (
        "A memory or hook adds text to the prompt that it chooses anew for every turn, and puts it "
        "in front of the conversation, which is then processed again as a whole."
    )
    advice = (
        "Let the plugin add what it recalls to the newest message and leave it there, or recall "
        "once when the conversation begins."
    )
    rows = (56,)
    examples = (
        system_pair(
            "memories chosen for the question",
            "<memory>\nThe user prefers pytest.\n</memory>",
            "<memory>\nThe user rounds half up.\n</memory>",
        ),
        system_pair(
            "the output of a hook",
            "UserPromptSubmit hook additional context:\n2 warnings in src/billing.py",
            "UserPromptSubmit hook additional context:\nno warnings",
        ),
        Example(
            "a memory block is added",
            agent(system=[text("You are a careful programmer.")]),
            agent(
                said("Done."),
                asks("Go on."),
                system=[
                    text("You are a careful programmer."),
                    text("Relevant memories:\n- The user prefers pytest."),
                ],
            ),
        ),
    )
    near_misses = (
        history_pair(
            "what is recalled comes with the newest message",
            [],
            [said("Done."), asks(text("<memory>\nHalf up.\n</memory>"), text("Go on."))],
        ),
        system_pair("a rule", "Use the memory of the machine sparingly.", "Be quick."),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What came or went."""
        return Evidence(f"what a memory or hook put into {where(d)} differs, at {_line(d)}")


class IdentityDiffers(TextCause):
    """Row 37: who the model is told to be."""

    code = "identity-differs"
    reason = Reason.system_changed
    title = "The prompt tells the model to be somebody else"
    what = (
        "The sentence with which the system prompt says who the model is differs: the same agent "
        "was started in another way, or a main agent and a subagent share everything but this "
        "line."
    )
    advice = (
        "Start the agent in the same way each time; give subagents the same system prompt and "
        "their part as the first message."
    )
    rows = (37,)
    examples = (
        Example(
            "a subagent that was resumed",
            body(system=[text("You are an agent for Acme Code. Complete the task.", mark=True)]),
            body(
                asks(TASK),
                said("Done."),
                asks("And the invoices?"),
                system=[text("You are Acme Code, a command line tool. Complete it.", mark=True)],
            ),
        ),
        Example(
            "a subagent beside its agent",
            body(system=[text(f"You are the main agent of Acme Code.\n{_READ}", mark=True)]),
            body(
                asks("Find all callers of total()."),
                system=[text(f"You are a search agent of Acme Code.\n{_READ}", mark=True)],
            ),
            call={"agent": "search"},
        ),
        Example(
            "behind a fixed first line",
            agent(system=[text("Acme Code 4\nYou are a reviewer.\nRead, then judge.", mark=True)]),
            agent(
                said("Done."),
                asks("Go on."),
                system=[text("Acme Code 4\nYou are a programmer.\nRead, then judge.", mark=True)],
            ),
        ),
    )
    near_misses = (
        system_pair("a rule further down", "Be brief in answers.", "Be thorough in answers."),
        system_pair(
            "the model's name",
            "You are powered by the model claude-opus-5.",
            "You are powered by the model claude-sonnet-5.",
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The two sentences."""
        texts = sides(d)
        lines = [
            whole[whole.rfind("\n", 0, at) + 1 :].split("\n", 1)[0]
            for whole, at in ((texts.old, texts.old_at), (texts.new, texts.new_at))
        ]
        return Evidence(f"the system prompt begins with {quote(lines[1])}, not {quote(lines[0])}")


class SystemMessageMoved(TextCause):
    """Row 16: a message of role system that a layer on the way moved."""

    code = "system-message-moved"
    reason = Reason.system_changed
    title = "A system message from the conversation was moved to the top"
    what = (
        "The client gives the model notes in the middle of the conversation: tokens left, open "
        "tasks, a changed mode. A layer that knows no system messages there put them into the "
        "system prompt, which therefore differs with every request."
    )
    advice = (
        "Use a server or gateway version that keeps system messages in their place, or switch the "
        "notes off; in Claude Code set CLAUDE_CODE_TOTAL_TOKENS_REMINDER to off."
    )
    rows = (16,)
    examples = (
        Example(
            "tokens left stand in the system prompt",
            agent(
                system=[
                    text("You are a programmer.\n\n<total_tokens>180000 tokens left</total_tokens>")
                ]
            ),
            agent(
                said("Done."),
                asks("Go on."),
                system=[
                    text("You are a programmer.\n\n<total_tokens>171200 tokens left</total_tokens>")
                ],
            ),
            provider="ollama",
        ),
        Example(
            "a mode change of the middle is added at the top",
            agent(
                {"role": "system", "content": "Plan mode is on. Do not write files."},
                asks("Go on."),
                system="You are a careful programmer.",
            ),
            agent(
                asks("Go on."),
                said("Done."),
                asks("Next."),
                system="You are a careful programmer.\n\nPlan mode is on. Do not write files.",
            ),
            provider="ollama",
            at="system",
        ),
    )
    near_misses = (
        system_pair("the author's own edit", "Be brief in answers.", "Be thorough in answers."),
        history_pair(
            "a note that stays in its message",
            [asks(text("Go on."), text("<total_tokens>180000 tokens left</total_tokens>"))],
            [asks(text("Go on."), text("<total_tokens>171200 tokens left</total_tokens>"))],
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The note."""
        if d.change is Change.reordered:
            return Evidence(f"the system message {_line(d)} stands in another place")
        if d.volatile is Volatile.token_budget:
            return Evidence(f"the system prompt holds a budget that changes, {became(d, value_at)}")
        return Evidence(f"a note to the model was moved into the system prompt, {_line(d)}")


CAUSES: tuple[Cause, ...] = (
    TaskList(),
    InstructionsRewritten(),
    MemoryRecalled(),
    IdentityDiffers(),
    SystemMessageMoved(),
)
