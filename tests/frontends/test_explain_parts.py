"""How the tokens of each tool and message were paid."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whycold.core.call import Usage
from whycold.core.cost import Rates
from whycold.core.diagnosis import BlockCount, Diagnosis, Verdict
from whycold.core.prompt import Section
from whycold.frontends.explain_parts import parts

RATES = Rates(
    input=Decimal(10),
    cache_read=Decimal(1),
    cache_write=Decimal(12),
    cache_write_5m=Decimal(12),
    cache_write_1h=Decimal(20),
)


def block(path: str, tokens: int) -> BlockCount:
    return BlockCount(Section(path.partition("[")[0]), path, None, None, tokens, None, None)


def told(usage: Usage, *blocks: BlockCount) -> Diagnosis:
    return Diagnosis(
        call="1",
        at=datetime(2026, 11, 23, tzinfo=UTC),
        api="anthropic.messages",
        provider="anthropic",
        model="claude-opus-5",
        verdict=Verdict.hit,
        summary="",
        usage=usage,
        blocks=blocks,
    )


PROMPT = (
    block("tools[Bash]", 100),
    block("system[0]", 50),
    block("messages[0].content[0]", 30),
    block("messages[0].content[1]", 20),
    block("messages[1].content[0]", 40),
)


def test_the_blocks_of_a_message_are_one_part():
    found = parts(told(Usage(), *PROMPT), None)
    assert [(p.path, p.tokens, p.blocks) for p in found] == [
        ("tools[Bash]", 100, 1),
        ("system[0]", 50, 1),
        ("messages[0]", 50, 2),
        ("messages[1]", 40, 1),
    ]


def test_what_was_read_comes_first_then_what_was_written_then_the_rest():
    usage = Usage(input=240, cache_read=120, cache_write=100, cache_write_5m=100)
    assert [(dict(p.paid), p.cost) for p in parts(told(usage, *PROMPT), RATES)] == [
        ({"read": 100}, Decimal(100)),
        ({"read": 20, "written 5m": 30}, Decimal(20 + 30 * 12)),
        ({"written 5m": 50}, Decimal(600)),
        ({"written 5m": 20, "uncached": 20}, Decimal(20 * 12 + 20 * 10)),
    ]


def test_long_lifetimes_are_written_before_short_ones():
    usage = Usage(input=240, cache_read=0, cache_write=240, cache_write_1h=100, cache_write_5m=140)
    paid = [dict(p.paid) for p in parts(told(usage, *PROMPT), RATES)]
    assert paid[:2] == [{"written 1h": 100}, {"written 5m": 50}]


def test_a_write_of_no_known_lifetime_is_just_written():
    usage = Usage(input=240, cache_read=100, cache_write=140)
    assert dict(parts(told(usage, *PROMPT), RATES)[1].paid) == {"written": 50}


def test_where_reads_are_not_reported_nothing_is_said_of_them():
    assert {(len(p.paid), p.cost) for p in parts(told(Usage(input=240), *PROMPT), RATES)} == {
        (0, None)
    }


@pytest.mark.parametrize("rates", [None, Rates(), Rates(cache_read=Decimal(1))])
def test_without_a_price_there_is_no_cost(rates: Rates | None):
    usage = Usage(input=240, cache_read=0, cache_write=0)
    assert {p.cost for p in parts(told(usage, *PROMPT), rates)} == {None}


COUNTS = st.integers(min_value=0, max_value=500)


@given(st.lists(COUNTS, max_size=8), COUNTS, COUNTS)
def test_whatever_is_counted_every_token_is_paid_once(sizes: list[int], read: int, wrote: int):
    blocks = [block(f"messages[{n // 2}].content[{n % 2}]", size) for n, size in enumerate(sizes)]
    usage = Usage(input=sum(sizes), cache_read=read, cache_write=wrote)
    found = parts(told(usage, *blocks), RATES)
    assert [sum(p.paid.values()) for p in found] == [p.tokens for p in found]
    total = sum(sizes)
    assert sum(p.paid.get("read", 0) for p in found) == min(read, total)
