"""Rules over a store, and what a receiver on this machine gets of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.frontends.alerts.receiver import Hook, hook, verified
from tests.frontends.alerts.watched import Site, minutes
from tests.serving import eventually
from tests.store.samples import HOUR, START, miss, record
from whycold.frontends.alert_rules import Condition, Measure, Receiver, Rule, Shape, Wanted
from whycold.store.answers import CulpritState, Mark
from whycold.store.opening import open_store

SECRET = "a secret of ours for tests"
DEAR = Rule(
    name="dear",
    condition=Condition.above,
    measure=Measure.missed_tokens,
    threshold=Decimal(1000),
    to=("ops",),
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, START + HOUR)
    yield made
    made.close()


@pytest.fixture
def ops() -> Iterator[Hook]:
    with hook() as made:
        yield made


def to(ops: Hook, **more: object) -> Receiver:
    return Receiver(name="ops", url=ops.url, allow_private=True, secret=SECRET, **more)  # type: ignore[arg-type]


def looked_again(site: Site) -> None:
    """Waits for a look that began after now."""
    for _ in range(2):
        before = site.state().judged
        site.now += timedelta(microseconds=1)
        eventually(lambda seen=before: site.state().judged != seen)


def test_it_fires_once_says_so_again_and_recovers(site: Site, ops: Hook):
    site.keep(miss(n) for n in range(3))
    with site.watching([DEAR], [to(ops)]):
        eventually(lambda: ops.events() == ["fired"])
        looked_again(site)
        assert ops.events() == ["fired"]
        site.keep(miss(24 * 60 + n) for n in range(3))
        site.now += timedelta(hours=24)
        eventually(lambda: ops.events() == ["fired", "again"])
        site.now += 2 * HOUR
        looked_again(site)
        assert site.state().rules["dear"].firing
        site.now += minutes(5)
        eventually(lambda: ops.events() == ["fired", "again", "recovered"])
        looked_again(site)
    assert len(ops.got) == 3
    assert not site.state().rules["dear"].firing


def test_a_message_says_what_how_much_and_which_edit(site: Site, ops: Hook):
    site.keep([miss(1, project="shop"), miss(2, project="shop"), miss(3, project="other")])
    rule = Rule(**{**fields(DEAR), "filters": {"project": "shop"}})  # type: ignore[arg-type]
    with site.watching([rule], [to(ops)]):
        eventually(lambda: ops.got)
    said = ops.got[0].said["data"]
    assert (said["rule"], said["value"], said["threshold"]) == ("dear", 1600, 1000)
    assert said["filters"] == {"project": "shop"}
    assert said["window"]["calls"] == 2
    [culprit] = said["culprits"]
    assert (culprit["id"], culprit["misses"], culprit["missed_tokens"]) == ("c1", 2, 1600)
    assert culprit["edit"] == "[-a-]{+b+}"
    assert culprit["path"] == "tools[Bash].description"
    assert culprit["url"] == "http://dash/culprits/c1"
    assert said["url"].startswith("http://dash/?since=2026-11-20T09%3A30%3A00Z&until=")
    assert said["url"].endswith("&project=shop")
    assert said["summary"] == (
        "dear: missed tokens of the last 1 h: 1.6k, above 1000 (2 calls)."
    ).replace("1000", "1.0k")


def fields(rule: Rule) -> dict[str, object]:
    return {name: getattr(rule, name) for name in Rule.__dataclass_fields__}


def test_the_signature_verifies_with_the_secret_and_no_other(site: Site, ops: Hook):
    site.keep(miss(n) for n in range(3))
    with site.watching([DEAR], [to(ops)]):
        eventually(lambda: ops.got)
    assert verified(ops.got[0], SECRET.encode())
    assert not verified(ops.got[0], b"another")
    assert ops.got[0].headers["webhook-timestamp"] == str(int(site.now.timestamp()))


def test_a_receiver_may_be_told_nothing_of_the_text(site: Site, ops: Hook):
    site.keep(miss(n) for n in range(3))
    with site.watching([DEAR], [to(ops, edits=False)]):
        eventually(lambda: ops.got)
    [culprit] = ops.got[0].said["data"]["culprits"]
    assert culprit["edit"] is None
    assert culprit["title"] == "tool-edited at tools[Bash].description"


def test_slack_gets_one_text_in_which_nobody_can_be_called(site: Site, ops: Hook):
    site.keep(miss(n, culprit="c1", project="<!channel>") for n in range(3))
    with site.watching([DEAR], [to(ops, shape=Shape.slack)]):
        eventually(lambda: ops.got)
    text = ops.got[0].said["text"]
    assert text.startswith("*[warning] dear fires*\ndear: missed tokens of the last 1 h: 2.4k")
    assert "<http://dash/culprits/c1|c1> `tools[Bash].description`: 2.4k tokens, $0.00828" in text
    assert "`[-a-]{+b+}`" in text
    assert "<!channel>" not in text


def test_a_receiver_that_is_down_gets_it_later_and_holds_up_no_other(site: Site, ops: Hook):
    site.keep(miss(n) for n in range(3))
    with hook() as gone:
        pass
    rule = Rule(**{**fields(DEAR), "to": ("gone", "ops")})  # type: ignore[arg-type]
    lost = Receiver(name="gone", url=gone.url, allow_private=True)
    with site.watching([rule], [lost, to(ops)]):
        eventually(lambda: ops.events() == ["fired"])
        eventually(lambda: site.state().outboxes["gone"].error)
        assert "cannot connect" in (site.state().outboxes["gone"].error or "")
        with hook(port=int(gone.url.rpartition(":")[2].partition("/")[0])) as back:
            site.now += minutes(1)
            eventually(lambda: back.events() == ["fired"])
            eventually(lambda: site.state().outboxes["gone"].delivered == 1)
    assert site.state().outboxes["gone"].error is None


def test_a_restart_says_nothing_twice_and_loses_nothing(site: Site, ops: Hook):
    site.keep(miss(n) for n in range(3))
    with site.watching([DEAR], [to(ops)]):
        eventually(lambda: ops.events() == ["fired"])
    ops.status = 500
    site.now += 2 * HOUR
    with site.watching([DEAR], [to(ops)]):
        looked_again(site)
        site.now += minutes(5)
        eventually(lambda: site.state().outboxes["ops"].error)
    assert site.state().outboxes["ops"].error == "answered 500"
    ops.status = 204
    site.now += HOUR
    with site.watching([DEAR], [to(ops)]):
        eventually(lambda: site.state().outboxes["ops"].delivered == 2)
        looked_again(site)
    tries = [got.headers["webhook-id"] for got in ops.got]
    assert ops.events() == ["fired", *["recovered"] * (len(tries) - 1)]
    assert len(set(tries)) == 2


def test_a_file_that_cannot_be_read_is_set_aside(site: Site, ops: Hook):
    site.keep(miss(n) for n in range(3))
    site.file.write_text("{broken")
    with site.watching([DEAR], [to(ops)]):
        eventually(lambda: ops.events() == ["fired"])
    assert site.file.with_name("calls.alerts.json.damaged").read_text() == "{broken"


def test_new_and_regressed_culprits_are_told_of_once_each(site: Site, ops: Hook):
    rule = Rule(name="new", condition=Condition.culprit, culprit=Wanted.any, to=("ops",))
    site.keep([miss(30, "c1"), miss(31, "c2")])
    with site.watching([rule], [to(ops)]):
        eventually(lambda: ops.events() == ["fired"])
        site.keep([miss(40, "c1"), miss(41, "c3")])
        eventually(lambda: ops.events() == ["fired", "fired"])
        store = open_store(site.url, write=False)
        for culprit in ("c1", "c2", "c3"):
            store.mark(culprit, Mark(CulpritState.resolved, START + minutes(50)))
        store.close()
        looked_again(site)
        site.now += minutes(5)
        eventually(lambda: ops.events() == ["fired", "fired", "recovered"])
        site.keep([miss(59, "c2")])
        eventually(lambda: ops.events()[3:] == ["fired"])
        looked_again(site)
    told = [[one["id"] for one in got.said["data"]["culprits"]] for got in ops.got]
    assert [sorted(ids) for ids in told] == [["c1", "c2"], ["c3"], [], ["c2"]]


def test_silence_fires_only_after_it_was_watched_for_as_long(site: Site, ops: Hook):
    rule = Rule(name="silence", condition=Condition.no_calls_for, to=("ops",))
    site.keep([record(1)])
    site.now += 10 * HOUR
    with site.watching([rule], [to(ops)]):
        eventually(lambda: "silence" in site.state().rules)
        assert site.state().rules["silence"].why == "not watched for 1 h yet"
        site.now += HOUR
        eventually(lambda: ops.events() == ["fired"])
        site.keep([record(2, at=site.now - minutes(1))])
        looked_again(site)
        site.now += minutes(5)
        eventually(lambda: ops.events() == ["fired", "recovered"])


def test_the_queue_of_a_receiver_is_bounded(site: Site):
    from whycold.frontends.alert_state import Event, Message, Window
    from whycold.frontends.alerts.outboxes import MOST_WAITING, put

    state = site.state()
    for number in range(MOST_WAITING + 3):
        at = START + minutes(number)
        window = Window(at, at, 0)
        put(
            state,
            Message(rule="dear", event=Event.fired, at=at, since=at, window=window),
            DEAR,
        )
    box = state.outboxes["ops"]
    assert (len(box.waiting), box.dropped) == (MOST_WAITING, 3)
    assert box.waiting[0].message.at == START + minutes(3)
