"""Traces of block ids: what is shared, where it parts, and who is the predecessor."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sources.recorded.independent_count import totals
from tests.sources.recorded.writing import calls, in_order, sums, told, troubles, written
from whycold.core.call import Call
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import Engine
from whycold.providers.registry import rules_for
from whycold.sources.blocks import Blocks
from whycold.sources.recorded import Group, Source

SIZE = 64


class Ids:
    """Chained ids: each stands for a block and for all before it."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], int] = {}

    def of(self, *parts: tuple[str, int]) -> list[int]:
        """The ids of a prompt that is made of parts, each with its number of blocks."""
        out: list[int] = []
        for name, count in parts:
            for number in range(count):
                key = (out[-1] if out else 0, f"{name} {number}")
                out.append(self._known.setdefault(key, len(self._known) + 1))
        return out


def request(ids: list[int], at: float, **more: Any) -> dict[str, Any]:
    return {
        "t": at,
        "type": "s",
        "model": "claude-opus-4-5-20251101",
        "in": len(ids) * SIZE + 7,
        "out": 20,
        "hash_ids": ids,
        "stop": "tool_use",
        **more,
    }


def mooncake(at: int, tokens: int, ids: list[int]) -> dict[str, Any]:
    return {"timestamp": at, "input_length": tokens, "output_length": 9, "hash_ids": ids}


def session(path: Path, *requests: Any, **more: Any) -> Path:
    whole = {"id": path.stem, "block_size": SIZE, "hash_id_scope": "local", "requests": requests}
    return written(path, json.dumps({**whole, **more}))


def lines(path: Path, *found: Any) -> Path:
    return written(path, "".join(json.dumps(one) + "\n" for one in found))


def followed(group: Group) -> list[int | None]:
    """The number of each call's predecessor."""
    engine, calls = Engine(rules_for), in_order(group)
    numbers = {call.id: number for number, call in enumerate(calls)}
    return [numbers.get(engine.take(call).predecessor or "") for call in calls]


def linked(source: Source) -> list[tuple[Call, Diagnosis]]:
    found: list[tuple[Call, Diagnosis]] = []
    for group in source.groups:
        engine = Engine(rules_for)
        found += [(call, engine.take(call)) for call in in_order(group)]
    return found


def test_turns_that_go_on_follow_each_other(tmp_path: Path):
    ids = Ids()
    turns = [ids.of(("start", 40), *((f"turn {i}", 3) for i in range(n))) for n in range(5)]
    session(tmp_path / "a.json", *(request(t, 9.0 * n) for n, t in enumerate(turns)))
    found = linked(Blocks([tmp_path]))
    assert [d.predecessor for _, d in found] == [None, *(call.id for call, _ in found[:-1])]
    assert not any(d.divergences for _, d in found)


def test_a_break_is_told_at_its_block_and_only_once(tmp_path: Path):
    ids = Ids()
    was = ids.of(("tools", 12), ("system", 5), ("talk", 90))
    now = ids.of(("tools", 12), ("system", 3), ("edited", 2), ("talk", 95))
    session(tmp_path / "a.json", request(was, 0), request(now, 60))
    _, (call, found) = linked(Blocks([tmp_path]))
    (divergence,) = found.divergences
    assert (divergence.path, found.cause, found.verdict) == (
        "blocks[15]",
        "unseen-change",
        "unknown",
    )
    assert f"{15 * SIZE:,} tokens" in found.summary
    assert call.usage.cache_read is None


@pytest.mark.parametrize("place", [1, 20, 106, 107])
def test_breaks_are_at_the_right_block_wherever_they_are(place: int, tmp_path: Path):
    ids = Ids()
    was = ids.of(("a", place), ("b", 108 - place))
    now = ids.of(("a", place), ("c", 120))
    session(tmp_path / "a.json", request(was, 0), request(was, 30), request(now, 60))
    found = told(Blocks([tmp_path]))
    assert [d.path for d in found[2].divergences] == [f"blocks[{place}]"]


def test_a_conversation_that_was_forked_is_followed_along_its_branches(tmp_path: Path):
    ids = Ids()
    one = [ids.of(("start", 40), ("left", 10 * n)) for n in range(4)]
    other = [ids.of(("start", 40), ("left", 20), ("right", 10 * n)) for n in range(1, 4)]
    mixed = [one[0], one[1], one[2], other[0], one[3], other[1], other[2]]
    named = ({"session_id": "s1"}, {})
    for number, more in enumerate(named):
        found = (mooncake(900 * n, len(t) * 512, t) | more for n, t in enumerate(mixed))
        lines(tmp_path / f"{number}.jsonl", *found)
    for group in Blocks([tmp_path]).groups:
        assert followed(group) == [None, 0, 1, 2, 2, 3, 5]


def test_in_a_list_the_request_before_comes_first_among_those_that_share_as_much(tmp_path: Path):
    ids = Ids()
    parts = [("start", 40)], [("start", 40), ("aside", 9)], [("start", 40), ("more", 8)]
    found = (request(ids.of(*part), 9.0 * n) for n, part in enumerate(parts))
    session(tmp_path / "a.json", *found)
    (group,) = Blocks([tmp_path]).groups
    assert followed(group) == [None, 0, 1]


def test_prompts_that_share_nothing_follow_each_other_where_the_trace_lists_them(tmp_path: Path):
    ids = Ids()
    session(
        tmp_path / "a.json",
        request(ids.of(("a", 40)), 0, model="claude-haiku-4-5-20251001"),
        request(ids.of(("b", 40)), 60),
    )
    (first, _), (_, found) = linked(Blocks([tmp_path]))
    assert (found.predecessor, found.cause) == (first.id, "model-changed")


