from dataclasses import MISSING, Field, fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversations import SHAPES
from tests.store.samples import conversation, everything, record, text
from whycold.core.content import Json
from whycold.core.diagnosis import BlockCount
from whycold.core.prompt import Block, Kind, Prompt, Section
from whycold.store.base import Store
from whycold.store.codec import decode_blocks, decode_value, encode_blocks, encode_value
from whycold.store.numbering import pack_id, unpack_id
from whycold.store.squeeze import expand, squeeze


def test_everything_that_is_known_of_a_call_comes_back(store: Store):
    written = everything()
    store.write("a", [written])
    read = store.record(written.call.id)
    assert read is not None
    assert read.call == written.call
    assert read.told == written.told
    assert (read.status, read.source, read.also) == (529, "proxy", ("other-id", "third"))


def test_the_sample_of_everything_leaves_no_field_at_its_default():
    """So that a field added to the engine's types cannot be lost here without a red test."""
    sample = everything()
    call, told = sample.call, sample.told
    parts = [call, call.reply, call.usage, call.prompt, call.prompt.links, told, *told.divergences]
    ends = [told.blocks[-1], call.prompt.blocks[-1], call.reply.verdict, call.reply.error]
    left = [
        f"{type(part).__name__}.{field.name}"
        for part in [*parts, *ends]
        for field in fields(part)
        if getattr(part, field.name) == default_of(field)
    ]
    assert left == []


def default_of(field: Field[Any]) -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def test_token_counts_of_other_blocks_than_the_calls_own_come_back(store: Store):
    written = everything()
    put_before = (BlockCount(Section.system, "system[0]", None, "user", 9, False, "5m"),)
    told = replace(written.told, blocks=put_before + written.told.blocks)
    store.write("a", [replace(written, told=told)])
    read = store.record(written.call.id)
    assert read is not None
    assert read.told == told


@pytest.mark.parametrize("shape", SHAPES)
def test_conversations_come_back_as_they_were(store: Store, shape: str):
    written = [each for seed in range(6) for each in conversation(seed, shape)]
    for start in range(0, len(written), 7):
        store.write(f"batch {start}", written[start : start + 7])
    for each in written:
        read = store.record(each.call.id)
        assert read is not None
        assert read.call == each.call
        assert read.told == each.told


def test_history_gives_calls_in_the_order_in_which_they_were_made(store: Store):
    written = [each for seed in range(3) for each in conversation(seed)]
    store.write("later first", written[::-1])
    assert [each.call for each in store.history()] == [each.call for each in written]
    last = list(store.history(last=4))
    assert [each.call for each in last] == [each.call for each in written[-4:]]
    since = written[10].call.at
    assert next(iter(store.history(since=since))).call == written[10].call


def test_blocks_that_calls_share_come_back_as_the_same_objects(store: Store):
    written = conversation(3)
    store.write("a", written)
    first, second = (each.call.prompt.blocks for each in list(store.history())[:2])
    assert first[0] is second[0]


def test_a_prompt_may_have_nothing_in_it(store: Store):
    store.write("a", [record(1, prompt=Prompt(()))])
    assert store.prompt("call-1") == Prompt(())
    assert store.prompt("unheard of") is None
    assert store.record("unheard of") is None


def test_a_conversation_of_two_hundred_turns_comes_back(store: Store):
    blocks: tuple[Block, ...] = ()
    for turn in range(200):
        blocks = (*blocks, text(f"turn {turn}", turn))
        before = f"call-{turn - 1}" if turn else None
        store.write(f"{turn}", [record(turn, prompt=Prompt(blocks), predecessor=before)])
    assert store.prompt("call-199") == Prompt(blocks)
    assert store.prompt("call-100") == Prompt(blocks[:101])


ODD_TEXT = st.text(st.characters(), max_size=20)
ODD_JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ODD_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD_TEXT, inner, max_size=3),
    max_leaves=6,
)
ODD_BLOCKS = st.builds(
    Block,
    section=st.sampled_from(Section),
    path=st.sampled_from(
        ["system[1]", "system[01]", "system[²]", "tools[a]", "messages[3].content[2]", "x"]
    )
    | ODD_TEXT,
    kind=st.sampled_from(Kind),
    value=ODD_JSON,
    role=st.none() | st.sampled_from(["user", "assistant", "model"]) | ODD_TEXT,
    name=st.none() | st.just("a") | ODD_TEXT,
    message=st.integers(-1, 2000),
    opens=st.booleans(),
    tokens=st.none() | st.integers(0, 10**6),
)


@settings(max_examples=300)
@given(blocks=st.lists(ODD_BLOCKS, max_size=5))
def test_blocks_of_any_shape_survive_being_written(blocks: list[Block]):
    contents = {number: encode_value(block) for number, block in enumerate(blocks, 7)}
    data = squeeze(encode_blocks(zip(contents, blocks, strict=True)))
    read = decode_blocks(expand(data), lambda number: decode_value(contents[number]))
    assert read == blocks
    assert [block.digest for block in read] == [block.digest for block in blocks]


@settings(max_examples=300)
@given(
    id=ODD_TEXT
    | st.uuids().map(str)
    | st.from_regex(r"[a-z_]{0,9}[0-9a-f]{10,40}", fullmatch=True)
    | st.from_regex(r"(msg_|req_|chatcmpl-|resp_|gen-|)[0-9A-Za-z]{4,40}", fullmatch=True)
)
def test_ids_of_any_shape_survive_being_packed(id: str):
    assert unpack_id(pack_id(id)) == id


def test_common_ids_take_few_bytes():
    assert len(pack_id("0123456789abcdef0123456789abcdef")) == 17
    assert len(pack_id("0b9c4a52-7a3e-4b5e-9d55-111111111111")) == 17
    assert len(pack_id("msg_01XFDUDYJgAACzvnptvVoYEL")) == 20
