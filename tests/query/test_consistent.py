"""A report agrees with itself while calls come in."""

import threading
from datetime import timedelta
from pathlib import Path

from tests.store.samples import START, miss
from whycold.query import Period, Query
from whycold.store.opening import open_store

ALL = Period(START - timedelta(days=1), START + timedelta(days=9))


def test_its_sums_are_of_one_state_of_the_store(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/calls.db"
    store = open_store(url, write=True)
    reader = open_store(url, write=False)
    query, seen, ended = Query(reader), set[int](), threading.Event()

    def write() -> None:
        for n in range(400):
            store.write(str(n), [miss(n, at=START + n * timedelta(minutes=1), model=f"m{n % 3}")])
        ended.set()

    writing = threading.Thread(target=write)
    writing.start()
    while not ended.is_set() or not seen:
        report = query.report(ALL)
        calls = report.totals.calls
        assert sum(totals.calls for totals in report.by_model.values()) == calls
        assert sum(totals.calls for totals in report.by_reason.values()) == calls
        assert sum(point.totals.calls for point in report.series) == calls
        seen.add(calls)
    writing.join()
    assert len(seen) > 3
    reader.close()
    store.close()
