"""The tools that the demo's agents have, as their authors would have written them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from whycold.core.content import Json
from whycold.frontends.demo.talk import ToolText

__all__ = ["CODER", "GITHUB", "NOTEBOOK", "OUT_OF_SANDBOX", "SANDBOX", "SUPPORT", "VERDICT"]

SANDBOX = "Commands run in a sandbox: no network, and only the working directory can be written."
OUT_OF_SANDBOX = "Commands run with the user's own permissions, network included."

_MANNERS = """
Usage notes:
- Use it for the task at hand only; do not explore what nobody asked about.
- Several calls that do not depend on each other belong into one message, so that they run together.
- If a call fails, read the error before you try again; the same call twice gives the same error.
- Paths are absolute. A path with blanks is quoted.
- Never put passwords, tokens or personal data into an argument; they end up in logs.
- The result is cut at 30,000 characters. If the end matters, ask for the end.
"""


def _text(description: str) -> dict[str, Json]:
    return {"type": "string", "description": description}


def _number(description: str) -> dict[str, Json]:
    return {"type": "integer", "minimum": 0, "description": description}


def _schema(required: int, **fields: Mapping[str, Json]) -> dict[str, Json]:
    """An object; the first so many fields are required."""
    names: list[Json] = [*fields]
    return {
        "type": "object",
        "properties": dict(fields),
        "required": names[:required],
        "additionalProperties": False,
    }


CODER = (
    ToolText(
        "Bash",
        f"Runs a command in a shell that lives as long as the session. {SANDBOX} The working "
        "directory stays from call to call, variables do not. For files there are better tools: "
        "Read instead of cat, Edit instead of sed, Grep instead of grep, Glob instead of find. "
        "Before a command that writes into a new folder, look whether its parent is there. For "
        "git, never push, never rewrite what was pushed, and never skip hooks unless the user says "
        "so in as many words. A commit message says why, in one or two sentences." + _MANNERS,
        _schema(
            1,
            command=_text("The command"),
            description=_text("What it does, in five to ten words"),
            timeout=_number("Milliseconds until it is stopped, at most 600000"),
            run_in_background={"type": "boolean", "description": "Go on without waiting for it"},
        ),
    ),
    ToolText(
        "Read",
        "Reads a file, up to 2,000 lines from the beginning or from an offset, each with its "
        "number. Reads pictures and notebooks, too; of a PDF give the pages. An empty file is told "
        "as such. Read a file before the first edit of it." + _MANNERS,
        _schema(
            1,
            file_path=_text("Absolute path of the file"),
            offset=_number("First line"),
            limit=_number("How many lines"),
        ),
    ),
    ToolText(
        "Edit",
        "Replaces text in a file, exactly as it stands there. The old text must occur once, or "
        "replace_all is set; take more lines around it until it does. Keep the indentation as it "
        "stands behind the line number. The file must have been read before." + _MANNERS,
        _schema(
            3,
            file_path=_text("Absolute path of the file"),
            old_string=_text("The text to replace"),
            new_string=_text("What stands there afterwards"),
            replace_all={"type": "boolean", "default": False},
        ),
    ),
    ToolText(
        "Write",
        "Writes a whole file, new or over an old one, which must have been read. Prefer Edit. "
        "Documentation is written when it was asked for." + _MANNERS,
        _schema(2, file_path=_text("Absolute path"), content=_text("The whole content")),
    ),
    ToolText(
        "Grep",
        "Searches the contents of files with a regular expression (ripgrep). Filter by glob or "
        "type; choose between matching lines, names of files and counts. Braces have to be "
        "escaped; a pattern over several lines needs multiline." + _MANNERS,
        _schema(
            1,
            pattern=_text("Regular expression"),
            path=_text("File or folder, the working directory by default"),
            glob=_text("For example *.py"),
            output_mode={"type": "string", "enum": ["content", "files_with_matches", "count"]},
            head_limit=_number("At most so many lines"),
            multiline={"type": "boolean", "default": False},
        ),
    ),
    ToolText(
        "Glob",
        "Finds files by a pattern such as src/**/*.ts, the newest first." + _MANNERS,
        _schema(1, pattern=_text("The pattern"), path=_text("Folder to look in")),
    ),
    ToolText(
        "WebFetch",
        "Fetches a page, turns it into text and answers a question about it with a small model. "
        "Read only; a redirection to another host is told and has to be asked for again. Pages "
        "are kept for fifteen minutes." + _MANNERS,
        _schema(2, url=_text("Address of the page"), prompt=_text("What to find out")),
    ),
    ToolText(
        "Task",
        "Gives a piece of work to another agent with a conversation of its own, and returns its "
        "last message. explore searches a code base and reads much of it; review looks at changes. "
        "Say everything it has to know: it sees nothing of this conversation. Say whether it may "
        "write." + _MANNERS,
        _schema(
            3,
            description=_text("Three to five words"),
            prompt=_text("The work"),
            subagent_type={"type": "string", "enum": ["explore", "review"]},
        ),
    ),
    ToolText(
        "TodoWrite",
        "Keeps the list of what is to be done, for work of three steps or more. One entry is in "
        "progress at a time; it is completed when its tests pass, and not before." + _MANNERS,
        _schema(1, todos={"type": "array", "items": {"type": "object"}}),
    ),
)

_GITHUB = {
    "search_issues": "Searches issues and pull requests with GitHub's search syntax",
    "get_issue": "Gets an issue with its body, labels, assignees and milestone",
    "list_issue_comments": "Lists the comments of an issue, the oldest first",
    "add_issue_comment": "Adds a comment to an issue or a pull request",
    "update_issue": "Changes title, body, labels, assignees or state of an issue",
    "get_pull_request": "Gets a pull request with its head, base and state of checks",
    "get_pull_request_files": "Lists the files that a pull request changes, with patches",
    "list_commits": "Lists commits of a branch, the newest first",
    "get_file_contents": "Gets a file or the listing of a folder at a branch, tag or commit",
    "search_code": "Searches code in repositories with GitHub's search syntax",
    "list_workflow_runs": "Lists runs of a workflow with their state and outcome",
    "create_pull_request_review": "Creates a review with a verdict and comments on lines",
}


def _of_github() -> Iterator[ToolText]:
    for name, what in _GITHUB.items():
        yield ToolText(
            f"mcp__github__{name}",
            f"{what}. Pages hold 30 entries; ask for the next one where the answer says so. Needs "
            "a token with the scope repo; without it only public repositories are seen. Rate "
            "limits are waited for up to a minute and then told as an error." + _MANNERS,
            _schema(
                2,
                owner=_text("Owner of the repository"),
                repo=_text("Name of the repository"),
                query=_text("What to look for, number or path"),
                per_page=_number("Entries per page, at most 100"),
                page=_number("Page, from 1 on"),
            ),
        )


GITHUB = tuple(_of_github())
VERDICT = ToolText(
    "submit_review",
    "Hands in the review: a verdict, a summary of at most five sentences, and findings with file, "
    "line, severity and a proposal. Call it once, at the end." + _MANNERS,
    _schema(
        2,
        verdict={"type": "string", "enum": ["approve", "comment", "request_changes"]},
        summary=_text("At most five sentences"),
        findings={"type": "array", "items": {"type": "object"}},
    ),
)

SUPPORT = tuple(
    ToolText(
        name,
        f"{what}. The customer must have named the order or be signed in; ask once where neither "
        "is so. The result holds what may be told to the customer and, under internal, what may "
        "not." + _MANNERS,
        _schema(
            1, order=_text("Number of the order"), reason=_text("Why, in the customer's words")
        ),
    )
    for name, what in (
        ("find_order", "Finds an order with its parcels, payments and returns"),
        ("change_address", "Changes the address of an order that is not packed yet"),
        ("open_return", "Opens a return and sends the label by mail"),
        ("refund", "Pays money back, up to 40 euros without asking"),
        ("hand_over", "Hands the conversation to a person, with a summary"),
    )
)

NOTEBOOK = tuple(
    ToolText(
        name,
        f"{what}. Read only. Times are UTC, amounts in euros. A query that reads more than 50 GB "
        "is refused; narrow the days." + _MANNERS,
        schema,
    )
    for name, what, schema in (
        (
            "run_query",
            "Runs a query on the warehouse",
            _schema(
                1,
                sql=_text("One SELECT statement"),
                limit=_number("Rows, at most 2000"),
                dry_run={"type": "boolean", "description": "Only tell what it would read"},
            ),
        ),
        (
            "describe_table",
            "Tells the columns of a table with types, and from when to when it reaches",
            _schema(1, table=_text("schema.table")),
        ),
        (
            "plot",
            "Draws a chart of the last result",
            _schema(2, x=_text("Column"), y=_text("Column"), kind=_text("line, bar or area")),
        ),
    )
)
