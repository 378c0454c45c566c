"""Which cause a change of the tools belongs to: one answer for every divergence.

All causes of this section ask here, so that no two of them claim the same case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from whycold.core.cause import Case, Cause, Evidence
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Change, Divergence
from whycold.core.edit import TextChange
from whycold.core.prompt import Block, Kind, Section
from whycold.core.volatile import Volatile

__all__ = [
    "Membership",
    "ToolCause",
    "listed",
    "membership",
    "name_of",
    "owner",
    "place_in",
    "server_of",
    "whose",
]

_BY_CHANGE = {
    Change.renamed: "tool-renamed",
    Change.reordered: "tools-reordered",
    Change.keys_reordered: "tool-keys-reordered",
    Change.items_reordered: "tool-list-reordered",
}
_LASTING = frozenset({Volatile.version, Volatile.model_name})
"""Values that only somebody's change makes different, not the passing of time or of requests."""
_SEARCHER = re.compile(
    r"(?i)tool_?search|(?:search|find|load|discover|enable|activate|list)_?tools?\b"
)
_SERVER = re.compile(r"mcp__(.+?)__.")
_SCHEMA = re.compile(
    r"(?:input_?schema(?:\.json)?|parameters(?:_?json_?schema)?|json_?schema)(?:\.|$)",
    re.IGNORECASE,
)
"""What the wire formats call the schema of a tool's input."""
_SHOWN = 4


class ToolCause(Cause):
    """A cause of this section: subclasses say what happened once the case is theirs."""

    reason = Reason.tools_changed

    def explains(self, case: Case) -> Evidence | None:
        """The evidence when ``owner`` names this cause."""
        d = case.divergence
        return self.tell(case, d) if d is not None and owner(case) == self.code else None

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What is said of a case that is this cause's."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Membership:
    """Names of the tools that came, that went, and that changed under their name."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def owner(case: Case) -> str | None:
    """The code of the cause that claims the case; None for other sections and for obstacles."""
    d = case.divergence
    if d is None or case.obstacle is not None or d.section is not Section.tools:
        return None
    key = f"tool {id(d)}"
    if key not in case.notes:
        case.notes[key] = _owner(case, d)
    return str(case.notes[key])


def _owner(case: Case, d: Divergence) -> str:
    if d.change in _BY_CHANGE:
        return _BY_CHANGE[d.change]
    if d.text is TextChange.line_order:
        return "tool-list-reordered"
    if d.change not in (Change.added, Change.removed):
        passing = d.volatile is not None and d.volatile not in _LASTING
        return "tool-volatile" if passing else _edited(case)
    return _member(case)


def _edited(case: Case) -> str:
    return "tools-updated" if _is_update(case, membership(case)) else "tool-edited"


def _member(case: Case) -> str:
    tools = membership(case)
    if _is_update(case, tools):
        return "tools-updated"
    if tools.added and tools.removed:
        same = len(tools.added) == len(tools.removed)
        return "tools-replaced" if same else _plain(case)
    if _is_flip(case, tools):
        return "tool-flipped"
    if tools.added and _were_searched(case, tools.added):
        return "tools-discovered"
    return _plain(case)


def _plain(case: Case) -> str:
    d = case.divergence
    return "tools-added" if d is not None and d.change is Change.added else "tools-removed"


def membership(case: Case) -> Membership:
    """What became of the tools in all divergences of the call."""
    found = case.notes.get("tools")
    if not isinstance(found, Membership):
        found = case.notes["tools"] = _membership(case)
    return found


def _membership(case: Case) -> Membership:
    added: dict[str, None] = {}
    removed: dict[str, None] = {}
    changed: dict[str, None] = {}
    for d in case.divergences:
        if d.section is Section.tools and d.change is not Change.reordered:
            into = {Change.added: added, Change.removed: removed}.get(d.change, changed)
            into[name_of(d)] = None
    return Membership(tuple(added), tuple(removed), tuple(changed))


def _is_update(case: Case, tools: Membership) -> bool:
    """Whether several tools changed, and the client's version with them."""
    was = case.predecessor.release if case.predecessor is not None else None
    now = case.call.release
    several = len({*tools.added, *tools.removed, *tools.changed}) > 1
    return several and was is not None and now is not None and was != now


def _is_flip(case: Case, tools: Membership) -> bool:
    """Whether one tool is all that differs between two sessions of one version."""
    call, before = case.call, case.predecessor
    if before is None or len(tools.added) + len(tools.removed) != 1 or tools.changed:
        return False
    sessions = call.session is not None and before.session is not None
    return (
        sessions
        and call.session != before.session
        and call.release is not None
        and call.release == before.release
    )


def _were_searched(case: Case, names: Sequence[str]) -> bool:
    """Whether a tool that finds tools was called in this conversation and named all of them."""
    found = case.notes.get("tools searched")
    if not isinstance(found, bool):
        found = case.notes["tools searched"] = _search_names(case, names)
    return found


def _search_names(case: Case, names: Sequence[str]) -> bool:
    said = [
        block.encoded
        for block in case.call.prompt.section(Section.messages)
        if block.kind in (Kind.tool_use, Kind.tool_result)
        and block.name is not None
        and _SEARCHER.search(block.name)
    ]
    return bool(said) and all(
        any(name.encode("utf-8", "surrogatepass") in text for text in said) for name in names
    )


def name_of(d: Divergence) -> str:
    """The name of the tool that a divergence is about."""
    block = _block(d)
    return (block.name or block.path) if block is not None else d.path


def _block(d: Divergence) -> Block | None:
    return next(iter((*d.new, *d.old)), None)


def place_in(d: Divergence) -> str:
    """Which part of a tool's definition a divergence stands in, in words.

    ``description``; ``input schema (properties.path.type)``; else the field's own path.
    """
    block = _block(d)
    inner = d.path.removeprefix(block.path if block is not None else "").lstrip(".")
    if not inner:
        return "definition"
    schema = _SCHEMA.match(inner)
    if schema is None:
        return inner
    rest = inner[schema.end() :]
    return f"input schema ({_short(rest, 60)})" if rest else "input schema"


def whose(d: Divergence) -> str:
    """``of the tool Bash``."""
    return f"of the tool {_short(name_of(d), 60)}"


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def server_of(names: Sequence[str]) -> str | None:
    """The MCP server that all the tools belong to, None where they have no such name in common.

    Clients name them ``mcp__SERVER__TOOL``.
    """
    servers = {found[1] if (found := _SERVER.match(name)) else None for name in names}
    return servers.pop() if len(servers) == 1 else None


def listed(names: Sequence[str]) -> str:
    """Names for a title: the first few, and how many more there are."""
    shown = ", ".join(_short(name) for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
