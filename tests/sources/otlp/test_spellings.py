"""Each way in which a call was ever written down as OTLP, and what it comes to."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sources.otlp.documents import SYSTEM, TOOL, calls, event, logs, span, spans, value, write
from whycold.core.call import Call
from whycold.core.prompt import Kind, Section

CONVENTIONS = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "claude-sonnet-5",
    "gen_ai.response.id": "msg_1",
    "gen_ai.usage.input_tokens": 2000,
    "gen_ai.usage.output_tokens": 40,
}
USE = {"type": "tool_call", "id": "t1", "name": "look", "arguments": {"path": "a"}}
PARTS = {
    "gen_ai.system_instructions": [{"type": "text", "content": SYSTEM}],
    "gen_ai.input.messages": [
        {"role": "user", "parts": [{"type": "text", "content": "Where is it?"}]},
        {
            "role": "assistant",
            "parts": [
                {"type": "tool_call", "id": "t1", "name": "look", "arguments": {"path": "a"}}
            ],
        },
        {
            "role": "user",
            "parts": [{"type": "tool_call_response", "id": "t1", "response": "Here"}],
        },
    ],
    "gen_ai.tool.definitions": [TOOL],
    "gen_ai.output.messages": [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "There."}],
            "finish_reason": "stop",
        }
    ],
}
CACHE = {
    "gen_ai.usage.cache_read.input_tokens": 1500,
    "gen_ai.usage.cache_creation.input_tokens": 400,
}
NEW: dict[str, Any] = CONVENTIONS | CACHE | {name: json.dumps(said) for name, said in PARTS.items()}
OLD: dict[str, Any] = {
    "gen_ai.system": "Anthropic",
    "llm.request.type": "chat",
    "gen_ai.request.model": "claude-sonnet-5",
    "gen_ai.response.id": "msg_1",
    "gen_ai.usage.prompt_tokens": 2000,
    "gen_ai.usage.completion_tokens": 40,
    "gen_ai.usage.cache_read_input_tokens": 1500,
    "gen_ai.usage.cache_creation_input_tokens": 400,
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": SYSTEM,
    "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": "Where is it?",
    "gen_ai.prompt.2.role": "assistant",
    "gen_ai.prompt.2.tool_calls.0.id": "t1",
    "gen_ai.prompt.2.tool_calls.0.name": "look",
    "gen_ai.prompt.2.tool_calls.0.arguments": '{"path": "a"}',
    "gen_ai.prompt.3.role": "user",
    "gen_ai.prompt.3.content": json.dumps(
        [{"type": "tool_result", "tool_use_id": "t1", "content": "Here"}]
    ),
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": "There.",
    "llm.request.functions.0.name": "look",
    "llm.request.functions.0.description": "Look for a thing.",
    "llm.request.functions.0.input_schema": '{"type": "object"}',
}
OLDEST = {
    name.replace("gen_ai.prompt.", "llm.prompts.").replace("gen_ai.completion", "llm.completions")
    if "tokens" not in name
    else name.replace("gen_ai.usage", "llm.usage"): said
    for name, said in OLD.items()
}
INFERENCE: dict[str, Any] = {
    "openinference.span.kind": "LLM",
    "llm.provider": "anthropic",
    "llm.model_name": "claude-sonnet-5",
    "gen_ai.response.id": "msg_1",
    "llm.token_count.prompt": 2000,
    "llm.token_count.completion": 40,
    "llm.token_count.prompt_details.cache_read": 1500,
    "llm.token_count.prompt_details.cache_write": 400,
    "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": SYSTEM,
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.contents.0.message_content.type": "text",
    "llm.input_messages.1.message.contents.0.message_content.text": "Where is it?",
    "llm.input_messages.2.message.role": "assistant",
    "llm.input_messages.2.message.tool_calls.0.tool_call.id": "t1",
    "llm.input_messages.2.message.tool_calls.0.tool_call.function.name": "look",
    "llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments": '{"path": "a"}',
    "llm.input_messages.3.message.role": "user",
    "llm.input_messages.3.message.tool_call_id": "t1",
    "llm.input_messages.3.message.content": "Here",
    "llm.tools.0.tool.json_schema": json.dumps(TOOL),
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "There.",
}
SPELLINGS = {"parts": NEW, "numbered": OLD, "oldest": OLDEST, "inference": INFERENCE}


def told(tmp_path: Path, said: dict[str, Any], scope: str = "") -> Call:
    [call] = calls(write(tmp_path / "t.jsonl", spans(span(said), scope=scope)))
    return call


@pytest.mark.parametrize("said", SPELLINGS.values(), ids=SPELLINGS)
def test_counts_are_read(tmp_path: Path, said: dict[str, Any]):
    usage = told(tmp_path, said).usage
    assert (usage.input, usage.cache_read, usage.cache_write) == (2000, 1500, 400)
    assert (usage.uncached, usage.output) == (100, 40)


@pytest.mark.parametrize("said", SPELLINGS.values(), ids=SPELLINGS)
def test_the_prompt_is_put_together(tmp_path: Path, said: dict[str, Any]):
    call = told(tmp_path, said)
    tool, system, question, use = call.prompt.blocks[:4]
    assert (tool.path, tool.value) == ("tools[look]", TOOL)
    assert (system.section, system.value) == (Section.system, SYSTEM)
    assert (question.value, question.role) == ("Where is it?", "user")
    assert use.value == {"type": "tool_use", "id": "t1", "name": "look", "input": {"path": "a"}}
    assert call.reply.blocks[0].value == "There."


@pytest.mark.parametrize("said", [NEW, OLD, OLDEST], ids=["parts", "numbered", "oldest"])
def test_a_result_knows_its_tool(tmp_path: Path, said: dict[str, Any]):
    result = told(tmp_path, said).prompt.blocks[4]
    assert (result.kind, result.name) == (Kind.tool_result, "look")


def test_origin_is_what_resource_and_span_say(tmp_path: Path):
    said = CONVENTIONS | {"gen_ai.conversation.id": "c1", "gen_ai.agent.name": "finder"}
    service = {"service.name": "shop", "service.version": "1.4.2"}
    [call] = calls(write(tmp_path / "t.json", spans(span(said), service=service)))
    assert (call.project, call.release, call.session, call.agent) == (
        *("shop", "1.4.2", "c1", "finder"),
    )
    assert (call.provider, call.model, call.reply.message_id) == (
        *("anthropic", "claude-sonnet-5", "msg_1"),
    )


def test_session_and_agent_may_stand_on_a_span_around(tmp_path: Path):
    around = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "finder"}
    inner = span(CONVENTIONS, 2, 1, parentSpanId=f"{1:016x}")
    outer = span(around | {"gen_ai.conversation.id": "c1"}, 1)
    [call] = calls(write(tmp_path / "t.json", spans(inner), spans(outer)))
    assert (call.session, call.agent) == ("c1", "finder")


def test_what_was_not_recorded_is_unseen(tmp_path: Path):
    bare = told(tmp_path, CONVENTIONS)
    assert bare.prompt.unseen == frozenset(Section)
    assert bare.usage.cache_read is None
    without = {k: v for k, v in NEW.items() if k != "gen_ai.tool.definitions"}
    assert Section.tools in told(tmp_path, without).prompt.unseen
    assert told(tmp_path, NEW).prompt.asks is None


def test_names_of_tools_alone_are_not_taken_for_the_tools(tmp_path: Path):
    said = NEW | {"gen_ai.tool.definitions": json.dumps([{"type": "function", "name": "look"}])}
    assert Section.tools in told(tmp_path, said).prompt.unseen


def test_where_an_instrumentation_records_all_nothing_is_nothing(tmp_path: Path):
    without = {k: v for k, v in NEW.items() if k != "gen_ai.tool.definitions"}
    call = told(tmp_path, without, "opentelemetry.instrumentation.anthropic")
    assert call.prompt.unseen == {Section.settings}


def test_cut_content_is_not_compared(tmp_path: Path):
    cut = NEW | {"gen_ai.input.messages": NEW["gen_ai.input.messages"][:60]}
    assert Section.messages in told(tmp_path, cut).prompt.unseen
    sdk = told(tmp_path, NEW | {"anthropic.content.truncated": True}, "com.anthropic.sdk.python")
    assert sdk.prompt.unseen == frozenset(Section)


def test_numbered_messages_of_which_some_were_dropped_are_not_taken(tmp_path: Path):
    gap = {k: v for k, v in OLD.items() if not k.startswith("gen_ai.prompt.1.")}
    assert Section.messages in told(tmp_path, gap).prompt.unseen
    dropped = spans(span(OLD, droppedAttributesCount=3))
    [call] = calls(write(tmp_path / "t.jsonl", dropped))
    assert Section.messages in call.prompt.unseen


def test_an_input_without_what_was_cached_is_made_whole(tmp_path: Path):
    usage = told(tmp_path, NEW | {"gen_ai.usage.input_tokens": 100}).usage
    assert (usage.input, usage.uncached) == (2000, 100)


def test_a_zero_that_an_exporter_leaves_out_is_one_where_something_was_written(tmp_path: Path):
    said = CONVENTIONS | {"gen_ai.usage.cache_write.input_tokens": 400}
    assert told(tmp_path, said, "opentelemetry.util.genai.handler").usage.cache_read == 0
    assert told(tmp_path, said).usage.cache_read is None


def test_a_zero_that_an_exporter_makes_up_is_none(tmp_path: Path):
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.openai.api_base": "http://127.0.0.1:8000/v1",
    }
    scope = "opentelemetry.instrumentation.openai.v1"
    assert told(tmp_path, said, scope).usage.cache_read is None
    real = said | {"gen_ai.openai.api_base": "https://api.openai.com/v1"}
    assert told(tmp_path, real, scope).usage.cache_read == 0


def test_bodies_that_openinference_holds_are_read_as_they_were_sent(tmp_path: Path):
    mark = {"type": "ephemeral"}
    request = {
        "model": "claude-sonnet-5",
        "system": [{"type": "text", "text": SYSTEM, "cache_control": mark}],
        "messages": [{"role": "user", "content": "Hi"}],
        "thinking": {"type": "adaptive"},
    }
    response = {
        "id": "msg_7",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "Hello"}],
        "usage": {"input_tokens": 9, "cache_read_input_tokens": 0},
        "diagnostics": {"cache_miss_reason": {"type": "system_changed"}},
    }
    said = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "claude-sonnet-5",
        "input.value": json.dumps(request),
        "output.value": json.dumps(response),
    }
    call = told(tmp_path, said, "openinference.instrumentation.anthropic")
    assert (call.prompt.unseen, call.prompt.breakpoints) == (frozenset(), (0,))
    assert call.prompt.setting("thinking") == {"type": "adaptive"}
    assert call.reply.message_id == "msg_7"
    assert call.reply.verdict is not None and call.reply.verdict.reason == "system_changed"
    assert (call.usage.input, call.usage.cache_read, call.usage.cache_write) == (9, 0, None)


def test_messages_of_events_belong_to_their_span(tmp_path: Path):
    here = {"traceId": f"{7:032x}", "spanId": f"{1:016x}"}

    def said(name: str, body: dict[str, Any], at: float) -> dict[str, Any]:
        record = event(name, {"event.name": name}, at, **here)
        return record | {"body": value(body)}

    pieces = logs(
        said("gen_ai.system.message", {"content": SYSTEM}, 0.1),
        said("gen_ai.user.message", {"content": "Where is it?"}, 0.2),
        said("gen_ai.choice", {"index": 0, "message": {"content": "There."}}, 1.9),
    )
    [call] = calls(write(tmp_path / "t.jsonl", pieces, spans(span(CONVENTIONS))))
    assert [block.value for block in call.prompt.blocks] == [SYSTEM, "Where is it?"]
    assert call.reply.blocks[0].value == "There."


def test_one_event_may_hold_a_whole_call(tmp_path: Path):
    here = {"traceId": f"{7:032x}", "spanId": f"{1:016x}"}
    name = "gen_ai.client.inference.operation.details"
    whole = event(name, CONVENTIONS | PARTS, 2, eventName=name, **here)
    [call] = calls(write(tmp_path / "t.jsonl", logs(whole), spans(span(CONVENTIONS | CACHE))))
    assert len(call.prompt.blocks) == 5
    assert call.usage.cache_read == 1500


def test_the_answer_began_when_its_first_chunk_came(tmp_path: Path):
    call = told(tmp_path, CONVENTIONS | {"gen_ai.response.time_to_first_chunk": 0.5})
    assert call.began == call.at + timedelta(seconds=0.5)


def test_a_call_that_failed_is_told_as_such(tmp_path: Path):
    said = CONVENTIONS | {"error.type": "overloaded_error", "http.response.status_code": 529}
    failed = span(said, status={"code": 2, "message": "Overloaded"})
    [call] = calls(write(tmp_path / "t.jsonl", spans(failed)))
    error = call.reply.error
    assert error is not None
    assert (error.status, error.kind, error.message) == (529, "overloaded_error", "Overloaded")


@pytest.mark.parametrize(
    "said",
    [
        {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "m"},
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look"},
        {"openinference.span.kind": "CHAIN", "llm.model_name": "m"},
        {"http.request.method": "GET"},
    ],
)
def test_spans_of_anything_else_are_no_calls(tmp_path: Path, said: dict[str, Any]):
    assert calls(write(tmp_path / "t.jsonl", spans(span(said)))) == []


@pytest.mark.parametrize(
    ("said", "provider"),
    [
        ({"gen_ai.system": "aws.bedrock", "gen_ai.request.model": "amazon.nova-pro"}, "bedrock"),
        ({"gen_ai.system": "aws.bedrock", "gen_ai.request.model": "claude-5"}, "bedrock-anthropic"),
        ({"gen_ai.provider.name": "gcp.gemini", "gen_ai.request.model": "gemini-4"}, "gemini"),
        ({"gen_ai.system": "openai", "gen_ai.request.model": "gpt-6"}, "openai"),
        ({"gen_ai.system": "az.ai.openai", "gen_ai.request.model": "gpt-6"}, "azure"),
        (
            {
                "gen_ai.system": "openai",
                "gen_ai.request.model": "d",
                "gen_ai.openai.api_base": "https://api.deepseek.com/v1",
            },
            "deepseek",
        ),
        ({"gen_ai.system": "x_ai", "gen_ai.request.model": "grok-5"}, "xai"),
    ],
)
def test_the_provider_is_told_by_name_and_address(
    tmp_path: Path, said: dict[str, Any], provider: str
):
    assert told(tmp_path, said | {"gen_ai.operation.name": "chat"}).provider == provider


def test_messages_of_the_responses_api_may_go_on_from_what_is_not_there(tmp_path: Path):
    said = NEW | {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-6"}
    call = told(tmp_path, said | {"openai.api.type": "responses"})
    assert (call.api, Section.messages in call.prompt.unseen) == ("openai.responses", True)
