"""The AWS event stream decoder: what it yields from whole, cut, broken and hostile bytes."""

import binascii
import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.frames import chunk, event, framed, text_header
from whycold.core.call import ProviderError, Reply
from whycold.providers.eventstream import (
    EventStreamDecoder,
    Frame,
    Unwrapped,
    frame_error,
    unwrap,
)


def frames_of(data: bytes, size: int) -> list[Frame]:
    decoder = EventStreamDecoder()
    return [f for at in range(0, len(data), size) for f in decoder.feed(data[at : at + size])]


TWO = event("messageStart", {"role": "assistant"}) + event("metadata", {"usage": {}})


@pytest.mark.parametrize("size", range(1, len(TWO) + 1, 7))
def test_frames_come_out_whole_wherever_the_bytes_are_cut(size: int):
    kinds = [frame.event for frame in frames_of(TWO, size)]
    assert kinds == ["messageStart", "metadata"]


@pytest.mark.parametrize("cut", range(1, len(TWO)))
def test_a_cut_at_any_byte_makes_no_difference(cut: int):
    decoder = EventStreamDecoder()
    found = decoder.feed(TWO[:cut]) + decoder.feed(TWO[cut:])
    assert [frame.event for frame in found] == ["messageStart", "metadata"]
    assert (decoder.dropped, decoder.broken, decoder.open) == (0, False, False)


def test_a_frame_that_has_not_ended_leaves_the_decoder_open():
    decoder = EventStreamDecoder()
    assert decoder.feed(TWO[:20]) == []
    assert decoder.open


def test_a_frame_with_a_wrong_checksum_is_dropped_and_the_next_one_read():
    damaged = bytearray(TWO)
    damaged[40] ^= 1
    decoder = EventStreamDecoder()
    assert [frame.event for frame in decoder.feed(bytes(damaged))] == ["metadata"]
    assert decoder.dropped == 1


@pytest.mark.parametrize("at", range(12))
def test_a_wrong_prelude_ends_the_reading(at: int):
    damaged = bytearray(TWO)
    damaged[at] ^= 1
    decoder = EventStreamDecoder()
    assert decoder.feed(bytes(damaged)) == []
    assert decoder.broken
    assert decoder.feed(TWO) == []


def test_a_frame_longer_than_the_limit_is_not_waited_for():
    prelude = struct.pack(">II", 1 << 30, 0)
    decoder = EventStreamDecoder()
    decoder.feed(prelude + struct.pack(">I", binascii.crc32(prelude)))
    assert decoder.broken
    assert not decoder.open


def test_every_type_of_header_is_read_past():
    when = struct.pack(">q", int(datetime(2026, 11, 23, tzinfo=UTC).timestamp() * 1000))
    others = b"".join(
        b"\x01a" + bytes([kind]) + value
        for kind, value in [
            (0, b""), (1, b""), (2, b"\x01"), (3, b"\x00\x01"), (4, b"\x00" * 4),
            (5, b"\x00" * 8), (6, b"\x00\x02xy"), (8, when), (9, b"\x00" * 16),
        ]
    )  # fmt: skip
    (frame,) = frames_of(framed(b"{}", others + text_header("b", "é")), 5)
    assert frame.headers == {"b": "é"}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(b"\x05ab", id="name past the end"),
        pytest.param(b"\x01a", id="no type"),
        pytest.param(b"\x01a\x07", id="no length"),
        pytest.param(b"\x01a\x07\x00\x09x", id="text past the end"),
        pytest.param(b"\x01a\x05\x00", id="number past the end"),
        pytest.param(b"\x01a\x63", id="unknown type"),
    ],
)
def test_headers_that_do_not_add_up_drop_the_frame(headers: bytes):
    decoder = EventStreamDecoder()
    assert decoder.feed(framed(b"{}", headers)) == []
    assert decoder.dropped == 1


@given(st.binary(max_size=60), st.lists(st.integers(1, 9)))
def test_no_bytes_raise_an_exception(junk: bytes, cuts: list[int]):
    decoder = EventStreamDecoder()
    at = 0
    for cut in cuts:
        decoder.feed(junk[at : at + cut])
        at += cut
    assert all(isinstance(frame, Frame) for frame in decoder.feed(framed(junk, junk)))


@pytest.mark.parametrize("payload", [b"", b"[1]", b"\xff", b'{"a":', b"[" * 9000])
def test_a_payload_that_is_no_object_is_an_empty_one(payload: bytes):
    (frame,) = frames_of(framed(payload), 1 << 16)
    assert frame.body() == {}


def test_an_exception_frame_says_what_went_wrong():
    data = event("throttlingException", {"message": "Too many tokens"}, "exception")
    (frame,) = frames_of(data, 8)
    assert frame_error(frame) == ProviderError(None, "throttlingException", "Too many tokens")


def test_an_error_frame_carries_its_words_in_headers():
    headers = text_header(":message-type", "error") + text_header(":error-code", "Internal")
    (frame,) = frames_of(framed(b"", headers + text_header(":error-message", "oops")), 3)
    assert frame_error(frame) == ProviderError(None, "Internal", "oops")


def test_an_event_is_no_error():
    assert [frame_error(frame) for frame in frames_of(TWO, 4)] == [None, None]


class Collected:
    """A reader that shows what it was fed."""

    def __init__(self) -> None:
        self.data = b""

    def feed(self, data: bytes) -> None:
        self.data += data

    def finish(self) -> Reply:
        return Reply(stop=self.data.decode())


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_wrapped_events_are_handed_on_as_server_sent_events(size: int):
    reader = Unwrapped(Collected())
    data = chunk(b'{"type":"ping"}') + event("other", {"bytes": "eHg="}) + chunk(b'{\n"a":1}')
    for at in range(0, len(data), size):
        reader.feed(data[at : at + size])
    reply = reader.finish()
    expected = 'event: ping\ndata: {"type":"ping"}\n\ndata: {\ndata: "a":1}\n\n'
    assert (reply.stop, reply.complete) == (expected, True)


def test_an_exception_among_wrapped_events_is_the_error_of_the_reply():
    reader = Unwrapped(Collected())
    reader.feed(chunk(b"{}") + event("modelStreamErrorException", {"message": "x"}, "exception"))
    reply = reader.finish()
    assert reply.error == ProviderError(None, "modelStreamErrorException", "x")
    assert not reply.complete


@pytest.mark.parametrize("damage", [slice(0, 30), slice(4, None)])
def test_lost_frames_leave_the_reply_incomplete(damage: slice):
    reader = Unwrapped(Collected())
    reader.feed(chunk(b"{}") + chunk(b"{}")[damage])
    assert not reader.finish().complete


@pytest.mark.parametrize("body", [{}, {"bytes": 1}, {"bytes": "a"}])
def test_a_chunk_without_bytes_carries_nothing(body: object):
    (frame,) = frames_of(event("chunk", body), 9)
    assert unwrap(frame) is None
