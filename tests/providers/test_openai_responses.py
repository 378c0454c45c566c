import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whycold.core.call import Said
from whycold.core.content import Json, JsonMap
from whycold.core.prompt import Block, Kind, Prompt, Section
from whycold.providers.openai_responses import OPENAI_RESPONSES
from whycold.providers.openai_rules import OPENAI


def read(**body: Json) -> Prompt:
    return OPENAI_RESPONSES.read_request(body, OPENAI, {})


def items(*sent: Json) -> tuple[Block, ...]:
    return read(input=[*sent]).blocks


def one(*sent: Json) -> Block:
    (block,) = items(*sent)
    return block


SAID = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]}
CALL = {"type": "function_call", "call_id": "1", "name": "find", "arguments": "{}"}
THOUGHT = {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}
USER = {"role": "user", "content": "Hi"}


def test_an_input_text_is_one_user_message():
    (text,) = read(input="Hi").blocks
    assert text.digest == one(USER).digest
    assert text.path == "messages[0].content[0]"


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ({"role": "assistant", "content": "Hi."}, {**SAID, "id": "msg_1", "status": "completed"}),
        (CALL, {**dict(reversed(CALL.items())), "id": "fc_1", "status": "completed"}),
        (THOUGHT, {**THOUGHT, "id": "rs_1", "content": None}),
        (
            {"type": "function_call_output", "call_id": "1", "output": "x"},
            {
                "type": "function_call_output",
                "id": "fco_1",
                "call_id": "1",
                "output": [{"type": "input_text", "text": "x"}],
            },
        ),
    ],
)
def test_what_the_api_adds_when_it_returns_an_item_is_no_content(sent: JsonMap, returned: JsonMap):
    assert one(sent).digest == one(returned).digest


def test_thoughts_that_the_server_keeps_are_told_apart_by_their_ids():
    bare: JsonMap = {"type": "reasoning", "summary": []}
    assert one({**bare, "id": "rs_1"}).digest != one({**bare, "id": "rs_2"}).digest


def test_what_was_generated_is_what_the_next_request_sends_back():
    output = [{**THOUGHT, "id": "rs_1"}, {**SAID, "id": "msg_1"}, {**CALL, "id": "fc_1"}]
    reply = OPENAI_RESPONSES.read_reply({"object": "response", "output": output}, OPENAI)
    replayed = items(USER, THOUGHT, SAID, CALL)[1:]
    assert [block.digest for block in reply.blocks] == [block.digest for block in replayed]
    assert [block.message for block in reply.blocks] == [0, 1, 2]


def test_instructions_and_a_leading_developer_message_are_the_system():
    prompt = read(instructions="a", input=[{"role": "developer", "content": "b"}, USER])
    assert [(block.path, block.message) for block in prompt.blocks] == [
        ("system[0]", -1),
        ("system[1]", 0),
        ("messages[1].content[0]", 1),
    ]


@pytest.mark.parametrize("held", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}])
def test_a_developer_message_after_what_the_server_holds_stays_in_the_messages(held: JsonMap):
    prompt = read(instructions="a", input=[{"role": "developer", "content": "b"}], **held)
    assert [block.section for block in prompt.blocks] == [Section.system, Section.messages]


def test_a_later_response_inherits_the_messages_alone():
    prompt = read(previous_response_id="resp_1", input="Go on.")
    assert (prompt.links.continues, prompt.inherits, prompt.unseen) == (
        "resp_1",
        {Section.messages},
        frozenset(),
    )


@pytest.mark.parametrize("named", ["conv_1", {"id": "conv_1"}])
def test_the_messages_of_a_conversation_are_unseen(named: Json):
    prompt = read(conversation=named, input="Go on.")
    assert (prompt.links.conversation, prompt.unseen) == ("conv_1", {Section.messages})


@pytest.mark.parametrize(
    ("options", "asked"), [({"comparison_response_id": "r"}, True), ({"ttl": "12h"}, False)]
)
def test_diagnostics_are_asked_for_by_naming_a_response(options: JsonMap, asked: bool):
    assert read(input="Hi", prompt_cache_options=options).links.asked is asked


