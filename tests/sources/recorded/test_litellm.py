"""LiteLLM's logs: payloads, rows of its spend logs, and a file per call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sources.recorded.independent_count import totals
from tests.sources.recorded.writing import (
    BEGINS,
    LONG,
    TASK,
    calls,
    sums,
    told,
    troubles,
    written,
)
from whycold.core.prompt import Kind, Section
from whycold.sources.litellm import LiteLlm, mended

TOOL = {"type": "function", "function": {"name": "bash", "parameters": {"type": "object"}}}


def messages(turn: int, system: str = LONG, *, marked: bool = True) -> list[dict[str, Any]]:
    block: dict[str, Any] = {"type": "text", "text": system}
    if marked:
        block["cache_control"] = {"type": "ephemeral"}
    out: list[dict[str, Any]] = [{"role": "system", "content": [block]}]
    for number in range(turn + 1):
        out.append({"role": "user", "content": f"{number}. {TASK}"})
        if number < turn:
            out.append({"role": "assistant", "content": f"Answer {number}."})
    return out


def response(turn: int, read: int, wrote: int) -> dict[str, Any]:
    """An answer of Claude as LiteLLM turns it into OpenAI's form."""
    return {
        "id": f"chatcmpl-{turn}-{read}-{wrote}",
        "object": "chat.completion",
        "model": "claude-sonnet-5",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": f"Answer {turn}."}}],
        "usage": {
            "prompt_tokens": 9 + read + wrote,
            "completion_tokens": 3,
            "prompt_tokens_details": {"cached_tokens": read},
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": wrote,
        },
    }


def payload(turn: int, read: int = 0, wrote: int = 0, **more: Any) -> dict[str, Any]:
    """A StandardLoggingPayload."""
    begins = BEGINS.timestamp() + 30 * turn
    return {
        "id": f"chatcmpl-{turn}-{read}-{wrote}",
        "trace_id": "trace-1",
        "call_type": "acompletion",
        "status": "success",
        "cache_hit": False,
        "startTime": begins,
        "endTime": begins + 2,
        "completionStartTime": begins + 1,
        "model": "claude-sonnet-5",
        "custom_llm_provider": "anthropic",
        "api_base": "https://api.anthropic.com/v1/messages",
        "model_id": "deployment-1",
        "metadata": {"user_api_key_hash": "88dc28", "user_api_key_team_alias": "billing"},
        "messages": messages(turn),
        "model_parameters": {"stream": False, "tools": [TOOL]},
        "response": response(turn, read, wrote),
        "prompt_tokens": 9 + read + wrote,
        "completion_tokens": 3,
        **more,
    }


def conversation() -> list[dict[str, Any]]:
    edited = messages(2, LONG.replace("twice", "thrice", 1))
    return [payload(0, 0, 3000), payload(1, 3000, 0), payload(2, 0, 3000, messages=edited)]


def log(turn: int, read: int = 0, wrote: int = 0) -> dict[str, Any]:
    """What an agent writes of one call, once it was answered."""
    answer = response(turn, read, wrote)
    answer["id"] = f"log-{turn}"
    answer["usage"]["prompt_tokens"] += 0 if read or wrote else 3000
    return {
        "messages": messages(turn, marked=False),
        "tools": [TOOL],
        "kwargs": {"temperature": 0.0, "extra_body": {"metadata": {"tags": ["x"]}}},
        "context_window": 200_000,
        "response": answer,
        "cost": 0.01,
        "timestamp": BEGINS.timestamp() + 30 * turn + 4,
        "latency_sec": 4.0,
    }


def lines(path: Path, *found: Any) -> Path:
    return written(path, "".join(json.dumps(one) + "\n" for one in found))


def each_in_a_file(folder: Path, *found: Any) -> None:
    for number, one in enumerate(found):
        written(folder / f"call-{len(found) - number}.json", json.dumps(one, indent=2))


