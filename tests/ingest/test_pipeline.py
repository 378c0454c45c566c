"""From exchanges to diagnosed calls: once each, whatever the order, whoever restarts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.traffic import (
    READ,
    SERVED,
    Conversation,
    body,
    exchange,
    spool,
    tool,
)
from whycold.core.call import Call
from whycold.core.cost import Rates
from whycold.core.diagnosis import Diagnosis, Verdict
from whycold.ingest.pipeline import Ingest
from whycold.sources.spool import Position
from whycold.sources.spool_reader import Item, SpoolReader
from whycold.sources.spool_record import Body, Exchange, Missing
from whycold.store.answers import Filters
from whycold.store.base import Store
from whycold.store.opening import open_store
from whycold.store.records import Capture

NEW_BASH = tool("Bash", "Runs a command in a shell, and asks first. " * 20)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/calls.db", write=True)
    yield opened
    opened.close()


def items(exchanges: Sequence[Exchange], start: int = 0) -> list[Item]:
    """As a reader gives them, each a byte long."""
    places = range(start, start + len(exchanges))
    return [
        Item(one, Position(1, at), Position(1, at + 1), None)
        for at, one in zip(places, exchanges, strict=True)
    ]


def take(ingest: Ingest, exchanges: Sequence[Exchange], start: int = 0) -> None:
    ingest.keep(ingest.read(items(exchanges, start)))


def kept(store: Store) -> dict[str, Diagnosis]:
    page = store.calls(Filters(), limit=1000)
    return {one.told.call: one.told for one in page.items}


def conversation() -> list[Exchange]:
    """Six turns; before the fourth a tool's description changes."""
    talk = Conversation()
    turns = [talk.turn(f"question {n}", after_s=20.0 * n) for n in range(3)]
    talk.tools = (READ, NEW_BASH)
    return turns + [talk.turn(f"question {n}", after_s=20.0 * n) for n in range(3, 6)]


def test_a_conversation_is_kept_with_its_diagnoses(store: Store):
    turns = conversation()
    take(Ingest(store, SERVED), turns)
    found = list(reversed(kept(store).values()))
    assert [told.verdict for told in found] == [
        *(Verdict.first, Verdict.hit, Verdict.hit),
        *(Verdict.miss, Verdict.hit, Verdict.hit),
    ]
    assert (found[3].reason, found[3].cause) == ("tools_changed", "tool-edited")
    assert found[3].divergences[0].path == "tools[Bash].description"
    assert found[3].missed_tokens == found[2].usage.input
    assert store.state()["spool.position"] == "1:6"


def test_a_batch_that_is_read_again_counts_once(store: Store):
    ingest = Ingest(store, SERVED)
    batch = ingest.read(items(conversation()))
    assert ingest.keep(batch).added == 6
    assert not ingest.keep(batch).fresh
    assert Ingest(store, SERVED).keep(batch).added == 0
    assert len(kept(store)) == 6


def test_what_is_no_call_is_counted_by_what_it_is(store: Store):
    talk = Conversation()
    others = [
        exchange(1, b"", b"{}", path="/v1/models", method="GET"),
        exchange(2, body(), {"input_tokens": 9}, path="/v1/messages/count_tokens"),
        exchange(3, b"{not json", b"{}"),
        exchange(4, body(), {"id": 1}, path="/v1/messages/batches/msgbatch_01abcdefgh"),
        talk.turn("question", after_s=1),
    ]
    ingest = Ingest(store, SERVED)
    take(ingest, others)
    assert sorted(why.partition(":")[0] for why in ingest.progress.skipped) == [
        "GET /v1/models is no call to a model",
        "POST /v1/messages/batches/… is no call to a model",
        "POST /v1/messages/count_tokens is no call to a model",
        "the body is not JSON",
    ]
    assert len(kept(store)) == 1
    assert Ingest(store, SERVED).progress.skipped == ingest.progress.skipped


def test_a_call_whose_body_was_left_out_keeps_its_usage(store: Store):
    turns = conversation()[:2]
    lost = Body(wire_size=10**9, missing=Missing.too_large)
    ingest = Ingest(store, SERVED)
    take(ingest, [turns[0], replace(turns[1], request=lost)])
    found = store.find(format(turns[1].id, "016x"))
    assert found is not None
    assert found.told.usage.cache_read == kept(store)[format(turns[0].id, "016x")].usage.input
    assert found.told.model == "claude-sonnet-5"
    assert found.capture is Capture.usage
    assert ingest.progress.lacking == {"request body left out: too-large": 1}


def test_a_body_in_a_coding_that_is_not_known_is_a_call_without_prompt(store: Store):
    coded = replace(conversation()[0], request_headers=(("content-encoding", "snappy"),))
    ingest = Ingest(store, SERVED)
    take(ingest, [coded])
    assert len(kept(store)) == 1
    assert ingest.progress.lacking == {
        "request body not decoded: content coding 'snappy' is not known": 1
    }


@settings(max_examples=15)
@given(st.randoms(use_true_random=False))
def test_in_whatever_order_calls_arrive_the_diagnoses_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, random: Random
):
    talks = [Conversation("one"), Conversation("two")]
    turns: list[Exchange] = []
    for n in range(4):
        for offset, talk in enumerate(talks):
            if n == 2:
                talk.tools = (READ, NEW_BASH)
            turns.append(talk.turn(f"question {n}", after_s=20.0 * n + offset))
    shuffled = list(turns)
    random.shuffle(shuffled)
    folder = tmp_path_factory.mktemp("stores")
    in_order, otherwise = (open_store(f"sqlite:///{folder}/{name}.db", write=True) for name in "ab")
    try:
        take(Ingest(in_order, SERVED), turns)
        ingest, at = Ingest(otherwise, SERVED), 0
        while at < len(shuffled):
            size = random.randint(1, 3)
            take(ingest, shuffled[at : at + size], at)
            at += size
        assert kept(otherwise) == kept(in_order)
        assert otherwise.totals(Filters()) == in_order.totals(Filters())
    finally:
        in_order.close()
        otherwise.close()


