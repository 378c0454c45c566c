"""Cassettes, in every layout that is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest

from tests.sources.recorded import cassettes
from tests.sources.recorded.independent_count import totals
from tests.sources.recorded.writing import (
    BEGINS,
    LONG,
    Made,
    calls,
    chat,
    conversation,
    sums,
    told,
    troubles,
    turn,
)
from whycold.sources.vcr import Vcr

Write = Callable[..., Path]
LAYOUTS: dict[str, Write] = {
    "vcrpy": cassettes.vcrpy,
    "vcrpy, streamed": lambda path, *made: cassettes.vcrpy(path, *made, streamed=True),
    "vcrpy, gzip": lambda path, *made: cassettes.vcrpy(path, *made, packed="gzip"),
    "vcrpy, brotli": lambda path, *made: cassettes.vcrpy(path, *made, packed="br"),
    "vcrpy, JSON": cassettes.vcrpy_json,
    "vcrpy before 1.0": cassettes.old_vcrpy,
    "Ruby": cassettes.ruby,
    "Ruby, exact bytes": lambda path, *made: cassettes.ruby(path, *made, exact=True),
    "betamax": cassettes.betamax,
    "R": cassettes.r_lang,
    "Go": cassettes.go,
    "parsed bodies": cassettes.parsed,
}


@pytest.mark.parametrize("write", LAYOUTS.values(), ids=LAYOUTS)
def test_a_conversation_is_diagnosed_from_any_layout(write: Write, tmp_path: Path):
    write(tmp_path / "a.yaml", *conversation())
    assert [(d.verdict, d.cause) for d in told(Vcr([tmp_path]))] == [
        ("first", None),
        ("hit", None),
        ("miss", "system-edited"),
    ]


@pytest.mark.parametrize("write", LAYOUTS.values(), ids=LAYOUTS)
def test_calls_are_dated_to_the_second(write: Write, tmp_path: Path):
    write(tmp_path / "a.yaml", *conversation())
    for number, call in enumerate(calls(Vcr([tmp_path]))):
        assert abs(call.at - BEGINS - timedelta(seconds=30 * number)) <= timedelta(seconds=2)
        assert not call.prompt.links.undated


def test_totals_are_those_of_an_independent_count(tmp_path: Path):
    cassettes.vcrpy(tmp_path / "a.yaml", *conversation())
    cassettes.vcrpy(tmp_path / "b/c.yml", chat("One?"), chat("Two?", 1920), streamed=False)
    cassettes.ruby(tmp_path / "d.yml", *(turn(n, wrote=4000 + n) for n in range(3)))
    assert sums(Vcr([tmp_path])) == dict(totals("vcr", tmp_path))


def test_the_cassettes_of_a_folder_are_one_history_in_the_order_of_time(tmp_path: Path):
    first, second, _ = conversation()
    cassettes.vcrpy(tmp_path / "b.yaml", first)
    cassettes.vcrpy(tmp_path / "a.yaml", second)
    assert [d.verdict for d in told(Vcr([tmp_path]))] == ["first", "hit"]


def test_an_exchange_that_stands_in_two_cassettes_is_one_call(tmp_path: Path):
    cassettes.vcrpy(tmp_path / "a.yaml", *conversation())
    cassettes.vcrpy(tmp_path / "b.yaml", *conversation())
    assert sums(Vcr([tmp_path]))["calls"] == 3


def test_without_times_the_order_of_the_file_holds_and_no_age_is_told(tmp_path: Path):
    path = cassettes.vcrpy(tmp_path / "a.yaml", *conversation()[:2], turn(2, wrote=3040))
    text = path.read_text().replace("Date:", "Dated:")
    path.write_text(text)
    found = told(Vcr([tmp_path]))
    assert [d.verdict for d in found] == ["first", "hit", "miss"]
    assert all(call.prompt.links.undated for call in calls(Vcr([tmp_path])))
    assert (found[2].cause, found[2].gap) == ("evicted", None)
    assert "not recorded" in (found[2].advice or "")


def test_a_pause_is_told_where_it_is_recorded(tmp_path: Path):
    late = turn(2, wrote=3040, after=3600)
    cassettes.vcrpy(tmp_path / "a.yaml", *conversation()[:2], late)
    assert told(Vcr([tmp_path]))[2].cause == "expired"


def test_no_secret_is_kept_and_accounts_are_told_apart(tmp_path: Path):
    cassettes.vcrpy(tmp_path / "a.yaml", turn(0, wrote=3000))
    path = cassettes.vcrpy(tmp_path / "b.yaml", turn(1, wrote=3000))
    path.write_text(path.read_text().replace("0123456789", "9876543210"))
    one, other = calls(Vcr([tmp_path]))
    assert one.account != other.account and None not in (one.account, other.account)
    assert "sk-ant" not in str(asdict(one)) and "0123456789" not in str(asdict(one))


@pytest.mark.parametrize(
    "key", ["<REDACTED>", "DUMMY", "Bearer ya29.a0Af_0123456789", "Bearer eyJhbGciOi.eyJzdWIi.x"]
)
def test_a_key_that_was_taken_out_or_does_not_last_is_no_account(key: str, tmp_path: Path):
    path = cassettes.vcrpy(tmp_path / "a.yaml", turn(0, wrote=3000))
    path.write_text(path.read_text().replace("sk-ant-0123456789abcdefghij", key))
    assert calls(Vcr([tmp_path]))[0].account is None


def test_requests_to_something_else_are_passed_over_without_a_word(tmp_path: Path):
    other = Made({"a": 1}, {"id": "x"}, url="https://example.com/v1/things")
    cassettes.vcrpy(tmp_path / "a.yaml", other, turn(0, wrote=3000))
    source = Vcr([tmp_path])
    assert (sums(source)["calls"], source.troubles) == (1, [])


def test_a_refused_call_is_one_with_its_error(tmp_path: Path):
    refused = Made(
        turn(0).request,
        {"id": "x", "type": "error", "error": {"type": "overloaded_error", "message": "Busy"}},
    )
    path = cassettes.vcrpy(tmp_path / "a.yaml", refused)
    path.write_text(path.read_text().replace("code: 200", "code: 529"))
    error = calls(Vcr([tmp_path]))[0].reply.error
    assert error is not None and (error.status, error.kind) == (529, "overloaded_error")


def test_a_file_of_something_else_is_told_in_one_line(tmp_path: Path):
    (tmp_path / "tokens.yaml").write_text("interactions:\n  1be2: [{text: Yes, token: 4}]\n")
    (tmp_path / "conf.json").write_text('{"name": "x"}')
    assert troubles(Vcr([tmp_path])) == [
        "conf.json: holds no list of exchanges, so it is no cassette",
        "tokens.yaml: holds no exchange",
    ]


def test_what_is_long_is_kept_whole(tmp_path: Path):
    cassettes.vcrpy(tmp_path / "a.yaml", turn(0, wrote=3000))
    assert calls(Vcr([tmp_path]))[0].prompt.blocks[0].value == LONG
