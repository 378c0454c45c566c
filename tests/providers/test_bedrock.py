"""Bedrock Converse requests, responses and cache rules: what corpus/ does not show."""

import json
from typing import Any

import pytest

from tests.providers.frames import chunk, event
from whycold.core.call import ProviderError
from whycold.core.content import JsonMap
from whycold.core.prompt import Block, Kind, Section
from whycold.core.rules import OptIn
from whycold.providers.anthropic import ANTHROPIC_MESSAGES
from whycold.providers.anthropic_rules import BEDROCK_ANTHROPIC
from whycold.providers.bedrock import BEDROCK_CONVERSE
from whycold.providers.bedrock_rules import BEDROCK, NAME, bedrock_rules

POINT = {"cachePoint": {"type": "default"}}
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"


def prompt(**body: Any):
    return BEDROCK_CONVERSE.read_request(body, BEDROCK, {})


def user(*content: JsonMap) -> list[JsonMap]:
    return [{"role": "user", "content": content}]


def marked(blocks: tuple[Block, ...]) -> dict[str, str | None]:
    return {b.path: b.breakpoint.ttl for b in blocks if b.breakpoint is not None}


def streamed(*frames: bytes):
    reader = BEDROCK_CONVERSE.stream(BEDROCK)
    for frame in frames:
        reader.feed(frame)
    return reader.finish()


def test_a_cache_point_marks_the_block_before_it_in_render_order():
    read = prompt(
        messages=user(POINT, {"text": "a"}, {"cachePoint": {"type": "default", "ttl": "1h"}}),
        system=[{"text": "s"}],
        toolConfig={"tools": [{"toolSpec": {"name": "t"}}, POINT]},
    )
    assert marked(read.blocks) == {
        "tools[t]": None,
        "system[0]": None,
        "messages[0].content[1]": "1h",
    }


def test_a_cache_point_with_nothing_before_it_only_shows_that_caching_was_asked_for():
    read = prompt(modelId=CLAUDE, system=[POINT], messages=user({"text": "a"}))
    assert (marked(read.blocks), read.asks, read.opaque) == ({}, True, 0)


def test_the_first_of_two_cache_points_in_one_place_counts():
    long = {"cachePoint": {"type": "default", "ttl": "1h"}}
    read = prompt(messages=user({"text": "a"}, long, POINT))
    assert marked(read.blocks) == {"messages[0].content[0]": "1h"}


def test_moving_a_cache_point_changes_no_content():
    before = prompt(messages=user({"text": "a"}, POINT, {"text": "b"}))
    after = prompt(messages=user({"text": "a"}, {"text": "b"}, POINT))
    assert before.chain == after.chain


@pytest.mark.parametrize(
    ("model", "asks"), [(CLAUDE, False), ("amazon.nova-pro-v1:0", None), (None, None)]
)
def test_only_where_nothing_is_cached_unasked_has_caching_not_been_asked_for(
    model: str | None, asks: bool | None
):
    assert prompt(modelId=model, messages=user({"text": "a"})).asks is asks


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"text": "a"}, Kind.text),
        ({"text": 1}, Kind.opaque),
        ("a", Kind.text),
        ({"image": {}}, Kind.image),
        ({"video": {}}, Kind.document),
        ({"audio": {}}, Kind.audio),
        ({"searchResult": {}}, Kind.document),
        ({"toolUse": {}}, Kind.tool_use),
        ({"toolUse": 3}, Kind.tool_use),
        ({"toolResult": {}}, Kind.tool_result),
        ({"reasoningContent": {"reasoningText": {"text": "a"}}}, Kind.thinking),
        ({"reasoningContent": {"redactedContent": "a"}}, Kind.redacted_thinking),
        ({"later": {}}, Kind.opaque),
        ({"text": "a", "image": {}}, Kind.opaque),
        (None, Kind.opaque),
    ],
)
def test_a_part_is_of_the_kind_its_key_says(part: Any, kind: Kind):
    (block,) = prompt(messages=user(part)).blocks
    assert block.kind is kind


