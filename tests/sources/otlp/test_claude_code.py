"""Claude Code's events and spans, as its monitoring documentation describes them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.sources.otlp.documents import calls, event, logs, span, spans, write
from whycold.core.prompt import Section

SERVICE = {"service.name": "claude-code", "service.version": "2.1.260"}
SCOPE = "com.anthropic.claude_code.events"
WHO = {"session.id": "s1", "query_source": "repl_main_thread", "model": "claude-opus-5"}
MARK = {"cache_control": {"type": "ephemeral"}}
BODY = {
    "model": "claude-opus-5",
    "system": [
        {"type": "text", "text": "You are Claude Code.", "cache_control": {"type": "ephemeral"}}
    ],
    "tools": [{"name": "Bash", "description": "Run.", "input_schema": {"type": "object"}}],
    "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
}


def request(id: str = "req_1", at: float = 3, **more: object) -> dict[str, Any]:
    said = WHO | {
        "event.name": "api_request",
        "input_tokens": "2",
        "output_tokens": "120",
        "cache_read_tokens": "84562",
        "cache_creation_tokens": "7096",
        "duration_ms": "2500",
        "request_id": id,
    }
    return event("claude_code.api_request", said | more, at)


def asked(body: str, at: float = 0.4, **more: object) -> dict[str, Any]:
    said = WHO | {"event.name": "api_request_body", "body": body} | more
    return event("claude_code.api_request_body", said, at)


def told(tmp_path: Path, *records: dict[str, Any]) -> list[Any]:
    return calls(write(tmp_path / "l.jsonl", logs(*records, scope=SCOPE, service=SERVICE)))


def test_an_event_is_a_call_with_counts_that_leave_out_the_cache(tmp_path: Path):
    [call] = told(tmp_path, request())
    usage = call.usage
    assert (usage.input, usage.cache_read, usage.cache_write) == (91660, 84562, 7096)
    assert (usage.uncached, usage.output) == (2, 120)
    assert (call.request_id, call.session, call.agent) == ("req_1", "s1", None)
    assert (call.release, call.project) == ("claude-cli 2.1.260", "claude-code")
    assert call.prompt.unseen == frozenset(Section)


def test_it_was_sent_before_the_event(tmp_path: Path):
    late, early = told(tmp_path, request("req_2", 3, duration_ms="1"), request("req_1", 3))
    assert abs(late.at - early.at) == timedelta(milliseconds=2499)


def test_the_span_of_the_same_request_is_the_same_call(tmp_path: Path):
    said = {
        "session.id": "s1",
        "gen_ai.system": "anthropic",
        "gen_ai.request.model": "claude-opus-5",
        "gen_ai.response.id": "req_1",
        "input_tokens": 2,
        "cache_read_tokens": 84562,
        "cache_creation_tokens": 7096,
        "ttft_ms": 450,
    }
    traced = spans(span(said, name="claude_code.llm_request", at=0.5), service=SERVICE)
    [call] = calls(write(tmp_path / "a.jsonl", logs(request(), service=SERVICE), traced))
    assert (call.request_id, call.reply.message_id) == ("req_1", None)
    assert call.began == call.at + timedelta(milliseconds=450)
    assert call.usage.input == 91660


def test_subagents_are_told_by_who_asked(tmp_path: Path):
    [call] = told(tmp_path, request(query_source="code-reviewer"))
    assert call.agent == "code-reviewer"


def test_the_body_that_was_logged_is_the_prompt(tmp_path: Path):
    answer = {"type": "message", "role": "assistant", "id": "msg_1", "content": [], "usage": {}}
    said = WHO | {"body": json.dumps(answer), "request_id": "req_1"}
    response = event("claude_code.api_response_body", said, 2.9)
    [call] = told(tmp_path, asked(json.dumps(BODY)), response, request())
    assert [block.path for block in call.prompt.blocks] == [
        *("tools[Bash]", "system[0]", "messages[0].content[0]"),
    ]
    assert (call.prompt.unseen, call.reply.message_id) == (frozenset(), "msg_1")
    assert call.usage.cache_read == 84562


def test_a_body_that_was_cut_off_is_none(tmp_path: Path):
    cut = asked(json.dumps(BODY)[:80], body_truncated="true")
    [call] = told(tmp_path, cut, request())
    assert call.prompt.unseen == frozenset(Section)


def test_of_two_bodies_at_a_time_none_is_guessed(tmp_path: Path):
    bodies = [asked(json.dumps(BODY), at) for at in (0.4, 0.6)]
    found = told(tmp_path, *bodies, request("req_1", 3), request("req_2", 3.1))
    assert [call.prompt.blocks for call in found] == [(), ()]


def test_a_body_on_disk_is_not_fetched(tmp_path: Path):
    secret = tmp_path / "x.request.json"
    secret.write_text(json.dumps(BODY))
    said = WHO | {"event.name": "api_request_body", "body_ref": str(secret)}
    [call] = told(tmp_path, event("claude_code.api_request_body", said, 0.4), request())
    assert call.prompt.blocks == ()


def test_an_error_is_a_call_that_failed(tmp_path: Path):
    said = WHO | {"event.name": "api_error", "error": "Overloaded", "status_code": "529"}
    [call] = told(tmp_path, event("claude_code.api_error", said, 3))
    assert call.reply.error is not None
    assert (call.reply.error.status, call.reply.error.message) == (529, "Overloaded")
