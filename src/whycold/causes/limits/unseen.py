"""Losses that stand where the recording shows nothing: what is known of them all the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from whycold.causes.examples import TASK, asks, responses, wrote
from whycold.causes.limits.kinds import LimitCause
from whycold.causes.limits.samples import AGAIN
from whycold.causes.limits.sayings import SAYINGS
from whycold.core.call import Said
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.content import Json, as_list, as_map, as_text
from whycold.core.diagnosis import Reason
from whycold.core.grade import spoken
from whycold.core.numbers import exact
from whycold.core.prompt import Block, Kind, Section

__all__ = ["CAUSES"]

_LISTS: Mapping[str, tuple[str, str, str]] = {
    "deferred_tools_delta": ("deferred tools", "addedNames", "removedNames"),
    "mcp_instructions_delta": ("instructions of MCP servers", "addedNames", "removedNames"),
    "agent_listing_delta": ("agents", "addedTypes", "removedTypes"),
}
_NOTES: Mapping[str, str] = {
    "skill_listing": "the listing of skills was sent again",
    "output_style": "the output style was told",
    "date_change": "the date changed",
}
"""Notes of Claude Code that stand in the messages, and tell of what stands before them."""
_COMMAND = re.compile(r"<command-name>/?([\w:-]{1,60})</command-name>")
_TELLING = frozenset(
    {
        *("add-dir", "agents", "config", "fast", "effort", "hooks", "mcp", "memory", "model"),
        *("output-style", "permissions", "plugin", "plugins", "reload-plugins", "skills"),
    }
)
"""Commands of Claude Code that may change tools, system or settings."""
_MOST_NAMES = 3


class UnseenChange(LimitCause):
    code = "unseen-change"
    reason = Reason.unseen
    title = "The change is in a part that was not recorded"
    what = (
        "What the recording shows of the prompt is the same, and it was not read. The source does "
        "not show all parts: one of those changed, or the provider lost the entry."
    )
    advice = (
        "Record through the proxy, or from complete request bodies (Claude Code writes them with "
        "OTEL_LOG_RAW_API_BODIES=file:DIR), and the part is compared, too."
    )
    examples = (
        Example(
            "a conversation of which the beginning lies on the server",
            before=responses(asks(TASK), conversation="conv_1", instructions=None),
            after=responses(*AGAIN, conversation="conv_1", instructions=None),
            was=wrote(9_400),
            now=wrote(9_500),
            provider="openai",
        ),
        Example(
            "another one, with its instructions",
            before=responses(asks(TASK), previous_response_id="resp_7"),
            after=responses(*AGAIN, previous_response_id="resp_7"),
            was=wrote(9_400),
            now=wrote(9_500, read=2_100),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "all of it is recorded",
            before=responses(),
            after=responses(*AGAIN),
            was=wrote(9_400),
            now=wrote(9_500),
            provider="openai",
        ),
        Example(
            "not all is recorded, and all was read",
            before=responses(asks(TASK), previous_response_id="resp_7"),
            after=responses(*AGAIN, previous_response_id="resp_7"),
            was=wrote(9_400),
            now=wrote(9_500, read=9_400),
            provider="openai",
        ),
    )

    def explains(self, case: Case) -> Evidence | None:
        """Also a break between ids that stand for text which nobody recorded."""
        d, before = case.divergence, case.predecessor
        if d is None or not d.old or d.old[0].kind is not Kind.chained or before is None:
            return super().explains(case)
        kept = sum(block.tokens or 0 for block in before.prompt.blocks[: d.kept])
        return Evidence(
            f"the prompts part behind {exact(kept)} tokens; what stands there is not recorded"
        )

    def tell(self, case: Case) -> Evidence:
        said = spoken(case.call)
        known = SAYINGS.get(said.reason or "") if said is not None else None
        if said is not None and said.said is Said.changed and known is not None:
            return Evidence(
                f"the provider says that {known.what} changed; not recorded here{_before(case)}",
                reason=known.reason,
            )
        return Evidence(f"{_hidden(case)}{_before(case)}")


def _hidden(case: Case) -> str:
    """What may have changed; tools and system only where no more than these was read."""
    calls = [call for call in (case.call, case.predecessor) if call is not None]
    hidden = frozenset[Section]().union(*(call.prompt.unseen for call in calls))
    past = case.opening is not None and case.read is not None and case.read > case.opening
    if past and Section.messages not in hidden:
        return "older messages were sent otherwise than recorded, or the provider lost the entry"
    parts = [section for section in (*case.rules.order, Section.settings) if section in hidden]
    listed = " or ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
    return f"{listed} changed, which is not recorded here, or the provider lost the entry"


def _before(case: Case) -> str:
    """What the client wrote down since the call before, and that may tell of the change."""
    before = case.predecessor
    new = case.call.prompt.blocks[len(before.prompt.blocks) if before is not None else 0 :]
    told = list(dict.fromkeys(note for block in new for note in _told(block)))
    return f"; just before, {', and '.join(told[:3])}" if told else ""


def _told(block: Block) -> Iterator[str]:
    value = as_map(block.value)
    name = block.name or ""
    if name in _LISTS and value is not None:
        what, come, gone = _LISTS[name]
        if names := _names(value.get(come)):
            yield f"{what} came: {names}"
        if names := _names(value.get(gone)):
            yield f"{what} went: {names}"
    elif name in _NOTES:
        yield _NOTES[name]
    elif block.kind is Kind.tool_result and value is not None:
        found = [as_map(item) or {} for item in as_list(value.get("content")) or ()]
        if names := _names(
            [i.get("tool_name") for i in found if i.get("type") == "tool_reference"]
        ):
            yield f"tools were loaded: {names}"
    elif isinstance(block.value, str) and block.role == "user":
        commands = dict.fromkeys(_COMMAND.findall(block.value))
        yield from (f"/{name} was run" for name in commands if name in _TELLING)


def _names(listed: Json) -> str:
    names = [name for item in as_list(listed) or () if (name := as_text(item))]
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


CAUSES: tuple[Cause, ...] = (UnseenChange(),)
