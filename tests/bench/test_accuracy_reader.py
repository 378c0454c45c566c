"""The reader of recorded traffic, on recordings made here."""

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from bench.accuracy import main, measured, read_folder
from bench.blocks import measured as measured_trace
from bench.recordings_rule import Expected
from whycold.core.diagnosis import Verdict

LONG = "All work is checked twice before it is sent. " * 200
ANTHROPIC = "https://api.anthropic.com/v1/messages"
OPENAI = "https://api.openai.com/v1/chat/completions"


def claude(text: str, *, marked: bool = True) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "text", "text": LONG}
    if marked:
        block["cache_control"] = {"type": "ephemeral"}
    return {
        "model": "claude-sonnet-5",
        "max_tokens": 100,
        "system": [block],
        "messages": [{"role": "user", "content": text}],
    }


def claude_answer(read: int, wrote: int) -> dict[str, Any]:
    return {
        "type": "message",
        "role": "assistant",
        "id": f"msg_{read}_{wrote}",
        "content": [{"type": "text", "text": "Yes."}],
        "usage": {
            "input_tokens": 9,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": wrote,
            "output_tokens": 3,
        },
    }


def python_cassette(path: Path, *exchanges: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
    """As vcrpy writes it: headers are lists, a packed answer is YAML binary."""
    path.write_text(
        yaml.safe_dump(
            {
                "version": 1,
                "interactions": [
                    {
                        "request": {"method": "POST", "uri": url, "body": json.dumps(body)},
                        "response": {
                            "status": {"code": 200, "message": "OK"},
                            "headers": {
                                "date": [f"Mon, 02 Nov 2026 10:00:{number * 10:02} GMT"],
                                "request-id": [f"req_{number}"],
                                "x-envoy-upstream-service-time": ["2500"],
                            },
                            "body": {"string": gzip.compress(json.dumps(answer).encode())},
                        },
                    }
                    for number, (url, body, answer) in enumerate(exchanges)
                ],
            }
        )
    )


def test_a_packed_python_cassette_is_read_with_its_times(tmp_path: Path):
    python_cassette(
        tmp_path / "one.yaml",
        (ANTHROPIC, claude("Hello"), claude_answer(0, 2000)),
        (ANTHROPIC, claude("Good morning"), claude_answer(2000, 0)),
    )
    source = read_folder(tmp_path)
    assert [call.usage.cache_read for call in source.calls] == [0, 2000]
    assert source.calls[1].began == datetime(2026, 11, 2, 10, 0, 10, tzinfo=UTC)
    assert source.calls[1].at == datetime(2026, 11, 2, 10, 0, 7, 500_000, tzinfo=UTC)
    assert [call.provider for call in source.calls] == ["anthropic", "anthropic"]


def test_a_ruby_cassette_is_read_text_and_base64(tmp_path: Path):
    answer = json.dumps(claude_answer(0, 2000))
    kept = {"base64_string": base64.b64encode(answer.encode()).decode()}
    exchange = {
        "request": {
            "method": "post",
            "uri": ANTHROPIC,
            "body": {"string": json.dumps(claude("Hello"))},
        },
        "response": {"status": 200, "headers": {"request-id": "req_a"}, "body": kept},
        "recorded_at": "2026-11-02 10:00:00",
    }
    (tmp_path / "one.yml").write_text(yaml.safe_dump({"http_interactions": [exchange]}))
    (call,) = read_folder(tmp_path).calls
    assert call.usage.cache_write == 2000
    assert call.at == datetime(2026, 11, 2, 10, tzinfo=UTC)


def test_an_exchange_kept_in_two_files_counts_once(tmp_path: Path):
    for name in ("one.yaml", "two.yaml"):
        python_cassette(tmp_path / name, (ANTHROPIC, claude("Hello"), claude_answer(0, 2000)))
    source = read_folder(tmp_path)
    assert (len(source.calls), source.repeated) == (1, 1)


def test_requests_to_something_else_and_files_without_requests_are_left_out(tmp_path: Path):
    python_cassette(tmp_path / "files.yaml", ("https://api.anthropic.com/v1/files", {}, {}))
    (tmp_path / "tokens.yaml").write_text("interactions: {a1b2: [{text: Yes, token: 7}]}")
    (tmp_path / "empty.yaml").write_text("interactions: {}")
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "list.json").write_text("[1]")
    source = read_folder(tmp_path)
    assert (source.calls, source.others) == ([], 1)
    assert sorted(source.notes) == [
        "broken.yaml: is not YAML",
        "empty.yaml: holds no exchange",
        "list.json: holds no request with its response",
        "tokens.yaml: holds generated tokens and no requests",
    ]


def test_the_model_comes_from_the_address_where_only_that_names_it(tmp_path: Path):
    body = {"contents": [{"role": "user", "parts": [{"text": LONG}]}]}
    answer = {"usageMetadata": {"promptTokenCount": 2500}}
    host = "https://generativelanguage.googleapis.com/v1beta/models"
    python_cassette(tmp_path / "g.yaml", (f"{host}/gemini-2.5-flash:generateContent", body, answer))
    (call,) = read_folder(tmp_path).calls
    assert (call.provider, call.model, call.usage.input) == ("gemini", "gemini-2.5-flash", 2500)


