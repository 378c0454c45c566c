"""One neutral prompt of a coding agent: what a client wants to say, whatever the API it says it
over.

``NEUTRAL`` is 2 tools, a system text of some 1,500 tokens and 7 messages, a tool's use and its
result among them. Its first two messages can be dropped and leave a valid conversation.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any, Literal

__all__ = ["NEUTRAL", "Message", "Part", "Prompt", "Text", "Tool", "ToolResult", "ToolUse"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool; ``schema`` is sent in its own key order."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text in a message."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool that the assistant called; ``arguments`` are sent in their own key order."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back."""

    id: str
    text: str


Part = Text | ToolUse | ToolResult


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. A tool's result is a part of the user's turn, as on Anthropic's API."""

    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """Tools, system text and turns, and two things that only the body shows.

    ``header``: a text right before the system text; a block of its own in the Messages body.
    ``strings``: a user's lone text is sent as a string, else as a list of one text block.
    ``marker``: where the Messages body carries ``cache_control``; the other two APIs have no such
    thing.
    """

    tools: tuple[Tool, ...]
    system: str
    messages: tuple[Message, ...]
    header: str = ""
    strings: bool = True
    marker: Literal["system", "last message"] | None = None

    def with_parts(self, message: int, *parts: Part) -> "Prompt":
        """The same with other parts in one message; negative indexes count from the end."""
        messages = list(self.messages)
        messages[message] = replace(messages[message], parts=parts)
        return replace(self, messages=tuple(messages))

    def with_turn(self, reply: str) -> "Prompt":
        """The same one turn later: the reply and the user's next question at the end."""
        question = Text("Thank you. Now say which test would have found that.")
        turn = (Message("assistant", (Text(reply),)), Message("user", (question,)))
        return replace(self, messages=self.messages + turn)


_ROLE = """\
You are the agent of a small team that writes and repairs code. You work in the shell of one
machine, in one folder, for one person at a time. Answer in plain words, keep the answer short, and
give the reason before the result. Read a file before you change it, and run the tests after you
changed it.
"""
_RULES = 42
_WHEN = (
    "a test does not end",
    "the report names no file",
    "two modules share a name",
    "the build is slow",
    "a person asks twice",
    "the branch is behind",
    "an option has no default",
    "the log is empty",
    "a column is missing",
    "the server closes the stream",
    "a reader finds an error in the text",
)
_DO = (
    "say so first",
    "read the whole section again",
    "look for the last commit that touched it",
    "ask one question, not three",
    "keep the old value beside the new one",
    "measure before you mend",
    "write down the command and what it printed",
    "leave the order of the fields as it is",
    "stop and wait for an answer",
    "check the second input too",
    "compare it with the last release",
    "describe the smallest case that shows it",
    "put the result in a table",
)
_BUT = (
    "never delete a file for it",
    "do not rename what others call",
    "change no more than one line at a time",
    "do not repeat the question",
    "leave the cache alone",
    "send nothing to a remote machine",
    "return to the first step if it fails",
)


def _system() -> str:
    # 11, 13 and 7 have no divisor in common, so that no two of the rules are alike.
    rules = islice(zip(cycle(_WHEN), cycle(_DO), cycle(_BUT), strict=False), _RULES)
    return _ROLE + "".join(_numbered(rules))


def _numbered(rules: Iterator[tuple[str, str, str]]) -> Iterator[str]:
    for number, (when, do, but) in enumerate(rules, 1):
        yield f"Rule {number}. When {when}, {do}, and {but}.\n"


def _schema(**properties: tuple[str, str]) -> Mapping[str, Any]:
    described = {n: {"type": k, "description": text} for n, (k, text) in properties.items()}
    return {"type": "object", "properties": described, "required": [next(iter(properties))]}


NEUTRAL = Prompt(
    tools=(
        Tool(
            "read_file",
            "Read a text file of the project, the whole file or a range of its lines.",
            _schema(
                path=("string", "The path of the file, relative to the folder of the project."),
                offset=("integer", "The number of the first line to read, 1 when not given."),
                limit=("integer", "How many lines to read at most, all of them when not given."),
            ),
        ),
        Tool(
            "run_command",
            "Run one command in the shell and return what it prints and its exit code.",
            _schema(
                command=("string", "The command, with its arguments, as one line."),
                wait=("number", "After how many seconds the command is stopped."),
            ),
        ),
    ),
    system=_system(),
    messages=(
        Message("user", (Text("The build of the client stops at its second step. Find out why."),)),
        Message("assistant", (Text("I will start with the report of the last build."),)),
        Message("user", (Text("Good. Do not change the server while you look."),)),
        Message(
            "assistant",
            (
                Text("The report names one file, so I read the part that it names."),
                ToolUse("call_1", "read_file", {"path": "client/settings.txt", "limit": 4}),
            ),
        ),
        Message("user", (ToolResult("call_1", "1 host = local\n2 port = 80a0\n3 wait = 30\n"),)),
        Message("assistant", (Text("Line 2 holds a letter: the port is not a number."),)),
        Message(
            "user", (Text("Mend that line, then run the build again and tell me the result."),)
        ),
    ),
)
