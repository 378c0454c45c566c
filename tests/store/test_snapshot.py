"""Reads that see one state, while another process writes."""

import threading

import pytest

from tests.store.samples import miss, record
from whycold.store.answers import Dimension, Filters
from whycold.store.base import Store
from whycold.store.opening import open_store

ALL = Filters()


def test_all_that_is_read_inside_is_of_one_state(store: Store, url: str):
    store.write("a", [record(1)])
    reader = open_store(url, write=False)
    with reader.snapshot():
        assert reader.totals(ALL).calls == 1
        store.write("b", [record(2), miss(3)])
        assert reader.totals(ALL).calls == 1
        with reader.snapshot():
            assert sum(g.totals.calls for g in reader.grouped(ALL, Dimension.model)) == 1
        assert [point.totals.calls for point in reader.series(ALL, 24, None)] == [1]
        assert [kept.told.call for kept in reader.calls(ALL).items] == ["call-1"]
        assert len(list(reader.history())) == 1
        assert reader.find("call-2") is None
    assert reader.totals(ALL).calls == 3
    reader.close()


def test_another_thread_reads_what_is_there_now(store: Store, url: str):
    store.write("a", [record(1)])
    reader = open_store(url, write=False)
    seen: list[int] = []
    with reader.snapshot():
        assert reader.totals(ALL).calls == 1
        store.write("b", [record(2)])
        other = threading.Thread(target=lambda: seen.append(reader.totals(ALL).calls))
        other.start()
        other.join()
        assert reader.totals(ALL).calls == 1
    assert seen == [2]
    reader.close()


def test_what_fails_inside_ends_it(store: Store, url: str):
    store.write("a", [record(1)])
    reader = open_store(url, write=False)
    with pytest.raises(ZeroDivisionError), reader.snapshot():
        assert reader.totals(ALL).calls == 1
        raise ZeroDivisionError
    store.write("b", [record(2)])
    assert reader.totals(ALL).calls == 2
    reader.close()
