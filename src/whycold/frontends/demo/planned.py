"""What goes wrong in the demo, and what its team decided of it; tests hold the demo to this."""

from __future__ import annotations

from dataclasses import dataclass

from whycold.core.culprit import place
from whycold.frontends.demo.calendar import Calendar
from whycold.store.answers import CulpritRow, CulpritState, Filters, Mark
from whycold.store.base import Store

__all__ = ["PLANNED", "Decision", "Fault", "decide"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a culprit, at what hour of which working day of the week."""

    state: CulpritState
    day: int
    hour: float
    note: str
    release: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A culprit that there must be: ``path`` is its place, None where nothing was edited.

    ``story`` tells a person what happened. With ``calm`` it is there in the week before, too.
    """

    project: str
    cause: str
    path: str | None
    story: str
    calm: bool = False
    decision: Decision | None = None

    def fits(self, row: CulpritRow) -> bool:
        """Whether a culprit is this one."""
        where = place(row.path) if row.path is not None else None
        return (row.project, row.cause, where) == (self.project, self.cause, self.path)


_BASH = "tools[Bash].description"
_TOOLS_OF_GITHUB = "tools[mcp__github__search_issues]"
_SANDBOX = (
    "coder 3.9.0 says in the tool Bash whether commands run in a sandbox; users switch it off"
)
_CLEARS = "the client clears old tool results to save room"
_COMPACTS = "a long session is compacted"
_SWITCHES = "a user goes on with a cheaper model"
_CONNECTS = "an MCP server connects late, and its tools are put in front"
_PAUSES = "people read, talk and have lunch for longer than the cache lives"
_EVICTS = "the provider loses an entry"

PLANNED = (
    Fault(
        *("helpdesk", "clock", "system[0].text"),
        "helpdesk 1.22.0 begins the system prompt with the time; 1.22.1 no longer does",
        decision=Decision(
            *(CulpritState.resolved, 2, 15.2, "The time is told in the newest message now."),
            release="helpdesk 1.22.1",
        ),
    ),
    Fault(
        *("helpdesk", "system-added", "system[0]"),
        "the first request of helpdesk 1.22.0, with the time in front",
    ),
    Fault(
        *("helpdesk", "system-removed", "system[0]"),
        "the first request of helpdesk 1.22.1, without the time",
    ),
    Fault(
        *("helpdesk", "system-edited", "system[0].text"),
        "a sentence of the handbook is put right while customers write",
    ),
    Fault(
        *("helpdesk", "breakpoint-missing", None),
        "helpdesk 1.22.1 sums up each chat with a call that carries no cache marker",
    ),
    Fault(
        *("helpdesk", "user-data", "system[0].text"),
        "the prompt for mails begins with the customer",
        calm=True,
    ),
    Fault(
        *("helpdesk", "lookback-exceeded", None),
        "a colleague writes 24 messages, more than the provider looks back over",
        calm=True,
    ),
    Fault(
        *("evals", "random-id", "system[0].text"),
        "evals 2.6.0 begins the prompt with an id of the case",
    ),
    Fault(
        *("evals", "concurrent", None),
        "four workers begin at once",
        calm=True,
        decision=Decision(*(CulpritState.ignored, 0, 9, "Three calls a night.")),
    ),
    Fault(
        *("storefront", "tool-edited", _BASH),
        _SANDBOX,
        decision=Decision(
            *(CulpritState.resolved, 1, 18, "Told the team to decide at the start."),
            release="coder 3.9.0",
        ),
    ),
    Fault("payments", "tool-edited", _BASH, _SANDBOX),
    Fault(
        *("storefront", "tool-choice-changed", "settings.tool_choice"),
        "review-action 1.5.0 forces the tool that ends a review",
    ),
    Fault("storefront", "tools-added", _TOOLS_OF_GITHUB, _CONNECTS),
    Fault("payments", "tools-added", _TOOLS_OF_GITHUB, _CONNECTS),
    Fault("storefront", "tool-results-cleared", "messages[].content[].content", _CLEARS),
    Fault("payments", "tool-results-cleared", "messages[].content[].content", _CLEARS),
    Fault("storefront", "compacted", "messages[].content[]", _COMPACTS),
    Fault("payments", "compacted", "messages[].content[]", _COMPACTS),
    Fault("storefront", "model-changed", "settings.model", _SWITCHES),
    Fault("payments", "model-changed", "settings.model", _SWITCHES),
    Fault("storefront", "expired", None, _PAUSES, calm=True),
    Fault("payments", "expired", None, _PAUSES, calm=True),
    Fault("storefront", "evicted", None, _EVICTS),
    Fault("payments", "evicted", None, _EVICTS),
    Fault(
        *("payments", "date-rolled-over", "system[1].text"),
        "a session over midnight, and the system prompt says which day it is",
    ),
    Fault(
        *("platform", "tools-reordered", "tools"),
        "since triage 0.14.0 the MCP server lists its tools in either order",
    ),
    Fault(
        *("insights", "input-keys-reordered", "messages[].tool_calls[].arguments"),
        "notebook 5.1.0 reads old tool calls from a database that sorts their keys",
    ),
    Fault(
        *("field-notes", "slot-taken", None),
        "a second conversation takes the only slot of the laptop's server",
    ),
    Fault(
        *("mobile-app", "unseen-change", None),
        "an MCP server connects in sessions of which there are only transcripts",
    ),
)


def decide(store: Store, calendar: Calendar) -> None:
    """Put the team's decisions into a store that holds the calls."""
    for fault in PLANNED:
        for row in store.culprits(Filters(project=fault.project, cause=fault.cause)):
            if (made := fault.decision) is not None and fault.fits(row):
                at = calendar.at(calendar.workdays[made.day], made.hour)
                store.mark(row.id, Mark(made.state, at, made.release, made.note))
