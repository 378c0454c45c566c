"""A call that a source knows without any id is known by its session, its counts and its time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.ingest.made_sources import Made, calls_of, talk
from tests.ingest.test_joining import both_orders, imported, proxied
from whycold.core.call import Call
from whycold.core.prompt import Section
from whycold.sources.spool_record import Exchange

HIDDEN = frozenset({Section.settings, Section.tools, Section.system})


def exchanges() -> list[Exchange]:
    return [replace(e, labels={"session": "ses_1"}) for e in talk(4)]


def stored(calls: Sequence[Call], name: str = "opencode") -> Made:
    """The same calls as a source tells of them that keeps messages, and no ids."""
    told = [
        replace(
            call,
            id=f"{name}-{n}",
            at=call.at - timedelta(seconds=1),
            prompt=replace(
                call.prompt,
                blocks=call.prompt.section(Section.messages),
                unseen=HIDDEN,
            ),
            reply=replace(call.reply, message_id=None),
            request_id=None,
            project="billing",
        )
        for n, call in enumerate(calls)
    ]
    return Made(name, told)


def test_whoever_comes_first_it_is_one_call_with_what_both_know(tmp_path: Path):
    turns = exchanges()
    one, other = both_orders(
        tmp_path,
        lambda store: proxied(store, turns),
        lambda store: imported(store, stored(calls_of(turns))),
    )
    assert one == other
    assert [record.source for record in one] == ["proxy"] * 4
    assert [record.call.project for record in one] == ["billing"] * 4
    assert [record.also for record in one] == [(f"opencode-{n}",) for n in range(4)]


Change = Callable[[Call], Call]


@pytest.mark.parametrize(
    "change",
    [
        lambda call: replace(call, session="ses_2"),
        lambda call: replace(call, at=call.at + timedelta(hours=1)),
        lambda call: replace(call, reply=replace(call.reply, usage=replace(call.usage, output=7))),
        lambda call: replace(
            call, reply=replace(call.reply, usage=replace(call.usage, input=None))
        ),
    ],
    ids=["session", "time", "counts", "no counts"],
)
def test_another_session_time_or_count_is_another_call(change: Change, tmp_path: Path):
    turns = exchanges()
    others = [change(call) for call in calls_of(turns)]
    records, _ = both_orders(
        tmp_path,
        lambda store: proxied(store, turns),
        lambda store: imported(store, stored(others)),
    )
    assert len(records) == 8


def test_of_two_that_might_be_meant_none_is(tmp_path: Path):
    turns = exchanges()
    again = [replace(e, id=e.id + 900, response_headers=()) for e in turns]
    records, _ = both_orders(
        tmp_path,
        lambda store: proxied(store, [*turns, *again]),
        lambda store: imported(store, stored(calls_of(turns))),
    )
    assert {record.source for record in records} == {"proxy", "opencode"}


def test_a_source_that_keeps_ids_is_joined_by_them_alone(tmp_path: Path):
    turns = exchanges()
    records, _ = both_orders(
        tmp_path,
        lambda store: proxied(store, turns),
        lambda store: imported(store, stored(calls_of(turns), "codex")),
    )
    assert len(records) == 8
