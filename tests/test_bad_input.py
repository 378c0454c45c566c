"""Whatever ``whycold diff`` is given: an answer, or one line on standard error and exit code 2."""

import gzip
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frontends.bodies import (
    APIS,
    WRONG,
    fields,
    mangled,
    replaced,
    requests,
    responses,
    streams,
)
from tests.frontends.command import Ran, diff, whycold, write
from tests.unprivileged import unprivileged
from whycold.errors import UserError
from whycold.frontends.comparison import Comparison
from whycold.frontends.diagnosis_json import as_json
from whycold.providers.exchange import Exchange, read_exchange
from whycold.providers.registry import DIALECTS, WIRES, read_reply

AT = datetime(2026, 11, 23, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "model": "claude-opus-4-8",
    "max_tokens": 100,
    "tools": [{"name": "Read", "description": "Reads.", "input_schema": {"type": "object"}}],
    "system": "You are careful.",
    "messages": [{"role": "user", "content": "Hello"}],
}
CHAT: dict[str, Any] = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "Hello"}]}


def told(ran: Ran) -> Any:
    """The diagnosis that a run with --json printed."""
    assert (ran.code, ran.err) == (0, "")
    return json.loads(ran.out)


# Files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \r\n\t ", "is empty"),
        (b"hello", "is not JSON: expecting value (line 1, column 1)"),
        (b'{"model": "x",}', "is not JSON: "),
        (b'{"messages": [', "is not JSON: expecting value (line 1, column 15)"),
        (b'{"a": 1}\n{"a": 2}', "one value ends and another begins (line 2, column 1); give one"),
        (b"[1]", "is JSON, but not an object: expected a request body or a recorded exchange"),
        (b"null", "is JSON, but not an object"),
        (b"{}", "is not a request of an API that is known"),
        (
            b'{"hello": 1}',
            "has none of messages, input, contents or their like (its keys are hello",
        ),
        (gzip.compress(b"{}", mtime=0), "is packed (gzip): unpack it first"),
        (b"PK\x03\x04rest", "is packed (zip)"),
        (bytes(range(256)) * 8, "is not JSON: "),
        (bytes(range(16, 256)) + bytes(16), "is not text: expected JSON"),
        (b"\x7fELF\x02\x01\x01\x00rest", "is not text"),
        (b"\xff\xfe\xff", "is not "),
        (b'{"request": 5}', 'holds a "request" that is not a JSON object'),
        (b'{"request": "{"}', 'holds a "request" that is not JSON'),
        (b'{"request": {}}', "is not a request of an API that is known"),
        (b'{"messages": [' + b"1" * 5000 + b"]}", "a number in it is too long"),
    ],
    ids=lambda value: repr(value)[:40],
)
@pytest.mark.parametrize("side", ["before", "after"])
def test_what_is_no_request_is_told_with_the_name_of_its_file(
    tmp_path: Path, content: bytes, message: str, side: str
):
    other = json.dumps(GOOD).encode()
    ran = diff(tmp_path, *((content, other) if side == "before" else (other, content)))
    assert ran.mistake.startswith(f"{tmp_path / side}.json: ")
    assert message in ran.mistake


def test_a_response_is_told_apart_from_a_request(tmp_path: Path):
    answer = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": {}}
    message = diff(tmp_path, GOOD, answer).mistake
    assert "after.json: is a response (anthropic.messages), not a request" in message


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, kind: str):
    good, path = write(tmp_path, "good.json", GOOD), tmp_path / kind
    if kind == "folder":
        path.mkdir()
    assert whycold("diff", path, good).mistake.startswith(f"{path}: cannot be read (")
    assert whycold("diff", good, path).mistake.startswith(f"{path}: cannot be read (")


def test_a_file_without_permission_is_named(tmp_path: Path):
    good, path = write(tmp_path, "good.json", GOOD), write(tmp_path, "secret.json", GOOD)
    path.chmod(0)
    with unprivileged(tmp_path):
        assert "cannot be read (Permission denied)" in whycold("diff", good, path).mistake


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless file here")
def test_an_endless_file_is_not_read_to_its_end(tmp_path: Path):
    good = write(tmp_path, "good.json", GOOD)
    assert "is longer than 256 MB" in whycold("diff", "/dev/zero", good).mistake


