"""What stands in a tool's definition: its name, its description, its schema."""

from __future__ import annotations

import re

from whycold.causes.examples import agent, chat, function, read, tool
from whycold.causes.tools.changes import ToolCause, name_of, place_in, server_of, whose
from whycold.causes.tools.samples import LOST, NEXT, READ, WAS, WRITE
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.divergence import Change, Divergence
from whycold.core.volatile import describe

__all__ = ["CAUSES"]

_PARAMETER = re.compile(r"\.properties\.([\w$-]{1,60})\Z")


class ToolEdited(ToolCause):
    code = "tool-edited"
    title = "A tool's definition was edited"
    what = (
        "The description or the schema of a tool is another one. Tools stand at the very front of "
        "most prompts, so everything behind the edit had to be processed again."
    )
    advice = (
        "Change definitions between sessions, not within one, and keep text that depends on the "
        "moment out of them: say it in the last message instead."
    )
    examples = (
        Example(
            "a description rewritten between two calls",
            before=agent(),
            after=agent(NEXT, tools=[READ, tool("Write", "Writes a file, or makes a new one.")]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "one more parameter",
            before=chat(tools=[function("read", "Reads a file.", {"path": {}})]),
            after=chat(tools=[function("read", "Reads a file.", {"path": {}, "limit": {}})]),
            was=read(0, of=5_400),
            now=read(0, of=5_420),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "the same words, the list in another order",
            before=agent(tools=[tool("Task", "Agents:\n- planner\n- tester")]),
            after=agent(NEXT, tools=[tool("Task", "Agents:\n- tester\n- planner")]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "a date in the description",
            before=agent(tools=[tool("Search", "Searches the web. Today is 2026-11-22.")]),
            after=agent(NEXT, tools=[tool("Search", "Searches the web. Today is 2026-11-23.")]),
            was=WAS,
            now=LOST,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        return Evidence(_edit(d), advice=_released(case))


def _edit(d: Divergence) -> str:
    parameter = _PARAMETER.search(d.path)
    if parameter is not None and d.old_value is None:
        return f"the parameter {parameter[1]} was added to the tool {name_of(d)}"
    if parameter is not None and d.new_value is None:
        return f"the parameter {parameter[1]} was taken out of the tool {name_of(d)}"
    if d.change is Change.retyped:
        return f"the {place_in(d)} {whose(d)} is of another type"
    return f"the {place_in(d)} {whose(d)} changed"


def _released(case: Case) -> str | None:
    """Other advice where the client is another version than at the call before."""
    was = case.predecessor.release if case.predecessor is not None else None
    now = case.call.release
    if was is None or now is None or was == now:
        return None
    return (
        f"The client went from {was} to {now} between the two calls: expect one cold start per "
        "update, and update between sessions, not within one."
    )


class ToolVolatile(ToolCause):
    code = "tool-volatile"
    title = "A tool's definition holds a value that changes by itself"
    what = (
        "A time, an id, a path or the like stands in the description or schema of a tool, and is "
        "another one in this call. Whatever is behind it can never be read from the cache."
    )
    advice = (
        "Take the value out of the definition. The model can get it from the last message or from "
        "a tool result, where nothing stands behind it."
    )
    examples = (
        Example(
            "today's date in the description of a search",
            before=agent(tools=[tool("Search", "Searches the web. Today is 2026-11-22."), READ]),
            after=agent(
                NEXT, tools=[tool("Search", "Searches the web. Today is 2026-11-23."), READ]
            ),
            was=WAS,
            now=LOST,
        ),
        Example(
            "a session's own folder in the description of a shell",
            before=chat(tools=[function("run", "Runs a command in /tmp/agent-81f3/work.")]),
            after=chat(tools=[function("run", "Runs a command in /tmp/agent-c07a/work.")]),
            was=read(0, of=5_400),
            now=read(0, of=5_400),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "a number that somebody changed",
            before=agent(tools=[tool("Read", "Reads up to 2000 lines of a file."), WRITE]),
            after=agent(NEXT, tools=[tool("Read", "Reads up to 3000 lines of a file."), WRITE]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "a version of the tool",
            before=agent(tools=[tool("Lint", "Checks the code with linter v1.8.2."), READ]),
            after=agent(NEXT, tools=[tool("Lint", "Checks the code with linter v1.9.0."), READ]),
            was=WAS,
            now=LOST,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        value = describe(d.volatile) if d.volatile is not None else "a value"
        server = server_of([name_of(d)])
        advice = (
            f"The MCP server {server} writes it there: ask its author to take it out, or replace "
            "it in the client before the definition is sent."
        )
        return Evidence(
            f"the {place_in(d)} {whose(d)} holds {value} that changes",
            advice=advice if server is not None else None,
        )


class ToolRenamed(ToolCause):
    code = "tool-renamed"
    title = "A tool was renamed"
    what = (
        "The same tool came back under another name, so the prompt differs from there on, though "
        "nothing of what the tool does changed."
    )
    advice = (
        "Keep names stable. Prefixes that depend on the order or number of connected servers, and "
        "suffixes that keep names apart, are the usual source."
    )
    examples = (
        Example(
            "a server's tools get a prefix",
            before=agent(tools=[READ, tool("issues", "Lists issues.")]),
            after=agent(NEXT, tools=[READ, tool("github_issues", "Lists issues.")]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "a number that keeps two names apart",
            before=chat(tools=[function("search", "Finds text.")]),
            after=chat(tools=[function("search_2", "Finds text.")]),
            was=read(0, of=5_400),
            now=read(0, of=5_400),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "another tool in its place",
            before=agent(tools=[READ, tool("issues", "Lists issues.")]),
            after=agent(NEXT, tools=[READ, tool("search", "Finds text in files.")]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "the same name, another description",
            before=agent(tools=[READ, tool("issues", "Lists issues.")]),
            after=agent(NEXT, tools=[READ, tool("issues", "Lists open issues.")]),
            was=WAS,
            now=LOST,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        return Evidence(f"the tool {d.before} is now called {d.after}")


CAUSES: tuple[Cause, ...] = (ToolEdited(), ToolVolatile(), ToolRenamed())