def test_a_request_log_is_read_also_with_a_broken_escape(tmp_path: Path):
    log = {
        "messages": [{"role": "user", "content": LONG}],
        "tools": [],
        "kwargs": {"temperature": 0, "extra_body": {"metadata": {}}},
        "response": {
            "id": "chatcmpl-1",
            "model": "litellm_proxy/claude-sonnet-4-5",
            "usage": {"prompt_tokens": 2000, "prompt_tokens_details": {"cached_tokens": 0}},
        },
        "timestamp": 1762077600.0,
        "latency_sec": 4.0,
    }
    text = json.dumps(log).replace("checked twice", "checked\\stwice", 1)
    (tmp_path / "call.json").write_text(text)
    source = read_folder(tmp_path)
    (call,) = source.calls
    assert call.provider == "litellm"
    assert call.at == datetime(2025, 11, 2, 10, tzinfo=UTC) - timedelta(seconds=4)
    assert source.notes == ["call.json: 1 broken escape(s) taken literally"]


def test_the_rule_and_the_engine_judge_a_history_alike(tmp_path: Path):
    python_cassette(
        tmp_path / "one.yaml",
        (ANTHROPIC, claude("Hello"), claude_answer(0, 2000)),
        (ANTHROPIC, claude("Good morning"), claude_answer(2000, 0)),
        (ANTHROPIC, claude("Good evening"), claude_answer(0, 2000)),
    )
    result = measured(read_folder(tmp_path), tmp_path)
    assert list(result.rule) == [Expected.nothing, Expected.hit, Expected.miss]
    assert [d.verdict for d in result.diagnoses] == [Verdict.first, Verdict.hit, Verdict.miss]
    assert (result.exact, result.disagreements) == (3, [])


def test_a_repeat_that_nobody_asked_to_cache_is_told_from_one_that_was(tmp_path: Path):
    body = claude("Hello", marked=False)
    answer = claude_answer(0, 0)
    answer["usage"]["input_tokens"] = 2009
    python_cassette(tmp_path / "one.yaml", (ANTHROPIC, body, answer), (ANTHROPIC, body, answer))
    result = measured(read_folder(tmp_path), tmp_path)
    assert list(result.rule) == [Expected.nothing, Expected.unasked]
    assert [d.verdict for d in result.diagnoses] == [Verdict.first, Verdict.miss]


def test_a_folder_that_is_not_there_is_skipped_with_one_line(tmp_path: Path, capsys):
    assert main([str(tmp_path / "absent")]) == 0
    assert capsys.readouterr().err == f"{tmp_path / 'absent'}: is not there, skipped\n"


def test_the_page_names_sources_and_no_folder_of_this_machine(tmp_path: Path):
    folder = tmp_path / "mirascope"
    folder.mkdir()
    python_cassette(folder / "one.yaml", (OPENAI, *_chat()))
    page = tmp_path / "accuracy.md"
    main([str(folder), "--write", str(page)])
    text = page.read_text()
    assert "github.com/Mirascope/mirascope, MIT" in text
    assert str(tmp_path) not in text
    assert "| Mirascope | 1 | 1 | 0 | 1 of 1 | 0 |" in text


def _chat() -> tuple[dict[str, Any], dict[str, Any]]:
    return (
        {"model": "gpt-4o", "messages": [{"role": "user", "content": LONG}]},
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "choices": [],
            "usage": {"prompt_tokens": 1900, "prompt_tokens_details": {"cached_tokens": 0}},
        },
    )


def test_what_is_imported_is_counted_apart_and_told_alike(tmp_path: Path):
    python_cassette(
        tmp_path / "one.yaml",
        (ANTHROPIC, claude("Hello"), claude_answer(0, 2000)),
        (ANTHROPIC, claude("Good morning"), claude_answer(2000, 0)),
    )
    result = measured(read_folder(tmp_path), tmp_path)
    assert result.imported.alike(result.diagnoses) == 2
    assert result.imported.totals == result.imported.apart


def test_traces_of_blocks_are_measured(tmp_path: Path):
    ids = ([*range(40)], [*range(48)], [*range(20), *range(100, 140)])
    requests = [
        {"t": 9.0 * n, "model": "claude-opus-4-6", "in": len(i) * 64, "out": 5, "hash_ids": i}
        for n, i in enumerate(ids)
    ]
    trace = tmp_path / "trace_1.json"
    trace.write_text(json.dumps({"id": "trace_1", "block_size": 64, "requests": requests}))
    found = measured_trace(trace)
    assert (found.followed, found.right, found.closest) == (2, 2, 2)
    assert (found.breaks, found.placed, found.invented, found.counted) == (1, 1, 0, True)