def test_one_side_may_be_standard_input_and_both_may_not(tmp_path: Path):
    good, data = write(tmp_path, "good.json", GOOD), json.dumps(GOOD).encode()
    assert whycold("diff", good, "-", stdin=data).code == 0
    assert whycold("diff", "-", good, stdin=data).code == 0
    assert "can be read only once" in whycold("diff", "-", "-", stdin=data).mistake
    assert whycold("diff", good, "-", stdin=b"").mistake == "-: is empty"


def test_text_in_another_encoding_is_read(tmp_path: Path):
    text = json.dumps(GOOD)
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-32"):
        assert told(diff(tmp_path, GOOD, text.encode(encoding), "--json"))["divergences"] == []


def test_requests_of_two_apis_are_not_compared(tmp_path: Path):
    assert (
        "different APIs (anthropic.messages and openai.chat)" in diff(tmp_path, GOOD, CHAT).mistake
    )


# Options


def test_an_unknown_provider_lists_the_known_ones(tmp_path: Path):
    message = diff(tmp_path, GOOD, GOOD, "--provider", "nobody").mistake
    assert message.startswith("no provider is called 'nobody'; known are ")
    assert all(name in message for name in DIALECTS)


def test_a_provider_that_speaks_another_format_is_refused(tmp_path: Path):
    assert (
        "is not a request to Gemini" in diff(tmp_path, GOOD, GOOD, "--provider", "gemini").mistake
    )


@pytest.mark.parametrize(
    "content", [b"", b"x", b"[]", b"{}", b'{"m": {"input_cost_per_token": "y"}}']
)
def test_a_file_that_holds_no_prices_is_named(tmp_path: Path, content: bytes):
    prices = write(tmp_path, "prices.json", content)
    message = diff(tmp_path, GOOD, GOOD, "--prices", str(prices)).mistake
    assert message.startswith(f"{prices}: ")


@pytest.mark.parametrize("arguments", [["diff"], ["diff", "x"], ["diff", "x", "y", "z"], ["--no"],
                                       ["nothing"], ["diff", "--limit", "x", "y"]])  # fmt: skip
def test_a_wrong_command_line_is_told_in_one_line_that_names_help(arguments: list[str]):
    assert "--help" in whycold(*arguments).mistake


# Contents


def test_the_last_of_two_equal_keys_counts(tmp_path: Path):
    twice = json.dumps(GOOD).replace('"Hello"', '"Bye", "content": "Hello"').encode()
    assert told(diff(tmp_path, GOOD, twice, "--json"))["divergences"] == []


def test_numbers_that_are_none_and_numbers_without_end_are_compared(tmp_path: Path):
    odd = {**GOOD, "temperature": float("nan"), "top_p": float("inf"), "max_tokens": 10**400}
    schema = {"minimum": float("nan"), "maximum": 10**400, "default": -(10**30)}
    odd["tools"] = [{"name": "Read", "description": "Reads.", "input_schema": schema}]
    assert told(diff(tmp_path, odd, odd, "--json"))["divergences"] == []
    assert told(diff(tmp_path, GOOD, odd, "--json"))["divergences"]


def test_unpaired_surrogates_are_compared_and_shown(tmp_path: Path):
    odd = json.dumps(GOOD).replace("careful", "care\\ud83dful").encode()
    [found] = told(diff(tmp_path, GOOD, odd, "--json"))["divergences"]
    assert "\ud83d" in found["after"]
    assert "\\ud83d" in diff(tmp_path, GOOD, odd).out


def test_bytes_that_are_no_characters_are_compared(tmp_path: Path):
    odd = json.dumps(GOOD).encode().replace(b"careful", b"care\xfful")
    assert len(told(diff(tmp_path, GOOD, odd, "--json"))["divergences"]) == 1


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("levels", [100, 1_000, 100_000])
def test_deep_nesting_is_an_answer_or_a_mistake(tmp_path: Path, opening: bytes, levels: int):
    closing = b"]" if opening == b"[" else b"}"
    inside = opening * levels + b"1" + closing * levels
    deep = json.dumps(GOOD).encode().replace(b'"object"', inside)
    ran = diff(tmp_path, GOOD, deep, "--json")
    if levels == 100:
        assert len(told(ran)["divergences"]) == 1
    else:
        assert "is nested deeper than 200 levels" in ran.mistake


def test_blocks_of_unknown_kinds_are_counted(tmp_path: Path):
    odd = {**GOOD, "messages": [{"role": "user", "content": [{"type": "hologram"}, 5, None]}]}
    ran = diff(tmp_path, GOOD, odd, "--json")
    assert told(ran)["opaque_blocks"] == 3
    assert "3 blocks of an unknown kind: compared, not read" in diff(tmp_path, GOOD, odd).out


