"""Sums against the same sums made one by one from all calls."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tests.store import oracle
from tests.store.samples import DAY, HOUR, START, miss, record, talk
from whycold.core.diagnosis import Reason, Verdict
from whycold.core.prompt import Block, Kind, Section
from whycold.errors import UserError
from whycold.store.answers import Dimension, Erase, Filters, Retention, Totals
from whycold.store.base import Store
from whycold.store.records import Record
from whycold.store.spreads import Spread

DAYS = 4


def random_calls(count: int, seed: int = 1) -> list[Record]:
    """Calls of some days, with every field now here, now absent."""
    chance = random.Random(seed)
    return [random_call(number, chance) for number in range(count)]


def random_call(number: int, chance: random.Random) -> Record:
    def some(*values: object) -> object:
        return chance.choice((*values, None))

    verdict = chance.choice(list(Verdict))
    lost = verdict in (Verdict.miss, Verdict.partial)
    reason = chance.choice(list(Reason)[:4])
    return record(
        number,
        at=START + timedelta(microseconds=chance.randrange(DAYS * 86_400_000_000)),
        project=some("shop", "search"),
        model=some("large", "small"),
        session=some("s1", "s2", "s3"),
        agent=some("main"),
        release=some("1", "2"),
        verdict=verdict,
        reason=reason if lost else None,
        cause=f"{reason}-cause" if lost else None,
        fingerprint=some("c1", "c2"),
        missed_tokens=chance.randrange(5000) if lost else 0,
        missed_cost_usd=some(Decimal(chance.randrange(10**9)) / 10**12) if lost else None,
        at_stake_tokens=chance.randrange(3),
        input=some(chance.randrange(10**6)),
        cache_read=some(0, chance.randrange(10**6)),
        cache_write=some(0, chance.randrange(10**5)),
        cache_write_5m=some(0, chance.randrange(10**5)),
        cache_write_1h=some(5),
        uncached=some(7),
        output=some(8),
    )


def random_filters(chance: random.Random) -> Filters:
    def maybe(*values: str) -> str | None:
        return chance.choice(values) if chance.random() < 0.25 else None

    return Filters(
        since=maybe_time(chance),
        until=maybe_time(chance),
        project=maybe("shop", "search", "", "unheard of"),
        model=maybe("large", ""),
        session=maybe("s1", "s2", "") if chance.random() < 0.5 else None,
        agent=maybe("main", ""),
        release=maybe("1", ""),
        reason=maybe("model_changed", "tools_changed", ""),
        cause=maybe("system_changed-cause"),
        verdict=maybe("miss", "hit"),
        culprit=maybe("c1", "unheard of") if chance.random() < 0.5 else None,
    )


def maybe_time(chance: random.Random) -> datetime | None:
    if chance.random() < 0.4:
        return None
    whole = chance.choice([timedelta(microseconds=1), HOUR, DAY])
    at = START + timedelta(microseconds=chance.randrange(DAYS * 86_400_000_000))
    return datetime.min.replace(tzinfo=at.tzinfo) + (
        (at - datetime.min.replace(tzinfo=at.tzinfo)) // whole * whole
    )


def same(store: Store, records: Sequence[Record], seed: int) -> None:
    """Whether the store gives every sum that the records give."""
    chance = random.Random(seed)
    for filters in [Filters(), *(random_filters(chance) for _ in range(40))]:
        chosen = [each for each in records if oracle.fits(each, filters)]
        assert store.totals(filters) == oracle.totals(chosen), filters
        by = chance.choice(list(Dimension))
        assert set(store.grouped(filters, by)) == oracle.grouped(records, filters, by), (
            by,
            filters,
        )
        several = chance.sample(list(Dimension), chance.randrange(4))
        assert set(store.crossed(filters, several)) == oracle.crossed(records, filters, several)
        split = store.split(filters, several)
        assert split.totals == store.totals(filters)
        assert split.groups == {each: store.grouped(filters, each) for each in several}, filters
        hours = chance.choice([1, 2, 6, 24])
        expected = oracle.series(records, filters, hours, by)
        assert set(store.series(filters, hours, by)) == expected, (hours, by, filters)


@pytest.mark.parametrize("seed", range(4))
def test_sums_are_those_of_the_calls(store: Store, seed: int):
    records = random_calls(400, seed)
    for start in range(0, 400, 61):
        store.write(f"{start}", records[start : start + 61])
    same(store, records, seed)


def test_sums_stay_right_when_calls_are_amended(store: Store):
    records = random_calls(200)
    store.write("a", records)
    changed = [replace(each, amends=True) for each in random_calls(200, seed=2)[::3]]
    store.write("b", changed)
    now = {each.call.id: each for each in (*records, *changed)}
    same(store, list(now.values()), 5)


def test_sums_stay_right_when_calls_are_erased(store: Store):
    records = random_calls(300)
    store.write("a", records)
    for what in (Erase(project="shop", since=START + DAY), Erase(session="s2"), Erase(project="")):
        store.erase(what)
        filters = Filters(since=what.since, project=what.project, session=what.session)
        records = [each for each in records if not oracle.fits(each, filters)]
    assert records
    same(store, records, 6)


def test_an_empty_store_has_sums_too(store: Store):
    assert store.totals(Filters()) == Totals()
    assert store.totals(Filters()).read_ratio is None
    assert store.grouped(Filters(), Dimension.model) == ()
    assert store.series(Filters(), 1, None) == ()
    assert store.releases(Filters()) == ()


def test_the_read_ratio_is_a_sum_over_a_sum_of_the_calls_that_report(store: Store):
    silent = record(3, input=10**6, cache_read=None)
    store.write(
        "a", [record(1, input=100, cache_read=100), record(2, input=300, cache_read=0), silent]
    )
    assert store.totals(Filters()).read_ratio == 0.25


def test_absent_is_not_zero(store: Store):
    store.write("a", [record(1, cache_read=None, output=0)])
    totals = store.totals(Filters())
    assert totals.cache_read is None
    assert totals.output == 0


def test_costs_are_summed_to_the_last_digit(store: Store):
    cost = Decimal("0.000000000001")
    store.write("a", [miss(n, missed_cost_usd=cost) for n in range(7)])
    assert store.totals(Filters()).missed_cost_usd == 7 * cost


def test_the_dearest_group_comes_first(store: Store):
    store.write(
        "a", [record(1, model="a"), miss(2, model="b"), miss(3, model="c"), miss(4, model="c")]
    )
    assert [group.value for group in store.grouped(Filters(), Dimension.model)] == ["c", "b", "a"]


def test_a_step_that_does_not_divide_a_day_is_refused(store: Store):
    with pytest.raises(UserError, match="5 hours does not divide a day"):
        store.series(Filters(), 5, None)


def test_values_to_choose_from_are_sorted_and_go_with_their_last_call(store: Store):
    store.write("a", [record(1, project="b"), record(2, project="a"), record(3)])
    assert store.values(Dimension.project) == ("a", "b")
    assert store.values(Dimension.verdict) == ("hit",)
    store.erase(Erase(project="b"))
    assert store.values(Dimension.project) == ("a",)


def test_a_release_is_seen_from_its_first_call_to_its_last(store: Store):
    calls = [record(n, release=str(n // 3), project="p") for n in range(6)]
    store.write("a", [*calls[3:], *calls[:3], record(9)])
    first, second = store.releases(Filters())
    assert (first.release, second.release) == ("0", "1")
    assert second.first_seen == calls[3].call.at
    assert second.last_seen == calls[5].call.at
    assert second.totals.calls == 3
    assert [row.release for row in store.releases(Filters(since=calls[4].call.at))] == ["1"]


def test_a_release_is_first_seen_later_when_its_first_call_is_erased(store: Store):
    calls = [record(n, release="1", session=f"s{n}") for n in range(3)]
    store.write("a", calls)
    store.erase(Erase(session="s0"))
    assert store.releases(Filters())[0].first_seen == calls[1].call.at


def test_tools_and_systems_are_dated_by_their_first_call(store: Store):
    other = replace(talk("q"), blocks=(system("Be brief."), *talk("q").blocks[1:]))
    calls = [
        record(n, prompt=other if n in (3, 5, 7) else talk("q"), project="p") for n in range(9)
    ]
    store.write("a", [*calls[4:], *calls[:4], record(20, prompt=talk("q"))])
    newer, older = store.openings(Filters(project="p"))
    assert (newer.section, newer.calls, older.calls) == (Section.system, 3, 6)
    assert (newer.first_seen, newer.last_seen) == (calls[3].call.at, calls[7].call.at)
    assert store.openings(Filters(project="p", since=calls[1].call.at)) == (newer,)
    assert store.openings(Filters(project="")) == ()
    assert len(store.openings(Filters(), least=1)) == 3
    store.erase(Erase(since=calls[2].call.at, until=calls[6].call.at))
    assert [row.calls for row in store.openings(Filters(project="p"), least=1)] == [1, 4]
    assert store.openings(Filters(), least=1, limit=2)[1].first_seen == calls[7].call.at


def system(text: str) -> Block:
    return Block(Section.system, "system[0]", Kind.text, text)


def test_sizes_are_spread_over_buckets_and_calls_that_go_take_theirs_along(store: Store):
    calls = random_calls(300)
    store.write("a", calls)
    assert set(store.spreads()) == oracle.spreads(calls)
    store.write("b", [replace(again(calls[0]), amends=True)])
    assert set(store.spreads()) == oracle.spreads([again(calls[0]), *calls[1:]])
    store.erase(Erase(project="shop"))
    kept = [each for each in [again(calls[0]), *calls[1:]] if each.told.project != "shop"]
    assert set(store.spreads()) == oracle.spreads(kept)


def again(record: Record) -> Record:
    """The same call, seen to have read more."""
    usage = replace(record.told.usage, input=100_000, cache_read=99_500)
    call = replace(record.call, reply=replace(record.call.reply, usage=usage))
    return replace(record, call=call, told=replace(record.told, usage=usage))


def test_a_size_at_the_bound_of_a_bucket_is_in_it(store: Store):
    sizes = [499, 500, 501, 1_000_000, 1_000_001]
    store.write("a", [record(n, input=size, cache_read=0) for n, size in enumerate(sizes)])
    found = {row.spread: row.counts for row in store.spreads()}
    assert found[Spread.prompt_size] == (2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1)
    assert found[Spread.read_ratio] == (5, 0, 0, 0, 0, 0, 0, 0, 0)


def test_sizes_stay_when_calls_are_forgotten(store: Store):
    store.write("a", [record(1), miss(2)])
    before = store.spreads()
    store.retain(Retention(facts=DAY), START + 9 * DAY)
    assert store.contents().calls == 0
    assert store.spreads() == before != ()
