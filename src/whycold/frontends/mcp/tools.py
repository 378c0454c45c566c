"""The tools: each asks what a command asks, and answers with the values of its JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from whycold.core.content import Json, JsonMap
from whycold.errors import UserError
from whycold.frontends.blame import LONGEST_SEARCH, SEARCH_SECONDS, blame_json
from whycold.frontends.comparison import Comparison, read_file
from whycold.frontends.culprits_data import culprit_json
from whycold.frontends.diagnosis_json import as_json
from whycold.frontends.explain_full import values
from whycold.frontends.mcp.arguments import (
    BUDGET,
    CURSOR,
    FILTER_SCHEMAS,
    Arguments,
    choice,
    flag,
    limit,
    number,
    words,
)
from whycold.frontends.mcp.fitting import NOTE, fitted, offset_of, paged, rendered
from whycold.frontends.mcp.shapes import (
    blame_parts,
    culprit_item,
    diagnosis_head,
    divergence_items,
    miss_item,
    text_items,
)
from whycold.frontends.report_json import report_json
from whycold.providers.exchange import Exchange, read_exchange
from whycold.query import Query, State

__all__ = ["TOOLS", "Desk", "Question", "Tool"]

_FIRST = ("call", "at", "predecessor", "model", "release", "session", "missed_tokens")
"""What is told of the call that a culprit was first seen in."""
_BLOCKS = 20
_LATEST = "last"
_SORTS = ("size", "order")


Question = Callable[[Query], dict[str, Json]]


@dataclass(frozen=True, slots=True)
class Desk:
    """What tools ask: the store (``ask`` may raise UserError), and the time. ``local``: whoever
    asks may name files and repositories of this machine.
    """

    ask: Callable[[Question], dict[str, Json]]
    now: Callable[[], datetime]
    local: bool = True


_Answer = Callable[[Desk, Arguments], dict[str, Json]]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool by its name: what it is for, the schemas of its arguments, those that must be given,
    and what answers.
    """

    name: str
    title: str
    line: str
    arguments: JsonMap
    required: tuple[str, ...]
    answer: _Answer

    @property
    def schema(self) -> dict[str, Json]:
        """The JSON Schema of the arguments as a whole."""
        return {
            "type": "object",
            "properties": dict(self.arguments),
            "required": list(self.required),
            "additionalProperties": False,
        }

    def call(self, desk: Desk, given: JsonMap) -> str:
        """The answer as text, within the budget that was asked for. Raises UserError."""
        arguments = Arguments(given, self.arguments, self.required)
        budget = arguments.number("budget")
        return rendered(fitted(self.answer(desk, arguments), budget))


def _report(desk: Desk, given: Arguments) -> dict[str, Json]:
    asked = given.asked(desk.now())

    def answer(query: Query) -> dict[str, Json]:
        out = report_json(query.report(asked.period, asked.filters))
        periods = [out, out["previous"]] if isinstance(out.get("previous"), dict) else [out]
        if not given.flag("series"):
            for period in periods:
                assert isinstance(period, dict)
                period.pop("series", None)
            out["left_out"] = "series: ask with series true"
        return {"note": NOTE, **out}

    return desk.ask(answer)


def _misses(desk: Desk, given: Arguments) -> dict[str, Json]:
    asked, budget = given.asked(desk.now()), given.number("budget")
    cursor, most = given.text("cursor") or None, given.number("limit")

    def answer(query: Query) -> dict[str, Json]:
        page = query.misses(asked.filters, cursor, most)
        items = [miss_item(kept.told) for kept in page.items]
        # room for the cursor, which is known only when the number of items is
        out = paged({"note": NOTE}, {"items": items}, 0, budget - 30, most)
        shown = out["items"]
        assert isinstance(shown, list)
        if len(shown) < len(items):
            page = query.misses(asked.filters, cursor, len(shown))
        out.pop("left_out", None)
        return {**out, "next": page.next}

    return desk.ask(answer)


def _explain(desk: Desk, given: Arguments) -> dict[str, Json]:
    id, budget, start = given.needed("call"), given.number("budget"), _start(given)

    def answer(query: Query) -> dict[str, Json]:
        record = query.call(query.latest_miss() if id == _LATEST else id)
        told = as_json(record.told, blocks=True)
        lists: dict[str, list[Json]] = {"divergences": divergence_items(told)}
        if given.flag("full"):
            lists["texts"] = text_items(values(record.told, query.changes(record)), budget)
        blocks = told.pop("blocks")
        assert isinstance(blocks, list)
        if given.text("sort") != "order":
            blocks.sort(key=_tokens, reverse=True)
        lists["blocks"] = blocks
        head: dict[str, Json] = {"note": NOTE, "call": record.call.id}
        if not start:
            head |= diagnosis_head(told) | {"capture": record.capture}
        return paged(head, lists, start, budget, given.number("limit"))

    return desk.ask(answer)


def _tokens(block: Json) -> int:
    tokens = block.get("tokens") if isinstance(block, Mapping) else None
    return tokens if isinstance(tokens, int) else 0


def _culprits(desk: Desk, given: Arguments) -> dict[str, Json]:
    asked, budget, start = given.asked(desk.now()), given.number("budget"), _start(given)
    state, most = given.text("state"), given.number("limit")

    def answer(query: Query) -> dict[str, Json]:
        found = query.culprits(asked.filters, start + most + 1, State(state) if state else None)
        items = [culprit_item(culprit_json(culprit)) for culprit in found]
        out = paged({"note": NOTE}, {"items": items}, start, budget, most)
        out.pop("left_out", None)
        return out

    return desk.ask(answer)