STEERING = "\x1b[31m\x1b]0;owned\x07\x00\x08\r\x7f\x85\x9b31m\u202e\u2066\u200f\ufeff"


def test_a_terminal_obeys_nothing_that_stands_in_a_request(tmp_path: Path):
    odd = json.loads(json.dumps(GOOD))
    odd["tools"][0]["name"] = f"Read{STEERING}"
    odd["tools"][0]["description"] = f"Reads{STEERING}."
    odd["model"] = f"claude{STEERING}"
    odd["messages"][0] = {"role": "user", "content": f"[red]{STEERING} :smile: Hello"}
    for pair in ((GOOD, odd), (odd, GOOD)):
        ran = diff(tmp_path, *pair)
        assert ran.code == 0
        assert not set(ran.out) & (set(STEERING) - set("[31m]0;owned"))
        assert "[red]" in ran.out
        assert ":smile:" in ran.out
    assert diff(tmp_path, GOOD, odd, "--json").out.isascii()


def test_a_terminal_obeys_nothing_in_the_name_of_a_file():
    name = STEERING.replace("\x00", "")
    message = whycold("diff", f"/none{name}", "/none").mistake
    assert message.isprintable()


# Recorded exchanges


@pytest.mark.parametrize(
    "response",
    [5, True, [], [1, 2], {}, "", "garbage", "<html>502</html>", "data: {", {"usage": 5},
     {"usage": {"input_tokens": "many"}}, {"usage": {"input_tokens": -5}},
     "event: x\ndata: []\n\n"]
)  # fmt: skip
def test_a_response_that_cannot_be_read_leaves_the_usage_unknown_and_says_so(
    tmp_path: Path, response: Any
):
    recorded = {"request": GOOD, "response": response, "at": "2026-11-23T09:00:00Z"}
    found = told(diff(tmp_path, recorded, recorded, "--json"))
    assert set(found["usage"].values()) == {None}
    assert found["verdict"] == "unknown"
    assert found["notes"] == [
        f"the response in {side} holds no usage that can be read" for side in ("BEFORE", "AFTER")
    ]
    text = " ".join(diff(tmp_path, recorded, recorded).out.split())
    assert "the response in AFTER holds no usage that can be read" in text


@pytest.mark.parametrize(
    "time", [5, -5, 1e300, float("nan"), "yesterday", "0001-01-01", "9999-12-31T23:59:59Z", [], {}]
)
def test_a_time_that_is_none_is_not_known(tmp_path: Path, time: Any):
    recorded = {"request": GOOD, "at": time, "began": time}
    found = told(diff(tmp_path, recorded, recorded, "--json"))
    assert (found["at"], found["gap_seconds"]) == (None, None)


def test_files_that_are_swapped_are_noticed(tmp_path: Path):
    early = {"request": GOOD, "at": "2026-11-23T09:00:00Z"}
    late = {"request": GOOD, "at": 1795424400 + 90}
    [note] = told(diff(tmp_path, late, early, "--json"))["notes"]
    assert note == "AFTER was sent 1 min 30 s before BEFORE: perhaps the two are swapped"
    assert told(diff(tmp_path, early, late, "--json"))["gap_seconds"] == 90


# Every known field with every wrong type


@pytest.mark.parametrize("api", APIS)
def test_a_wrong_type_in_any_field_of_a_request_is_an_answer_or_a_mistake(tmp_path: Path, api: str):
    for number, (body, steps) in enumerate(fields(requests(api))):
        wrong = replaced(body, steps, WRONG[number % len(WRONG)])
        ran = diff(tmp_path, body, wrong, *(["--json"] if number % 2 else []))
        assert ran.code == 0 or ran.mistake


@pytest.mark.slow
@pytest.mark.parametrize("api", APIS)
def test_every_wrong_type_in_every_field_of_a_request_is_an_answer_or_a_mistake(api: str):
    for body, steps in fields(requests(api)):
        for wrong in WRONG:
            odd = replaced(body, steps, wrong)
            answered(body, odd)
            answered(odd, body)