def test_a_string_for_the_content_is_one_text():
    (block,) = prompt(messages=[{"role": "user", "content": "hi"}]).blocks
    assert (block.kind, block.value) == (Kind.text, "hi")


def test_a_tool_result_has_the_name_of_the_tool_it_answers():
    use = {"toolUse": {"toolUseId": "1", "name": "ls"}}
    blocks = prompt(messages=user(use, {"toolResult": {"toolUseId": "1"}})).blocks
    assert [block.name for block in blocks] == ["ls", "ls"]


@pytest.mark.parametrize(
    "body",
    [
        {"messages": 5, "system": 5, "toolConfig": 5, "additionalModelRequestFields": 5},
        {"messages": [None, {"content": 5}, {}], "system": [None], "toolConfig": {"tools": 5}},
        {"toolConfig": {"tools": [None, {}, {"toolSpec": {"name": 7}}]}, "modelId": 5},
        {"messages": user({"cachePoint": 5})},
    ],
)
def test_wrong_types_are_opaque_and_counted(body: JsonMap):
    read = BEDROCK_CONVERSE.read_request(body, BEDROCK, {})
    assert read.opaque == sum(block.kind is Kind.opaque for block in read.blocks)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        (CLAUDE, CLAUDE),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0",
            "amazon.nova-pro-v1:0",
        ),
        (
            "arn:aws:bedrock:us-east-1:1:application-inference-profile/x1",
            "arn:aws:bedrock:us-east-1:1:application-inference-profile/x1",
        ),
        (None, None),
    ],
)
def test_an_arn_that_names_its_model_is_shortened_to_it(name: str | None, model: str | None):
    assert BEDROCK_CONVERSE.model({"modelId": name}) == model


def usage_of(**usage: Any):
    return BEDROCK_CONVERSE.read_reply({"usage": usage, "stopReason": "end_turn"}, BEDROCK).usage


def test_the_input_is_the_sum_of_what_was_read_written_and_neither():
    usage = usage_of(inputTokens=5, cacheReadInputTokens=100, cacheWriteInputTokens=20)
    assert (usage.input, usage.cache_read, usage.cache_write, usage.uncached) == (125, 100, 20, 5)
    assert (usage.cache_write_5m, usage.cache_write_1h) == (None, None)


def test_a_lifetime_that_is_not_listed_was_written_nothing_when_the_list_is_complete():
    complete = usage_of(cacheWriteInputTokens=20, cacheDetails=[{"ttl": "1h", "inputTokens": 20}])
    partial = usage_of(cacheWriteInputTokens=30, cacheDetails=[{"ttl": "1h", "inputTokens": 20}])
    assert (complete.cache_write_1h, complete.cache_write_5m) == (20, 0)
    assert (partial.cache_write_1h, partial.cache_write_5m) == (20, None)


def test_counts_that_are_not_reported_are_not_0():
    usage = usage_of(inputTokens=5)
    assert (usage.input, usage.cache_read, usage.cache_write, usage.uncached) == (
        5,
        None,
        None,
        None,
    )
    assert usage_of().input is None


def test_citations_in_a_stream_make_one_block_of_text_and_sources():
    reply = streamed(
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Yes."}}),
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"citation": {"title": "B"}}}),
    )
    content = {"content": [{"text": "Yes."}], "citations": [{"title": "B"}]}
    assert [block.value for block in reply.blocks] == [{"citationsContent": content}]


def test_results_of_the_servers_own_tools_are_put_together():
    start = {"toolResult": {"toolUseId": "1", "status": "success"}}
    delta = {"toolResult": [{"text": "a"}]}
    reply = streamed(
        event("contentBlockStart", {"contentBlockIndex": 0, "start": start}),
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta}),
    )
    whole = {"toolUseId": "1", "status": "success", "content": [{"text": "a"}]}
    assert [block.value for block in reply.blocks] == [{"toolResult": whole}]


