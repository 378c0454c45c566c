"""Transcripts that are cut off, damaged or hostile: what is whole is read, the rest is told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.sources.claude_code.transcripts import Transcript, texts, use
from whycold.core.call import Call
from whycold.sources.claude_code import ClaudeCode
from whycold.sources.claude_code_records import read_record
from whycold.sources.claude_code_threads import Threads, Turn
from whycold.sources.files import MAX_LINE


def whole() -> Transcript:
    made = Transcript()
    made.user("First.")
    made.answer("1", "One.", use("t1"), write=9_000)
    made.result("t1")
    made.answer("2", "Two.", read=9_000, write=100)
    return made


def read(path: Path) -> tuple[list[Call], list[str]]:
    source = ClaudeCode([path])
    calls = [seen.call for session in source.groups for seen in session.calls()]
    return calls, [trouble.what for trouble in source.troubles]


def test_a_last_line_that_is_half_written_is_left_for_later(tmp_path: Path):
    path = tmp_path / "s1.jsonl"
    path.write_bytes(whole().lines()[:-30])
    calls, troubles = read(path)
    assert (len(calls), troubles) == (1, [])


def test_a_last_line_without_its_end_that_is_whole_counts(tmp_path: Path):
    path = tmp_path / "s1.jsonl"
    path.write_bytes(whole().lines().rstrip())
    assert len(read(path)[0]) == 2


@pytest.mark.parametrize(
    "bad",
    [
        b"{not json",
        b"[1, 2]",
        b'"text"',
        b'{"type": "user", "message": {"content": ' + b"[" * 10_000 + b"]" * 10_000 + b"}}",
        b'{"type": "user", "uuid": "u", "message": {"content": ' + b"[" * 300 + b"]" * 300 + b"}}",
    ],
    ids=["no JSON", "a list", "a text", "10,000 levels", "300 levels"],
)
def test_lines_that_are_no_records_are_counted_and_passed_over(bad: bytes, tmp_path: Path):
    first, *rest = whole().lines().splitlines(keepends=True)
    path = tmp_path / "s1.jsonl"
    path.write_bytes(first + bad + b"\n" + bad + b"\n" + b"".join(rest))
    calls, (trouble,) = read(path)
    assert len(calls) == 2
    assert trouble.startswith("2 skipped: ")


def test_fields_of_a_wrong_type_are_as_good_as_absent(tmp_path: Path):
    made = whole()
    made.records[0] |= {"cwd": 7, "isSidechain": "no", "version": ["2"]}
    made.records[1] |= {"effort": {}, "forkedFrom": "s0"}
    made.records[1]["message"] |= {"stop_reason": 3, "diagnostics": "none"}
    calls, troubles = read(made.write(tmp_path / "s1.jsonl"))
    assert ([texts(call)[0] for call in calls], troubles) == (["First."] * 2, [])
    assert calls[0].project == "billing"


def test_usage_of_a_wrong_type_is_unknown(tmp_path: Path):
    made = whole()
    made.records[1]["message"]["usage"] = {"input_tokens": "3", "cache_creation": 4}
    calls, _ = read(made.write(tmp_path / "s1.jsonl"))
    assert (calls[0].usage.input, calls[0].usage.cache_read) == (None, None)


def test_damaged_characters_and_lone_surrogates_are_read(tmp_path: Path):
    lines = whole().lines().replace(b"First.", b"Fir\xffst.").replace(b"One.", b"\\ud83d")
    path = tmp_path / "s1.jsonl"
    path.write_bytes(lines)
    calls, troubles = read(path)
    assert (len(calls), troubles) == (2, [])
    assert texts(calls[1])[1] == "\ud83d"


def test_content_that_no_version_writes_is_kept_as_it_is(tmp_path: Path):
    made = Transcript()
    made.user([1, None, {"type": "hologram"}, {"no": "type"}, "text"])
    made.answer("1", 5, None, {"type": "text"}, {"type": "tool_use", "id": 3, "name": 4})
    made.user({"not": "a list"})
    made.answer("2", "Two.")
    calls, troubles = read(made.write(tmp_path / "s1.jsonl"))
    assert (len(calls), troubles) == (2, [])
    assert calls[1].prompt.opaque > 3


def test_a_line_that_is_too_long_is_told(tmp_path: Path):
    made = whole()
    made.records.insert(1, {"type": "progress", "data": "x" * MAX_LINE})
    calls, troubles = read(made.write(tmp_path / "s1.jsonl"))
    assert (len(calls), troubles) == (2, ["1 skipped: too long"])


def test_a_packed_transcript_is_read_up_to_where_it_is_cut_off(tmp_path: Path):
    path = tmp_path / "s1.jsonl.gz"
    path.write_bytes(gzip.compress(whole().lines())[:-10])
    calls, troubles = read(path)
    assert len(calls) >= 1
    assert troubles == ["is cut off (gzip); what comes before the cut was read"]


def test_parents_that_go_in_circles_end(tmp_path: Path):
    made = Transcript()
    made.user("First.", uuid="a", after="b")
    made.user("Second.", uuid="b", after="a")
    made.answer("1", "One.", uuid="c", after="c")
    assert len(read(made.write(tmp_path / "s1.jsonl"))[0]) == 1


def test_of_a_file_without_end_the_oldest_is_forgotten_and_is_a_gap():
    made = Transcript()
    first = made.user("First.")
    for number in range(60):
        made.answer(str(number), "Yes.")
        made.user("More.")
    made.answer("last", "Done.", after=first)
    threads, turns = Threads(most=20_000), list[Turn]()
    for line in made.lines().splitlines():
        turns += threads.take(read_record(line), 0, len(line))
    turns += threads.rest()
    assert [turn.gap for turn in turns] == [False] * 60 + [True]


def test_files_beside_transcripts_are_left_alone(tmp_path: Path):
    for name in ("history.jsonl", "s1/tool-results/t1.jsonl", "s1/subagents/w/journal.jsonl"):
        whole().write(tmp_path / name)
    (tmp_path / "s2.jsonl").write_text(json.dumps({"type": "mode", "mode": "plan"}) + "\n")
    assert read(tmp_path) == ([], [])
