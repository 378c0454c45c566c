"""What is said of a case fits the case: one line per shape that a cause can take."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.causes.pairs import calls, told
from whycold.causes.examples import (
    MARKED,
    TASK,
    agent,
    asks,
    body,
    chat,
    function,
    read,
    responses,
    said,
    text,
    tool,
    without_reads,
    wrote,
)
from whycold.causes.unexplained import UNEXPLAINED
from whycold.core.cause import Example
from whycold.diagnose import diagnose_pair
from whycold.providers.registry import rules_for

NEXT = asks("Then run them again, please.")
AGAIN = (asks(TASK), said("Where?"), asks("In CI."))
WAS, NOW = wrote(24_150), wrote(24_600)
READ, WRITE, GREP, BASH = (tool(name) for name in ("Read", "Write", "Grep", "Bash"))


def title(before: Any, after: Any, **more: Any) -> str | None:
    fields: dict[str, Any] = {"was": WAS, "now": NOW, **more}
    return told(Example("pair", before, after, **fields)).diagnosis.title


def of_tools(was: list[Any], now: list[Any]) -> str | None:
    return title(agent(tools=was), agent(NEXT, tools=now))


def chatted(before: Any, after: Any) -> str | None:
    return title(chat(**before), chat(*AGAIN, **after), provider="openai")


def schema(**properties: Any) -> dict[str, Any]:
    return {
        "type": "json_schema",
        "json_schema": {"name": "a", "schema": {"properties": properties}},
    }


def test_tools_are_told_by_number_and_name():
    many = [tool(f"t{i}") for i in range(6)]
    assert of_tools([READ], [READ, *many]) == "6 tools were added: t0, t1, t2, t3 and 2 more"
    assert title(
        body(tools=[], cache_control=MARKED), body(*AGAIN, tools=[READ], cache_control=MARKED)
    ) == ("the tool Read was added where there were no tools")
    assert of_tools([READ], []) == "the only tool was removed: Read"
    assert of_tools([READ, WRITE], []) == "all 2 tools were removed: Read, Write"


def test_another_order_of_tools_is_told_by_what_moved():
    assert of_tools([READ, WRITE, GREP, BASH], [WRITE, GREP, READ, BASH]) == (
        "the tool Read moved behind Grep"
    )
    assert of_tools([READ, WRITE, GREP, BASH], [GREP, READ, WRITE, BASH]) == (
        "the tool Grep moved in front of Read"
    )
    assert of_tools([READ, WRITE, GREP, BASH], [BASH, GREP, WRITE, READ]) == (
        "4 tools came in another order: Bash, Grep, Write, Read"
    )


def test_a_change_in_a_definition_is_told_by_its_place():
    limit = {"path": {"type": "string"}, "limit": {"type": "integer"}}
    assert of_tools([tool("Read", properties=limit)], [READ]) == (
        "the parameter limit was taken out of the tool Read"
    )
    assert of_tools([READ], [{**READ, "description": 7}]) == (
        "the description of the tool Read is of another type"
    )
    reordered = dict(reversed([*READ.items()]))
    assert of_tools([READ], [reordered]) == (
        "the keys in the definition of the tool Read came in another order"
    )


def test_output_formats_are_told_without_their_schemas():
    one, two = schema(a={}, b={}), schema(b={}, a={})
    assert chatted({"response_format": one}, {"response_format": two}) == (
        "the keys of the output schema came in another order"
    )
    strict = {**one, "strict": True}
    assert chatted({"response_format": one}, {"response_format": strict}) == (
        "the output format changed around the same schema"
    )
    assert chatted({}, {"response_format": {"type": "json_object"}}) == (
        'the output format was set to {"type": "json_object"} and was not set before'
    )
    assert chatted({"response_format": one}, {}) == "the output no longer has to follow a schema"


def test_a_model_and_its_dated_name_may_be_two():
    dated = agent(NEXT, model="claude-sonnet-5-20260601")
    found = told(Example("dated", agent(), dated, WAS, NOW)).diagnosis
    assert not found.expected
    assert "alias" in str(found.advice)
    assert (
        title(chat(model="tiny"), {**chat(*AGAIN), "model": None}, provider="llama.cpp") is not None
    )


def test_servers_of_the_provider_are_told_by_name():
    docs, jira = ({"name": name, "url": f"https://{name}.example"} for name in ("docs", "jira"))
    assert title(agent(mcp_servers=[docs, jira]), agent(NEXT, mcp_servers=[jira, docs])) == (
        "the MCP servers are set up otherwise or stand in another order"
    )


def test_a_predecessor_that_did_not_ask_left_nothing():
    explicit: Any = {"prompt_cache_options": {"mode": "explicit"}}
    marked = asks({"type": "text", "text": TASK, "prompt_cache_breakpoint": {"mode": "explicit"}})
    found = title(
        chat(**explicit),
        chat(marked, said("Where?"), asks("In CI."), **explicit),
        provider="openai",
    )
    assert found == "the call before did not ask for caching, so it left nothing to read"


def test_calls_of_others_are_counted():
    titles = tuple(
        chat(asks(f"Name conversation {i}."), system=f"You name {i}.", model="tiny") for i in (1, 2)
    )
    found = title(
        chat(model="tiny"),
        chat(*AGAIN, model="tiny"),
        was=read(0, of=3_900),
        now=read(40, of=3_950),
        provider="llama.cpp",
        between=titles,
    )
    assert found == "2 calls of other conversations came in between and took the slot"


def test_pauses_are_told_in_the_unit_that_fits():
    for gap, said_so in (
        (timedelta(hours=3), "(5 min lifetime, 3 h pause)"),
        (timedelta(days=3), "(5 min lifetime, 3 days pause)"),
    ):
        assert str(title(agent(), agent(NEXT), gap=gap)).endswith(said_so)


def test_a_marker_that_stands_early_is_told_where_reads_are_not_reported():
    long = [text("You are a careful programmer. " * 300, mark=True)]
    unmarked = dict(agent(NEXT, system=long))
    del unmarked["cache_control"]
    found = title(
        agent(system=long),
        unmarked,
        was=replace(wrote(24_150), cache_read=None),
        now=without_reads(24_600),
    )
    assert found == "much of what repeats stands behind the last marker"


@pytest.mark.parametrize("name", ["Read", "x" * 90])
def test_long_names_are_cut(name: str):
    found = of_tools([tool(name)], [tool(name, "Does something else.")])
    assert found is not None and len(found) < 120


def test_a_budget_in_the_system_prompt_is_told_with_its_numbers():
    before, after = (
        agent(system=f"Be brief.\n<total_tokens>{n} tokens left</total_tokens>") for n in (900, 700)
    )
    assert title(before, {**after, "messages": agent(*AGAIN)["messages"]}) == (
        'the system prompt holds a budget that changes, "900" became "700"'
    )


def test_a_key_that_is_set_from_now_on():
    found = title(responses(), responses(*AGAIN, prompt_cache_key="agent"), provider="openai")
    assert found == "prompt_cache_key was set to agent and was not set before"


def test_tools_of_chat_completions_are_named_like_all_others():
    found = chatted({"tools": [function("read")]}, {"tools": [function("read", "Reads it all.")]})
    assert found == "the description of the tool read changed"


def test_a_difference_that_nobody_claims_is_told_by_its_path():
    before, after = (agent(tools=[tool("Read", words)]) for words in ("Reads.", "Writes."))
    case = next(c for c in told(Example("pair", before, after, WAS, NOW)).cases if c.divergence)
    said_so = UNEXPLAINED.evidence(case).title
    assert said_so == "tools[Read].description is not what it was"


def test_nothing_is_said_of_a_time_that_was_not_recorded():
    before, after = calls(Example("pair", agent(), agent(NEXT), WAS, NOW))
    told_so = diagnose_pair(before, after, rules_for, dated=False)
    assert (told_so.cause, told_so.gap) == ("evicted", None)
    assert told_so.title == "the prefix is the same, and it was not read"


def test_a_model_with_explicit_caches_only_is_told_so():
    def asked(*texts: str) -> Any:
        turns = [
            {"role": ("user", "model")[i % 2], "parts": [{"text": words}]}
            for i, words in enumerate(texts)
        ]
        return {"model": "gemini-2.0-flash", "contents": turns}

    found = title(
        asked(TASK),
        asked(TASK, "Where?", "In CI."),
        was=read(0, of=5_000),
        now=read(0, of=5_100),
        provider="gemini",
    )
    assert found == "Gemini API caches this model only by an explicit cache, and none is named"