def test_arguments_that_were_cut_are_kept_as_text():
    delta = {"toolUse": {"input": '{"path": "/v'}}
    reply = streamed(event("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta}))
    assert [block.value for block in reply.blocks] == [{"toolUse": {"input": '{"path": "/v'}}]


@pytest.mark.parametrize(
    "frames",
    [
        [event("messageStop", {"stopReason": "end_turn"})],
        [event("metadata", {"usage": {}})],
        [event("messageStop", {"stopReason": "x"}), event("metadata", {}), b"\x00\x00"],
        [b"junk"],
        [b"{"],
        [],
    ],
)
def test_a_stream_without_its_end_is_not_complete(frames: list[bytes]):
    assert not streamed(*frames).complete


def test_a_refusal_in_json_is_read_where_a_stream_was_expected():
    reply = streamed(b'{"mess', b'age": "no", "__type": "a#AccessDeniedException"}')
    assert reply.error == ProviderError(None, "AccessDeniedException", "no")


@pytest.mark.parametrize("size", [1, 9, 4096])
def test_a_claude_stream_in_frames_is_read_by_the_reader_of_anthropic_messages(size: int):
    usage = {"input_tokens": 3, "cache_read_input_tokens": 50, "cache_creation_input_tokens": 7}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": usage}
    events: list[JsonMap] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop"},
    ]
    data = b"".join(chunk(json.dumps(each).encode()) for each in events)
    reader = ANTHROPIC_MESSAGES.stream(BEDROCK_ANTHROPIC)
    for at in range(0, len(data), size):
        reader.feed(data[at : at + size])
    reply = reader.finish()
    assert (reply.complete, reply.usage.input, reply.usage.cache_read) == (True, 60, 50)
    assert [block.value for block in reply.blocks] == ["Hi"]


@pytest.mark.parametrize(
    ("model", "minimum"),
    [
        ("amazon.nova-pro-v1:0", 1024),
        ("us.amazon.nova-micro-v1:0", 1536),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", 4096),
        ("anthropic.claude-opus-4-7", 4096),
        ("anthropic.claude-sonnet-4-20250514-v1:0", 1024),
        ("anthropic.claude-opus-5-5", None),
        ("meta.llama4", None),
        (None, None),
    ],
)
def test_the_minimum_is_the_one_of_aws(model: str | None, minimum: int | None):
    assert bedrock_rules(NAME, model).minimum == minimum


def test_claude_is_cached_where_it_is_marked_and_nova_everywhere():
    assert bedrock_rules(NAME, CLAUDE).opt_in is OptIn.explicit
    assert bedrock_rules(NAME, "amazon.nova-lite-v1:0").opt_in is OptIn.both


def test_settings_are_named_as_in_the_request_and_have_an_effect():
    body = {
        "modelId": CLAUDE,
        "toolConfig": {"tools": [], "toolChoice": {"any": {}}},
        "outputConfig": {"textFormat": {"type": "json_schema"}},
        "additionalModelRequestFields": {"thinking": {"type": "adaptive"}, "anthropic_beta": ["x"]},
        "messages": user({"image": {"format": "png", "source": {"bytes": ""}}}),
    }
    names = {setting.name for setting in prompt(**body).settings}
    assert names <= set(bedrock_rules(NAME, CLAUDE).effects)
    assert names >= {"model", "toolConfig.toolChoice", "outputConfig.textFormat", "images"}


@pytest.mark.parametrize(
    "body",
    [
        {"messages": user({"type": "text", "text": "a"}), "max_tokens": 5},
        {"messages": [{"role": "user", "content": "a"}], "model": "gpt-5"},
        {"contents": [{"parts": [{"text": "a"}]}]},
        {"input": "a"},
    ],
)
def test_other_requests_do_not_look_like_converse(body: JsonMap):
    assert BEDROCK_CONVERSE.looks_like(body) == 0


def test_tools_stand_before_the_system_and_the_messages():
    read = prompt(
        messages=user({"text": "a"}),
        system=[{"text": "s"}],
        toolConfig={"tools": [{"toolSpec": {"name": "t"}}]},
    )
    assert [block.section for block in read.blocks] == list(Section)[1:]
