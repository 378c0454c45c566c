"""JSON objects in a row: taken out whole, however the bytes are cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whycold.providers.jsonstream import JsonObjects

OBJECTS = [{"a": '}{"\\'}, {}, {"b": {"c": ["]", "é", "\\\\"]}, "d": '\\"'}]
ARRAY = json.dumps(OBJECTS, indent=1, ensure_ascii=False).encode()
LINES = b"\r\n".join(json.dumps(item).encode() for item in OBJECTS)


def split(data: bytes, size: int, limit: int = 1000) -> tuple[list[bytes], JsonObjects]:
    splitter = JsonObjects(limit)
    found = [x for at in range(0, len(data), size) for x in splitter.feed(data[at : at + size])]
    return found, splitter


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("data", [ARRAY, LINES, ARRAY + LINES], ids=["array", "lines", "both"])
def test_objects_come_out_whole_wherever_the_bytes_are_cut(data: bytes, size: int):
    found, splitter = split(data, size)
    assert [json.loads(raw) for raw in found] == OBJECTS * (len(found) // len(OBJECTS))
    assert found
    assert not splitter.open


@pytest.mark.parametrize("cut", range(len(ARRAY)))
def test_a_cut_at_any_byte_makes_no_difference(cut: int):
    splitter = JsonObjects()
    found = splitter.feed(ARRAY[:cut]) + splitter.feed(ARRAY[cut:])
    assert [json.loads(raw) for raw in found] == OBJECTS


def test_an_object_that_has_not_ended_leaves_the_splitter_open():
    found, splitter = split(b'[{"a": "}', 4)
    assert (found, splitter.open) == ([], True)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_an_object_over_the_limit_is_dropped_counted_and_passed(size: int):
    found, splitter = split(b'[{"a":1},{"b":"' + b"x" * 50 + b'"},{"c":1}]', size, limit=20)
    assert found == [b'{"a":1}', b'{"c":1}']
    assert splitter.dropped == 1


@given(st.binary(max_size=40), st.integers(1, 5))
def test_where_the_bytes_are_cut_changes_nothing(junk: bytes, size: int):
    assert split(junk, size)[0] == split(junk, 1000)[0]
