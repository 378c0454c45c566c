"""Where a body ends, wherever its bytes were split."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.wire import chunked
from whycold.sources.proxy.framing import (
    MORE,
    BodyEnd,
    ChunkContent,
    request_body,
    response_body,
)
from whycold.sources.proxy.http1 import CHUNKED, UNTIL_CLOSE, BadMessage
from whycold.sources.spool_record import dechunk

TRAILERS = st.sampled_from([b"", b"a: b\r\n", b"a:b\r\nlonger-name: with a value\r\n"])
PIECES = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


@st.composite
def splits(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """``data`` in pieces, of one byte sometimes."""
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(data) - 1)), max_size=12)))
    return [piece for piece in pieces(data, cuts) if piece]


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        yield data[start:end]


def end_of(body: BodyEnd, parts: list[bytes]) -> int | None:
    """How many bytes belong to the body, None when it goes on after all of them."""
    before = 0
    for part in parts:
        end = body.take(part)
        if end != MORE:
            return before + end
        before += len(part)
    return None


@given(st.data(), PIECES, TRAILERS, st.binary(max_size=30))
def test_the_end_of_chunks_is_found_exactly(
    data: st.DataObject, content: list[bytes], trailers: bytes, following: bytes
):
    raw = chunked(*content, trailers=trailers)
    parts = data.draw(splits(raw + following))
    assert end_of(request_body(CHUNKED), parts) == len(raw)


@given(st.data(), PIECES, TRAILERS)
def test_the_end_of_a_responses_chunks_is_found_and_proved(
    data: st.DataObject, content: list[bytes], trailers: bytes
):
    raw = chunked(*content, trailers=trailers)
    body = response_body(CHUNKED)
    assert end_of(body, data.draw(splits(raw))) == len(raw)
    assert body.exact


@given(st.data(), PIECES, st.binary(min_size=1, max_size=30))
def test_what_follows_a_responses_chunks_is_noticed(
    data: st.DataObject, content: list[bytes], following: bytes
):
    raw = chunked(*content)
    parts = data.draw(splits(raw + following))
    body = response_body(CHUNKED)
    end = end_of(body, parts)
    assert end is not None
    # Either it came later, then it is the connection's to notice, or it is noticed here.
    assert end == len(raw) or not body.exact
    assert end >= len(raw)


@given(st.data(), PIECES)
def test_chunks_that_have_not_ended_go_on(data: st.DataObject, content: list[bytes]):
    raw = chunked(*content)[:-1]
    parts = data.draw(splits(raw))
    assert end_of(request_body(CHUNKED), parts) is None
    assert end_of(response_body(CHUNKED), parts) is None


@given(st.data(), PIECES, TRAILERS)
def test_taking_the_framing_off_gives_the_content(
    data: st.DataObject, content: list[bytes], trailers: bytes
):
    raw = chunked(*content, trailers=trailers)
    taking = ChunkContent()
    assert b"".join(taking.take(part) for part in data.draw(splits(raw))) == b"".join(content)
    assert dechunk(raw) == b"".join(content)


@given(st.data(), PIECES)
def test_a_cut_body_keeps_what_came(data: st.DataObject, content: list[bytes]):
    raw = chunked(*content)
    cut = data.draw(st.integers(0, len(raw)))
    assert b"".join(content).startswith(dechunk(raw[:cut]))


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_bytes_that_are_no_chunks_are_refused_or_waited_on_but_never_crash(parts: list[bytes]):
    for body in (request_body(CHUNKED), response_body(CHUNKED)):
        try:
            end_of(body, parts)
        except BadMessage:
            continue


@given(st.data(), st.binary(max_size=50), st.binary(max_size=20))
def test_a_counted_body_ends_at_its_count(data: st.DataObject, content: bytes, following: bytes):
    parts = data.draw(splits(content + following))
    for body in (request_body(len(content)), response_body(len(content))):
        found = end_of(body, parts)
        assert found == (len(content) if parts else None)


def test_a_body_until_the_end_goes_on():
    assert end_of(response_body(UNTIL_CLOSE), [b"a", b"", b"b" * 100_000]) is None


@pytest.mark.parametrize("padding", [b" ", b"    "])
def test_spaces_after_a_size_are_a_servers_privilege(padding: bytes):
    raw = b"3" + padding + b"\r\nabc\r\n0\r\n\r\n"
    assert response_body(CHUNKED).take(raw) == len(raw)
    with pytest.raises(BadMessage):
        request_body(CHUNKED).take(raw)
