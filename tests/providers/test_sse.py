"""The event-stream decoder: what it yields, however the bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whycold.providers.sse import SseDecoder, SseEvent


def events_of(data: bytes, size: int = 0) -> list[SseEvent]:
    decoder = SseDecoder()
    found: list[SseEvent] = []
    for start in range(0, len(data), size or len(data) or 1):
        found += decoder.feed(data[start : start + (size or len(data))])
    return found + decoder.finish()


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 7])
def test_every_line_ending_separates_events_wherever_it_is_cut(end: bytes, size: int):
    data = end.join([b"event: a", b"data: 1", b"", b"data: 2", b"data: 3", b"", b""])
    assert events_of(data, size) == [SseEvent("a", "1"), SseEvent(None, "2\n3")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"\xef\xbb\xbfdata: x\n\n", ["x"], id="byte order mark"),
        pytest.param(b": ping\n\ndata: x\n: y\ndata: z\n\n", ["x\nz"], id="comments"),
        pytest.param(b"id: 7\nretry: 10\ndata: x\n\n", ["x"], id="id and retry"),
        pytest.param(b"data\n\n", [""], id="field without colon"),
        pytest.param(b"data:x\n\ndata:  y\n\n", ["x", " y"], id="one space is taken off"),
        pytest.param(b"event: a\n\n", [], id="no data, no event"),
        pytest.param(b"data: a:b\n\n", ["a:b"], id="only the first colon separates"),
        pytest.param(b"data: \xff\xc3\n\n", ["��"], id="not UTF-8"),
        pytest.param(b"data: x\n\n\n\ndata: y\n\n", ["x", "y"], id="empty lines"),
        pytest.param(b"data: x", ["x"], id="no last empty line"),
        pytest.param(b"", [], id="nothing"),
    ],
)
@pytest.mark.parametrize("size", [0, 1])
def test_fields_are_read_as_the_standard_says(data: bytes, expected: list[str], size: int):
    assert [event.data for event in events_of(data, size)] == expected


def test_an_event_type_does_not_outlive_its_event():
    assert events_of(b"event: a\n\ndata: x\n\n") == [SseEvent(None, "x")]


def test_a_stream_that_is_finished_twice_gives_its_last_event_once():
    decoder = SseDecoder()
    decoder.feed(b"data: x")
    assert (len(decoder.finish()), decoder.finish()) == (1, [])


@pytest.mark.parametrize("size", [0, 1, 5])
@pytest.mark.parametrize(
    "big", [b"data: " + b"x" * 40, b"data: 123456789\n" * 3 + b":", b"data\n" * 9 + b":"]
)
def test_an_event_over_the_limit_is_dropped_counted_and_passed(big: bytes, size: int):
    decoder = SseDecoder(limit=32)
    data = b"data: a\n\n" + big + b"\ndata: more\n\ndata: b\n\n"
    found: list[SseEvent] = []
    for start in range(0, len(data), size or len(data)):
        found += decoder.feed(data[start : start + (size or len(data))])
    assert [event.data for event in found] == ["a", "b"]
    assert decoder.dropped == 1


def test_an_endless_line_is_not_kept():
    decoder = SseDecoder(limit=1000)
    for _ in range(100):
        decoder.feed(b"x" * 999)
    assert len(decoder._line) <= 1000


@given(
    st.lists(
        st.sampled_from([b"data:", b"event:", b" x", b"\r", b"\n", b":", "é".encode(), b"\xff"])
    ),
    st.lists(st.integers(1, 5)),
)
def test_where_the_bytes_are_cut_changes_nothing(parts: list[bytes], cuts: list[int]):
    data = b"".join(parts)
    decoder, found, at = SseDecoder(), [], 0
    for cut in cuts:
        found += decoder.feed(data[at : at + cut])
        at += cut
    found += decoder.feed(data[at:])
    assert found + decoder.finish() == events_of(data)
