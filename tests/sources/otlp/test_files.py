"""Files of OTLP, whole, in pieces and hostile."""

from __future__ import annotations

import gzip
import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.sources.otlp.documents import calls, event, logs, span, spans, write
from tests.sources.otlp.test_spellings import CACHE, CONVENTIONS, NEW
from whycold.sources.otlp import Otlp


def answered(number: int) -> dict[str, Any]:
    return CONVENTIONS | CACHE | {"gen_ai.response.id": f"msg_{number}"}


def read(*paths: Path) -> tuple[int, list[str]]:
    source = Otlp(paths)
    count = sum(1 for group in source.groups for _ in group.calls())
    return count, [trouble.what for trouble in source.troubles]


def test_a_document_may_stand_in_one_line_or_in_many(tmp_path: Path):
    one = spans(span(answered(1)))
    (tmp_path / "a.json").write_text(json.dumps(one))
    (tmp_path / "b.json").write_text(json.dumps(spans(span(answered(2), 2)), indent=2))
    (tmp_path / "c.json").write_text(json.dumps([spans(span(answered(3), 3)), one]))
    (tmp_path / "d.jsonl.gz").write_bytes(
        gzip.compress(json.dumps(spans(span(answered(4), 4))).encode())
    )
    assert read(tmp_path) == (4, [])


def test_the_spelling_of_the_schema_is_taken_too(tmp_path: Path):
    text = json.dumps(spans(span(answered(1))))
    for camel, snake in (("resourceSpans", "resource_spans"), ("scopeSpans", "scope_spans")):
        text = text.replace(camel, snake)
    (tmp_path / "a.json").write_text(text.replace("startTimeUnixNano", "start_time_unix_nano"))
    assert read(tmp_path)[0] == 1


def test_twice_the_same_span_is_one_call(tmp_path: Path):
    one = spans(span(answered(1)))
    write(tmp_path / "a.jsonl", one, one)
    write(tmp_path / "b.jsonl", one)
    assert read(tmp_path) == (1, [])


def test_spans_in_each_other_of_one_answer_are_one_call(tmp_path: Path):
    inner = span(answered(1), 2, 0.1, parentSpanId=f"{1:016x}")
    outer = span({k: v for k, v in NEW.items() if k != "gen_ai.response.id"}, 1)
    path = tmp_path / "a.jsonl"
    for order in permutations((inner, outer)):
        [call] = calls(write(path, *map(spans, order)))
        assert (call.reply.message_id, len(call.prompt.blocks)) == ("msg_1", 5)


def test_calls_under_one_call_that_are_of_different_answers_stay_apart(tmp_path: Path):
    outer = span({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}, 1)
    inner = [span(answered(n), n, 0.1, parentSpanId=f"{1:016x}") for n in (2, 3)]
    found = calls(write(tmp_path / "a.jsonl", spans(*inner, outer)))
    assert {call.reply.message_id for call in found} == {"msg_2", "msg_3"}


def test_calls_have_the_same_ids_in_whatever_order_they_are_told(tmp_path: Path):
    details = "gen_ai.client.inference.operation.details"
    here = {"traceId": f"{7:032x}", "spanId": f"{1:016x}"}
    pieces = [spans(span(answered(1))), logs(event(details, answered(1), 2, **here))]
    seen = set[str]()
    for number, order in enumerate(permutations(pieces)):
        [call] = calls(write(tmp_path / f"{number}.jsonl", *order))
        seen.add(call.id)
    assert len(seen) == 1


def test_files_of_a_folder_are_read_side_by_side(tmp_path: Path):
    late = [spans(span(answered(n), n, n)) for n in range(10, 20)]
    early = [spans(span(answered(n), n, n)) for n in range(1, 10)]
    write(tmp_path / "a.jsonl", *late)
    write(tmp_path / "b.jsonl", *early)
    found = calls(tmp_path)
    assert [call.reply.message_id for call in found] == [f"msg_{n}" for n in range(1, 20)]


def test_a_last_line_that_is_being_written_is_left_for_later(tmp_path: Path):
    path = write(tmp_path / "a.jsonl", spans(span(answered(1))))
    with path.open("a") as file:
        file.write(json.dumps(spans(span(answered(2), 2)))[:400])
    assert read(path) == (1, [])


def test_a_line_that_is_damaged_is_told_and_the_rest_is_read(tmp_path: Path):
    good = json.dumps(spans(span(answered(1))))
    for number, text in enumerate((f"{good}\nnonsense\n", f"half{good[:200]}\n{good}\n")):
        (tmp_path / f"{number}.jsonl").write_text(text)
        count, troubles = read(tmp_path / f"{number}.jsonl")
        assert count == 1
        assert len(troubles) == 1 and "1 skipped: is not JSON" in troubles[0]


def test_other_json_is_passed_over_and_told_where_it_was_named(tmp_path: Path):
    path = tmp_path / "package.json"
    path.write_text('{"name": "shop"}')
    assert read(tmp_path) == (0, [])
    assert read(path) == (0, ["1 skipped: no OTLP"])


def test_metrics_hold_no_calls_and_are_no_trouble(tmp_path: Path):
    assert read(write(tmp_path / "m.json", {"resourceMetrics": []})) == (0, [])


DEEP = '{"a":' * 10_000 + "1" + "}" * 10_000


@pytest.mark.parametrize(
    "hostile",
    [
        {"traceId": 7, "spanId": [], "startTimeUnixNano": "soon", "attributes": {"a": 1}},
        {"attributes": [{"key": "k" * 10_000_000, "value": {"stringValue": "v"}}]},
        {"attributes": [{"key": 1}, "x", None, {"key": "a", "value": 9}]},
        {"attributes": [{"key": "gen_ai.input.messages", "value": {"stringValue": DEEP}}]},
        {"attributes": [{"key": "gen_ai.prompt.999999.role", "value": {"stringValue": "user"}}]},
        {"attributes": [{"key": f"k{n}", "value": {"intValue": n}} for n in range(30_000)]},
        {"startTimeUnixNano": "9" * 5000},
        {"startTimeUnixNano": 1e308, "attributes": [{"key": "a", "value": {"intValue": "x"}}]},
        {"events": 7, "status": "bad", "name": {"a": 1}},
    ],
    ids=range(9),
)
def test_hostile_records_harm_no_others(tmp_path: Path, hostile: dict[str, object]):
    fault = span(answered(1)) | hostile
    path = write(tmp_path / "a.jsonl", spans(fault, span(answered(2), 2)))
    assert "msg_2" in [call.reply.message_id for call in calls(path)]


def test_what_is_nested_too_deep_is_counted(tmp_path: Path):
    path = write(tmp_path / "a.jsonl", spans(span(answered(1))))
    nested = '{"resourceSpans":' + "[" * 10_000 + "]" * 10_000 + "}"
    path.write_text(f"{path.read_text()}{nested}\n{DEEP}\n")
    assert read(path) == (1, ["2 skipped: is nested deeper than 200 levels"])


def test_wrong_shapes_at_every_level_are_counted(tmp_path: Path):
    shapes = [
        {"resourceSpans": {"a": 1}},
        {"resourceSpans": [7, {"scopeSpans": "x"}, {"scopeSpans": [{"spans": [None]}]}]},
        {"resourceLogs": [{"resource": [], "scopeLogs": [{"logRecords": 1}]}]},
    ]
    count, [trouble] = read(write(tmp_path / "a.jsonl", *shapes))
    assert count == 0
    assert "skipped: a list that is none" in trouble