LAYOUTS = {
    "lines": lambda folder, *found: lines(folder / "a.jsonl", *found),
    "a file each": each_in_a_file,
    "one list": lambda folder, *found: written(folder / "a.json", json.dumps(found)),
    "lines in .json": lambda folder, *found: lines(folder / "a.json", *found),
    "in the arguments of a callback": lambda folder, *found: lines(
        folder / "a.jsonl", *({"kwargs": {"standard_logging_object": one}} for one in found)
    ),
}


@pytest.mark.parametrize("write", LAYOUTS.values(), ids=LAYOUTS)
def test_a_conversation_is_diagnosed_from_any_layout(write: Any, tmp_path: Path):
    write(tmp_path, *conversation())
    found = told(LiteLlm([tmp_path]))
    assert [(d.verdict, d.cause) for d in found] == [
        ("first", None),
        ("hit", None),
        ("miss", "system-edited"),
    ]


def test_a_payload_tells_whose_call_it_is_and_when(tmp_path: Path):
    lines(tmp_path / "a.jsonl", payload(0, 0, 3000))
    (call,) = calls(LiteLlm([tmp_path]))
    assert (call.project, call.session, call.host) == ("billing", "trace-1", "api.anthropic.com")
    assert call.began is not None
    assert (call.at, (call.began - call.at).seconds) == (BEGINS, 1)
    assert [b.name for b in call.prompt.section(Section.tools)] == ["bash"]


@pytest.mark.parametrize(
    ("changed", "unseen"),
    [
        ({}, {Section.settings}),
        ({"model_parameters": None}, {Section.settings, Section.tools}),
        ({"call_type": "anthropic_messages"}, {Section.settings, Section.system}),
    ],
)
def test_what_a_payload_leaves_out_is_unseen(
    changed: dict[str, Any], unseen: set[Section], tmp_path: Path
):
    lines(tmp_path / "a.jsonl", payload(0, 0, 3000, **changed))
    assert calls(LiteLlm([tmp_path]))[0].prompt.unseen == unseen


def test_tools_are_unseen_where_the_answer_calls_one_that_was_not_logged(tmp_path: Path):
    answer = response(0, 0, 3000)
    asked = {"id": "t1", "type": "function", "function": {"name": "bash", "arguments": "{}"}}
    answer["choices"][0]["message"]["tool_calls"] = [asked]
    lines(tmp_path / "a.jsonl", payload(0, response=answer, model_parameters={}))
    assert Section.tools in calls(LiteLlm([tmp_path]))[0].prompt.unseen


def test_markers_that_somebody_set_behind_the_log_are_not_said_to_be_missing(tmp_path: Path):
    bare = [payload(n, 3000 * n, 3000, messages=messages(n, marked=False)) for n in range(2)]
    bare.append(payload(2, 0, 3000, messages=messages(2, marked=False)))
    lines(tmp_path / "a.jsonl", *bare)
    found = told(LiteLlm([tmp_path]))
    assert all(call.prompt.asks is None for call in calls(LiteLlm([tmp_path])))
    assert "breakpoint-missing" not in {d.cause for d in found}


def test_what_was_redacted_counts_and_shows_no_prompt(tmp_path: Path):
    redacted = [{"role": "user", "content": "redacted-by-litellm"}]
    lines(tmp_path / "a.jsonl", payload(0, 0, 3000, messages=redacted))
    (call,) = calls(LiteLlm([tmp_path]))
    assert (call.prompt.blocks, call.usage.input) == ((), 3009)


def test_counts_stand_beside_an_answer_that_was_not_logged(tmp_path: Path):
    usage = response(0, 2000, 1000)["usage"]
    metadata = {"usage_object": usage}
    lines(tmp_path / "a.jsonl", payload(0, response={}, metadata=metadata))
    lines(tmp_path / "b/a.jsonl", payload(0, 0, 3000, response=None))
    one, other = (call.usage for call in calls(LiteLlm([tmp_path])))
    assert (one.input, one.cache_read) == (3009, 2000)
    assert (other.input, other.cache_read) == (3009, None)


