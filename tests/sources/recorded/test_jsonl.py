"""Plain lines of exchanges."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sources.recorded.independent_count import totals
from tests.sources.recorded.writing import (
    ANTHROPIC,
    BEGINS,
    Made,
    calls,
    chat,
    conversation,
    sent,
    stream,
    sums,
    told,
    troubles,
    turn,
    written,
)
from whycold.sources.jsonl import Jsonl


def line(made: Made, **more: Any) -> dict[str, Any]:
    return {
        "request": made.request,
        "response": made.response,
        "at": sent(made).isoformat(),
        **more,
    }


def lines(path: Path, *found: Any) -> Path:
    return written(path, "".join(json.dumps(one) + "\n" for one in found))


def test_a_conversation_is_diagnosed(tmp_path: Path):
    lines(tmp_path / "a.jsonl", *map(line, conversation()))
    assert [(d.verdict, d.cause) for d in told(Jsonl([tmp_path]))] == [
        ("first", None),
        ("hit", None),
        ("miss", "system-edited"),
    ]


def test_a_response_may_be_the_text_of_a_stream_and_bodies_may_stand_with_headers(tmp_path: Path):
    one, two, three = conversation()
    lines(
        tmp_path / "a.jsonl",
        line(one, response=stream(one.response)),
        line(two, request=json.dumps(two.request), response=json.dumps(two.response)),
        line(
            three,
            request={"headers": {"User-Agent": "my-agent/1.4.2"}, "body": three.request},
            response={"headers": {"request-id": "req_3"}, "body": three.response},
        ),
    )
    found = calls(Jsonl([tmp_path]))
    assert [call.usage.cache_read for call in found] == [0, 3000, 0]
    assert (found[2].release, found[2].request_id) == ("my-agent 1.4.2", "req_3")


def test_totals_are_those_of_an_independent_count(tmp_path: Path):
    lines(tmp_path / "a.jsonl", *map(line, conversation()), line(chat("Two?", 1920)))
    lines(tmp_path / "b.ndjson", line(turn(0, wrote=5000, after=900)))
    assert sums(Jsonl([tmp_path])) == dict(totals("jsonl", tmp_path))


def test_a_line_may_say_whose_call_it_is(tmp_path: Path):
    named = {"project": "billing", "session": "s1", "agent": "reviewer", "release": "1.2"}
    lines(tmp_path / "a.jsonl", line(turn(0), **named, request_id="req_1", provider="anthropic"))
    call = calls(Jsonl([tmp_path]))[0]
    assert {name: getattr(call, name) for name in named} == named
    assert (call.request_id, call.provider) == ("req_1", "anthropic")


def test_the_provider_is_known_by_its_address(tmp_path: Path):
    url = "https://openrouter.ai/api/v1/messages"
    lines(tmp_path / "a.jsonl", line(turn(0), url=url), line(turn(1), url=ANTHROPIC))
    assert [call.provider for call in calls(Jsonl([tmp_path]))] == ["openrouter", "anthropic"]


def test_a_gateway_may_have_addresses_of_its_own(tmp_path: Path):
    lines(tmp_path / "a.jsonl", line(turn(0), url="https://llm.example.com/ask"))
    call = calls(Jsonl([tmp_path]))[0]
    assert (call.api, call.host) == ("anthropic.messages", "llm.example.com")


def test_keys_and_accounts_are_kept_as_fingerprints_only(tmp_path: Path):
    key = "sk-ant-0123456789abcdefghij"
    lines(
        tmp_path / "a.jsonl",
        line(turn(0), headers={"x-api-key": key, "cookie": "very-secret"}),
        line(turn(1), account=key),
        line(turn(2), account="team-a"),
    )
    found = calls(Jsonl([tmp_path]))
    assert found[0].account == found[1].account != found[2].account
    kept = str([asdict(call) for call in found])
    assert not any(secret in kept for secret in ("sk-ant", "very-secret", "team-a"))


@pytest.mark.parametrize(
    "at", [BEGINS.isoformat(), BEGINS.timestamp(), BEGINS.timestamp() * 1000, "2026-03-02T10:00:00"]
)
def test_times_may_be_words_seconds_or_milliseconds(at: Any, tmp_path: Path):
    lines(tmp_path / "a.jsonl", line(turn(0), at=at))
    assert calls(Jsonl([tmp_path]))[0].at == BEGINS


@pytest.mark.parametrize("at", [None, "yesterday", -4, 1e300, True, {"a": 1}])
def test_without_a_time_the_order_of_lines_holds(at: Any, tmp_path: Path):
    lines(tmp_path / "a.jsonl", *(line(made, at=at) for made in conversation()))
    found = calls(Jsonl([tmp_path]))
    assert [call.usage.cache_read for call in found] == [0, 3000, 0]
    assert all(call.prompt.links.undated for call in found)
    assert found[2].at - found[0].at < timedelta(seconds=1)


def test_a_status_that_refuses_leaves_an_error(tmp_path: Path):
    said = {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}
    lines(tmp_path / "a.jsonl", line(turn(0), response=said, status=429))
    error = calls(Jsonl([tmp_path]))[0].reply.error
    assert error is not None and (error.status, error.kind) == (429, "rate_limit_error")


def test_with_a_usage_and_no_response_the_usage_counts(tmp_path: Path):
    made = turn(0, read=10, wrote=3000)
    lines(tmp_path / "a.jsonl", line(made, response=None, usage=made.response["usage"]))
    assert sums(Jsonl([tmp_path]))["input"] == 3019


def test_ids_are_the_same_however_often_and_from_where_a_line_is_read(tmp_path: Path):
    lines(tmp_path / "a/x.jsonl", *map(line, conversation()))
    lines(tmp_path / "b/y.jsonl", *map(line, reversed(conversation())))
    assert sums(Jsonl([tmp_path]))["calls"] == 3


def test_lines_that_cannot_be_read_are_counted_and_the_rest_is_there(tmp_path: Path):
    good = json.dumps(line(turn(0, wrote=3000))).encode()
    bad = [b"{", b'{"a": 1}', b'{"request": 4}', b'{"request": {"x": 1}}', b"\xff\xfe\xfa", b"[]"]
    deep = b'{"request": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    half = good[: len(good) // 2]
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join([good, *bad, deep, half])))
    source = Jsonl([tmp_path])
    assert sums(source)["calls"] == 1
    (trouble,) = source.troubles
    counted = [int(part.split()[0]) for part in trouble.what.split("; ")]
    assert sum(counted) <= len(bad) + 1 and "skipped" in trouble.what


def test_a_packed_file_that_is_cut_off_gives_what_comes_before_the_cut(tmp_path: Path):
    packed = gzip.compress((json.dumps(line(turn(0, wrote=3000))) + "\n").encode() * 50)
    (tmp_path / "a.jsonl.gz").write_bytes(packed[:-9])
    source = Jsonl([tmp_path])
    assert sums(source)["calls"] >= 1
    assert troubles(source)[0].startswith("a.jsonl.gz: is cut off (gzip)")
