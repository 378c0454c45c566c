"""Gemini requests, responses and cache rules: what corpus/ does not show."""

import json
from datetime import timedelta
from typing import Any

import pytest

from whycold.core.content import JsonMap
from whycold.core.prompt import Block, Kind, Section
from whycold.core.rules import OptIn
from whycold.providers.base import Dialect
from whycold.providers.gemini import GEMINI_GENERATE
from whycold.providers.gemini_rules import GEMINI, VERTEX, gemini_rules, vertex_rules

GATEWAY = Dialect("gateway", "A gateway", ("gemini.generate",), gemini_rules)


def blocks(**body: Any) -> tuple[Block, ...]:
    return GEMINI_GENERATE.read_request(body, GEMINI, {}).blocks


def reply(body: JsonMap, dialect: Dialect = GEMINI):
    return GEMINI_GENERATE.read_reply(body, dialect)


def streamed(*chunks: JsonMap, dialect: Dialect = GEMINI):
    reader = GEMINI_GENERATE.stream(dialect)
    for chunk in chunks:
        reader.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    return reader.finish()


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}]}, **more}]}


def test_both_spellings_of_a_field_give_the_same_prompt():
    camel = blocks(
        systemInstruction={"parts": [{"text": "a"}]},
        tools=[{"functionDeclarations": [{"name": "f"}]}, {"googleSearch": {}}],
        contents=[{"parts": [{"functionCall": {"name": "f"}, "thoughtSignature": "s"}]}],
    )
    snake = blocks(
        system_instruction={"parts": [{"text": "a"}]},
        tools=[{"function_declarations": [{"name": "f"}]}, {"google_search": {}}],
        contents=[{"parts": [{"function_call": {"name": "f"}, "thought_signature": "s"}]}],
    )
    assert camel == snake
    assert [block.digest for block in camel] == [block.digest for block in snake]


@pytest.mark.parametrize(
    "contents",
    ["hello", {"parts": {"text": "hello"}}, [{"parts": "hello"}], [{"parts": [{"text": "hello"}]}]],
)
def test_shorthands_of_one_user_text_are_the_same_block(contents: object):
    (block,) = blocks(contents=contents)
    assert (block.path, block.value, block.role) == ("messages[0].content[0]", "hello", "user")


def test_two_tools_of_the_server_without_settings_are_not_the_same():
    search, code = blocks(tools=[{"googleSearch": {}}, {"codeExecution": {}}])
    assert search.digest != code.digest


def test_a_tool_declared_twice_has_two_paths():
    twice = [{"functionDeclarations": [{"name": "f"}, {"name": "f", "description": "g"}]}]
    assert [block.path for block in blocks(tools=twice)] == ["tools[f]", "tools[f#2]"]


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"text": "a"}, Kind.text),
        ({"text": "a", "thought": True}, Kind.thinking),
        ({"thoughtSignature": "s"}, Kind.redacted_thinking),
        ({"text": 1}, Kind.opaque),
        ({"inlineData": {"mimeType": "image/webp"}}, Kind.image),
        ({"inlineData": {"mimeType": "audio/ogg"}}, Kind.audio),
        ({"fileData": {"mimeType": "video/mp4"}}, Kind.document),
        ({"inlineData": 3}, Kind.opaque),
        ({"functionCall": {}}, Kind.tool_use),
        ({"toolResponse": {}}, Kind.tool_result),
        ({}, Kind.opaque),
        (None, Kind.opaque),
        ([], Kind.opaque),
    ],
)
def test_a_part_is_of_the_kind_its_field_says(part: object, kind: Kind):
    (block,) = blocks(contents=[{"parts": [part]}])
    assert block.kind is kind


def test_a_thought_that_is_false_is_plain_text():
    (block,) = blocks(contents=[{"parts": [{"text": "a", "thought": False}]}])
    assert block.value == "a"


PNG_900_600 = "iVBORw0KGgoAAAANSUhEUgAAA4QAAAJYCAIAAAA="