@pytest.mark.parametrize(
    "changed",
    [{"cache_hit": True}, {"call_type": "aembedding"}, {"call_type": "image_generation"}],
)
def test_what_no_provider_answered_with_a_prompt_cache_is_no_call(
    changed: dict[str, Any], tmp_path: Path
):
    lines(tmp_path / "a.jsonl", payload(0, **changed))
    source = LiteLlm([tmp_path])
    assert (sums(source)["calls"], source.troubles) == (0, [])


def test_a_failure_is_a_call_with_its_error(tmp_path: Path):
    said = {"error_code": "429", "error_class": "RateLimitError", "llm_provider": "anthropic"}
    failed = payload(0, status="failure", response=None, error_str="Slow", error_information=said)
    lines(tmp_path / "a.jsonl", failed)
    error = calls(LiteLlm([tmp_path]))[0].reply.error
    assert error is not None
    assert (error.status, error.kind, error.message) == (429, "RateLimitError", "Slow")


def test_a_row_of_the_spend_logs_holds_json_as_text(tmp_path: Path):
    whole = {"model": "claude-sonnet-5", "messages": messages(0), "tools": [TOOL]}
    row = {
        "request_id": "chatcmpl-0",
        "call_type": "acompletion",
        "startTime": "2026-03-02T10:00:00+00:00",
        "endTime": "2026-03-02T10:00:02+00:00",
        "model": "claude-sonnet-5",
        "messages": "{}",
        "response": json.dumps(response(0, 0, 3000)),
        "proxy_server_request": json.dumps(whole),
        "cache_hit": "False",
    }
    lines(tmp_path / "a.jsonl", row)
    (call,) = calls(LiteLlm([tmp_path]))
    assert (call.at, call.usage.cache_write, call.prompt.unseen) == (BEGINS, 3000, frozenset())


def test_a_file_per_call_is_dated_back_from_its_answer(tmp_path: Path):
    each_in_a_file(tmp_path, *(log(n) for n in range(3)))
    found = calls(LiteLlm([tmp_path]))
    assert [(c.at - BEGINS).seconds for c in found] == [0, 30, 60]
    assert [d.cause for d in told(LiteLlm([tmp_path]))][1:] == ["breakpoint-missing"] * 2


def test_totals_are_those_of_an_independent_count(tmp_path: Path):
    each_in_a_file(tmp_path / "files", log(0, 0, 3000), log(1, 3000, 20), log(2))
    lines(tmp_path / "lines/a.jsonl", *conversation())
    assert sums(LiteLlm([tmp_path])) == dict(totals("litellm", tmp_path))


def test_a_broken_escape_is_taken_as_it_stands_and_told(tmp_path: Path):
    text = json.dumps(log(0, 0, 3000)).replace("checked twice", r"checked \someone twice", 1)
    written(tmp_path / "a.json", text)
    source = LiteLlm([tmp_path])
    (call,) = calls(source)
    texts = [b.value for b in call.prompt.blocks if b.kind is Kind.text]
    assert "checked \\someone twice" in str(texts[0])
    assert troubles(source)[0] == "a.json: 1 broken escape taken literally"


@pytest.mark.parametrize(
    ("text", "whole", "count"),
    [
        (r'"\n \\ \" \/ é"', r'"\n \\ \" \/ é"', 0),
        (r'"\s"', r'"\\s"', 1),
        (r'"\\\s"', r'"\\\\s"', 1),
        (r'"\u12"', r'"\\u12"', 1),
    ],
)
def test_only_backslashes_that_escape_nothing_are_doubled(text: str, whole: str, count: int):
    assert mended(text) == (whole, count)


def test_a_list_of_messages_is_no_log(tmp_path: Path):
    written(tmp_path / "a.json", json.dumps(messages(1)))
    assert troubles(LiteLlm([tmp_path])) == ["a.json: 1 skipped: no request with its response"]