def test_subagents_are_told_apart_and_count_from_their_own_beginning(tmp_path: Path):
    ids = Ids()
    inner = [request(ids.of(("agent", 30), ("x", n)), 5.0 * n) for n in range(2)]
    marker = {"t": 100.0, "type": "subagent", "agent_id": "agent_001", "requests": inner}
    session(
        tmp_path / "a.json",
        request(ids.of(("start", 40)), 0, ttft=0.5),
        {**marker, "subagent_type": "Explore"},
        request(ids.of(("start", 40), ("more", 4)), 120),
    )
    found = calls(Blocks([tmp_path]))
    assert [call.agent for call in found] == [None, "Explore", "Explore", None]
    begins = found[0].at
    assert [round((c.at - begins).total_seconds()) for c in found] == [0, 100, 105, 120]
    assert found[0].began is not None
    assert found[0].began - begins == timedelta(seconds=0.5)
    assert {call.session for call in found} == {"a"}


def test_totals_are_those_of_an_independent_count(tmp_path: Path):
    ids, chance = Ids(), random.Random(4)
    for name in ("a", "b"):
        turns = [ids.of((name, 30), ("turn", chance.randrange(60))) for _ in range(20)]
        nested = {"t": 500.0, "type": "subagent", "requests": [request(turns[3], 501.0)]}
        found = [request(t, 9.0 * n) for n, t in enumerate(turns)]
        session(tmp_path / f"{name}.json", *found, nested)
    assert sums(Blocks([tmp_path])) == dict(totals("blocks", tmp_path))


def test_a_block_that_was_not_full_is_no_break_when_it_is_filled(tmp_path: Path):
    """Mooncake's lines: milliseconds, 512 tokens to an id, one for the rest at the end."""
    lines(
        tmp_path / "a.jsonl",
        mooncake(0, 2148, [1, 2, 3, 4, 5]),
        mooncake(900, 2900, [1, 2, 3, 4, 6, 7]),
        mooncake(1900, 2500, [1, 8, 9, 10, 11]),
    )
    (one, _), (two, second), (_, third) = linked(Blocks([tmp_path]))
    assert (second.predecessor, second.divergences) == (one.id, ())
    assert round((two.at - one.at).total_seconds(), 3) == 0.9
    assert third.predecessor is None, "another conversation that begins alike"


def test_the_chat_that_a_line_names_is_the_predecessor(tmp_path: Path):
    """Lines of Bailian: seconds, 16 tokens to an id, the chat before by its number."""
    common = {"output_length": 5, "type": "text"}
    lines(
        tmp_path / "qwen_traceA_blksz_16.jsonl",
        {"chat_id": 4, "parent_chat_id": -1, "timestamp": 0.5, "input_length": 96, "turn": 1}
        | common
        | {"hash_ids": [1, 2, 3, 4, 5, 6]},
        {"chat_id": 9, "parent_chat_id": -1, "timestamp": 1.5, "input_length": 96, "turn": 1}
        | common
        | {"hash_ids": [1, 2, 3, 4, 5, 7]},
        {"chat_id": 12, "parent_chat_id": 4, "timestamp": 31.5, "input_length": 160, "turn": 2}
        | common
        | {"hash_ids": [1, 2, 3, 4, 8, 9, 10, 11, 12, 13]},
    )
    (one, _), (_, second), (three, third) = linked(Blocks([tmp_path]))
    assert second.predecessor is None
    assert third.predecessor == one.id
    assert [d.path for d in third.divergences] == ["blocks[4]"]
    assert round((three.at - one.at).total_seconds()) == 31


def test_reported_reads_are_judged(tmp_path: Path):
    """An engine's own export may say what was read, and when it was."""
    ids = Ids()
    grown = [ids.of(("start", 64), ("turn", 16 * n)) for n in range(3)]
    lines(
        tmp_path / "a.jsonl",
        *(
            {
                "at": f"2026-03-02T10:0{n}:00Z",
                "session_id": "s1",
                "provider": "vllm",
                "model": "qwen3-32b",
                "block_size": 16,
                "input_tokens": len(t) * 16,
                "output_tokens": 10,
                "cached_tokens": read,
                "block_hashes": [f"{id:016x}" for id in t],
            }
            for n, (t, read) in enumerate(zip(grown, (0, 1024, 0), strict=True))
        ),
    )
    found = told(Blocks([tmp_path]))
    assert [d.verdict for d in found] == ["first", "hit", "miss"]
    assert found[0].at.isoformat().startswith("2026-03-02T10:00:00")


def test_what_is_no_trace_is_told_in_one_line(tmp_path: Path):
    ids = Ids().of(("a", 20))
    written(tmp_path / "a.json", '{"x": 1}')
    written(tmp_path / "b.json", "[" * 9000)
    session(tmp_path / "c.json", request(ids, 0), 4, None, {"t": 1}, request(ids, float("nan")))
    good = {"timestamp": 5, "input_length": 64, "output_length": 1, "hash_ids": [1]}
    bad = [{"hash_ids": [{}]}, {"hash_ids": 5}, []]
    lines(tmp_path / "d.jsonl", *bad, good)
    source = Blocks([tmp_path])
    assert troubles(source) == [
        "a.json: holds no requests with ids of blocks",
        "b.json: is nested deeper than 200 levels",
        "d.jsonl: 1 skipped: holds ids of blocks that are no numbers or words; "
        "1 skipped: holds no requests with ids of blocks; 1 skipped: is JSON, but not an object",
    ]
    assert sums(source)["calls"] == 3