@pytest.mark.parametrize(
    ("model", "more", "tokens"),
    [
        ("gemini-2.5-flash", {"inlineData": {"data": PNG_900_600}}, 2 * 258),
        ("gemini-2.5-flash", {"inlineData": {"data": "?"}}, 258),
        ("gemini-2.0-flash", {"fileData": {"fileUri": "u"}}, 258),
        ("gemini-4-argon", {"inlineData": {"data": PNG_900_600}}, 1120),
        (
            "gemini-3.5-flash",
            {"inlineData": {}, "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}},
            280,
        ),
    ],
)
def test_an_image_is_counted_as_its_model_does(model: str, more: dict[str, Any], tokens: int):
    for source in ("inlineData", "fileData"):
        if source in more:
            more = {**more, source: {"mimeType": "image/png", **more[source]}}
    (block,) = blocks(model=model, contents=[{"parts": [more]}])
    assert block.tokens == tokens


def test_an_explicit_cache_is_the_first_block_and_asks_for_caching():
    body = {"cached_content": "cachedContents/a", "contents": [{"parts": [{"text": "x"}]}]}
    prompt = GEMINI_GENERATE.read_request(body, GEMINI, {})
    first = prompt.blocks[0]
    assert (first.kind, first.value) == (Kind.cached_content, "cachedContents/a")
    assert (prompt.breakpoints, prompt.asks) == ((0,), True)


@pytest.mark.parametrize(
    ("model", "asks"), [("gemini-2.5-pro", None), ("gemini-2.0-flash", False), (None, None)]
)
def test_a_model_without_implicit_caching_has_not_been_asked(model: str | None, asks: bool | None):
    assert GEMINI_GENERATE.read_request({"model": model}, GEMINI, {}).asks is asks


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("publishers/google/models/gemini-2.5-pro:generateContent", "gemini-2.5-pro"),
        ("gemini-2.5-pro", "gemini-2.5-pro"),
        ("", None),
        (7, None),
    ],
)
def test_the_model_is_named_without_its_folder(name: str | int, model: str | None):
    assert GEMINI_GENERATE.model({"model": name}) == model


def counted(**counts: Any) -> dict[str, Any]:
    return {**said("x", finishReason="STOP"), "usageMetadata": counts}


@pytest.mark.parametrize(
    ("counts", "read"),
    [
        ({"promptTokenCount": 10, "cachedContentTokenCount": 4}, 4),
        ({"promptTokenCount": 10, "cachedContentTokenCount": 0}, 0),
        ({"promptTokenCount": 10}, 0),
        ({"candidatesTokenCount": 3}, None),
        ({"promptTokenCount": "10"}, None),
        ({}, None),
    ],
)
def test_google_leaves_a_read_of_nothing_out(counts: dict[str, Any], read: int | None):
    for dialect in (GEMINI, VERTEX):
        assert reply(counted(**counts), dialect).usage.cache_read == read


def test_a_gateway_that_reports_no_read_has_not_reported_it():
    usage = reply(counted(promptTokenCount=10), GATEWAY).usage
    assert (usage.input, usage.cache_read, usage.uncached) == (10, None, None)


def test_what_the_servers_own_tools_fetched_is_no_part_of_the_prompt():
    usage = reply(counted(promptTokenCount=10, toolUsePromptTokenCount=500)).usage
    assert (usage.input, usage.uncached) == (10, 10)


@pytest.mark.parametrize(
    ("counts", "tier"),
    [
        ({"trafficType": "ON_DEMAND"}, None),
        ({"trafficType": "ON_DEMAND_FLEX"}, "flex"),
        ({"trafficType": "PROVISIONED_THROUGHPUT"}, "provisioned_throughput"),
        ({"serviceTier": "SERVICE_TIER_PRIORITY"}, "priority"),
        ({}, None),
    ],
)
def test_the_tier_is_told_by_either_field(counts: dict[str, Any], tier: str | None):
    assert reply(counted(**counts)).usage.tier == tier


def test_counts_that_a_later_chunk_leaves_out_are_kept():
    last = {**said("b", finishReason="STOP"), "usageMetadata": {"trafficType": "ON_DEMAND"}}
    first = {"usageMetadata": {"promptTokenCount": 9, "cachedContentTokenCount": 8}}
    usage = streamed({**said("a"), **first}, last).usage
    assert (usage.input, usage.cache_read) == (9, 8)


def test_a_stream_that_was_cut_reports_no_read():
    cut = streamed({**said("a"), "usageMetadata": {"promptTokenCount": 9}})
    assert (cut.complete, cut.usage.cache_read) == (False, None)


def test_an_error_within_a_stream_leaves_it_incomplete():
    broken = streamed(said("a"), {"error": {"code": 503, "status": "UNAVAILABLE", "message": "m"}})
    assert broken.error is not None
    assert (broken.error.status, broken.complete) == (503, False)


