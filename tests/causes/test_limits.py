"""Whole conversations against a cache that follows the provider's rules: every loss is named."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any

import pytest

from tests.simulated_cache import Recording, SimulatedCache
from whycold.core.diagnosis import Grade, Verdict

LONG = "You are a careful programmer who reads before writing and runs the tests. "
TOOLS = [
    {"name": n, "description": f"{n} files. " * 30, "input_schema": {}} for n in ("Read", "Run")
]
HOUR = {"type": "ephemeral", "ttl": "1h"}
FIVE = {"type": "ephemeral"}


class ShortCache(SimulatedCache):
    """Writes for five minutes, whatever is asked."""

    def usage(
        self, body: dict[str, Any], at: datetime, began: datetime, place: str
    ) -> dict[str, Any]:
        short = copy.deepcopy(body)
        for block in (short, *short["system"]):
            if "cache_control" in block:
                block["cache_control"] = FIVE
        return super().usage(short, at, began, place)


class Talk:
    """A conversation that grows; ``body`` is the request as it stands."""

    def __init__(self, **request: Any) -> None:
        self.request = {
            "model": "claude-sonnet-5",
            "max_tokens": 1024,
            "tools": TOOLS,
            "system": [{"type": "text", "text": LONG * 80, "cache_control": FIVE}],
            "cache_control": FIVE,
        } | request
        self.messages: list[dict[str, Any]] = []
        self.ask("Find out why the tests of the billing module fail, please.")

    def ask(self, *texts: str) -> Talk:
        content = [{"type": "text", "text": text} for text in texts]
        self.messages.append({"role": "user", "content": content})
        return self

    def turn(self, words: int = 60) -> Talk:
        number = len(self.messages)
        answer = [{"type": "text", "text": f"Step {number}: " + "reading on " * words}]
        self.messages.append({"role": "assistant", "content": answer})
        return self.ask(f"Go on with step {number + 1}.")

    def tools(self, runs: int) -> Talk:
        ids = [f"toolu_{len(self.messages)}_{i}" for i in range(runs)]
        uses = [{"type": "tool_use", "id": i, "name": "Read", "input": {"path": i}} for i in ids]
        results = [{"type": "tool_result", "tool_use_id": i, "content": "ok " * 20} for i in ids]
        self.messages.append({"role": "assistant", "content": uses})
        self.messages.append({"role": "user", "content": results})
        return self

    def body(self, **changes: Any) -> dict[str, Any]:
        body = copy.deepcopy(self.request | {"messages": self.messages} | changes)
        return {k: v for k, v in body.items() if v is not None}


def hour() -> list[dict[str, Any]]:
    return [{"type": "text", "text": LONG * 80, "cache_control": HOUR}]


@pytest.fixture
def recording() -> Recording:
    return Recording()


def hits(recording: Recording) -> list[bool]:
    return [told.verdict is Verdict.hit for told in recording.told()[1:]]


def test_reads_keep_an_entry_alive_for_as_long_as_the_pauses_are_short(recording: Recording):
    talk = Talk()
    for _ in range(6):
        recording.send(talk.body(), after=4 * 60)
        talk.turn()
    assert hits(recording) == [True] * 5
    recording.send(talk.body(), after=7 * 60)
    last = recording.last()
    assert (last.verdict, last.cause, last.grade) == (Verdict.miss, "expired", Grade.consistent)
    assert (
        last.title == "the entry ran out 2 min before the call came (5 min lifetime, 7 min pause)"
    )


def test_a_lifetime_missed_by_seconds_is_told_with_them(recording: Recording):
    talk = Talk()
    recording.send(talk.body(), after=0)
    talk.turn()
    recording.send(talk.body(), after=5 * 60 + 4)
    assert "4 s before the call came (5 min lifetime, 5 min 4 s pause)" in (
        recording.last().title or ""
    )


def test_of_two_lifetimes_only_the_short_one_runs_out(recording: Recording):
    talk = Talk(system=hour())
    recording.send(talk.body())
    recording.send(talk.turn().body())
    recording.send(talk.turn().body(), after=20 * 60)
    last = recording.last()
    assert (last.verdict, last.cause, last.grade) == (Verdict.partial, "expired", Grade.consistent)
    recording.send(talk.turn().body(), after=70 * 60)
    both = recording.last()
    assert (both.verdict, both.cause) == (Verdict.miss, "expired")
    assert (both.title or "").startswith(
        "all entries ran out before the call came (lifetime 1 h for"
    )
    assert (both.title or "").endswith(", 5 min for about 420 tokens; 70 min pause)")


def test_an_entry_that_another_conversation_reads_stays_alive(recording: Recording):
    recording.send(Talk().body())
    for i in range(4):
        other = Talk().ask(f"Question {i} of another user.")
        recording.send(other.body(), after=4 * 60, session=f"session-{i + 2}")
    assert hits(recording) == [True] * 4


def test_twenty_positions_back_are_found_and_more_are_not(recording: Recording):
    talk = Talk()
    recording.send(talk.body())
    talk.messages.append({"role": "assistant", "content": [{"type": "text", "text": "Here."}]})
    talk.ask(*(f"Part {i} of the log." for i in range(18)))
    recording.send(talk.body())
    assert hits(recording) == [True]
    talk.messages.append({"role": "assistant", "content": [{"type": "text", "text": "More?"}]})
    talk.ask(*(f"Part {i} of another log." for i in range(19)))
    recording.send(talk.body())
    last = recording.last()
    assert (last.verdict, last.cause) == (Verdict.partial, "lookback-exceeded")
    assert last.grade in (Grade.consistent, Grade.inferred)
    assert "21 positions" in str(last.title)


def test_a_run_of_tool_blocks_is_one_position(recording: Recording):
    talk = Talk()
    recording.send(talk.body())
    for _ in range(3):
        recording.send(talk.tools(40).body())
    assert hits(recording) == [True] * 3


def test_a_call_without_markers_is_named_and_so_is_the_one_after_a_pause(recording: Recording):
    talk = Talk()
    recording.send(talk.body())
    bare = [{"type": "text", "text": LONG * 80}]
    recording.send(talk.turn().body(system=bare, cache_control=None))
    assert recording.last().cause == "breakpoint-missing"
    recording.send(talk.turn().body(), after=20)
    assert recording.last().verdict in (Verdict.hit, Verdict.partial)


def test_no_markers_at_all_are_named(recording: Recording):
    talk = Talk(system=[{"type": "text", "text": LONG * 80}], cache_control=None)
    recording.send(talk.body())
    recording.send(talk.turn().body())
    assert (recording.last().verdict, recording.last().cause) == (
        Verdict.miss,
        "breakpoint-missing",
    )


def test_a_marker_on_the_system_prompt_alone_is_too_early_for_a_long_conversation(
    recording: Recording,
):
    talk = Talk(cache_control=None)
    recording.send(talk.turn(1500).body())
    recording.send(talk.turn().body())
    last = recording.last()
    assert (last.cause, last.grade) == ("breakpoint-early", Grade.consistent)
    assert last.verdict is Verdict.partial


def test_a_marker_that_went_back_to_the_system_prompt_is_named(recording: Recording):
    talk = Talk()
    recording.send(talk.turn(1500).body())
    recording.send(talk.turn().body(cache_control=None))
    assert recording.last().cause == "breakpoint-early"
    assert "went from" in str(recording.last().title)


def test_a_prompt_below_the_minimum_is_no_miss(recording: Recording):
    talk = Talk(tools=[], system=[{"type": "text", "text": LONG, "cache_control": FIVE}])
    recording.send(talk.body())
    recording.send(talk.turn().body())
    last = recording.last()
    assert (last.verdict, last.cause, last.missed_tokens) == (Verdict.uncacheable, "too-short", 0)


def test_first_calls_at_the_same_time_all_pay(recording: Recording):
    for i in range(3):
        talk = Talk().ask(f"You are agent {i}; look at module {i}.")
        recording.send(talk.body(), after=0.2 if i else 30, begins=4, session=f"session-{i}")
    told = recording.told()
    assert [t.cause for t in told] == [None, "concurrent", "concurrent"]
    recording.send(Talk().ask("You come later.").body(), after=30, session="session-9")
    assert recording.last().verdict is Verdict.hit


def test_accounts_in_turn_read_their_own_older_entries(recording: Recording):
    talk = Talk()
    for i in range(4):
        account = f"account-{i % 2 + 1}"
        recording.send(talk.turn().body(), place=account, account=account)
    told = recording.told()
    assert [t.cause for t in told[1:]] == ["account-changed"] * 3
    assert [t.verdict for t in told[1:]] == [Verdict.miss, Verdict.partial, Verdict.partial]
    assert told[3].grade is Grade.consistent


def test_models_in_turn_read_their_own_older_entries(recording: Recording):
    talk = Talk()
    for i in range(4):
        recording.send(talk.turn().body(model=f"claude-{('opus', 'sonnet')[i % 2]}-5"))
    told = recording.told()
    assert [t.cause for t in told[1:]] == ["model-changed"] * 3
    assert [t.verdict for t in told[1:]] == [Verdict.miss, Verdict.partial, Verdict.partial]


def test_hosts_in_turn_read_their_own_older_entries(recording: Recording):
    talk = Talk()
    for i in range(4):
        host = f"host-{i % 2}"
        recording.send(talk.turn().body(), place=host, host=host)
    told = recording.told()
    assert [t.cause for t in told[1:]] == ["host-changed"] * 3


def test_an_effort_that_goes_up_and_down_costs_the_messages_only(recording: Recording):
    talk = Talk()
    for effort in ("low", "high", "low"):
        recording.send(talk.turn(900).body(output_config={"effort": effort}))
    told = recording.told()
    assert [t.cause for t in told[1:]] == ["effort-changed"] * 2
    assert [t.verdict for t in told[1:]] == [Verdict.partial, Verdict.partial]
    assert told[2].missed_tokens < told[1].missed_tokens * 2


def test_another_lifetime_is_named_where_it_costs_and_only_there(recording: Recording):
    talk = Talk()
    recording.send(talk.body())
    recording.send(talk.turn().body(cache_control=HOUR, system=hour()))
    assert recording.last().verdict is Verdict.hit
    recording.cache.kept.clear()
    recording.send(talk.turn().body())
    assert recording.last().cause == "ttl-changed"


def test_an_entry_that_the_provider_drops_is_the_providers_loss(recording: Recording):
    talk = Talk()
    recording.send(talk.body())
    recording.send(talk.turn().body())
    recording.cache.kept.clear()
    recording.send(talk.turn().body())
    last = recording.last()
    assert (last.verdict, last.cause, last.reason) == (Verdict.miss, "evicted", "provider")
    recording.send(talk.turn().body())
    assert recording.last().verdict is Verdict.hit


def test_a_marker_on_a_trailing_system_message_keeps_nothing(recording: Recording):
    talk = Talk().turn(1500)
    note = {"role": "system", "content": [{"type": "text", "text": "Task tools were not used."}]}
    recording.send(talk.body(messages=[*talk.messages, note]))
    recording.send(talk.turn().body(messages=[*talk.messages, note]))
    last = recording.last()
    assert (last.verdict, last.cause) == (Verdict.partial, "breakpoint-moving")


def test_an_hour_that_became_five_minutes_is_named(recording: Recording):
    talk = Talk(system=hour(), cache_control=HOUR)
    recording.send(talk.body())
    recording.send(talk.turn().body(), after=40 * 60)
    assert recording.last().verdict is Verdict.hit
    recording.cache = ShortCache(recording.cache.kept)
    recording.send(talk.turn().body(), after=60)
    recording.send(talk.turn().body(), after=10 * 60)
    last = recording.last()
    assert (last.verdict, last.cause) == (Verdict.partial, "ttl-downgraded")
