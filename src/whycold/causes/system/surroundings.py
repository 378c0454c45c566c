"""What surrounds the agent and stands in its prompt: git tree, folders, files, editor, user."""

from __future__ import annotations

from whycold.causes.examples import (
    TASK,
    agent,
    asks,
    body,
    history_pair,
    opening_pair,
    said,
    system_pair,
    text,
)
from whycold.causes.texts.partition import TextCause
from whycold.causes.texts.words import became, where
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Divergence

__all__ = ["CAUSES"]

_SHOP = "You answer questions on invoices."
_GIT = "gitStatus: the state at the start of the conversation.\nCurrent branch: {}\n\nStatus:\n{}"


def _changed(d: Divergence) -> str:
    said = became(d)
    return f": {said}" if said else ""


class GitState(TextCause):
    """Row 8: branch, commit or status."""

    code = "git-state"
    reason = Reason.system_changed
    title = "The prompt holds the state of the git tree"
    what = (
        "The prompt shows branch, commits or changed files of the working tree. Each commit, "
        "switch of branch or edit of a file changes that text, and everything behind it is "
        "processed again."
    )
    advice = (
        "Take the git state once when the conversation begins and keep it, or leave it out and let "
        "the model ask git; Claude Code leaves it out with "
        "--exclude-dynamic-system-prompt-sections."
    )
    rows = (8,)
    examples = (
        system_pair(
            "another file is modified",
            _GIT.format("main", " M src/billing.py"),
            _GIT.format("main", " M src/billing.py\n M src/invoices.py"),
        ),
        system_pair(
            "another branch is checked out",
            _GIT.format("main", "(clean)"),
            _GIT.format("fix/rounding", "(clean)"),
        ),
        opening_pair(
            "recent commits in the first message",
            [text("<git_status>\n3f9a1c7 Round totals\n</git_status>"), text(TASK)],
            [
                text("<git_status>\nb81e0d4 Add invoices\n3f9a1c7 Round totals\n</git_status>"),
                text(TASK),
            ],
        ),
    )
    near_misses = (
        history_pair(
            "the model asks git again",
            [],
            [said("Done."), asks("Current branch: fix/rounding. Is it merged?")],
        ),
        system_pair(
            "file names without a git tree",
            "<files>\na.py\nb.py\nc.py\n</files>",
            "<files>\na.py\nb.py\nc.py\nd.py\n</files>",
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What differs in the tree."""
        return Evidence(f"the git state in {where(d)} changed{_changed(d)}")


class FileListing(TextCause):
    """Row 9: names of files."""

    code = "file-listing"
    reason = Reason.system_changed
    title = "The prompt lists files, and the files changed"
    what = (
        "The prompt holds a listing of the files in a folder. As soon as a file is written, "
        "renamed or deleted the listing differs, and everything behind it is processed again."
    )
    advice = (
        "List the files once when the conversation begins and keep that text, or let the model "
        "list them with a tool."
    )
    rows = (9,)
    examples = (
        system_pair(
            "a file was written",
            "<files>\nREADME.md\nsrc/billing.py\ntests/test_billing.py\n</files>",
            "<files>\nREADME.md\nsrc/billing.py\nsrc/invoices.py\ntests/test_billing.py\n</files>",
        ),
        system_pair(
            "a tree with another folder",
            "Directory structure:\n├── README.md\n├── docs/\n└── src/",
            "Directory structure:\n├── README.md\n├── src/\n└── tests/",
        ),
        opening_pair(
            "the listing in the first message",
            f"{TASK}\n\n# Current Working Directory (/home/ada/billing) Files\nREADME.md\nsrc/a.py",
            f"{TASK}\n\n# Current Working Directory (/home/ada/billing) Files\nREADME.md\nsrc/b.py",
        ),
    )
    near_misses = (
        system_pair(
            "the same files in another order",
            "<files>\nREADME.md\nsrc/billing.py\ntests/test_billing.py\n</files>",
            "<files>\nsrc/billing.py\nREADME.md\ntests/test_billing.py\n</files>",
        ),
        system_pair(
            "files of a git status",
            _GIT.format("main", " M src/billing.py"),
            _GIT.format("main", " M src/invoices.py"),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Which names came or went."""
        return Evidence(f"the list of files in {where(d)} changed{_changed(d)}")


class WorkingDirectory(TextCause):
    """Row 8's other half: where the agent works."""

    code = "working-directory"
    reason = Reason.system_changed
    title = "The prompt names the folder that the agent works in"
    what = (
        "The prompt names a folder of this machine. Another checkout, worktree or container has "
        "another path, so what one of them left in the cache is of no use to the others."
    )
    advice = (
        "Run the sessions under one path, or move the environment block behind the shared part of "
        "the prompt; in Claude Code use --exclude-dynamic-system-prompt-sections."
    )
    examples = (
        system_pair(
            "another worktree",
            "<env>\nWorking directory: /home/ada/billing\nPlatform: linux\n</env>",
            "<env>\nWorking directory: /home/ada/billing-fix\nPlatform: linux\n</env>",
        ),
        system_pair(
            "a path in a sentence",
            "Read /home/ada/billing/STYLE.txt before you write.",
            "Read /home/bob/billing/STYLE.txt before you write.",
        ),
    )
    near_misses = (
        system_pair(
            "a folder of this session alone",
            "Scratchpad directory: /tmp/agent-3f9a1c77/scratch",
            "Scratchpad directory: /tmp/agent-b81e0d4f/scratch",
        ),
        system_pair(
            "the open file",
            "<editor>\nActive file: src/billing.py\n</editor>",
            "<editor>\nActive file: src/invoices.py\n</editor>",
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The two paths."""
        return Evidence(f"a folder named in {where(d)} is another one{_changed(d)}")


class SessionNamed(TextCause):
    """Row 40: id, folders and files of one session."""

    code = "session-named"
    reason = Reason.system_changed
    title = "The prompt names this very session"
    what = (
        "The prompt holds something that only this session has: its id, a scratch folder, an added "
        "directory or the path of its transcript. Another session, fork or resume cannot share "
        "what stands behind it."
    )
    advice = (
        "Use one fixed path for scratch files, leave ids of sessions out of the prompt, and start "
        "sessions that should share a cache with the same added directories."
    )
    rows = (40,)
    examples = (
        system_pair(
            "a scratch folder per session",
            "Scratchpad directory: /tmp/agent-3f9a1c77/scratch",
            "Scratchpad directory: /tmp/agent-b81e0d4f/scratch",
        ),
        system_pair(
            "the id of a fork",
            "Fork id: 7f0c1f6e-2b1a-4c55-9d0e-6a1b2c3d4e5f",
            "Fork id: 0b9d7a42-8c3e-4f10-b6aa-91d2e3f4a5b6",
        ),
        system_pair(
            "an added directory",
            "Additional working directories: /home/ada/billing",
            "Additional working directories: /home/ada/billing, /home/ada/shop",
        ),
    )
    near_misses = (
        system_pair(
            "the working directory",
            "Working directory: /home/ada/billing",
            "Working directory: /home/ada/shop",
        ),
        system_pair(
            "an id that belongs to no session",
            "Build 7f0c1f6e-2b1a-4c55-9d0e-6a1b2c3d4e5f is tested.",
            "Build 0b9d7a42-8c3e-4f10-b6aa-91d2e3f4a5b6 is tested.",
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What names it."""
        return Evidence(f"{where(d)} names something of this session alone{_changed(d)}")


class RuntimeContext(TextCause):
    """Row 57: editor, page and machine."""

    code = "runtime-context"
    reason = Reason.system_changed
    title = "The prompt holds what the editor or the page shows"
    what = (
        "The current file, cursor, selection, page or an address of the machine stands in front of "
        "the conversation. It follows every click of the user, and everything behind it is "
        "processed again."
    )
    advice = (
        "Send what the editor or page shows with the newest message, and leave it in the older "
        "messages as it was."
    )
    rows = (57,)
    examples = (
        system_pair(
            "another file is open",
            "<editor>\nActive file: src/billing.py\nCursor: 12:4\n</editor>",
            "<editor>\nActive file: src/invoices.py\nCursor: 3:1\n</editor>",
        ),
        system_pair(
            "the page that the user looks at",
            "Page context:\nInvoice 1001 of Northwind, unpaid",
            "Page context:\nList of all invoices of this month",
        ),
        history_pair(
            "the details are taken out of the older message",
            [
                asks(
                    text("Go on."),
                    text("<environment_details>\nOpen: a.py\n</environment_details>"),
                )
            ],
            [asks(text("Go on."))],
        ),
    )
    near_misses = (
        system_pair(
            "the time of day among them",
            "<environment_details>\nCurrent time: 09:00:12\n</environment_details>",
            "<environment_details>\nCurrent time: 09:03:55\n</environment_details>",
        ),
        history_pair(
            "the selection in the newest message",
            [],
            [said("Done."), asks(text("<selection>total()</selection>"), text("And this?"))],
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What of it changed."""
        return Evidence(f"the editor, page or machine described in {where(d)} changed{_changed(d)}")


class UserData(TextCause):
    """Row 58: who is served."""

    code = "user-data"
    reason = Reason.system_changed
    title = "The prompt begins with data of one user"
    what = (
        "The name, address or account of a user or tenant stands in the shared part of the prompt. "
        "Each of them gets a prefix of their own, and none can use what another left in the cache."
    )
    advice = (
        "Put what is the same for everybody first, with a cache marker behind it, and the data of "
        "the user after it or into the first message."
    )
    rows = (58,)
    examples = (
        system_pair(
            "the name of the customer",
            "Customer name: Ada Byron\nPlan: basic",
            "Customer name: Grace Murray\nPlan: basic",
        ),
        Example(
            "a conversation of another tenant",
            body(asks("How do I pay?"), system=[text(f"Tenant: Northwind\n{_SHOP}", mark=True)]),
            body(asks("Who is late?"), system=[text(f"Tenant: Contoso\n{_SHOP}", mark=True)]),
            call={"session": "session-2"},
        ),
        system_pair(
            "an e-mail address",
            "You help ada@example.com with invoices.",
            "You help grace@example.com with invoices.",
        ),
    )
    near_misses = (
        system_pair(
            "the page of a customer",
            "Page context:\nCustomer 12 of 90",
            "Page context:\nInvoices of this month",
        ),
        Example(
            "a name in a question",
            agent(),
            agent(said("Both pass."), asks("Write to grace@example.com that it works.")),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Whose data."""
        return Evidence(f"data of the user in {where(d)} differ{_changed(d)}")


CAUSES: tuple[Cause, ...] = (
    GitState(),
    FileListing(),
    WorkingDirectory(),
    SessionNamed(),
    RuntimeContext(),
    UserData(),
)