@pytest.mark.parametrize("api", APIS)
def test_every_wrong_type_in_every_field_of_a_response_is_an_answer(api: str):
    pairs = responses(api)
    by_id = {id(answer): request for request, answer in pairs}
    for answer, steps in fields([answer for _, answer in pairs]):
        request = by_id[id(answer)]
        for wrong in WRONG:
            odd = replaced(answer, steps, wrong)
            recorded = {"request": request, "response": odd, "at": 1795424400}
            assert answered(recorded, {**recorded, "at": 1795424430})


def answered(before: Any, after: Any) -> dict[str, Any] | None:
    """The diagnosis of two documents; None for a mistake. Any other exception is the failure."""
    try:
        first, second = (read_exchange(json.dumps(part).encode()) for part in (before, after))
        found = as_json(Comparison().of(first, second), blocks=True)
    except UserError:
        return None
    json.dumps(found)
    return dict(found)


# Anything at all

SEEDS = st.integers(min_value=0, max_value=2**32)
NAMES = sorted(
    {step for api in APIS for _, steps in fields(requests(api)) for step in steps[-1:] if step}
    - set(range(99)),
    key=str,
)
WORDS = ["user", "assistant", "system", "tool", "text", "tool_use", "tool_result", "image",
         "function", "message", "function_call", "model", "ephemeral", "5m", "auto"]  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**18, max_value=10**60)
    | st.floats()
    | st.text(alphabet=st.characters(exclude_categories=()), max_size=20)
    | st.sampled_from(WORDS)
)
KEYS = st.sampled_from([str(name) for name in NAMES]) | st.text(max_size=5)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=8)
)
TOPS = st.sampled_from(["messages", "input", "contents", "system", "tools", "toolConfig", "prompt",
                        "instructions", "systemInstruction", "model", "modelId"])  # fmt: skip


@settings(max_examples=300)
@given(before=st.dictionaries(TOPS | KEYS, JSON, max_size=8), after=JSON)
def test_any_json_is_an_answer_or_a_mistake(before: Any, after: Any):
    answered(before, after)
    answered(before, before)


@settings(max_examples=300)
@given(body=st.dictionaries(TOPS | KEYS, JSON, max_size=8), reply=JSON)
def test_any_json_is_read_as_a_request_and_as_a_reply_of_every_api(body: Any, reply: Any):
    for wire in WIRES.values():
        dialect = next(d for d in DIALECTS.values() if wire.name in d.wires)
        wire.read_request(body, dialect, {})
        read_reply(wire, dialect, json.dumps(reply).encode())
        if isinstance(reply, dict):
            wire.read_reply(reply, dialect)


@pytest.mark.parametrize("api", APIS)
@settings(max_examples=120)
@given(seed=SEEDS, strange=JSON, times=st.integers(min_value=1, max_value=6))
def test_a_request_changed_at_random_is_an_answer_or_a_mistake(
    api: str, seed: int, strange: Any, times: int
):
    chance = random.Random(seed)
    body = chance.choice(requests(api))
    odd = mangled(chance, body, strange, times)
    answered(body, odd)
    answered(odd, mangled(chance, odd, strange, 1) if isinstance(odd, dict) else body)


@pytest.mark.parametrize("api", APIS)
@settings(max_examples=60)
@given(seed=SEEDS, strange=JSON, times=st.integers(min_value=1, max_value=6))
def test_an_exchange_changed_at_random_is_an_answer(api: str, seed: int, strange: Any, times: int):
    chance = random.Random(seed)
    request, response = chance.choice(responses(api))
    first = {"request": request, "response": response, "at": 1795424400}
    second = mangled(chance, {**first, "at": 1795424430}, strange, times)
    answered(first, second)
    answered(second, first)


@pytest.mark.parametrize("api", APIS)
@settings(max_examples=100)
@given(seed=SEEDS, junk=st.binary(max_size=30))
def test_a_stream_cut_and_spoilt_at_random_is_a_reply(api: str, seed: int, junk: bytes):
    chance = random.Random(seed)
    request, stream = chance.choice(streams(api))
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(stream) + 1), chance.choice([0, 1, 20, 200])
        stream = stream[:at] + chance.choice([junk, b"", stream[:at][-40:]]) + stream[at + length :]
    for wire in WIRES.values():
        dialect = next(d for d in DIALECTS.values() if wire.name in d.wires)
        reader = wire.stream(dialect)
        cut = chance.randrange(len(stream) + 1)
        reader.feed(stream[:cut])
        reader.feed(stream[cut:])
        reader.finish()
    call = Exchange(request, stream, at=AT).call("c", AT)
    assert call.prompt.blocks is not None