@pytest.mark.parametrize("body", [b'{"error":{"code":429}}', b'[{"error":{"code":429}}]'])
def test_a_refusal_in_json_is_read_where_a_stream_was_expected(body: bytes):
    reader = GEMINI_GENERATE.stream(GEMINI)
    reader.feed(b"\n")
    reader.feed(body)
    refused = reader.finish()
    assert refused.error is not None
    assert (refused.error.status, refused.complete) == (429, True)


def test_text_goes_on_only_where_nothing_else_stands_between():
    parts: list[JsonMap] = [
        {"text": "a"}, {"text": "b"}, {"text": "c", "thought": True}, {"text": "d"}, {"text": ""},
        {"functionCall": {"name": "f"}}, {"text": "e"}, {"text": "f"},
    ]  # fmt: skip
    chunks = [{"candidates": [{"content": {"parts": [part]}}]} for part in parts]
    values = [block.value for block in streamed(*chunks).blocks]
    thought = {"text": "c", "thought": True}
    assert values == ["ab", thought, "d", {"functionCall": {"name": "f"}}, "ef"]


@pytest.mark.parametrize("data", [b"", b"data: {\n\n", b"[{", b"\x00\xff", b"[1, 2]", b"data: []"])
def test_a_stream_of_anything_else_is_no_error_and_not_complete(data: bytes):
    reader = GEMINI_GENERATE.stream(GEMINI)
    reader.feed(data)
    assert not reader.finish().complete


@pytest.mark.parametrize(
    "body",
    [
        {"contents": 5, "tools": 5, "systemInstruction": 5, "generationConfig": 5, "model": []},
        {"contents": [None, 5, [], {"parts": 5, "role": {}}], "tools": [None, {"a": None}]},
        {"request": {"contents": []}},
        {"tools": [{"functionDeclarations": [None, "x", {"name": 7}]}]},
    ],
)
def test_wrong_types_are_opaque_and_counted(body: JsonMap):
    prompt = GEMINI_GENERATE.read_request(body, GEMINI, {})
    assert prompt.opaque == sum(block.kind is Kind.opaque for block in prompt.blocks)


@pytest.mark.parametrize("body", [{"messages": []}, {"input": "x"}, {}, {"prompt": "x"}])
def test_other_requests_do_not_look_like_gemini(body: JsonMap):
    assert GEMINI_GENERATE.looks_like(body) == 0


@pytest.mark.parametrize(
    ("model", "minimum"),
    [
        ("gemini-2.5-flash-lite", 2048),
        ("gemini-3.1-pro-preview", 4096),
        ("gemini-3.6-flash", 4096),
        ("gemini-4-argon", 4096),
        ("gemini-3-flash-preview", 1024),
        ("gemini-4-carbon", None),
        (None, None),
    ],
)
def test_the_minimum_is_the_models_own(model: str | None, minimum: int | None):
    assert gemini_rules("gemini.generate", model).minimum == minimum


def test_vertex_has_a_minimum_of_its_own_and_an_end_of_its_entries():
    rules = vertex_rules("gemini.generate", "gemini-4-argon")
    assert (rules.minimum, rules.ttls[0].lifetime) == (6144, timedelta(hours=24))


def test_before_gemini_2_5_only_explicit_caches_exist():
    assert gemini_rules("gemini.generate", "gemini-2.0-flash").opt_in is OptIn.explicit


@pytest.mark.parametrize("rules", [gemini_rules, vertex_rules])
def test_every_setting_that_is_read_has_an_effect_and_every_effect_a_setting(rules: Any):
    body = {
        "model": "gemini-2.5-pro",
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        "generationConfig": {
            "responseMimeType": "application/json", "responseSchema": {}, "responseJsonSchema": {},
            "thinkingConfig": {}, "mediaResolution": "LOW", "temperature": 1,
        },
        "safetySettings": [{}],
    }  # fmt: skip
    settings = GEMINI_GENERATE.read_request(body, GEMINI, {}).settings
    assert {setting.name for setting in settings} == set(rules("gemini.generate", None).effects)


def test_tools_stand_before_the_system_and_the_messages():
    found = blocks(
        contents=[{"parts": [{"text": "x"}]}],
        systemInstruction={"parts": [{"text": "y"}]},
        tools=[{"googleSearch": {}}],
    )
    order = gemini_rules("gemini.generate", None).order
    assert tuple(block.section for block in found) == order == tuple(Section)[1:]
