"""The same tools, the same keys, the same items, in another order."""

from __future__ import annotations

from whycold.causes.examples import (
    agent,
    chat,
    function,
    read,
    tool,
)
from whycold.causes.tools.changes import ToolCause, listed, name_of, place_in, server_of, whose
from whycold.causes.tools.samples import (
    FETCH,
    GITHUB,
    JIRA,
    LOST,
    NEXT,
    READ,
    WAS,
    WRITE,
)
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.content import JsonMap
from whycold.core.divergence import Divergence

__all__ = ["CAUSES"]


def _query(*required: str) -> JsonMap:
    """A tool of an MCP server with a list of required parameters."""
    schema: JsonMap = {"type": "object", "properties": {}, "required": [*required]}
    return {**tool("mcp__db__query", "Asks the database."), "input_schema": schema}


class ToolsReordered(ToolCause):
    code = "tools-reordered"
    title = "The same tools in another order"
    what = (
        "The same tools were sent in another order. The cache compares what is sent from the first "
        "byte on, so the order counts as much as the content."
    )
    advice = (
        "Sort the tools by name before every request. With MCP servers, wait for all of them and "
        "sort, instead of adding each server's tools as it connects."
    )
    rows = (26,)
    examples = (
        Example(
            "MCP servers that connect in another order",
            before=agent(tools=[READ, *GITHUB, *JIRA]),
            after=agent(NEXT, tools=[READ, *JIRA, *GITHUB]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "the tools of one server, listed in another order",
            before=chat(tools=[function("mcp__db__query"), function("mcp__db__tables")]),
            after=chat(tools=[function("mcp__db__tables"), function("mcp__db__query")]),
            was=read(0, of=5_400),
            now=read(0, of=5_400),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "one of them is new",
            before=agent(tools=[READ, WRITE]),
            after=agent(NEXT, tools=[FETCH, READ, WRITE]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "the keys inside a tool",
            before=agent(tools=[tool("Read", properties={"path": {}, "lines": {}})]),
            after=agent(NEXT, tools=[tool("Read", properties={"lines": {}, "path": {}})]),
            was=WAS,
            now=LOST,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        was = [block.name or block.path for block in d.old]
        now = [block.name or block.path for block in d.new]
        while was and now and was[-1] == now[-1]:
            was.pop()
            now.pop()
        servers = list(dict.fromkeys(server_of([name]) for name in now))
        if None not in servers:
            whose = "server" if len(servers) == 1 else "servers"
            named = listed([server or "" for server in servers])
            if len(servers) == 2:
                named = named.replace(", ", " and ")
            return Evidence(f"the tools of the MCP {whose} {named} came in another order")
        # the lists part at their first names, so that no other one can have moved alone
        for name in (*was[:1], *now[:1]):
            if [n for n in was if n != name] == [n for n in now if n != name]:
                to = now.index(name)
                ahead = (
                    f"behind {now[to - 1]}"
                    if to > was.index(name)
                    else f"in front of {now[to + 1]}"
                )
                return Evidence(f"the tool {name} moved {ahead}")
        return Evidence(f"{len(now)} tools came in another order: {listed(now)}")


class ToolKeysReordered(ToolCause):
    code = "tool-keys-reordered"
    title = "The keys of a tool's definition in another order"
    what = (
        "A tool's definition says the same with its keys in another order. The prompt is made from "
        "the JSON as it was sent, so the order of keys is part of it."
    )
    advice = (
        "Serialise definitions once and send the same bytes, or sort the keys: sort_keys=True in "
        "Python; Go maps, Swift dictionaries and Rust's HashMap have no fixed order of their own."
    )
    rows = (29,)
    examples = (
        Example(
            "the parameters of a schema",
            before=agent(tools=[tool("Read", properties={"path": {}, "lines": {}}), WRITE]),
            after=agent(NEXT, tools=[tool("Read", properties={"lines": {}, "path": {}}), WRITE]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "the keys of one parameter",
            before=chat(
                tools=[function("read", properties={"p": {"type": "string", "title": "Path"}})]
            ),
            after=chat(
                tools=[function("read", properties={"p": {"title": "Path", "type": "string"}})]
            ),
            was=read(0, of=5_400),
            now=read(0, of=5_400),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "the items of a list",
            before=agent(tools=[tool("Read", properties={"mode": {"enum": ["text", "raw"]}})]),
            after=agent(NEXT, tools=[tool("Read", properties={"mode": {"enum": ["raw", "text"]}})]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "another key among the same ones",
            before=agent(tools=[tool("Read", properties={"path": {}})]),
            after=agent(NEXT, tools=[tool("Read", properties={"path": {}, "lines": {}})]),
            was=WAS,
            now=LOST,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        return Evidence(f"the keys in the {place_in(d)} {whose(d)} came in another order")


class ToolListReordered(ToolCause):
    code = "tool-list-reordered"
    title = "A list in a tool's definition in another order"
    what = (
        "A list in a tool's definition, or in its description, holds the same items in another "
        "order. Often it was a set on the server that offers the tool."
    )
    advice = (
        "Sort the list where it is made: required, enum and type lists come from sets in some MCP "
        "servers and schema generators. Until then, sort it in the client before sending."
    )
    rows = (27,)
    examples = (
        Example(
            "an MCP server lists the required parameters as its set has them",
            before=agent(tools=[_query("table", "where")]),
            after=agent(NEXT, tools=[_query("where", "table")]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "the agents named in a description",
            before=agent(tools=[tool("Task", "Starts an agent:\n- planner\n- tester\n- writer")]),
            after=agent(
                NEXT, tools=[tool("Task", "Starts an agent:\n- writer\n- planner\n- tester")]
            ),
            was=WAS,
            now=LOST,
        ),
    )
    near_misses = (
        Example(
            "one item more",
            before=agent(tools=[_query("table")]),
            after=agent(NEXT, tools=[_query("table", "where")]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "the tools themselves",
            before=agent(tools=[READ, WRITE]),
            after=agent(NEXT, tools=[WRITE, READ]),
            was=WAS,
            now=LOST,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        return Evidence(
            f"the {place_in(d)} {whose(d)} lists the same things in another order",
            advice=_server_advice(d),
        )


def _server_advice(d: Divergence) -> str | None:
    server = server_of([name_of(d)])
    if server is None:
        return None
    return (
        f"Tell the author of the MCP server {server}: it builds this list from something without "
        "an order. Sorting it there, or in the client before sending, keeps the prefix."
    )


CAUSES: tuple[Cause, ...] = (ToolsReordered(), ToolKeysReordered(), ToolListReordered())
