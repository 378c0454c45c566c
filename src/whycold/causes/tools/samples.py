"""Tools and usages that the examples of this family share."""

from __future__ import annotations

from whycold.causes.examples import asks, tool, wrote
from whycold.core.content import JsonMap

__all__ = ["BASH", "FETCH", "GITHUB", "GREP", "JIRA", "LOST", "NEXT", "READ", "WAS", "WRITE"]

READ, WRITE = tool("Read"), tool("Write")
BASH, GREP, FETCH = tool("Bash", "Runs a command."), tool("Grep"), tool("Fetch")
GITHUB: tuple[JsonMap, ...] = (
    tool("mcp__github__issues", "Lists issues."),
    tool("mcp__github__pulls", "Lists pull requests."),
)
JIRA: tuple[JsonMap, ...] = (
    tool("mcp__jira__tickets", "Lists tickets."),
    tool("mcp__jira__comment", "Writes a comment."),
)
NEXT = asks("Then run them again, please.")
WAS, LOST = wrote(24_150), wrote(24_600)
