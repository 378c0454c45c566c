from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.store.samples import START, miss, record, talk
from whycold.core.diagnosis import Verdict
from whycold.errors import UserError
from whycold.store.answers import Filters
from whycold.store.base import Store
from whycold.store.opening import open_store
from whycold.store.records import Capture, Written

ALL = Filters()


def test_a_batch_is_kept_with_the_state_of_its_reader(store: Store):
    assert store.write("a", [record(1), record(2)], {"spool": "7:0"}) == Written(added=2)
    assert store.write("b", [record(3)], {"other": "x"}) == Written(added=1)
    assert store.state() == {"spool": "7:0", "other": "x"}
    assert store.totals(ALL).calls == 3


def test_of_one_token_only_the_first_batch_counts(store: Store):
    store.write("a", [record(1)], {"spool": "1"})
    again = store.write("a", [record(1), record(2)], {"spool": "2"})
    assert not again
    assert store.state() == {"spool": "1"}
    assert store.totals(ALL).calls == 1


def test_batches_cut_differently_the_second_time_add_nothing(store: Store):
    records = [miss(n) for n in range(6)]
    store.write("a", records[:4])
    assert store.write("b", records[2:]) == Written(added=2, known=2)
    assert store.totals(ALL).calls == 6
    assert store.totals(ALL).missed_tokens == 6 * 800


def test_a_call_given_twice_in_one_batch_counts_once(store: Store):
    assert store.write("a", [record(1), record(1)]) == Written(added=1, known=1)


def test_what_was_written_is_there_after_opening_again(url: str):
    with_one = open_store(url, write=True)
    with_one.write("a", [record(1)], {"spool": "1"})
    with_one.close()
    again = open_store(url, write=True)
    assert not again.write("a", [record(1)])
    assert again.state() == {"spool": "1"}
    assert again.find("call-1") is not None
    again.close()


def test_nothing_of_a_batch_is_kept_when_one_record_is_a_bug(store: Store):
    naive = record(2, at=START.replace(tzinfo=None))
    with pytest.raises(TypeError):
        store.write("a", [record(1), naive], {"spool": "1"})
    assert store.totals(ALL).calls == 0
    assert store.state() == {}
    assert store.write("a", [record(1)]) == Written(added=1)


def test_an_amended_call_takes_the_place_of_the_old_one_in_every_sum(store: Store):
    store.write("a", [miss(1, project="p", session="s"), record(2)])
    better = record(1, project="p", session="s", release="2", amends=True)
    assert store.write("b", [better]) == Written(amended=1)
    assert store.totals(ALL).misses == 0
    assert store.totals(ALL).calls == 2
    assert store.culprits(ALL) == ()
    assert [row.misses for row in store.sessions(ALL).items] == [0]
    assert store.write("c", [better]) == Written(amended=1)
    assert store.totals(ALL).calls == 2


def test_amending_what_is_not_there_adds_it(store: Store):
    assert store.write("a", [record(1, amends=True)]) == Written(added=1)


def test_a_call_seen_from_two_sides_becomes_one_under_both_ids(store: Store):
    store.write("a", [record(1, id="transcript-9", message_id="msg_x")])
    joined = record(1, id="proxy-1", message_id="msg_x", also=("transcript-9",), amends=True)
    assert store.write("b", [joined]) == Written(amended=1)
    assert store.totals(ALL).calls == 1
    for id in ("proxy-1", "transcript-9", "msg_x"):
        found = store.find(id)
        assert found is not None
        assert found.told.call == "proxy-1"
    assert store.write("c", [record(1, id="transcript-9")]) == Written(known=1)


def test_two_that_turn_out_to_be_one_are_joined(store: Store):
    store.write("a", [record(1, id="x"), record(2, id="y", also=("z",))])
    assert store.write("b", [record(1, id="x", also=("y",), amends=True)]) == Written(amended=1)
    assert store.totals(ALL).calls == 1
    found = store.record("z")
    assert found is not None
    assert set(found.also) == {"y", "z"}


def test_an_amended_call_may_have_another_time(store: Store):
    store.write("a", [record(1), record(2)])
    store.write("b", [record(1, at=START + timedelta(minutes=5), amends=True)])
    assert [kept.told.call for kept in store.calls(ALL).items] == ["call-1", "call-2"]


def test_many_calls_of_one_moment_are_all_kept(store: Store):
    store.write("a", [record(n, at=START) for n in range(300)])
    assert store.totals(ALL).calls == 300
    assert len(store.calls(ALL, limit=1000).items) == 300


def test_no_record_of_a_call_that_is_not_to_be_kept(store: Store):
    assert store.write("a", [record(1, capture=Capture.none)]) == Written()
    assert store.find("call-1") is None


def test_a_second_writer_is_told_who_has_the_store(store: Store, url: str):
    with pytest.raises(UserError, match=r"another whycold \(process \d+\) writes to .*calls"):
        open_store(url, write=True)


def test_the_next_writer_may_come_when_the_first_is_gone(url: str):
    open_store(url, write=True).close()
    open_store(url, write=True).close()


def test_a_reader_may_not_add_calls(store: Store, url: str):
    reader = open_store(url, write=False)
    with pytest.raises(UserError, match="for reading only"):
        reader.write("a", [record(1)])
    reader.close()


def test_a_reader_sees_what_was_written_since_it_was_opened(store: Store, url: str):
    reader = open_store(url, write=False)
    assert reader.totals(ALL).calls == 0
    store.write("a", [record(1)])
    assert reader.totals(ALL).calls == 1
    reader.close()


def test_nothing_to_read_is_said_in_one_line(url: str):
    with pytest.raises(UserError, match="there is no store at"):
        open_store(url, write=False)


def test_times_beyond_all_reason_do_no_harm(store: Store):
    far = [record(1, at=datetime.max.replace(tzinfo=START.tzinfo))]
    old = [record(2, at=datetime.min.replace(tzinfo=START.tzinfo) + timedelta(days=1))]
    store.write("a", [*far, *old, record(3)])
    assert store.totals(ALL).calls == 3
    assert [kept.told.call for kept in store.calls(ALL).items] == ["call-1", "call-3", "call-2"]
    assert store.totals(Filters(since=START, until=START + timedelta(days=1))).calls == 1


def test_numbers_and_names_beyond_all_reason_do_no_harm(store: Store):
    huge = record(1, input=10**30, cache_read=-5, project="p" * 10**6, model="\ud800", session="\0")
    store.write("a", [huge, replace(huge, call=replace(huge.call, id="x" * 10**5))])
    totals = store.totals(ALL)
    assert totals.calls == 2
    assert totals.cache_read == 0
    assert len(store.session("\0")) == 2


def test_prompts_that_go_on_from_a_call_of_the_same_batch_find_it(store: Store):
    first = record(1, prompt=talk("a", "b"))
    second = record(2, prompt=talk("a", "b", "c"), predecessor="call-1", verdict=Verdict.hit)
    store.write("a", [first, second])
    assert store.prompt("call-2") == talk("a", "b", "c")