@pytest.mark.parametrize(
    ("item", "kind", "path"),
    [
        ({"type": "web_search_call", "id": "ws"}, Kind.tool_use, "messages[0]"),
        ({"type": "shell_call_output", "output": []}, Kind.tool_result, "messages[0]"),
        ({"type": "compaction", "encrypted_content": "x"}, Kind.text, "messages[0]"),
        ({"type": "configuration_update", "reasoning": {}}, Kind.text, "messages[0]"),
        ({"type": "item_reference", "id": "msg_1"}, Kind.opaque, "messages[0]"),
        ({"type": "telepathy"}, Kind.opaque, "messages[0]"),
        (
            {"type": "additional_tools", "tools": [{"name": "a b"}]},
            Kind.tool,
            'messages[0].tools["a b"]',
        ),
        ({"type": "additional_tools", "tools": []}, Kind.opaque, "messages[0]"),
        ("loose", Kind.opaque, "messages[0]"),
    ],
)
def test_items_of_every_kind_are_blocks(item: Json, kind: Kind, path: str):
    block = one(item)
    assert (block.kind, block.path, block.section) == (kind, path, Section.messages)


def test_the_credentials_of_an_mcp_server_are_not_kept():
    tool = {
        "type": "mcp",
        "server_label": "x",
        "authorization": "secret",
        "headers": {"k": "secret"},
    }
    (block,) = read(tools=[tool]).blocks
    assert (block.path, block.value) == ("tools[mcp:x]", {"type": "mcp", "server_label": "x"})


def test_the_same_tool_added_twice_in_the_conversation_has_two_places():
    added: JsonMap = {"type": "additional_tools", "tools": [{"name": "a"}, {"name": "a"}]}
    assert [block.path for block in items(added)] == [
        "messages[0].tools[a]",
        "messages[0].tools[a#2]",
    ]


@pytest.mark.parametrize(
    ("diagnostics", "said", "reason", "missed"),
    [
        ({"type": "cache_hit"}, Said.hit, "cache_hit", None),
        (
            {"type": "cache_miss", "reason": "context_compacted", "cache_missed_tokens": 9},
            Said.changed,
            "context_compacted",
            9,
        ),
        ({"type": "cache_miss"}, Said.changed, "cache_miss", None),
        ({"type": "unavailable"}, Said.inconclusive, "unavailable", None),
        ({"type": "something_new"}, Said.inconclusive, "something_new", None),
    ],
)
def test_the_providers_diagnosis_is_kept_verbatim(
    diagnostics: JsonMap, said: Said, reason: str, missed: int | None
):
    body = {"object": "response", "prompt_cache_diagnostics": diagnostics}
    verdict = OPENAI_RESPONSES.read_reply(body, OPENAI).verdict
    assert verdict is not None
    assert (verdict.said, verdict.reason, verdict.missed_tokens) == (said, reason, missed)


OURS: JsonMap = {"type": "cache_hit", "answered_by": "whycold"}


@pytest.mark.parametrize(
    "body", [{}, {"prompt_cache_diagnostics": None}, {"prompt_cache_diagnostics": OURS}]
)
def test_a_response_without_a_diagnosis_has_none(body: JsonMap):
    assert OPENAI_RESPONSES.read_reply(body, OPENAI).verdict is None


def test_a_response_that_still_runs_is_not_complete():
    body = {"object": "response", "status": "queued", "output": []}
    reply = OPENAI_RESPONSES.read_reply(body, OPENAI)
    assert (reply.complete, reply.stop) == (False, None)


FIELDS = ["model", "input", "instructions", "tools", "prompt", "text", "reasoning", "conversation"]
KEYS = [
    "role", "content", "type", "text", "name", "id", "output", "input", "summary", "call_id",
    "tools", "encrypted_content", "image_url", "phase", "result", "response", "item",
    "output_index", "error", "usage", "prompt_cache_breakpoint",
]  # fmt: skip
KINDS = [
    "user", "developer", "message", "reasoning", "function_call", "function_call_output",
    "additional_tools", "namespace", "computer_screenshot", "image_generation_call",
    "response.completed", "response.output_item.done", "error", "input_text",
]  # fmt: skip
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
    prompt = read(**body)
    assert prompt.opaque == sum(block.kind is Kind.opaque for block in prompt.blocks)
    assert len(prompt.chain) == len(prompt.blocks)
    assert OPENAI_RESPONSES.looks_like(body) >= 0


@given(st.dictionaries(st.sampled_from(["id", "usage", "output", "error", "status"]), json_values))
def test_no_response_is_an_error(body: Any):
    reply = OPENAI_RESPONSES.read_reply(body, OPENAI)
    assert all(block.section is Section.messages for block in reply.blocks)
    assert OPENAI_RESPONSES.answers(body) >= 0


@given(
    st.lists(st.dictionaries(st.sampled_from(KEYS), json_values)), st.binary(), st.integers(1, 9)
)
def test_no_stream_is_an_error(events: list[Any], tail: bytes, size: int):
    reader = OPENAI_RESPONSES.stream(OPENAI)
    data = b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in events) + tail
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    assert reader.finish().verdict is None
