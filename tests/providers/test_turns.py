"""Reading one more turn gives what reading the whole body gives."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import edits
from tests.conversations import RENDER, SHAPES, Author, Part, Talk, Turn
from whycold.core.prompt import Block
from whycold.providers import turns
from whycold.providers.registry import DIALECTS, guess
from whycold.providers.turns import Prepared, Turns

REPEATABLE = [edit for edit in edits.EDITS if edit is not edits.tool_retyped]


@pytest.fixture(autouse=True)
def small_bodies_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_SMALLEST", 0)


def long_talk(author: Author) -> Talk:
    talk = author.talk()
    for _ in range(6):
        author.step(talk.turns, talk.tools)
    return talk


def written(body: object, chance: random.Random) -> bytes:
    indent, separators = chance.choice([(None, None), (None, (",", ":")), (1, None)])
    return json.dumps(body, indent=indent, separators=separators).encode()


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=60)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_a_growing_and_changing_conversation_is_read_as_if_whole(shape: str, seed: int) -> None:
    author = Author(seed)
    talk, reader, style = long_talk(author), Turns(), author.random.randrange(1000)
    for _ in range(6):
        rendered = RENDER[shape](talk)
        wire, _ = guess(rendered.body)
        dialect = DIALECTS[rendered.provider]
        body = written(rendered.body, random.Random(style))
        _, prompt = reader.read(shape, body, {}, partial(Prepared, wire, dialect))
        whole = wire.read_request(rendered.body, dialect, {})
        assert prompt.settings == whole.settings
        assert prompt.chain == whole.chain
        assert [_told(b) for b in prompt.blocks] == [_told(b) for b in whole.blocks]
        assert (prompt.opaque, prompt.asks) == (whole.opaque, whole.asks)
        if author.random.random() < 0.3:
            made = author.random.choice(REPEATABLE)(author, talk, shape)
            talk = made[0] if made else talk
        author.step(talk.turns, talk.tools)


def _told(block: Block) -> Block:
    """A block without its tool's name, which a result may take from a message before it."""
    return replace(block, name=None)


def test_what_was_known_is_not_read_again() -> None:
    author = Author(7)
    talk, reader = long_talk(author), Turns()
    wire, dialect = guess(RENDER["anthropic"](talk).body)
    prepare = partial(Prepared, wire, dialect)
    body = json.dumps(RENDER["anthropic"](talk).body).encode()
    _, first = reader.read("", body, {}, prepare)
    talk.turns.append(Turn("assistant", [Part("text", "Done.")]))
    body = json.dumps(RENDER["anthropic"](talk).body).encode()
    prepared, second = reader.read("", body, {}, prepare)
    assert prepared.request["messages"] == [{"role": "assistant", "content": "Done."}] or (
        prepared.request["messages"]
        == [{"role": "assistant", "content": [{"type": "text", "text": "Done."}]}]
    )
    assert all(a is b for a, b in zip(first.blocks, second.blocks, strict=False))


def test_memory_is_bounded() -> None:
    reader = Turns(most=100_000)
    for seed in range(30):
        body = RENDER["anthropic"](long_talk(Author(seed))).body
        wire, dialect = guess(body)
        reader.read("", json.dumps(body).encode(), {}, partial(Prepared, wire, dialect))
    assert sum(len(seen.body) for seen in reader._seen.values()) <= 100_000
