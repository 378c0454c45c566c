import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whycold.core.content import Json, JsonMap
from whycold.core.prompt import Block, Kind, Prompt, Section
from whycold.providers.base import Dialect
from whycold.providers.compatible import DIALECTS as COMPATIBLE
from whycold.providers.engines import DIALECTS as ENGINES
from whycold.providers.openai_chat import OPENAI_CHAT
from whycold.providers.openai_images import image_tokens
from whycold.providers.openai_rules import OPENAI

NAMED = {dialect.name: dialect for dialect in (*COMPATIBLE, *ENGINES)}


def read(body: JsonMap, dialect: Dialect = OPENAI) -> Prompt:
    return OPENAI_CHAT.read_request(body, dialect, {})


def messages(*sent: Json, **more: Json) -> tuple[Block, ...]:
    return read({"model": "gpt-5.2", "messages": [*sent], **more}).blocks


def user(content: Json) -> JsonMap:
    return {"role": "user", "content": content}


def digests(blocks: Sequence[Block]) -> list[bytes]:
    return [block.digest for block in blocks]


CALL = {"name": "find", "arguments": '{"a": 1}'}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (user("Hi"), user([{"type": "text", "text": "Hi"}])),
        (user("Hi"), user(["Hi"])),
        (
            {"role": "tool", "tool_call_id": "1", "content": "x"},
            {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "x"}]},
        ),
        (
            {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": CALL}]},
            {
                "role": "assistant",
                "content": "",
                "refusal": None,
                "tool_calls": [
                    {"type": "function", "function": dict(reversed(CALL.items())), "id": "1"}
                ],
            },
        ),
        (
            {"role": "assistant", "reasoning_content": "Hm.", "content": "x"},
            {"role": "assistant", "reasoning": "Hm.", "content": "x"},
        ),
    ],
)
def test_two_ways_to_write_a_message_are_the_same_prompt(one: JsonMap, other: JsonMap):
    assert digests(messages(one)) == digests(messages(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (user("Hi"), {"role": "user", "name": "ida", "content": "Hi"}),
        (user("Hi"), {"role": "assistant", "content": "Hi"}),
        (
            {"role": "assistant", "tool_calls": [{"id": "1", "function": CALL}]},
            {"role": "assistant", "tool_calls": [{"id": "2", "function": CALL}]},
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "1", "function": CALL}]},
            {
                "role": "assistant",
                "tool_calls": [{"id": "1", "function": {**CALL, "arguments": '{"a":1}'}}],
            },
        ),
    ],
)
def test_what_is_rendered_differently_is_another_prompt(one: JsonMap, other: JsonMap):
    assert digests(messages(one)) != digests(messages(other))


@pytest.mark.parametrize(
    "place",
    [
        {"messages": [user([{"type": "text", "text": "Hi", "cache_control": {"ttl": "1h"}}])]},
        {"messages": [{**user("Hi"), "cache_control": {"ttl": "1h"}}]},
        {
            "messages": [
                user(
                    [
                        {
                            "type": "text",
                            "text": "Hi",
                            "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "1h"},
                        }
                    ]
                )
            ]
        },
    ],
)
def test_a_marker_is_kept_beside_the_content_and_is_no_part_of_it(place: JsonMap):
    (marked,) = read(place).blocks
    (plain,) = messages(user("Hi"))
    assert marked.breakpoint is not None and marked.breakpoint.ttl == "1h"
    assert marked.digest == plain.digest


@pytest.mark.parametrize("inside", [True, False])
def test_a_marker_on_a_tool_may_stand_inside_or_outside_its_wrapper(inside: bool):
    mark = {"cache_control": {"type": "ephemeral"}}
    function = {"name": "find", **(mark if inside else {})}
    tool = {"type": "function", "function": function, **({} if inside else mark)}
    (block,) = read({"tools": [tool]}).blocks
    assert (block.path, block.value) == ("tools[find]", {"name": "find"})
    assert block.breakpoint is not None


def test_claude_markers_come_without_one_of_openais_own():
    body = {
        "model": "anthropic/claude-opus-5",
        "messages": [
            user([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]),
            user("b"),
        ],
    }
    assert read(body, NAMED["openrouter"]).breakpoints == (0,)


