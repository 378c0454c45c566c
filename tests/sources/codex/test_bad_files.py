"""Rollouts that are cut off, damaged, packed or hostile: what is whole is read."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sources.codex.rollouts import Order, Rollout, seen, tool
from whycold.core.call import Call
from whycold.sources import files
from whycold.sources.codex import Codex

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def whole(order: Order = Order.record) -> Rollout:
    made = Rollout(version=order)
    made.user("First.")
    made.answer(tool(), total=9_000)
    made.answer("One.", total=9_400, read=8_960)
    return made


def read(path: Path) -> tuple[list[Call], list[str]]:
    source = Codex([path])
    calls = [found.call for family in source.groups for found in family.calls()]
    return calls, [trouble.what for trouble in source.troubles]


def test_a_last_line_that_is_half_written_is_left_for_later(tmp_path: Path):
    path = whole(Order.reply).write(tmp_path)
    path.write_bytes(path.read_bytes()[:-600])
    calls, troubles = read(path)
    assert (len(calls), troubles) == (1, [])


@pytest.mark.parametrize(
    "bad",
    [
        b"{not json",
        b"[1, 2]",
        b'{"type": "response_item", "payload": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"type": "response_item", "payload": {"type": "message", "role": "user", "content": '
        + b"[" * 300
        + b"]" * 300
        + b"}}",
    ],
    ids=["no JSON", "a list", "10,000 levels", "300 levels"],
)
def test_lines_that_are_no_records_are_counted_and_passed_over(bad: bytes, tmp_path: Path):
    path = whole().write(tmp_path)
    first, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + bad + b"\n" + bad + b"\n" + b"".join(rest))
    calls, (trouble,) = read(path)
    assert len(calls) == 2
    assert trouble.startswith("2 skipped: ")


@pytest.mark.parametrize("value", [None, 7, "text", [], {}, -1, 1e300, "\ud800", {"a": [None]}])
@pytest.mark.parametrize("order", [Order.record, Order.reply])
def test_any_value_anywhere_is_survived(order: Order, value: object, tmp_path: Path):
    """Each field of each line in turn, and of what stands in it, has a value of another type."""
    for number in range(len(whole(order).lines)):
        for key in ("timestamp", "type", "payload", "ordinal"):
            made = whole(order)
            made.lines[number][key] = value
            seen(made.write(tmp_path))
        for key in whole(order).lines[number]["payload"]:
            made = whole(order)
            made.lines[number]["payload"][key] = value
            seen(made.write(tmp_path))


def test_counts_of_a_wrong_type_are_unknown(tmp_path: Path):
    made = whole()
    for line in made.lines:
        if line["type"] == "token_usage_record":
            line["payload"]["usage"] = {"input_tokens": "3", "cached_input_tokens": -4}
    usage = read(made.write(tmp_path))[0][0].usage
    assert (usage.input, usage.cache_read, usage.output) == (None, None, None)


def test_a_call_without_any_time_is_left_out_and_told(tmp_path: Path):
    made = whole()
    for line in made.lines:
        line["timestamp"] = "yesterday"
    assert read(made.write(tmp_path)) == ([], ["2 skipped: a call without a time"])


def test_a_file_without_its_head_is_known_by_its_name(tmp_path: Path):
    made = whole()
    del made.lines[0]
    calls, _ = read(made.write(tmp_path))
    assert [call.session for call in calls] == ["2026-11-23T09-00-00-t1"] * 2


PACKED: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "zst": zstd.compress}


@pytest.mark.parametrize("how", PACKED)
def test_a_packed_file_is_read_unless_it_is_there_unpacked_too(how: str, tmp_path: Path):
    path = whole().write(tmp_path)
    packed = path.with_name(f"{path.name}.{how}")
    packed.write_bytes(PACKED[how](path.read_bytes()))
    assert len(read(tmp_path)[0]) == 2
    path.unlink()
    assert (len(read(tmp_path)[0]), read(tmp_path)[1]) == (2, [])


def test_a_packed_file_that_is_cut_off_or_damaged_is_told(tmp_path: Path):
    path = whole().write(tmp_path)
    packed = path.with_name(f"{path.name}.zst")
    content = zstd.compress(path.read_bytes())
    path.unlink()
    for bad, what in ((content[:-40], "is cut off"), (content[:9] + b"x" * 400, "is damaged")):
        packed.write_bytes(bad)
        [trouble] = read(tmp_path)[1]
        assert trouble.startswith(what)


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "_PLAUSIBLE_SIZE", 1 << 20)
    path = whole().write(tmp_path).with_suffix(".jsonl.zst")
    path.write_bytes(zstd.compress(b" " * (64 << 20)))
    assert read(path)[1] == ["unpacks to more than any log would (zstd), skipped from there"]


def test_other_files_of_the_folder_are_let_be(tmp_path: Path):
    whole().write(tmp_path)
    (tmp_path / "history.jsonl").write_text('{"text": "hello"}\n')
    assert read(tmp_path)[1] == []
    assert len(Codex([tmp_path]).groups) == 1
