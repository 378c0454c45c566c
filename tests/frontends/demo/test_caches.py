"""The demo's caches: what they read is what the providers say they would."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from whycold.frontends.demo.caches import AutomaticCache, MarkedCache, Sent, SlotCache
from whycold.frontends.demo.pieces import Piece, piece

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def text(words: str, kind: str = "text") -> Piece:
    return piece({"type": kind, "text": f"{words} " * 600})


TOOLS, SYSTEM, FIRST, SECOND = map(text, ("tools", "system", "first", "second"))


def sent(*pieces: Piece, after: float = 0, marks: tuple[tuple[int, str], ...] = ()) -> Sent:
    at = AT + timedelta(minutes=after)
    began = at + timedelta(seconds=2)
    return Sent("account model", pieces, at, began, talk=2, marks=marks)


def test_a_marked_prefix_is_read_as_long_as_it_lives():
    cache = MarkedCache(512)
    first = sent(TOOLS, SYSTEM, FIRST, marks=((1, "1h"), (2, "5m")))
    assert cache.take(first).written == {
        "1h": TOOLS.tokens + SYSTEM.tokens,
        "5m": FIRST.tokens,
    }
    soon = sent(TOOLS, SYSTEM, FIRST, SECOND, after=4, marks=((1, "1h"), (3, "5m")))
    assert cache.take(soon).read == TOOLS.tokens + SYSTEM.tokens + FIRST.tokens
    late = sent(TOOLS, SYSTEM, FIRST, SECOND, after=30, marks=((1, "1h"), (3, "5m")))
    assert cache.take(late).read == TOOLS.tokens + SYSTEM.tokens


def test_an_entry_cannot_be_read_before_its_answer_began():
    cache = MarkedCache(512)
    cache.take(sent(TOOLS, SYSTEM, FIRST, marks=((1, "5m"),)))
    assert cache.take(sent(TOOLS, SYSTEM, SECOND, after=0.01, marks=((1, "5m"),))).read == 0
    assert cache.take(sent(TOOLS, SYSTEM, SECOND, after=0.1, marks=((1, "5m"),))).read > 0


def test_an_entry_that_lies_more_than_twenty_positions_back_is_not_found():
    turns = [text(f"turn {n}") for n in range(21)]
    cache = MarkedCache(512)
    cache.take(sent(TOOLS, SYSTEM, marks=((1, "5m"),)))
    assert cache.take(sent(TOOLS, SYSTEM, *turns[:19], after=1, marks=((20, "5m"),))).read > 0
    fresh = MarkedCache(512)
    fresh.take(sent(TOOLS, SYSTEM, marks=((1, "5m"),)))
    assert fresh.take(sent(TOOLS, SYSTEM, *turns[:20], after=1, marks=((21, "5m"),))).read == 0


def test_what_is_below_the_minimum_is_not_cached():
    cache = MarkedCache(100_000)
    spent = cache.take(sent(TOOLS, SYSTEM, marks=((1, "5m"),)))
    assert (spent.written, spent.rest) == ({"5m": 0, "1h": 0}, TOOLS.tokens + SYSTEM.tokens)


def test_an_automatic_cache_reads_up_to_the_edit_in_its_steps():
    cache = AutomaticCache(128, timedelta(minutes=30), 1024, writes=False)
    cache.take(sent(TOOLS, SYSTEM, FIRST))
    edited = piece({"type": "text", "text": "system " * 300 + "other " * 300})
    read = cache.take(sent(TOOLS, edited, FIRST, after=1)).read
    assert read % 128 == 0
    assert TOOLS.tokens < read < TOOLS.tokens + SYSTEM.tokens
    assert cache.take(sent(TOOLS, SYSTEM, FIRST, after=60)).read == 0


def test_a_slot_keeps_the_answer_until_another_conversation_takes_it():
    cache = SlotCache(1)
    cache.take(sent(SYSTEM, FIRST), SECOND)
    held = SYSTEM.tokens + FIRST.tokens + SECOND.tokens - 1
    assert cache.take(sent(SYSTEM, FIRST, SECOND, TOOLS), SECOND).read == held
    cache.take(sent(TOOLS), FIRST)
    assert cache.take(sent(SYSTEM, FIRST, SECOND, TOOLS), SECOND).read < 20
