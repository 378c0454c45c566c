"""Orders: left in a folder by one process, carried out step by step by another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from whycold.errors import UserError
from whycold.ingest.desk import Desk, Steps, Work
from whycold.ingest.orders import MOST_BYTES, Full, Order, Orders, Told
from whycold.store.base import Unavailable


@pytest.fixture
def orders(tmp_path: Path) -> Orders:
    return Orders(tmp_path / "calls.orders")


def counting(order: Order) -> Steps:
    """Counts to what it is told."""
    most = int(str(order.what["most"]))
    for number in range(most):
        yield {"at": number}
    return {"counted": most}


def desk(orders: Orders, work: Work = counting) -> Desk:
    return Desk(orders, {"count": work})


def all_steps(at: Desk) -> int:
    steps = 0
    while at.step():
        steps += 1
    return steps


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "calls.orders").iterdir())


def test_an_order_is_told_step_by_step_and_its_outcome_at_the_end(orders: Orders):
    id = orders.give("count", {"most": 2})
    at = desk(orders)
    assert orders.told(id) is None
    assert at.step()
    assert orders.told(id) == Told({"at": 0})
    all_steps(at)
    assert orders.told(id) == Told(outcome={"counted": 2})


def test_nothing_is_left_of_an_order_that_was_done_and_taken(orders: Orders, tmp_path: Path):
    id = orders.give("count", {"most": 1})
    all_steps(desk(orders))
    orders.take(id)
    assert files(tmp_path) == []


def test_orders_are_carried_out_as_they_were_given(orders: Orders):
    seen: list[object] = []

    def work(order: Order) -> Steps:
        seen.append(order.what["name"])
        yield from ()
        return {}

    for name in "abc":
        orders.give("count", {"name": name})
    all_steps(desk(orders, work))
    assert seen == ["a", "b", "c"]


def test_a_payload_comes_along_whole(orders: Orders):
    payload = b"\n{}\x00\xff\n" * 1000
    orders.give("count", {}, payload, quiet=True)
    order = orders.first()
    assert order is not None
    assert order.payload() == payload


def test_of_a_quiet_order_nothing_is_left(orders: Orders, tmp_path: Path):
    orders.give("count", {"most": 3}, b"x", quiet=True)
    all_steps(desk(orders))
    assert files(tmp_path) == []


def test_an_order_that_was_interrupted_is_done_again_from_its_beginning(orders: Orders):
    id = orders.give("count", {"most": 5})
    first = desk(orders)
    first.step()
    first.step()
    second = desk(orders)
    second.step()
    assert orders.told(id) == Told({"at": 0})
    all_steps(second)
    assert orders.told(id) == Told(outcome={"counted": 5})


def test_an_order_that_processes_die_of_is_given_up_and_its_asker_told(orders: Orders):
    id = orders.give("count", {"most": 5})
    for _ in range(5):
        desk(orders).step()
    desk(orders).step()
    told = orders.told(id)
    assert told is not None and told.error is not None and "died" in told.error
    assert orders.first() is None


def test_a_recorder_that_ends_well_has_not_died_of_an_order(orders: Orders):
    id = orders.give("count", {"most": 5})
    for _ in range(9):
        at = desk(orders)
        at.step()
        at.close()
    all_steps(desk(orders))
    assert orders.told(id) == Told(outcome={"counted": 5})


def test_an_order_that_is_taken_away_ends_between_two_steps(orders: Orders, tmp_path: Path):
    ended: list[bool] = []

    def work(_: Order) -> Steps:
        try:
            while True:
                yield {}
        finally:
            ended.append(True)

    id = orders.give("count", {})
    at = desk(orders, work)
    at.step()
    orders.take(id)
    assert all_steps(at) == 1
    assert ended == [True]
    assert files(tmp_path) == []


def test_what_the_user_did_wrong_is_told_in_one_line(orders: Orders):
    def work(_: Order) -> Steps:
        yield {}
        raise UserError("there is no such thing")

    id = orders.give("count", {})
    all_steps(desk(orders, work))
    assert orders.told(id) == Told(error="there is no such thing")


def test_a_bug_in_a_work_stops_no_recorder(orders: Orders):
    def work(order: Order) -> Steps:
        yield {}
        raise KeyError(order.kind)

    id = orders.give("count", {})
    assert all_steps(desk(orders, work)) == 2
    told = orders.told(id)
    assert told is not None and told.error is not None and "KeyError" in told.error


def test_while_the_store_cannot_be_written_an_order_waits(orders: Orders):
    left = [True, True]

    def work(_: Order) -> Steps:
        yield {}
        if left and left.pop():
            raise Unavailable("the disk is full")
        return {"done": True}

    id = orders.give("count", {})
    at = desk(orders, work)
    for _ in range(100):
        at.step()
    assert orders.told(id) == Told(outcome={"done": True})


def test_what_nobody_can_do_is_told_so(orders: Orders):
    id = orders.give("dance", {})
    all_steps(desk(orders))
    assert orders.told(id) == Told(error="nobody here can dance")


@pytest.mark.parametrize("content", [b"", b"\xff\n", b"{}\n", b'{"kind": 1, "what": {}}\n'])
def test_what_is_no_order_is_removed(orders: Orders, tmp_path: Path, content: bytes):
    (tmp_path / "calls.orders").mkdir()
    (tmp_path / "calls.orders/000000000001-aa.order").write_bytes(content)
    id = orders.give("count", {"most": 1})
    all_steps(desk(orders))
    assert orders.told(id) == Told(outcome={"counted": 1})
    told = orders.told("000000000001-aa")
    assert told is not None and told.error == "the order cannot be understood"


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_more_than_may_wait_is_refused(orders: Orders, tmp_path: Path):
    orders.give("count", {"most": 1})
    sparse(tmp_path / "calls.orders/000000000009-aa.order", MOST_BYTES)
    with pytest.raises(Full):
        orders.give("count", {"most": 1})


def test_more_orders_than_may_wait_are_refused(orders: Orders, tmp_path: Path):
    orders.give("count", {"most": 1})
    for number in range(2, 1001):
        (tmp_path / f"calls.orders/{number:012d}-aa.order").touch()
    with pytest.raises(Full):
        orders.give("count", {"most": 1})


def test_outcomes_that_nobody_takes_do_not_pile_up(orders: Orders, tmp_path: Path):
    for _ in range(250):
        orders.give("count", {"most": 0})
    all_steps(desk(orders))
    assert len(files(tmp_path)) <= 201


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path):
    (tmp_path / "calls.orders").touch()
    with pytest.raises(UserError, match="cannot write into"):
        Orders(tmp_path / "calls.orders").give("count", {})


def test_only_the_user_may_read_what_was_given(orders: Orders, tmp_path: Path):
    orders.give("count", {}, b"a prompt")
    modes: Iterator[Any] = (path.stat().st_mode & 0o077 for path in tmp_path.rglob("*"))
    assert set(modes) == {0}