@pytest.mark.parametrize(("mode", "expected"), [("implicit", (0, 1)), ("explicit", (0,))])
def test_openai_sets_one_marker_of_its_own_unless_told_not_to(mode: str, expected: Any):
    mark = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    body = {
        "messages": [user([{"type": "text", "text": "a", **mark}, {"type": "text", "text": "b"}])],
        "prompt_cache_options": {"mode": mode},
    }
    assert read(body).breakpoints == expected


@pytest.mark.parametrize(
    ("provider", "body", "asks"),
    [
        ("openai", {}, None),
        ("openai", {"prompt_cache_options": {"mode": "explicit"}}, False),
        ("openai", {"cache_prompt": False}, None),
        ("llama.cpp", {"cache_prompt": False}, False),
        ("llama.cpp", {"cache_prompt": True}, None),
        ("mistral", {}, False),
        ("mistral", {"prompt_cache_key": "k"}, True),
        ("qwen", {}, None),
        ("openrouter", {"model": "anthropic/claude-opus-5"}, False),
        ("openrouter", {"model": "anthropic/claude-opus-5", "cache_control": {}}, True),
        ("openrouter", {"model": "deepseek/deepseek-v4-pro"}, None),
    ],
)
def test_who_asks_for_caching(provider: str, body: JsonMap, asks: bool | None):
    dialect = NAMED.get(provider, OPENAI)
    assert read({"messages": [user("Hi")], **body}, dialect).asks is asks


def test_system_messages_that_lead_are_the_system_and_later_ones_stay_where_they_are():
    found = messages(
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "b"}]},
        user("c"),
        {"role": "system", "content": "d"},
    )
    assert [(block.path, block.section) for block in found] == [
        ("system[0]", Section.system),
        ("system[1]", Section.system),
        ("messages[2].content[0]", Section.messages),
        ("messages[3].content[0]", Section.messages),
    ]


def test_a_result_says_whose_it_is():
    found = messages(
        {"role": "assistant", "tool_calls": [{"id": "7", "function": CALL}]},
        {"role": "tool", "tool_call_id": "7", "content": "x"},
        {"role": "tool", "tool_call_id": "8", "content": "y"},
    )
    assert [block.name for block in found] == ["find", "find", None]


def test_a_message_without_content_still_counts():
    assert [block.path for block in messages(user(""), user([]), user(None))] == [
        f"messages[{index}].content[0]" for index in range(3)
    ]


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("tool_choice", "auto"),
        ("verbosity", "medium"),
        ("service_tier", "auto"),
        ("response_format", {"type": "text"}),
        ("prompt_cache_options", {"mode": "implicit", "ttl": "30m"}),
        ("reasoning_effort", None),
    ],
)
def test_a_setting_sent_with_its_default_is_as_good_as_not_sent(name: str, default: Json):
    assert read({name: default}).settings == ()


@pytest.mark.parametrize(
    "name", ["temperature", "max_tokens", "seed", "stream", "metadata", "stop"]
)
def test_what_only_shapes_the_answer_is_no_setting(name: str):
    assert read({name: "x"}).settings == ()


@pytest.mark.parametrize(
    ("provider", "kept"), [("vllm", ["Be brief."]), ("llama.cpp", ["{}\nBe brief."])]
)
def test_vllm_takes_the_attribution_line_out_of_a_system_text(provider: str, kept: list[str]):
    header = "x-anthropic-billing-header: cc_version=2.1; cch=abcde;"
    body = {"messages": [{"role": "system", "content": f"{header}\nBe brief."}]}
    prompt = read(body, NAMED[provider])
    assert [block.value for block in prompt.blocks] == [text.format(header) for text in kept]
    assert prompt.stripped == (provider == "vllm")


@pytest.mark.parametrize(
    ("model", "detail", "tokens"),
    [
        ("gpt-4o", "high", 765),
        ("gpt-4o", "low", 85),
        ("gpt-5", "high", 630),
        ("o3", "auto", 675),
        ("gpt-4.1-mini", "low", 1659),
        ("gpt-4o-2024-11-20", "high", 765),
        (None, None, 765),
    ],
)
def test_an_image_of_unknown_size_counts_as_1024_by_1024(
    model: str | None, detail: Json, tokens: int
):
    part: JsonMap = {"image_url": {"url": "https://example.org/a.png", "detail": detail}}
    assert image_tokens(part, model) == tokens