def test_a_restart_between_any_two_exchanges_changes_nothing(tmp_path: Path):
    found: list[dict[str, Diagnosis]] = []
    for name, size in (("whole", 6), ("each", 1)):
        store = open_store(f"sqlite:///{tmp_path}/{name}.db", write=True)
        turns = conversation()
        for at in range(0, 6, size):
            ingest = Ingest(store, SERVED)
            assert ingest.warm() == at
            take(ingest, turns[at : at + size], at)
        found.append(kept(store))
        store.close()
    assert found[0] == found[1]


def test_a_late_call_leaves_the_prompts_of_others_as_they_were_sent(store: Store):
    """What the server keeps of an earlier response is put in front to compare, not to keep."""

    def response(number: int, text: str, **more: str) -> Exchange:
        sent = {"model": "gpt-5.5", "input": text, "instructions": "Be brief. " * 900} | more
        reply = {"type": "message", "role": "assistant", "id": f"m{number}"}
        reply["content"] = [{"type": "output_text", "text": "yes"}]  # type: ignore[assignment]
        usage = {"input_tokens": 2000 + number, "output_tokens": 5, "total_tokens": 2005 + number}
        came = {"id": f"resp_{number}", "object": "response", "model": "gpt-5.5"}
        came |= {"status": "completed", "output": [reply], "usage": usage}
        return exchange(
            number, sent, came, after_s=10.0 * number, path="/v1/responses", upstream="openai"
        )

    first = response(1, "hello")
    second = response(2, "and now?", previous_response_id="resp_1")
    third = response(3, "and then?", previous_response_id="resp_2")
    ingest = Ingest(store, SERVED)
    for at, one in enumerate((third, second, first)):
        take(ingest, [one], at)
    prompt = store.prompt(format(third.id, "016x"))
    assert prompt is not None
    assert [block.value for block in prompt.blocks if block.role == "user"] == ["and then?"]


def test_a_call_that_cannot_be_diagnosed_keeps_its_counts_and_stops_nothing(store: Store):
    turns = conversation()
    poison = format(turns[1].id, "016x")

    def prices(call: Call) -> Rates | None:
        if call.id == poison and call.prompt.blocks:
            raise ZeroDivisionError
        return None

    ingest = Ingest(store, SERVED, prices)
    take(ingest, turns)
    assert set(kept(store)) == {format(turn.id, "016x") for turn in turns}
    assert ingest.progress.failed == {"could not be diagnosed: ZeroDivisionError": 1}
    prompt = store.prompt(poison)
    assert prompt is not None
    assert prompt.blocks


def test_a_call_of_which_not_even_the_counts_can_be_kept_stops_nothing(store: Store):
    turns = conversation()
    poison = format(turns[1].id, "016x")

    def prices(call: Call) -> Rates | None:
        if call.id == poison:
            raise ZeroDivisionError
        return None

    ingest = Ingest(store, SERVED, prices)
    take(ingest, turns)
    assert set(kept(store)) == {format(turn.id, "016x") for turn in turns} - {poison}
    assert ingest.progress.failed == {
        "could not be diagnosed: ZeroDivisionError": 1,
        "could not be counted: ZeroDivisionError": 1,
    }


def test_a_project_for_calls_that_name_none(store: Store):
    named = Conversation().turn("question", after_s=0, labels={"project": "own"})
    other = Conversation().turn("question", after_s=1, labels={})
    take(Ingest(store, SERVED, project="usual"), [named, other])
    assert sorted(told.project or "" for told in kept(store).values()) == ["own", "usual"]


def test_holes_in_the_spool_are_counted(tmp_path: Path, store: Store):
    folder = tmp_path / "spool"
    spool(folder, conversation()[:3])
    (segment,) = folder.glob("*.seg")
    spool(folder, conversation()[3:])
    data = bytearray(segment.read_bytes())
    place = data.index(b"question 1")
    data[place] ^= 1
    segment.write_bytes(data)
    reader = SpoolReader(folder)
    found = list(reader.read())
    ingest = Ingest(store, SERVED)
    ingest.keep(ingest.read(found, reader.damage))
    assert set(ingest.progress.damaged) == {"corrupt"}
    assert 3 <= len(kept(store)) < 6


def test_the_providers_are_known_by_how_they_answered(store: Store):
    llama = replace(
        exchange(1, body(), {"id": "chatcmpl-1", "type": "message", "usage": {}}),
        response_headers=(("server", "llama.cpp"),),
        upstream="local",
    )
    unsaid = replace(exchange(2, body(), {"id": "x", "type": "message"}), upstream="other")
    ingest = Ingest(store, SERVED)
    take(ingest, [llama, unsaid, conversation()[0]])
    assert ingest.progress.providers == {
        "local": {"provider": "llama.cpp", "known_by": "server"},
        "other": {"provider": "anthropic", "known_by": "shape"},
        "anthropic": {"provider": "anthropic", "known_by": "address"},
    }
    assert json.loads(store.state()["spool.counts"])["providers"] == ingest.progress.providers
