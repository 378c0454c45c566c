"""Frames on disk: whole or not there, each read once, whatever happened to the file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.wire import eventually, spooled
from whycold.sources.spool import START, Position, SpoolConfig, SpoolFolder
from whycold.sources.spool_bases import Bases, Shared, common_prefix, common_suffix
from whycold.sources.spool_counts import Count, CountsFile, SpoolCounts
from whycold.sources.spool_frame import SEGMENT_MARK, encode_frame
from whycold.sources.spool_reader import Damage, Fault, SpoolReader
from whycold.sources.spool_record import Body, Capture, Cut, Exchange, Missing, Record
from whycold.sources.spool_segment import SegmentFile
from whycold.sources.spool_writer import SpoolWriter

NOW = 1_795_410_000_000_000_000


def exchange(number: int, request: Sequence[bytes] = (b"{}",), **fields: object) -> Exchange:
    size = sum(map(len, request))
    plain: dict[str, object] = {
        "id": number,
        "started": NOW,
        "ended": NOW + 1,
        "upstream": "anthropic",
        "method": "POST",
        "target": "/v1/messages",
        "labels": {},
        "request": Body(parts=tuple(request), wire_size=size),
    }
    return Exchange(**(plain | fields))  # pyright: ignore[reportArgumentType]


class Draft:
    """An exchange that has ended, for a writer."""

    def __init__(self, exchange: Exchange) -> None:
        self.held = 100
        self._exchange = exchange

    def record(self) -> Record:
        return Record.of(self._exchange)


def write(folder: Path, exchanges: Sequence[Exchange]) -> None:
    """Through the writer, each exchange in a batch of its own."""
    config = SpoolConfig(folder=str(folder), gather_s=0.0, sync_s=60.0)
    writer = SpoolWriter(config, {}, clock=lambda: NOW)
    writer.start()
    for n, item in enumerate(exchanges, start=1):
        writer.submit(Draft(item))
        eventually(lambda: writer.counts[Count.recorded], n.__le__)
    assert writer.close(30)


def content(found: Exchange) -> Exchange:
    """With its bodies in one part each, however they are held."""
    return replace(found, request=in_one(found.request), response=in_one(found.response))


def in_one(body: Body) -> Body:
    raw = b"".join(body.parts) if body.spliced is None else body.spliced.whole()
    return replace(body, parts=(raw,) if raw else (), spliced=None)


FULL = exchange(
    2**63 - 1,
    [b"a" * 40_000, b"b", b"c" * 40_000],
    sent=NOW + 2,
    answered=NOW + 3,
    peer="::1",
    request_headers=(("a", "é"), ("b", ""), ("a", "x: y")),
    status=529,
    response_headers=(("c", "d"),),
    response=Body(parts=(b"5\r\nhello\r\n", b"0\r\n\r\n"), chunked=True, wire_size=15),
    labels={"project": "é", "release": "1"},
    account="00ff",
    cut=Cut.client,
    own_answer="loop",
    retried=True,
    capture=Capture.hash,
    extract=b"\x00\xff",
)
BARE = exchange(1, [], response=Body(wire_size=7, missing=Missing.budget))


@pytest.mark.parametrize("sent", [FULL, BARE])
def test_an_exchange_comes_back_as_it_was(sent: Exchange):
    assert content(Record.of(sent).exchange()) == content(sent)


def test_exchanges_are_read_in_the_order_of_writing(tmp_path: Path):
    sent = [BARE, replace(FULL, capture=Capture.full), exchange(3, [b"x" * 1_000_000])]
    write(tmp_path, sent)
    assert [*map(content, spooled(tmp_path))] == [content(item) for item in sent]


def test_an_unknown_later_field_is_passed_over():

    head = msgspec.msgpack.decode(msgspec.msgpack.encode(Record.of(FULL).head))
    longer = msgspec.msgpack.encode([*head, "of a later version"])
    assert Record.decode(longer, b"", b"").head == Record.of(FULL).head


@pytest.mark.parametrize("head", [b"", b"\x90", b"\xc1", b"\x01"])
def test_a_head_that_is_none_is_an_error_of_one_kind(head: bytes):
    with pytest.raises(ValueError, match="not a record"):
        Record.decode(head, b"", b"")


# Bodies that repeat earlier ones

PARTS = st.lists(st.binary(min_size=1, max_size=30), max_size=8)


def alike(one: bytes, other: bytes) -> int:
    """How many bytes two bodies begin with alike, the slow way."""
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )


@given(PARTS, PARTS, PARTS, PARTS)
def test_what_two_bodies_have_in_common_is_found_wherever_their_pieces_end(
    head: list[bytes], one: list[bytes], other: list[bytes], tail: list[bytes]
):
    left = [*head, *one, *tail]
    right = [b"".join(head) + b"".join(other), *tail]
    a, b = b"".join(left), b"".join(right)
    prefix = alike(a, b)
    assert common_prefix(a, right) == common_prefix(b, left) == prefix
    most = min(len(a), len(b)) - prefix
    suffix = min(most, alike(a[::-1], b[::-1]))
    assert common_suffix(a, right, most) == common_suffix(b, left, most) == suffix


def turns(count: int) -> list[Exchange]:
    """A conversation as a client sends it: messages grow in the middle, the tools come last."""
    messages = os.urandom(200_000)
    tools = os.urandom(50_000)
    found: list[Exchange] = []
    for n in range(count):
        messages += b"turn %d" % n + os.urandom(500)
        body = b'{"messages":' + messages + b"," + tools
        cuts = range(0, len(body), 65_000 + n)
        found.append(exchange(n, [body[at : at + 65_000 + n] for at in cuts]))
    return found


def test_a_conversation_takes_what_is_new_in_it_and_comes_back_whole(tmp_path: Path):
    sent = turns(20)
    write(tmp_path, sent)
    assert [*map(content, spooled(tmp_path))] == [content(item) for item in sent]
    size = sum(path.stat().st_size for path in tmp_path.glob("*.seg"))
    assert size < 2 * 250_000


def test_a_reader_that_starts_in_the_middle_finds_what_a_body_repeats(tmp_path: Path):
    sent = turns(10)
    write(tmp_path, sent)
    items = list(SpoolReader(tmp_path).read())
    assert items[0].shared is None
    for n, item in enumerate(items[:-1], start=1):
        [first, *_] = SpoolReader(tmp_path, item.after).read()
        assert content(first.exchange) == content(sent[n])
        assert first.shared is not None
        assert first.shared.offset == items[0].position.offset
        body = first.exchange.request.content
        assert body.startswith(sent[0].request.content[: first.shared.prefix])


def test_conversations_that_alternate_each_have_their_base(tmp_path: Path):
    one, two = turns(6), turns(6)
    mixed = [
        replace(item, id=n)
        for n, item in enumerate(e for pair in zip(one, two, strict=True) for e in pair)
    ]
    write(tmp_path, mixed)
    assert [*map(content, spooled(tmp_path))] == [content(item) for item in mixed]
    size = sum(path.stat().st_size for path in tmp_path.glob("*.seg"))
    assert size < 3 * 250_000


def test_bases_stay_within_their_limit():
    bases = Bases(1_000_000)
    for n in range(100):
        body = [b"%05d" % n + bytes(100_000)]
        assert bases.find(1, "a", body) is None
        bases.add(1, "a", body, n)
        assert bases.held <= 1_000_000
    assert bases.find(1, "a", [b"%05d" % 99 + bytes(100_000)]) == Shared(99, 100_005, 0)
    assert bases.find(1, "a", [b"%05d" % 2 + bytes(100_000)]) is None
    assert bases.find(1, "b", [b"%05d" % 99 + bytes(100_000)]) is None
    assert bases.find(2, "a", [b"%05d" % 99 + bytes(100_000)]) is None
    assert bases.held == 0


def test_a_base_that_is_damaged_takes_what_repeats_it_along(tmp_path: Path):
    write(tmp_path, [*turns(3), exchange(9)])
    [path] = tmp_path.glob("*.seg")
    data = bytearray(path.read_bytes())
    data[100_000] ^= 1
    path.write_bytes(data)
    (tmp_path / "9999999999999.seg").write_bytes(SEGMENT_MARK)
    reader = SpoolReader(tmp_path)
    assert [item.exchange.id for item in reader.read()] == [9]
    assert sum(damage.size for damage in reader.damage) > 200_000


# Files that are damaged


def segment(tmp_path: Path, exchanges: Sequence[Exchange], name: str = "0000000000001") -> bytes:
    frames = [b"".join(encode_frame(Record.of(item)).pieces) for item in exchanges]
    data = SEGMENT_MARK + b"".join(frames)
    (tmp_path / f"{name}.seg").write_bytes(data)
    return data


def test_a_segment_may_end_at_every_byte(tmp_path: Path):
    sent = [exchange(1), exchange(2, [b"ab"])]
    data = segment(tmp_path, sent)
    ends = [len(SEGMENT_MARK), len(SEGMENT_MARK) + encode_frame(Record.of(sent[0])).size, len(data)]
    path = tmp_path / "0000000000001.seg"
    for end in range(len(data) + 1):
        path.write_bytes(data[:end])
        # While it grows, the rest is waited for.
        reader = SpoolReader(tmp_path)
        whole = sum(end >= known for known in ends[1:])
        assert [item.exchange.id for item in reader.read()] == [1, 2][:whole]
        assert list(reader.read()) == []
        assert reader.damage == []
        path.write_bytes(data)
        assert [item.exchange.id for item in reader.read()] == [1, 2][whole:]
        # Once there is a newer one, nobody will write the rest.
        path.write_bytes(data[:end])
        segment(tmp_path, [exchange(3)], "0000000000002")
        reader = SpoolReader(tmp_path)
        assert [item.exchange.id for item in reader.read()] == [*[1, 2][:whole], 3]
        left = 0 if end in (0, *ends) else end - max([0, *(e for e in ends if e <= end)])
        assert [(d.fault, d.size) for d in reader.damage] == [(Fault.cut, left)] * bool(left)
        (tmp_path / "0000000000002.seg").unlink()


@given(st.data())
def test_a_damaged_byte_costs_one_frame(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
):
    folder = tmp_path_factory.mktemp("spool")
    raw = bytearray(segment(folder, [exchange(n, [b"body %d" % n]) for n in range(5)]))
    segment(folder, [exchange(9)], "0000000000002")
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    (folder / "0000000000001.seg").write_bytes(raw)
    reader = SpoolReader(folder)
    found = [item.exchange.id for item in reader.read()]
    lost = {0, 1, 2, 3, 4, 9} - set(found)
    assert len(found) == len(set(found))
    assert 9 in found
    assert len(lost) <= 1
    assert reader.damage
    if lost != {4}:
        assert [damage.fault for damage in reader.damage] == [Fault.corrupt]
        assert (folder / "0000000000001.corrupt").exists()


def test_a_damaged_segment_is_set_aside_and_reported(tmp_path: Path):
    data = bytearray(segment(tmp_path, [exchange(1), exchange(2)]))
    segment(tmp_path, [exchange(3)], "0000000000002")
    data[len(SEGMENT_MARK) + 80] ^= 1
    (tmp_path / "0000000000001.seg").write_bytes(data)
    reader = SpoolReader(tmp_path)
    assert [item.exchange.id for item in reader.read()] == [2, 3]
    size = encode_frame(Record.of(exchange(1))).size
    assert reader.damage == [Damage(Fault.corrupt, Position(1, len(SEGMENT_MARK)), size)]
    reader.remove_before(reader.position)
    assert {path.name for path in tmp_path.iterdir()} == {
        "0000000000001.corrupt",
        "0000000000002.seg",
    }
    assert (tmp_path / "0000000000001.corrupt").read_bytes() == data


def test_of_damaged_segments_the_newest_are_kept(tmp_path: Path):
    for n in range(1, 6):
        segment(tmp_path, [], f"{n:013d}")
        (tmp_path / f"{n:013d}.seg").write_bytes(b"garbage" * 20)
    segment(tmp_path, [exchange(1)], "0000000000009")
    reader = SpoolReader(tmp_path)
    assert len(list(reader.read())) == 1
    reader.remove_before(reader.position)
    assert sorted(path.name for path in tmp_path.glob("*.corrupt")) == [
        "0000000000004.corrupt",
        "0000000000005.corrupt",
    ]


def test_a_frame_inside_a_body_is_not_a_frame(tmp_path: Path):
    inner = b"".join(encode_frame(Record.of(exchange(7))).pieces)
    segment(tmp_path, [exchange(1, [inner]), exchange(2)])
    assert [found.id for found in spooled(tmp_path)] == [1, 2]


# Positions


def test_reading_goes_on_where_it_was_left(tmp_path: Path):
    sent = [exchange(n) for n in range(4)]
    segment(tmp_path, sent[:2])
    segment(tmp_path, sent[2:], "0000000000002")
    items = list(SpoolReader(tmp_path, START).read())
    for n, item in enumerate(items, start=1):
        again = [i.exchange.id for i in SpoolReader(tmp_path, item.after).read()]
        assert again == [0, 1, 2, 3][n:]
        assert [i.exchange.id for i in SpoolReader(tmp_path, item.position).read()] == [0, 1, 2, 3][
            n - 1 :
        ]


def test_only_segments_that_were_read_are_removed(tmp_path: Path):
    for n in (1, 2, 3):
        segment(tmp_path, [exchange(n)], f"{n:013d}")
    reader = SpoolReader(tmp_path)
    items = list(reader.read())
    reader.remove_before(items[1].after)
    assert SpoolFolder(tmp_path).segments() == [2, 3]
    reader.remove_before(reader.position)
    assert SpoolFolder(tmp_path).segments() == [3]
    # A position in a segment that is gone goes on with the next.
    assert [i.exchange.id for i in SpoolReader(tmp_path, items[0].after).read()] == [3]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path):
    reader = SpoolReader(tmp_path / "none")
    assert list(reader.read()) == []
    reader.remove_before(reader.position)


def test_numbers_of_segments_grow_when_the_clock_does_not(tmp_path: Path):
    folder = SpoolFolder(tmp_path)
    (tmp_path / "0000000000050.seg").touch()
    (tmp_path / "0000000000070.corrupt").touch()
    assert folder.next_number(10) == 71
    assert folder.next_number(100) == 100


def test_frames_beyond_one_system_call_are_written(tmp_path: Path):
    folder = SpoolFolder(tmp_path)
    file = SegmentFile(folder, SpoolConfig(folder=str(tmp_path)))
    frames = [encode_frame(Record.of(exchange(n))) for n in range(3000)]
    assert file.append(frames, NOW) == (3000, None)
    file.close()
    assert [found.id for found in spooled(tmp_path)] == list(range(3000))


def test_counters_that_cannot_be_read_begin_anew(tmp_path: Path):
    file = CountsFile(tmp_path / "counts.json")
    assert file.read() == SpoolCounts()
    file.write(SpoolCounts(1, 2, {"recorded": 3}))
    assert file.read() == SpoolCounts(1, 2, {"recorded": 3})
    (tmp_path / "counts.json").write_bytes(b'{"counts": 5}')
    assert file.read() == SpoolCounts()
