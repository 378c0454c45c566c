"""Which tools are sent."""

from __future__ import annotations

from collections.abc import Sequence

from whycold.causes.examples import (
    TASK,
    agent,
    asks,
    chat,
    function,
    read,
    said,
    tool,
)
from whycold.causes.tools.changes import ToolCause, listed, membership, server_of
from whycold.causes.tools.samples import (
    BASH,
    FETCH,
    GITHUB,
    GREP,
    JIRA,
    LOST,
    NEXT,
    READ,
    WAS,
    WRITE,
)
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.divergence import Divergence

__all__ = ["CAUSES"]


def _tools(names: Sequence[str]) -> str:
    """Several tools with a verb to follow, or one."""
    server = server_of(names)
    if len(names) == 1:
        return f"the tool {listed(names)} was"
    return f"{len(names)} tools{f' of the MCP server {server}' if server else ''} were"


def _server_advice(names: Sequence[str]) -> str | None:
    server = server_of(names)
    if server is None:
        return None
    return (
        f"They belong to the MCP server {server}: wait until it is connected before the first "
        "request, and keep its tools in the list, or out of it, for a whole session."
    )


class ToolsAdded(ToolCause):
    code = "tools-added"
    title = "Tools were added"
    what = (
        "The request brought tools that the one before did not have. Tools stand at the very "
        "front of most prompts, so everything behind the new one had to be processed again."
    )
    advice = (
        "Send the same tools from the first request on. Where tools must come later, put them at "
        "the end of the list, or use the provider's deferred tools, which leave the prefix alone."
    )
    examples = (
        Example(
            "a tool that an MCP server offers once it is connected",
            before=agent(),
            after=agent(NEXT, tools=[READ, WRITE, FETCH]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "two tools in front of the others",
            before=chat(tools=[function("read")]),
            after=chat(tools=[function("search"), function("fetch"), function("read")]),
            was=read(0, of=5_400),
            now=read(0, of=5_900),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "as many others as went",
            before=agent(tools=[READ, WRITE]),
            after=agent(NEXT, tools=[READ, FETCH]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "the same tool under another name",
            before=agent(tools=[READ, tool("Write", "Writes a file.")]),
            after=agent(NEXT, tools=[READ, tool("WriteFile", "Writes a file.")]),
            was=WAS,
            now=LOST,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        names = membership(case).added
        title = f"{_tools(names)} added"
        none_before = case.predecessor is not None and not any(
            b.section is d.section for b in case.predecessor.prompt.blocks
        )
        if none_before:
            title += " where there were no tools"
        elif len(names) > 1:
            title += f": {listed(names)}"
        return Evidence(title, advice=_server_advice(names))


class ToolsRemoved(ToolCause):
    code = "tools-removed"
    title = "Tools were removed"
    what = (
        "The request lacks tools that the one before had. Tools stand at the very front of most "
        "prompts, so everything behind the gap had to be processed again."
    )
    advice = (
        "Keep sending all tools and forbid the ones that must not be used: by the tool choice, by "
        "an instruction in the last message, or by refusing the call when it comes."
    )
    examples = (
        Example(
            "an MCP server was gone on resume",
            before=agent(tools=[READ, *GITHUB]),
            after=agent(NEXT, tools=[READ]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "no tools for the last question",
            before=chat(tools=[function("read"), function("search")]),
            after=chat(asks(TASK), said("Where?"), asks("Sum up, please.")),
            was=read(0, of=5_400),
            now=read(0, of=5_100),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "one went, one came",
            before=agent(tools=[READ, GREP]),
            after=agent(NEXT, tools=[READ, FETCH]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "nothing went, the order is another",
            before=agent(tools=[READ, GREP, WRITE]),
            after=agent(NEXT, tools=[READ, WRITE, GREP]),
            was=WAS,
            now=LOST,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        names = membership(case).removed
        if not any(b.section is d.section for b in case.call.prompt.blocks):
            count = "the only tool was" if len(names) == 1 else f"all {len(names)} tools were"
            return Evidence(f"{count} removed: {listed(names)}")
        title = f"{_tools(names)} removed"
        if len(names) > 1:
            title += f": {listed(names)}"
        return Evidence(title, advice=_server_advice(names))


class ToolsReplaced(ToolCause):
    code = "tools-replaced"
    title = "As many tools as before, but others"
    what = (
        "Some tools went and as many others came, so a count of tools shows nothing. Often an "
        "allow-list that is narrowed for every run or every agent."
    )
    advice = (
        "Give all runs of one agent the same list, and decide when a tool is called whether it may "
        "be used; or give each role its own fixed list, which then has its own cache."
    )
    rows = (28,)
    examples = (
        Example(
            "another allow-list for the next run",
            before=agent(tools=[READ, GREP, BASH]),
            after=agent(NEXT, tools=[READ, FETCH, BASH]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "a second MCP server in place of the first",
            before=agent(tools=[READ, *GITHUB]),
            after=agent(NEXT, tools=[READ, *JIRA]),
            was=WAS,
            now=LOST,
        ),
    )
    near_misses = (
        Example(
            "two went, one came",
            before=agent(tools=[READ, GREP, BASH]),
            after=agent(NEXT, tools=[READ, FETCH]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "the same definition under another name",
            before=agent(tools=[READ, tool("Search", "Finds text.")]),
            after=agent(NEXT, tools=[READ, tool("Find", "Finds text.")]),
            was=WAS,
            now=LOST,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        tools = membership(case)
        count = f"{len(tools.removed)} tools were" if len(tools.removed) > 1 else "a tool was"
        return Evidence(f"{count} replaced: {listed(tools.removed)} by {listed(tools.added)}")


CAUSES: tuple[Cause, ...] = (
    ToolsAdded(),
    ToolsRemoved(),
    ToolsReplaced(),
)
