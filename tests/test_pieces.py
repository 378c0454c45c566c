"""Bodies in pieces are the bodies that they stand for."""

from __future__ import annotations

from itertools import takewhile
from operator import eq

from hypothesis import given
from hypothesis import strategies as st

from whycold.pieces import Pieces, alike

BASES = tuple(bytes([97 + i % 3]) * 4 + b"abab" * i for i in range(4))


@st.composite
def pieces(draw: st.DrawFn) -> Pieces:
    base = draw(st.sampled_from(BASES))
    prefix = draw(st.integers(0, len(base)))
    suffix = draw(st.integers(0, len(base) - prefix))
    return Pieces(base, prefix, bytes(draw(st.lists(st.sampled_from(b"ab"), max_size=6))), suffix)


@given(pieces(), st.integers(0, 40), st.integers(0, 40))
def test_a_cut_is_the_slice_of_the_whole(body: Pieces, start: int, stop: int) -> None:
    assert len(body) == len(body.whole())
    assert body.cut(start, stop) == body.whole()[start:stop]


@given(pieces(), pieces())
def test_alike_is_the_length_of_the_common_beginning(one: Pieces, other: Pieces) -> None:
    same = takewhile(bool, map(eq, one.whole(), other.whole()))
    assert alike(one, other) == sum(same)


def test_a_body_that_repeats_nothing_is_not_copied() -> None:
    body = bytes(range(256))
    assert Pieces.of(body).whole() is body