def _culprit(desk: Desk, given: Arguments) -> dict[str, Json]:
    asked = given.asked(desk.now())

    def answer(query: Query) -> dict[str, Json]:
        culprit = query.culprit(given.needed("culprit"), asked.filters)
        first = query.first_miss(culprit)
        out = {"note": NOTE, **culprit_item(culprit_json(culprit), whole=True)}
        if first is not None:
            out["advice"] = first.told.advice
            whole = as_json(first.told)
            out["first_miss"] = {name: whole[name] for name in _FIRST}
        return out

    return desk.ask(answer)


def _blame(desk: Desk, given: Arguments) -> dict[str, Json]:
    _only_here(desk, "a repository")
    repo, seconds = Path(given.text("repo") or "."), given.number("timeout")

    def answer(query: Query) -> dict[str, Json]:
        found = blame_json(query, given.needed("culprit"), repo.expanduser(), seconds)
        return {"note": NOTE, **blame_parts(found)}

    return desk.ask(answer)


def _diff(desk: Desk, given: Arguments) -> dict[str, Json]:
    before, after = (_exchange(desk, given, name) for name in ("before", "after"))
    found = Comparison(given.text("provider")).compared(before, after)
    told = as_json(found.told, blocks=True)
    start, budget = _start(given), given.number("budget")
    lists: dict[str, list[Json]] = {"divergences": divergence_items(told)}
    blocks = told.pop("blocks")
    assert isinstance(blocks, list)
    lists["blocks"] = sorted(blocks, key=_tokens, reverse=True)
    head: dict[str, Json] = {"note": NOTE}
    if not start:
        head |= diagnosis_head(told) | {"notes": list(found.notes)}
    return paged(head, lists, start, budget, given.number("limit"))


def _exchange(desk: Desk, given: Arguments, name: str) -> Exchange:
    """A request from a body, from its text, or from a file of this machine. Raises UserError."""
    value = given.value(name)
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        _only_here(desk, "files")
        return read_file(Path(value).expanduser())
    if not isinstance(value, str | Mapping):
        raise UserError(f"{name}: give the request's body, or the path of a file that holds it")
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        return read_exchange(text.encode("utf-8", "surrogatepass"))
    except UserError as error:
        raise UserError(f"{name}: {error}") from None


def _only_here(desk: Desk, what: str) -> None:
    if not desk.local:
        raise UserError(
            f"{what} of this machine cannot be named over the network: ask `whycold mcp`, run "
            "where they are"
        )


def _start(given: Arguments) -> int:
    return offset_of(given.text("cursor") or None)


_BODY: JsonMap = {
    "type": ["object", "string"],
    "description": "The body of a request, a recorded exchange (request, response, at), or the "
    "path of a JSON file that holds either.",
}
_CULPRIT = words("The id of a culprit, or how it begins.")

TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "report",
            "Cache report",
            "How well the prompt cache did in a period (the last 7 days by default), against the "
            "period before: read ratio, misses, missed tokens, cost, by reason and by model. "
            "Start here.",
            {
                **FILTER_SCHEMAS,
                "series": flag("Also the course over time."),
                **BUDGET,
            },
            (),
            _report,
        ),
        Tool(
            "misses",
            "Latest misses",
            "The latest calls that missed the cache, newest first, each with the edit that did it.",
            {**FILTER_SCHEMAS, "limit": limit(10), **CURSOR, **BUDGET},
            (),
            _misses,
        ),
        Tool(
            "explain",
            "Explain a call",
            "One call in full: verdict, cause, every divergence with the words before and after, "
            "tokens per tool and message, advice. The first divergence broke the prefix; those "
            "behind it break it next.",
            {
                "call": words("Our id or how it begins, the provider's id, or last (latest miss)."),
                "full": flag("Also the changed values whole."),
                "sort": choice("Blocks by size, or in the order of the prompt.", _SORTS),
                "limit": limit(_BLOCKS, 1000),
                **CURSOR,
                **BUDGET,
            },
            ("call",),
            _explain,
        ),
        Tool(
            "culprits",
            "Dearest culprits",
            "Misses grouped by the edit that caused them, dearest first, of all that was recorded "
            "unless a filter says otherwise.",
            {
                **FILTER_SCHEMAS,
                "state": choice("Those of this state only.", State),
                "limit": limit(10),
                **CURSOR,
                **BUDGET,
            },
            (),
            _culprits,
        ),
        Tool(
            "culprit",
            "One culprit",
            "One culprit: its sums, releases, days, calls that are examples, its first miss, and "
            "what to do.",
            {"culprit": _CULPRIT, **FILTER_SCHEMAS, **BUDGET},
            ("culprit",),
            _culprit,
        ),
        Tool(
            "blame",
            "Blame a commit",
            "The lines and commits of a git repository that a culprit's edit most likely comes "
            "from. Nothing of the repository is run.",
            {
                "culprit": words("The id of a culprit or how it begins, or of a call that missed."),
                "repo": words("A folder of the git repository; where the server runs, if not."),
                "timeout": number(
                    "Seconds that may be searched.", SEARCH_SECONDS, 1, LONGEST_SEARCH
                ),
                **BUDGET,
            },
            ("culprit",),
            _blame,
        ),
        Tool(
            "diff",
            "Compare two requests",
            "What broke the cached prefix between two requests, and what it costs; no recording "
            "is needed. Use it to check a fix before sending anything.",
            {
                "before": _BODY,
                "after": _BODY,
                "provider": words("Whose cache rules hold, e.g. anthropic; by default the shape."),
                "limit": limit(_BLOCKS, 1000),
                **CURSOR,
                **BUDGET,
            },
            ("before", "after"),
            _diff,
        ),
    )
}
"""All of them by name; they read and change nothing."""
