"""Anthropic Messages, where the corpus does not reach: equalities, hosts, rules, odd input."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.frames import chunk
from whycold.core.call import Reply, Said
from whycold.core.prompt import Breakpoint, Kind, Prompt, Section
from whycold.core.rules import CacheRules, Isolation, OptIn
from whycold.providers.anthropic import ANTHROPIC_MESSAGES
from whycold.providers.anthropic_blocks import IMAGE_DEFAULT, PDF_PAGE, image_tokens
from whycold.providers.anthropic_rules import (
    ANTHROPIC,
    BEDROCK_ANTHROPIC,
    DIALECTS,
    FOUNDRY,
    NAME,
    VERTEX_ANTHROPIC,
    anthropic_rules,
)
from whycold.providers.base import Dialect
from whycold.providers.sse import MAX_EVENT

MARK = {"type": "ephemeral"}
HEADER = "x-anthropic-billing-header: cc_version=2.1.101.e51; cc_entrypoint=cli; cch=a5145;"
LOCAL = Dialect(
    name="local",
    title="A local engine",
    wires=(NAME,),
    rules=lambda wire, model: CacheRules("local", opt_in=OptIn.automatic),
    attribution="masked",
)


def read(dialect: Dialect = ANTHROPIC, /, **body: Any) -> Prompt:
    body = {"model": "claude-opus-5-5", "max_tokens": 9, "messages": []} | body
    return ANTHROPIC_MESSAGES.read_request(body, dialect, {})


def said(*content: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": list(content)}


def text(value: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": value, **more}


def answer(**body: Any) -> Reply:
    return ANTHROPIC_MESSAGES.read_reply(body, ANTHROPIC)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"system": "Be kind."}, {"system": [text("Be kind.")]}, id="system"),
        pytest.param(
            {"messages": [{"role": "user", "content": "Hi"}]},
            {"messages": [said(text("Hi"))]},
            id="message",
        ),
        pytest.param(
            {"messages": [said({"type": "tool_result", "tool_use_id": "t", "content": "ok"})]},
            {
                "messages": [
                    said({"type": "tool_result", "tool_use_id": "t", "content": [text("ok")]})
                ]
            },
            id="tool result",
        ),
        pytest.param(
            {"messages": [said(text("Hi", citations=None))]},
            {"messages": [said(text("Hi", citations=[]))]},
            id="no citations",
        ),
        pytest.param({"messages": [said()]}, {"messages": [said(text(""))]}, id="nothing said"),
        pytest.param({"system": ""}, {"system": []}, id="no system"),
    ],
)
def test_two_ways_to_write_the_same_are_the_same_prompt(one: Any, other: Any):
    assert read(**one).chain == read(**other).chain
    assert [b.path for b in read(**one).blocks] == [b.path for b in read(**other).blocks]


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(lambda m: {"tools": [{"name": "a", "input_schema": {}, **m}]}, id="tool"),
        pytest.param(lambda m: {"system": [text("a", **m)]}, id="system"),
        pytest.param(lambda m: {"messages": [said(text("a", **m))]}, id="text"),
        pytest.param(
            lambda m: {"messages": [said({"type": "tool_result", "content": "a", **m})]},
            id="tool result",
        ),
        pytest.param(
            lambda m: {
                "messages": [said({"type": "tool_result", "content": [text("a", **m), text("b")]})]
            },
            id="inside a tool result",
        ),
        pytest.param(lambda m: {"messages": [said(text("a"))], **m}, id="automatic"),
    ],
)
def test_a_marker_is_kept_beside_the_content_and_is_no_part_of_it(place: Any):
    marked = read(**place({"cache_control": {"type": "ephemeral", "ttl": "1h"}}))
    plain = read(**place({}))
    assert marked.chain == plain.chain
    assert (marked.breakpoints, plain.breakpoints) == ((0,), ())
    assert marked.blocks[0].breakpoint is not None
    assert marked.blocks[0].breakpoint.ttl == "1h"
    assert (marked.asks, plain.asks) == (True, False)


def test_arguments_of_a_tool_use_may_be_called_like_a_marker():
    use = {"type": "tool_use", "id": "t", "name": "n", "input": {"cache_control": MARK, "x": None}}
    (block,) = read(messages=[said(use, role="assistant")]).blocks
    assert block.value == use
    assert block.breakpoint is None


def test_automatic_caching_leaves_the_marker_of_the_last_block_as_it_is():
    prompt = read(messages=[said(text("a", cache_control=MARK))], cache_control=MARK)
    assert prompt.blocks[0].breakpoint == Breakpoint()


def test_automatic_caching_of_nothing_marks_nothing():
    assert read(cache_control=MARK).breakpoints == ()


@pytest.mark.parametrize(
    "last",
    [{"type": "thinking", "thinking": "", "signature": "s"}, text("")],
    ids=["thinking", "empty text"],
)
def test_automatic_caching_passes_over_what_cannot_be_marked(last: Any):
    prompt = read(messages=[said(text("a")), said(last, role="assistant")], cache_control=MARK)
    assert prompt.blocks[0].breakpoint == Breakpoint(automatic=True)


def test_the_attribution_header_is_no_part_of_the_prompt_on_the_claude_api():
    prompt = read(system=[text(HEADER), text("Guide.")])
    assert ([b.path for b in prompt.blocks], prompt.stripped) == (["system[1]"], 1)


def test_a_text_that_only_begins_with_the_attribution_header_is_kept():
    assert len(read(system=f"{HEADER}\nGuide.").blocks) == 1


@pytest.mark.parametrize(
    ("sent", "keyed"),
    [
        ("x-anthropic-billing-header: cch=a5145;", "x-anthropic-billing-header: cch=fffff;"),
        ("x-anthropic-billing-header: cch=a;x; cch=b5145;", None),
        ("x-anthropic-billing-header: cch=a514523;", None),
        ("x-anthropic-billing-header: cch=a514", None),
        ("x-anthropic-billing-header; cch=a5145;", None),
        ("x-anthropic-billing-header: cc_version=2;", None),
        (" x-anthropic-billing-header: cch=a5145;", None),
    ],
)
def test_llama_cpp_overwrites_five_characters_of_the_attribution_header(sent: str, keyed: str):
    assert read(LOCAL, system=[text(sent)]).blocks[0].value == (keyed or sent)


@pytest.mark.parametrize("dialect", [BEDROCK_ANTHROPIC, VERTEX_ANTHROPIC, FOUNDRY])
def test_other_hosts_keep_the_attribution_header(dialect: Dialect):
    assert read(dialect, system=[text(HEADER)]).blocks[0].value == HEADER


def test_a_deferred_tool_is_in_the_prompt_only_where_it_is_not_deferred():
    tools = [{"name": "a", "input_schema": {}, "defer_loading": True}]
    assert (read(tools=tools).blocks, read(tools=tools).stripped) == ((), 1)
    assert [block.path for block in read(LOCAL, tools=tools).blocks] == ["tools[a]"]


def test_an_engine_that_caches_unasked_is_not_said_to_be_asked():
    assert read(LOCAL, messages=[said(text("a", cache_control=MARK))]).asks is None
    both = replace(LOCAL, rules=lambda wire, model: CacheRules("both", opt_in=OptIn.both))
    assert read(both, messages=[said(text("a", cache_control=MARK))]).asks is True
    assert read(both, messages=[said(text("a"))]).asks is None


def test_the_secret_of_an_mcp_server_is_not_kept():
    prompt = read(mcp_servers=[{"name": "x", "authorization_token": "secret"}, "y"])
    assert prompt.setting("mcp_servers") == [{"name": "x"}, "y"]


@pytest.mark.parametrize(
    "name", ["temperature", "top_p", "top_k", "metadata", "stop_sequences", "stream"]
)
def test_what_only_shapes_the_answer_is_no_setting(name: str):
    assert [setting.name for setting in read(**{name: 1}).settings] == ["model"]


def test_beta_features_are_named_in_the_header_or_in_the_body():
    body = {"anthropic_beta": ["b"], "betas": "c", "messages": []}
    prompt = ANTHROPIC_MESSAGES.read_request(body, ANTHROPIC, {"anthropic-beta": "d,a, b,"})
    assert prompt.setting("betas") == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("image", "present"),
    [
        ({"type": "image", "source": {"type": "url", "url": "u"}}, True),
        ({"type": "tool_result", "content": [{"type": "image", "source": {}}]}, True),
        (text("image"), None),
    ],
)
def test_an_image_anywhere_is_a_setting(image: Any, present: bool | None):
    assert read(messages=[said(image)]).setting("images") is present


@pytest.mark.parametrize(
    ("width", "height", "standard", "sharp"),
    [
        pytest.param(256, 256, 100, 100, id="small"),
        pytest.param(1280, 720, 1196, 1196, id="within both"),
        pytest.param(1920, 1080, 1560, 2691, id="scaled on older models"),
        pytest.param(8000, 10, 56, 92, id="long edge"),
        pytest.param(1, 8000, 56, 92, id="one pixel wide"),
    ],
)
def test_images_are_counted_in_patches(width: int, height: int, standard: int, sharp: int):
    assert image_tokens(width, height, sharp=False) == standard
    assert image_tokens(width, height, sharp=True) == sharp


@pytest.mark.parametrize(
    ("data", "pages"),
    [(b"", 1), (b"/Type /Pages /Count 2 /Type /Page /Type/Page>>", 2), (b"packed", 1)],
)
def test_the_pages_of_a_pdf_are_counted_where_they_can_be_seen(data: bytes, pages: int):
    source = {"type": "base64", "data": base64.b64encode(data).decode()}
    (block,) = read(messages=[said({"type": "document", "source": source})]).blocks
    assert block.tokens == pages * PDF_PAGE


def test_a_pdf_that_is_no_base64_counts_as_one_page():
    document = {"type": "document", "source": {"type": "base64", "data": "x"}}
    assert read(messages=[said(document)]).blocks[0].tokens == PDF_PAGE


def test_a_result_with_an_image_weighs_its_text_too():
    image = {"type": "image", "source": {"type": "url", "url": "u"}}
    result = {"type": "tool_result", "content": [text("word " * 400), image]}
    (block,) = read(messages=[said(result)]).blocks
    assert block.tokens is not None
    assert IMAGE_DEFAULT + 450 < block.tokens < IMAGE_DEFAULT + 600


@pytest.mark.parametrize(
    ("model", "minimum"),
    [
        ("claude-opus-5-5", 512),
        ("claude-haiku-5-5", 512),
        ("claude-fable-5-1", 512),
        ("claude-opus-4-8", 1024),
        ("claude-sonnet-4-20250514", 1024),
        ("claude-opus-4-1-20250805", 1024),
        ("claude-sonnet-4-5@20250929", 1024),
        ("anthropic/claude-opus-4.6", 4096),
        ("claude-opus-4-7[1m]", 2048),
        ("claude-3-5-haiku-20241022", 2048),
        ("claude-mythos-preview", 2048),
        ("claude-haiku-4-5", 4096),
        ("claude-fable-5-2", None),
        ("claude-3-opus-20240229", None),
        ("claude-2.1", None),
        ("qwen", None),
        (None, None),
    ],
)
def test_the_shortest_prefix_that_is_cached_depends_on_the_model(
    model: str | None, minimum: int | None
):
    rules = anthropic_rules(NAME, model)
    assert rules.minimum == minimum
    assert ("minimum" in rules.sources) == (minimum is not None)


def test_bedrock_documents_minimums_of_its_own():
    rules = BEDROCK_ANTHROPIC.rules(NAME, "us.anthropic.claude-opus-4-6-v1:0")
    assert (rules.minimum, "minimum" in rules.sources) == (None, False)


def test_the_hosts_differ_in_who_shares_a_cache_and_how_runs_are_counted():
    found = {
        dialect.name: (rules.isolation, rules.lookback and rules.lookback.runs_count_once)
        for dialect in DIALECTS
        for rules in [dialect.rules(NAME, None)]
    }
    assert found == {
        "anthropic": (Isolation.workspace, True),
        "bedrock-anthropic": (Isolation.organization, False),
        "vertex-anthropic": (Isolation.organization, False),
        "foundry": (Isolation.workspace, False),
    }


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_fact_has_its_source(dialect: Dialect):
    rules = dialect.rules(NAME, "claude-opus-5-5")
    facts = {"order", "opt_in", "ttls", "markable", "max_breakpoints", "lookback", "isolation"}
    facts |= {"usable_when_begun", "reports_read", "reports_write", "inclusive"}
    assert facts | {f"effects.{name}" for name in rules.effects} <= set(rules.sources)
    assert all(effect.note for effect in rules.effects.values() if not effect.certain)


def test_some_models_keep_their_cache_when_the_effort_changes():
    kept = anthropic_rules(NAME, "claude-opus-5-5").effects["output_config.effort"]
    lost = anthropic_rules(NAME, "claude-opus-5").effects["output_config.effort"]
    assert (kept.voids, lost.voids) == (None, Section.messages)


@pytest.mark.parametrize(
    ("diagnostics", "said_", "reason", "missed"),
    [
        (None, Said.unchanged, None, None),
        ({"cache_miss_reason": None}, Said.inconclusive, "pending", None),
        (
            {"cache_miss_reason": {"type": "model_changed", "cache_missed_input_tokens": 7}},
            Said.changed,
            "model_changed",
            7,
        ),
        ({"cache_miss_reason": {"type": "unavailable"}}, Said.inconclusive, "unavailable", None),
        ({"cache_miss_reason": {"type": "tone_changed"}}, Said.changed, "tone_changed", None),
        ({"cache_miss_reason": {"type": "evicted"}}, Said.inconclusive, "evicted", None),
        ({"cache_miss_reason": "tools_changed"}, Said.changed, "tools_changed", None),
    ],
)
def test_the_providers_diagnosis_is_kept_verbatim(
    diagnostics: Any, said_: Said, reason: str | None, missed: int | None
):
    verdict = answer(type="message", diagnostics=diagnostics).verdict
    assert verdict is not None
    assert (verdict.said, verdict.reason, verdict.missed_tokens) == (said_, reason, missed)


OURS: Any = {"cache_miss_reason": {"type": "unavailable"}, "answered_by": "whycold"}


@pytest.mark.parametrize(
    "body", [{}, {"diagnostics": {}}, {"diagnostics": "none"}, {"diagnostics": OURS}]
)
def test_a_response_without_a_diagnosis_has_none(body: Any):
    assert answer(type="message", **body).verdict is None


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({}, (None, None, None, None)),
        ({"input_tokens": 5}, (5, None, None, None)),
        ({"input_tokens": 5, "cache_read_input_tokens": 7}, (12, 7, None, 5)),
        ({"input_tokens": 5, "cache_read_input_tokens": 0}, (5, 0, None, 5)),
        (
            {
                "input_tokens": 5,
                "cache_read_input_tokens": 7,
                "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
            },
            (17, 7, 5, 5),
        ),
        ({"input_tokens": True, "cache_read_input_tokens": -1}, (None, None, None, None)),
    ],
)
def test_counts_that_are_absent_stay_unknown(usage: Any, expected: tuple[int | None, ...]):
    found = answer(type="message", usage=usage).usage
    assert (found.input, found.cache_read, found.cache_write, found.uncached) == expected


def test_a_server_that_counts_cached_tokens_in_is_not_added_up():
    dialect = replace(LOCAL, exclusive=False)
    usage = {"input_tokens": 100, "cache_read_input_tokens": 90}
    found = ANTHROPIC_MESSAGES.read_reply({"usage": usage}, dialect).usage
    assert (found.input, found.uncached) == (100, 10)


@pytest.mark.parametrize(
    ("body", "status", "kind", "message"),
    [
        ({"type": "error", "error": {"type": "x", "message": "m"}}, None, "x", "m"),
        ({"error": {"code": 400, "message": "m", "type": "x"}}, 400, "x", "m"),
        ({"error": {"code": 429, "message": "m", "status": "X"}}, 429, "X", "m"),
        ({"error": "m"}, None, None, "m"),
        ({"message": "m"}, None, None, "m"),
        ({"detail": "m"}, None, None, "m"),
    ],
)
def test_errors_are_read_in_every_shape(
    body: Any, status: int | None, kind: str | None, message: str
):
    error = answer(**body).error
    assert error is not None
    assert (error.status, error.kind, error.message) == (status, kind, message)


def test_what_was_generated_is_what_the_next_request_sends_back():
    content = [
        {"type": "thinking", "thinking": "t", "signature": "s"},
        text("Hi", citations=None),
        {"type": "tool_use", "id": "t", "name": "n", "input": {"b": 1, "a": 2}},
    ]
    sent_back = read(messages=[said(*content, role="assistant")])
    generated = answer(type="message", role="assistant", content=content).blocks
    assert [b.digest for b in generated] == [b.digest for b in sent_back.blocks]


def test_a_stream_in_aws_frames_is_read():
    start = {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3}}}
    reader = ANTHROPIC_MESSAGES.stream(BEDROCK_ANTHROPIC)
    for byte in chunk(json.dumps(start).encode()) + chunk(b'{"type": "message_stop"}'):
        reader.feed(bytes([byte]))
    reply = reader.finish()
    assert (reply.message_id, reply.usage.input, reply.complete) == ("m", 3, True)


def test_an_empty_stream_is_no_complete_reply():
    reader = ANTHROPIC_MESSAGES.stream(ANTHROPIC)
    reader.feed(b"")
    assert reader.finish() == Reply(complete=False)


def test_a_body_without_end_is_no_complete_reply():
    reader = ANTHROPIC_MESSAGES.stream(ANTHROPIC)
    for data in (b"{" + b" " * MAX_EVENT, b"}"):
        reader.feed(data)
    assert reader.finish() == Reply(complete=False)


@pytest.mark.parametrize(
    "events",
    [
        [{"type": "content_block_delta", "index": 4, "delta": {"type": "text_delta"}}],
        [{"type": "content_block_start"}, {"type": "content_block_delta", "delta": 3}],
        [{"type": "message_start", "message": 1}, {"type": "message_delta", "usage": []}],
        [{"type": "fallback", "message": "other"}, {}, {"type": 3}],
        [
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "sound_delta"}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 1}},
        ],
    ],
)
def test_events_of_an_unknown_shape_are_passed_over(events: Any):
    reader = ANTHROPIC_MESSAGES.stream(ANTHROPIC)
    for event in events:
        reader.feed(f"data: {json.dumps(event)}\n\n".encode())
    reader.feed(b"data: [DONE]\n\ndata: {\n\n")
    assert reader.finish().error is None


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": [{"text": "Hi"}]}], "inferenceConfig": {}},
        {"messages": [said({"type": "image_url", "image_url": {}})], "model": "gpt-5"},
        {"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]},
        {"messages": [said(text("Hi"))], "tools": [{"type": "function", "function": {}}]},
        {"input": "Hi", "model": "gpt-5"},
        {"contents": []},
        {"messages": "Hi"},
        {},
    ],
)
def test_requests_of_other_apis_do_not_look_like_this_one(body: Any):
    assert ANTHROPIC_MESSAGES.looks_like(body) == 0


def test_the_more_a_request_shows_the_higher_it_is_graded():
    plain = {"messages": [{"role": "user", "content": "Hi"}]}
    grades = [
        ANTHROPIC_MESSAGES.looks_like(body)
        for body in (
            plain,
            plain | {"max_tokens": 5},
            plain | {"max_tokens": 5, "model": "claude-opus-5"},
            plain | {"max_tokens": 5, "model": "claude-opus-5", "system": "x"},
            plain | {"anthropic_version": "vertex-2023-10-16", "max_tokens": 5},
        )
    ]
    assert grades == sorted(set(grades))


KEYS = ("type", "text", "content", "source", "role", "name", "cache_control", "input", "citations")
KINDS = ("text", "image", "document", "tool_use", "tool_result", "thinking", "base64")
FIELDS = ("model", "tools", "system", "messages", "cache_control", "thread", "tool_choice", "betas")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=3),
    lambda child: (
        st.lists(child, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS), child | st.sampled_from(KINDS), max_size=5)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_no_request_is_an_error(body: Any):
    prompt = ANTHROPIC_MESSAGES.read_request(body, ANTHROPIC, {})
    assert prompt.opaque == sum(block.kind is Kind.opaque for block in prompt.blocks)
    assert len(prompt.chain) == len(prompt.blocks)
    assert ANTHROPIC_MESSAGES.looks_like(body) >= 0


@given(st.dictionaries(st.sampled_from(["id", "usage", "content", "error", "type"]), json_values))
def test_no_response_is_an_error(body: Any):
    assert ANTHROPIC_MESSAGES.answers(body) >= 0
    assert ANTHROPIC_MESSAGES.read_reply(body, ANTHROPIC).complete


@given(st.binary(), st.integers(1, 9))
def test_no_stream_is_an_error(data: bytes, size: int):
    reader = ANTHROPIC_MESSAGES.stream(ANTHROPIC)
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    assert not reader.finish().complete
