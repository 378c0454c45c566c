"""Why tools come and go: a switch, a search, an update."""

from __future__ import annotations

from whycold.causes.examples import (
    agent,
    asks,
    body,
    result,
    said,
    tool,
    use,
    wrote,
)
from whycold.causes.tools.changes import ToolCause, listed, membership, name_of
from whycold.causes.tools.samples import (
    BASH,
    FETCH,
    GREP,
    JIRA,
    LOST,
    NEXT,
    READ,
    WAS,
    WRITE,
)
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.divergence import Change, Divergence

__all__ = ["CAUSES"]


class ToolFlipped(ToolCause):
    code = "tool-flipped"
    title = "One tool comes and goes between sessions of one version"
    what = (
        "Two sessions of the same client version differ in a single tool. A feature switch that is "
        "set remotely, or a check at start, decides whether the tool is there."
    )
    advice = (
        "Fix the switch in the client's settings, or let the check run before the first request "
        "and keep its answer; sessions then share the cache of tools and system again."
    )
    rows = (32,)
    examples = (
        Example(
            "a tool behind a remote flag is missing in the next session",
            before=body(tools=[READ, WRITE, BASH]),
            after=body(asks("Write the release notes, please."), tools=[READ, BASH]),
            was=wrote(18_200),
            now=wrote(17_900),
            call={"session": "session-2"},
        ),
        Example(
            "and is there again in the one after",
            before=body(tools=[READ, BASH]),
            after=body(asks("Write the release notes, please."), tools=[READ, WRITE, BASH]),
            was=wrote(17_900),
            now=wrote(18_200),
            call={"session": "session-3"},
        ),
    )
    near_misses = (
        Example(
            "within one session",
            before=agent(tools=[READ, WRITE, BASH]),
            after=agent(NEXT, tools=[READ, BASH]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "with another version of the client",
            before=body(tools=[READ, WRITE, BASH]),
            after=body(asks("Write the release notes, please."), tools=[READ, BASH]),
            was=wrote(18_200),
            now=wrote(17_900),
            call={"session": "session-2", "release": "2.1.181"},
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        there = "came" if d.change is Change.added else "went"
        return Evidence(
            f"the tool {name_of(d)} {there} from one session to the next, "
            f"both with client {case.call.release}"
        )


class ToolsDiscovered(ToolCause):
    code = "tools-discovered"
    title = "Tools that were searched for were put at the front"
    what = (
        "A tool search found tools, and the client wrote their definitions into the list at the "
        "front of the prompt. Each search then costs the whole conversation."
    )
    advice = (
        "Let found tools stand where they were found: as a tool result, or by the provider's own "
        "deferred tools (defer_loading on Anthropic), which leave the prefix as it was."
    )
    rows = (30,)
    examples = (
        Example(
            "a search selects a tool by name",
            before=agent(tools=[READ, tool("tool_search", "Finds tools.")]),
            after=agent(
                said(use("toolu_02", "tool_search", query="select:Fetch")),
                asks(result("toolu_02", "Fetch is now available.")),
                tools=[READ, tool("tool_search", "Finds tools."), FETCH],
            ),
            was=WAS,
            now=LOST,
        ),
        Example(
            "a search by words lists what it found",
            before=agent(tools=[READ, tool("search_tools", "Finds tools.")]),
            after=agent(
                said(use("toolu_02", "search_tools", query="tickets")),
                asks(result("toolu_02", "mcp__jira__tickets, mcp__jira__comment")),
                tools=[*JIRA, READ, tool("search_tools", "Finds tools.")],
            ),
            was=WAS,
            now=LOST,
        ),
    )
    near_misses = (
        Example(
            "the search found another tool",
            before=agent(tools=[READ, tool("tool_search", "Finds tools.")]),
            after=agent(
                said(use("toolu_02", "tool_search", query="select:Grep")),
                asks(result("toolu_02", "Grep is now available.")),
                tools=[READ, tool("tool_search", "Finds tools."), FETCH],
            ),
            was=WAS,
            now=LOST,
        ),
        Example(
            "a file was searched, not a tool",
            before=agent(tools=[READ, GREP]),
            after=agent(
                said(use("toolu_02", "Grep", pattern="Fetch")),
                asks(result("toolu_02", "src/fetch.py: class Fetch")),
                tools=[READ, GREP, FETCH],
            ),
            was=WAS,
            now=LOST,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        names = membership(case).added
        return Evidence(f"a tool search put {listed(names)} into the list of tools")


class ToolsUpdated(ToolCause):
    code = "tools-updated"
    title = "The tools of another client version"
    what = (
        "Several tools differ, and the call comes from another version of the client than the one "
        "before: an update brought its own tools, and its own prefix."
    )
    advice = (
        "Expect one cold start per update. Update between sessions, not within one, and let "
        "machines that should share a cache run the same version."
    )
    examples = (
        Example(
            "two descriptions rewritten by an update",
            before=agent(),
            after=agent(NEXT, tools=[tool("Read", "Reads any file."), tool("Write", "Saves.")]),
            was=WAS,
            now=LOST,
            call={"release": "2.1.181"},
        ),
        Example(
            "an update brings one tool and rewrites another",
            before=agent(),
            after=agent(NEXT, tools=[READ, tool("Write", "Saves a file as it is."), GREP]),
            was=WAS,
            now=LOST,
            call={"release": "2.2.0"},
        ),
    )
    near_misses = (
        Example(
            "the same version",
            before=agent(),
            after=agent(NEXT, tools=[tool("Read", "Reads any file."), tool("Write", "Saves.")]),
            was=WAS,
            now=LOST,
        ),
        Example(
            "one tool only",
            before=agent(),
            after=agent(NEXT, tools=[tool("Read", "Reads any file."), WRITE]),
            was=WAS,
            now=LOST,
            call={"release": "2.1.181"},
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        tools = membership(case)
        names = list(dict.fromkeys((*tools.changed, *tools.added, *tools.removed)))
        was = case.predecessor.release if case.predecessor is not None else None
        return Evidence(
            f"{len(names)} tools changed with the client's version, {was} before and "
            f"{case.call.release} now: {listed(names)}"
        )


CAUSES: tuple[Cause, ...] = (
    ToolFlipped(),
    ToolsDiscovered(),
    ToolsUpdated(),
)
