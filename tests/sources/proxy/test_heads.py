"""Heads: what is read out of them, and what is sent on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whycold.sources.proxy.http1 import CHUNKED, UNTIL_CLOSE, BadMessage, find_head
from whycold.sources.proxy.request_head import (
    HINT_ANTHROPIC,
    HINT_ANTHROPIC_KEY,
    HINT_GOOGLE_KEY,
    RequestHead,
    parse_request,
)
from whycold.sources.proxy.response_head import parse_response


def asked(*lines: bytes, minor: int = 1) -> RequestHead:
    first = b"POST /v1/messages HTTP/1.%d" % minor
    return parse_request(b"\r\n".join((first, b"Host: h", *lines, b"", b"")))


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader_of_heads(data: bytes):
    for block in (data, data + b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n" + data + b"\r\n\r\n"):
        try:
            end = find_head(block, 1000)
            if end >= 0:
                parse_request(block[:end])
        except BadMessage as error:
            assert 400 <= error.status < 506
        try:
            parse_response(block, b"GET")
        except BadMessage as error:
            assert error.message


NAMES = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=12)
VALUES = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=12))
def test_lines_that_are_nobody_elses_business_are_sent_on_as_they_are(
    pairs: list[tuple[str, str]],
):
    lines = [b"q-%b:%b" % (n.encode(), v.encode("latin-1")) for n, v in pairs]
    head = asked(*lines)
    assert head.kept == lines
    sent = head.forwarded(b"/x", b"up", None)
    assert sent == b"\r\n".join([b"POST /x HTTP/1.1", b"Host: up", *lines, b"", b""])


@pytest.mark.parametrize(
    ("lines", "minor", "keeps"),
    [
        ([], 1, True),
        ([b"Connection: close"], 1, False),
        ([b"connection:Close"], 1, False),
        ([b"Connection: a, CLOSE ,b"], 1, False),
        ([b"Connection: keep-alive", b"Connection: close"], 1, False),
        ([], 0, False),
        ([b"Connection: keep-alive"], 0, False),
    ],
)
def test_whether_the_client_keeps_its_connection(lines: list[bytes], minor: int, keeps: bool):
    assert asked(*lines, minor=minor).keep_alive is keeps


def test_what_connection_names_is_not_sent_on_but_never_the_framing():
    head = asked(
        b"Connection: x-a, content-length, X-B", b"X-A: 1", b"x-b: 2", b"Content-Length: 3"
    )
    assert head.kept == [b"Content-Length: 3"]
    assert head.length == 3


@pytest.mark.parametrize(
    ("line", "hints"),
    [
        (b"anthropic-version: 2023-06-01", HINT_ANTHROPIC),
        (b"X-Api-Key: k", HINT_ANTHROPIC_KEY),
        (b"x-goog-api-key: k", HINT_GOOGLE_KEY),
        (b"authorization: Bearer k", 0),
    ],
)
def test_headers_that_tell_vendors_apart(line: bytes, hints: int):
    assert asked(line).hints == hints
    assert asked(line).kept == [line]


def test_labels_are_read_cleaned_and_cut():
    head = asked(
        b"x-whycold-project: \xc3\xa9" + b"x" * 300,
        b"X-Whycold-Agent: ",
        b"x-whycold-unknown: y",
        b"x-whycold-via: a, b",
    )
    assert head.labels == {"project": "é" + "x" * 199}
    assert head.via == b"a, b"
    assert head.kept == []


@pytest.mark.parametrize(
    ("lines", "method", "length"),
    [
        ([b"Content-Length: 12"], b"GET", 12),
        ([b"Transfer-Encoding: Chunked"], b"GET", CHUNKED),
        ([], b"GET", UNTIL_CLOSE),
        ([b"Content-Length: 12"], b"HEAD", 0),
        ([], b"HEAD", 0),
    ],
)
def test_how_long_a_response_is(lines: list[bytes], method: bytes, length: int):
    block = b"\r\n".join((b"HTTP/1.1 200 OK", *lines, b"", b""))
    assert parse_response(block, method).length == length


def test_how_long_an_upstream_keeps_its_connection():
    block = b"HTTP/1.1 200 OK\r\nKeep-Alive: max=100, Timeout=5\r\nContent-Length: 0\r\n\r\n"
    head = parse_response(block, b"GET")
    assert (head.keep_alive, head.keep_alive_s) == (True, 5)
    assert head.forwarded() == b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def test_an_unchanged_response_head_is_sent_on_as_the_same_object():
    block = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert parse_response(block, b"GET").forwarded() is block


def test_a_head_is_looked_for_up_to_the_limit():
    head = b"GET / HTTP/1.1\r\nA: b\r\n\r\n"
    assert find_head(head + b"rest", 1000) == len(head)
    assert all(find_head(head[:cut], 1000) == -1 for cut in range(len(head)))
    with pytest.raises(BadMessage) as error:
        find_head(head, len(head) - 1)
    assert error.value.status == 431