def test_what_was_generated_is_what_the_next_request_sends_back():
    message: JsonMap = {
        "role": "assistant",
        "content": "Reading.",
        "refusal": None,
        "annotations": [],
        "tool_calls": [{"id": "1", "type": "function", "function": CALL}],
    }
    reply = OPENAI_CHAT.read_reply({"choices": [{"index": 0, "message": message}]}, OPENAI)
    assert digests(reply.blocks) == digests(messages(user("Hi"), message)[1:])


def test_a_stream_says_the_same_as_the_whole_answer():
    deltas: list[JsonMap] = [
        {"role": "assistant", "content": ""},
        {"content": "Read"},
        {"content": "ing."},
        {"tool_calls": [{"index": 0, "id": "1", "function": {"name": "find", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a": '}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]},
    ]
    reader = OPENAI_CHAT.stream(OPENAI)
    for delta in deltas:
        chunk = {"choices": [{"index": 0, "delta": delta}]}
        reader.feed(f"data: {json.dumps(chunk)}\n\n".encode())
    reader.feed(b"data: [DONE]\n\n")
    whole = {
        "role": "assistant",
        "content": "Reading.",
        "tool_calls": [{"id": "1", "type": "function", "function": CALL}],
    }
    assert digests(reader.finish().blocks) == digests(messages(whole))


@pytest.mark.parametrize(
    "first", ['{"error": {"message": "Slow down"}}', ' {"error": "Slow down"}']
)
def test_a_refusal_in_plain_json_is_read_where_a_stream_was_expected(first: str):
    reader = OPENAI_CHAT.stream(OPENAI)
    for byte in first.encode():
        reader.feed(bytes([byte]))
    reply = reader.finish()
    assert reply.error is not None and reply.error.message == "Slow down" and reply.complete


def test_only_the_first_of_several_choices_is_read():
    choices = [
        {"index": i, "message": {"content": str(i)}, "finish_reason": "stop"} for i in (1, 0)
    ]
    reply = OPENAI_CHAT.read_reply({"choices": choices}, OPENAI)
    assert [block.value for block in reply.blocks] == ["0"]


FIELDS = [
    "model", "messages", "tools", "functions", "prompt", "prompt_cache_options", "cache_control",
    "tool_choice", "response_format", "prompt_cache_key", "conversation",
]  # fmt: skip
KEYS = [
    "role", "content", "type", "text", "tool_calls", "function", "name", "id", "image_url", "url",
    "cache_control", "prompt_cache_breakpoint", "reasoning_details", "custom", "refusal", "delta",
    "message", "index", "usage", "error", "choices",
]  # fmt: skip
KINDS = ["user", "system", "tool", "assistant", "text", "image_url", "function", "data:image/png,x"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=3),
    lambda child: (
        st.lists(child, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS), child | st.sampled_from(KINDS), max_size=5)
    ),
    max_leaves=12,
)
pieces = st.lists(st.dictionaries(st.sampled_from(KEYS), json_values, max_size=4), max_size=4)


@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_no_request_is_an_error(body: Any):
    prompt = read(body)
    assert prompt.opaque == sum(block.kind is Kind.opaque for block in prompt.blocks)
    assert len(prompt.chain) == len(prompt.blocks)
    assert OPENAI_CHAT.looks_like(body) >= 0


@given(st.dictionaries(st.sampled_from(["id", "usage", "choices", "error"]), json_values))
def test_no_response_is_an_error(body: Any):
    reply = OPENAI_CHAT.read_reply(body, OPENAI)
    assert all(block.section is Section.messages for block in reply.blocks)
    assert OPENAI_CHAT.answers(body) >= 0


@given(
    st.lists(st.dictionaries(st.sampled_from(KEYS), json_values)), st.binary(), st.integers(1, 9)
)
def test_no_stream_is_an_error(chunks: list[Any], tail: bytes, size: int):
    reader = OPENAI_CHAT.stream(OPENAI)
    data = b"".join(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks) + tail
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    assert reader.finish().usage.cache_write is None
