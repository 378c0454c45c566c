"""Records that make up calls: what belongs together, what is left out, what it is called."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sources.claude_code.transcripts import START, Transcript, calls_of, seen, texts, use
from whycold.core.call import ProviderVerdict, Said
from whycold.core.prompt import Kind, Section
from whycold.sources.claude_code_calls import project_of


def test_records_of_one_request_are_one_call_and_the_last_count_of_output_holds(tmp_path: Path):
    made = Transcript()
    made.user("Hello.")
    made.answer("1", {"type": "thinking", "thinking": "Hm.", "signature": "x"}, output=1, write=900)
    made.answer("1", "Hello, too.", output=9, write=900)
    made.answer("1", use("t1"), output=120, write=900)
    (call,) = calls_of(made, tmp_path)
    assert (call.usage.output, call.usage.cache_write, call.usage.input) == (120, 900, 903)
    kinds = [block.kind for block in call.reply.blocks]
    assert kinds == [Kind.thinking, Kind.text, Kind.tool_use]
    assert (call.reply.message_id, call.request_id) == ("msg_1", "req_1")


def test_where_no_request_is_named_the_message_tells(tmp_path: Path):
    made = Transcript()
    made.user("Hello.")
    made.answer("1", "Hello,", requestId=None)
    made.answer("1", "too.", requestId=None, output=7)
    (call,) = calls_of(made, tmp_path)
    assert (call.request_id, call.usage.output) == (None, 7)


def test_two_requests_of_one_message_are_two_calls(tmp_path: Path):
    made = Transcript()
    made.user("Hello.")
    made.answer("1", "Hello,", read=5)
    made.answer("1", "too.", read=7, requestId="req_2")
    assert [call.request_id for call in calls_of(made, tmp_path)] == ["req_1", "req_2"]


def test_the_origin_of_a_call(tmp_path: Path):
    made = Transcript(effort="high")
    made.user("Hello.")
    made.answer("1", "Hi.", message={"usage": {"input_tokens": 1, "speed": "fast"}})
    (call,) = calls_of(made, tmp_path)
    assert (call.project, call.session, call.agent) == ("billing", "s1", None)
    assert (call.release, call.model) == ("claude-cli 2.1.119", "claude-opus-4-7")
    settings = {setting.name: setting.value for setting in call.prompt.settings}
    assert settings == {
        "model": "claude-opus-4-7",
        "speed": "fast",
        "output_config.effort": "high",
    }
    assert call.usage.speed == "fast"


def test_tools_system_settings_and_markers_are_unseen(tmp_path: Path):
    made = Transcript()
    made.user("Hello.")
    made.answer("1", "Hi.")
    prompt = calls_of(made, tmp_path)[0].prompt
    assert prompt.unseen == {Section.tools, Section.system, Section.settings}
    assert (prompt.asks, prompt.breakpoints) == (None, ())


def test_a_request_is_taken_to_be_sent_when_the_last_of_it_was_written(tmp_path: Path):
    made = Transcript()
    made.user("Hello.", wait=10)
    made.answer("1", use("t1"), wait=4)
    made.result("t1", wait=20)
    made.answer("2", "Done.", wait=6)
    first, second = calls_of(made, tmp_path)
    assert first.at == START + timedelta(seconds=10)
    assert second.at == START + timedelta(seconds=34)
    assert first.began is second.began is None


def test_times_that_run_backwards_keep_calls_in_their_order(tmp_path: Path):
    made = Transcript()
    made.user("Hello.", wait=10)
    made.answer("1", use("t1"), wait=1)
    made.result("t1", wait=-100)
    made.answer("2", "Done.", wait=-1)
    first, second = calls_of(made, tmp_path)
    assert first.at < second.at


@pytest.mark.parametrize(
    "record",
    [
        {"message": {"model": "<synthetic>", "usage": {"input_tokens": 0, "output_tokens": 0}}},
        {"isApiErrorMessage": True},
    ],
    ids=["made up by the client", "an error of the API"],
)
def test_what_the_api_did_not_answer_is_no_call_and_breaks_no_chain(
    record: dict[str, Any], tmp_path: Path
):
    made = Transcript()
    made.user("Hello.")
    made.answer("0", "API Error: 529", **record)
    made.answer("1", "Hi.")
    (call,) = calls_of(made, tmp_path)
    assert (call.reply.message_id, texts(call)) == ("msg_1", ["Hello."])


def test_a_call_without_any_time_is_left_out_and_told(tmp_path: Path):
    made = Transcript(timestamp=None)
    made.user("Hello.")
    made.answer("1", "Hi.")
    assert calls_of(made, tmp_path) == []


@pytest.mark.parametrize(
    ("reason", "said", "missed"),
    [
        ({"type": "tools_changed", "cache_missed_input_tokens": 900}, Said.changed, 900),
        ({"type": "previous_message_not_found"}, Said.inconclusive, None),
        (None, Said.inconclusive, None),
    ],
)
def test_the_provider_s_verdict_is_kept(
    reason: Any, said: Said, missed: int | None, tmp_path: Path
):
    made = Transcript()
    made.user("Hello.")
    made.answer("1", "Hi.", message={"diagnostics": {"cache_miss_reason": reason}})
    verdict = calls_of(made, tmp_path)[0].reply.verdict
    assert verdict is not None and (verdict.said, verdict.missed_tokens) == (said, missed)


def test_a_null_is_a_verdict_only_once_the_session_has_been_answered_otherwise(tmp_path: Path):
    made = Transcript()
    found = {"cache_miss_reason": {"type": "previous_message_not_found"}}
    for name, diagnostics in (("1", None), ("2", found), ("3", None)):
        made.user("Go on.")
        made.answer(name, "Yes.", message={"diagnostics": diagnostics})
    calls = calls_of(made, tmp_path)
    assert [call.prompt.links.asked for call in calls] == [False, True, True]
    assert calls[2].prompt.links.compares == "msg_2"
    assert calls[2].reply.verdict == ProviderVerdict(Said.unchanged)


def test_without_the_key_there_is_no_verdict(tmp_path: Path):
    made = Transcript()
    made.user("Hello.")
    made.answer("1", "Hi.")
    assert calls_of(made, tmp_path)[0].reply.verdict is None


@pytest.mark.parametrize(
    ("model", "message", "provider"),
    [
        ("claude-opus-4-7", "msg_1", "anthropic"),
        ("claude-opus-4-7", "msg_bdrk_1", "bedrock-anthropic"),
        ("deepseek-chat", "1", "deepseek"),
    ],
)
def test_who_answered(model: str, message: str, provider: str, tmp_path: Path):
    made = Transcript()
    made.user("Hello.")
    made.answer("1", "Hi.", model=model, message={"id": message})
    assert calls_of(made, tmp_path)[0].provider == provider


@pytest.mark.parametrize(
    ("folder", "project"),
    [
        ("/home/user/projects/billing", "billing"),
        ("/home/user/billing/.claude/worktrees/pr-3/apps/web", "billing"),
        ("C:\\Users\\user\\billing", "billing"),
        ("/", None),
        ("", None),
        (None, None),
    ],
)
def test_a_project_is_named_by_the_last_folder(folder: str | None, project: str | None):
    assert project_of(folder) == project


def test_a_session_keeps_the_project_that_it_began_in(tmp_path: Path):
    made = Transcript()
    made.user("Hello.")
    made.answer("1", "Hi.", cwd="/home/user/projects/billing/src")
    assert calls_of(made, tmp_path)[0].project == "billing"


def test_the_same_file_gives_the_same_ids(tmp_path: Path):
    made = Transcript()
    made.user("Hello.")
    made.answer("1", "Hi.")
    path = made.write(tmp_path / "s1.jsonl")
    assert [call.id for call in seen(path)] == [call.id for call in seen(path)]
