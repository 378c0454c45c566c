"""What a proxy leaves of an exchange whose text may not be kept, and what can be read of that."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.traffic import SERVED, Conversation, body, exchange
from whycold.core.content import as_map
from whycold.core.tokens import estimate
from whycold.sources.extract import BadExtract, decode_extract, encode_extract, hashed
from whycold.sources.proxied import NotACall, read_proxied
from whycold.sources.reduce import Reducer
from whycold.sources.spool_frame import encode_frame
from whycold.sources.spool_record import Capture, Exchange, Record

KEY = b"k" * 32
REDUCE = Reducer(SERVED, KEY)
SECRET = "the quick brown fox"


def told(question: str = SECRET) -> Exchange:
    return Conversation().turn(question, after_s=1)


def reduced(one: Exchange, capture: Capture, reduce: Reducer = REDUCE) -> Exchange:
    left = reduce(replace(one, capture=capture))
    assert left is not None
    return left


def stored(one: Exchange) -> bytes:
    return b"".join(encode_frame(Record.of(one)).pieces)


def test_full_stays_what_it_is():
    one = told()
    assert REDUCE(one) is one


def test_none_leaves_nothing():
    assert REDUCE(replace(told(), capture=Capture.none)) is None


@pytest.mark.parametrize("capture", [Capture.hash, Capture.usage])
def test_no_text_is_left(capture: Capture):
    assert SECRET.encode() in stored(told())
    assert SECRET.encode() not in stored(reduced(told(), capture))


@pytest.mark.parametrize("capture", [Capture.hash, Capture.usage])
def test_what_is_no_secret_stays(capture: Capture):
    was = read_proxied(told(), SERVED).call
    now = read_proxied(reduced(told(), capture), SERVED).call
    assert now.usage == was.usage
    for name in ("id", "at", "began", "provider", "api", "model", "session", "account", "host"):
        assert getattr(now, name) == getattr(was, name), name
    assert now.reply.message_id == was.reply.message_id
    assert now.reply.stop == was.reply.stop


def test_hash_keeps_the_shape_of_a_prompt():
    was = read_proxied(told(), SERVED).call.prompt
    now = read_proxied(reduced(told(), Capture.hash), SERVED).call.prompt
    assert [(b.path, b.kind, b.role, b.name, b.opens, b.breakpoint) for b in now.blocks] == [
        (b.path, b.kind, b.role, b.name, b.opens, b.breakpoint) for b in was.blocks
    ]
    assert [estimate(b) for b in now.blocks] == pytest.approx(
        [estimate(b) for b in was.blocks], abs=1
    )
    assert now.breakpoints == was.breakpoints
    assert now.asks == was.asks


def test_equal_blocks_have_equal_digests_under_one_key_only():
    def digests(question: str, key: bytes) -> list[object]:
        left = reduced(told(question), Capture.hash, Reducer(SERVED, key))
        return [b.value for b in read_proxied(left, SERVED).call.prompt.blocks]

    assert digests("a", KEY) == digests("a", KEY)
    assert digests("a", KEY)[:-1] == digests("b", KEY)[:-1]
    assert digests("a", KEY)[-1] != digests("b", KEY)[-1]
    assert not set(map(str, digests("a", KEY))) & set(map(str, digests("a", b"o" * 32)))


def test_settings_stay_where_they_are_words_of_the_api():
    sent = body(tool_choice={"type": "tool", "name": "Read"}, thinking={"type": "adaptive"})
    sent |= {"output_config": {"format": {"schema": {"description": SECRET}}}}
    one = exchange(1, sent, {"id": "msg_1", "type": "message"})
    left = reduced(one, Capture.hash)
    prompt = read_proxied(left, SERVED).call.prompt
    assert prompt.setting("tool_choice") == {"type": "tool", "name": "Read"}
    assert SECRET.encode() not in stored(left)
    hidden = [s.value for s in prompt.settings if "hashed" in (as_map(s.value) or {})]
    assert len(hidden) == 1


def test_a_refusal_keeps_its_kind_and_not_its_words():
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": SECRET}}
    one = exchange(1, body(), error, status=400)
    left = read_proxied(reduced(one, Capture.hash), SERVED).call.reply.error
    assert left is not None
    assert (left.status, left.kind, left.message) == (400, "invalid_request_error", "")


@pytest.mark.parametrize("capture", [Capture.hash, Capture.usage])
def test_what_is_no_call_leaves_its_head_alone(capture: Capture):
    other = exchange(1, {"input": SECRET}, {"data": SECRET}, path="/v1/embeddings")
    left = reduced(other, capture)
    assert SECRET.encode() not in stored(left)
    with pytest.raises(NotACall, match="POST /v1/embeddings is no call to a model"):
        read_proxied(left, SERVED)


def test_a_body_that_cannot_be_read_leaves_nothing_of_it():
    one = exchange(1, f"{{{SECRET}".encode(), {"id": "m"})
    left = reduced(one, Capture.hash)
    assert SECRET.encode() not in stored(left)
    with pytest.raises(NotACall):
        read_proxied(left, SERVED)


def test_coded_bodies_are_read_first():
    one = told()
    coded = gzip.compress(one.request.content)
    coded_one = replace(
        one,
        request=replace(one.request, parts=(coded,)),
        request_headers=(("content-encoding", "gzip"),),
    )
    blocks = read_proxied(reduced(coded_one, Capture.hash), SERVED).call.prompt.blocks
    assert blocks == read_proxied(reduced(one, Capture.hash), SERVED).call.prompt.blocks


def test_calls_that_name_no_project_are_treated_as_the_usual_ones():
    reduce = Reducer(SERVED, KEY, {"usual": Capture.usage}, "usual")
    assert reduced(replace(told(), labels={}), Capture.full, reduce).capture is Capture.usage
    named = replace(told(), labels={"project": "other"})
    assert reduced(named, Capture.full, reduce).capture is Capture.full


@given(st.binary(max_size=64))
def test_bytes_that_are_no_extract_are_refused(data: bytes):
    with pytest.raises(BadExtract):
        decode_extract(data, "1", read_proxied(told(), SERVED).call.at)


def test_an_extract_comes_back_as_it_went():
    call = read_proxied(told(), SERVED).call
    left = hashed(call, KEY)
    back = decode_extract(encode_extract(left), call.id, call.at)
    assert (back.prompt, back.reply, back.model) == (left.prompt, left.reply, left.model)
    assert json.dumps([b.value for b in back.reply.blocks]).count("hashed") == 1
