"""HTTP archives of browsers and proxies."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sources.recorded.independent_count import totals
from tests.sources.recorded.writing import (
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
from whycold.sources.har import Har

PAGE = {
    "startedDateTime": "2026-03-02T09:59:59.000Z",
    "time": 12,
    "request": {"method": "GET", "url": "https://example.com/", "headers": []},
    "response": {"status": 200, "headers": [], "content": {"text": "<html>"}},
}


def archive(path: Path, *made: Made, how: str = "", pages: Sequence[Any] = (PAGE,)) -> Path:
    """As browsers write it; ``how`` bodies are kept: as a stream, in base64, or packed in it."""
    entries = [*pages, *(entry(one, how) for one in made)]
    whole = {
        "log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": entries}
    }
    return written(path, json.dumps(whole, indent=1))


def entry(made: Made, how: str) -> dict[str, Any]:
    text = stream(made.response) if how == "stream" else json.dumps(made.response)
    content: dict[str, Any] = {"size": len(text), "mimeType": "application/json", "text": text}
    if how in ("base64", "gzip"):
        raw = gzip.compress(text.encode()) if how == "gzip" else text.encode()
        content |= {"text": base64.b64encode(raw).decode(), "encoding": "base64"}
    return {
        "startedDateTime": sent(made).isoformat().replace("+00:00", "Z"),
        "time": 2100.5,
        "request": {
            "method": "POST",
            "url": made.url,
            "httpVersion": "h2",
            "headers": [
                {"name": "X-Api-Key", "value": "sk-ant-0123456789abcdefghij"},
                {"name": "Cookie", "value": "session=very-secret-cookie"},
                {"name": "User-Agent", "value": "my-agent/1.4.2"},
            ],
            "postData": {"mimeType": "application/json", "text": json.dumps(made.request)},
        },
        "response": {
            "status": 200,
            "headers": [{"name": "Content-Encoding", "value": "gzip"}] if how == "gzip" else [],
            "content": content,
        },
        "timings": {
            "blocked": 1.5,
            "dns": -1,
            "connect": -1,
            "send": 0.5,
            "wait": 900,
            "receive": 9,
        },
    }


@pytest.mark.parametrize("how", ["", "stream", "base64", "gzip"])
def test_a_conversation_is_diagnosed_however_bodies_are_kept(how: str, tmp_path: Path):
    archive(tmp_path / "a.har", *conversation(), how=how)
    assert [(d.verdict, d.cause) for d in told(Har([tmp_path]))] == [
        ("first", None),
        ("hit", None),
        ("miss", "system-edited"),
    ]


def test_totals_are_those_of_an_independent_count(tmp_path: Path):
    archive(tmp_path / "a.har", *conversation(), chat("One?"), chat("Two?", 1920), how="gzip")
    assert sums(Har([tmp_path])) == dict(totals("har", tmp_path))


def test_a_call_began_behind_all_that_comes_before_its_first_byte(tmp_path: Path):
    archive(tmp_path / "a.har", turn(0, wrote=3000))
    (call,) = calls(Har([tmp_path]))
    assert (call.at, call.began) == (BEGINS, BEGINS + timedelta(milliseconds=902))
    assert (call.provider, call.release) == ("anthropic", "my-agent 1.4.2")


def test_no_secret_of_a_head_is_kept(tmp_path: Path):
    archive(tmp_path / "a.har", turn(0, wrote=3000))
    kept = str([asdict(call) for call in calls(Har([tmp_path]))])
    assert "sk-ant" not in kept and "very-secret" not in kept


def test_entries_are_taken_in_the_order_of_their_times(tmp_path: Path):
    archive(tmp_path / "a.har", *reversed(conversation()))
    assert [d.verdict for d in told(Har([tmp_path]))] == ["first", "hit", "miss"]


def test_each_archive_is_a_group_and_the_oldest_comes_first(tmp_path: Path):
    first, second, _ = conversation()
    archive(tmp_path / "b.har", first, pages=())
    archive(tmp_path / "a.har", second, pages=())
    groups = [group.files[0].path.name for group in Har([tmp_path]).groups]
    assert groups == ["b.har", "a.har"]


def test_an_answer_that_never_came_leaves_a_call_without_usage(tmp_path: Path):
    made = entry(turn(0), "")
    made["response"] = {"status": 0, "headers": [], "content": {"size": 0}, "_error": "aborted"}
    archive(tmp_path / "a.har", pages=[made])
    (call,) = calls(Har([tmp_path]))
    assert (call.usage.input, call.reply.complete, call.began) == (None, False, None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"log": {}}', "is JSON, but no HTTP archive: it has no log.entries"),
        ('{"log": {"entries": [', "is not JSON: expecting value (line 1, column 22)"),
        ("[" * 100_000, "is nested deeper than 200 levels"),
        ("", None),
    ],
)
def test_what_is_no_archive_is_told_in_one_line(text: str, why: str | None, tmp_path: Path):
    written(tmp_path / "a.har", text)
    archive(tmp_path / "b.har", turn(0, wrote=3000))
    source = Har([tmp_path])
    assert sums(source)["calls"] == 1
    assert [t.what for t in source.troubles] == ([why] if why else [])


def test_an_entry_that_cannot_be_read_is_counted_and_the_rest_is_there(tmp_path: Path):
    broken = entry(turn(0), "base64")
    broken["request"]["postData"]["text"] = "{"
    archive(tmp_path / "a.har", turn(0, wrote=3000), pages=[broken, {}, None, {"request": 7}])
    (line,) = troubles(Har([tmp_path]))
    assert line.startswith("a.har: 3 skipped: holds no request; 1 skipped: the body is not JSON")
