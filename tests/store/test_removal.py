# pyright: reportArgumentType=false, reportCallIssue=false
# Fields are filled from parametrised dicts, whose values have many types.
"""What is dropped and what stays, and that nothing of it is left on the disk."""

import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.store.samples import DAY, START, conversation, miss, record, talk
from whycold.core.call import ProviderError, Reply, Usage
from whycold.core.prompt import Prompt
from whycold.errors import UserError
from whycold.store.answers import Dimension, Erase, Filters, Retention
from whycold.store.base import Store
from whycold.store.opening import open_store
from whycold.store.records import Capture, Record
from whycold.store.squeeze import zstd

ALL = Filters()
NOW = START + 10 * DAY
SECRET = "xyzzy-plugh"
OTHER = "frobozz"
STARTS: dict[bytes, Callable[[], Any]] = {
    b"\x28\xb5\x2f\xfd": zstd.ZstdDecompressor,
    b"\x78\x9c": zlib.decompressobj,
}


def on_disk(folder: Path, words: str) -> list[str]:
    """The files under a folder in which the words stand, compressed or not, deleted or not."""
    return sorted(
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(words.encode() in part for part in readable(path.read_bytes()))
    )


def readable(data: bytes) -> Iterator[bytes]:
    """The bytes, and what every compressed piece among them holds as far as it is whole."""
    yield data
    for start, kinds in STARTS.items():
        at = data.find(start)
        while at >= 0:
            with suppress(zstd.ZstdError, zlib.error):
                yield kinds().decompress(data[at : at + 4096])
            at = data.find(start, at + 1)


def told_everywhere(number: int, **given: object) -> Record:
    """A miss with the secret words in every text that is kept, short enough to stay as it is."""
    found = replace(miss().told.divergences[0], before=SECRET, after=SECRET, title=SECRET)
    texts = {"title": SECRET, "advice": SECRET, "divergences": (found,)}
    reply = Reply(
        message_id=f"msg_{number}",
        usage=Usage(input=1000, cache_read=0, output=10),
        blocks=talk(f"{SECRET}!").blocks[1:],
        error=ProviderError(400, "bad", SECRET),
    )
    return miss(
        number,
        prompt=talk(SECRET, f"{SECRET} {number}", f"{SECRET} " * 20),
        reply=reply,
        **texts,
        **given,
    )


def answers(store: Store) -> list[object]:
    """What a store says to many questions."""
    return [
        store.totals(ALL),
        *(store.grouped(ALL, by) for by in Dimension),
        store.series(ALL, 1, Dimension.reason),
        [kept.told for kept in store.calls(ALL, limit=1000).items],
        store.sessions(ALL).items,
        store.culprits(ALL),
        store.releases(ALL),
        sorted(store.openings(ALL, least=1), key=str),
        list(map(store.values, Dimension)),
        [(each.call, each.told) for each in store.history()],
        store.contents().blocks,
    ]


ERASED: dict[str, tuple[Erase, dict[str, object]]] = {
    "session": (Erase(session=f"s-{SECRET}"), {"session": f"s-{SECRET}"}),
    "project": (Erase(project=SECRET), {"project": SECRET}),
    "account": (Erase(account=SECRET), {"account": SECRET}),
    "time": (Erase(since=START + DAY, until=START + 2 * DAY), {"at": START + DAY}),
}


@pytest.mark.parametrize("times", [1, 20, 200])
def test_the_search_for_words_on_the_disk_finds_them(store: Store, tmp_path: Path, times: int):
    store.write("a", [record(1, prompt=talk(f"{SECRET} " * times))])
    store.close()
    assert on_disk(tmp_path, SECRET) == ["calls.db"]


@pytest.mark.parametrize("chosen", ERASED)
def test_what_is_erased_is_nowhere_on_the_disk(store: Store, tmp_path: Path, chosen: str):
    what, given = ERASED[chosen]
    labels = {"release": SECRET, "agent": SECRET, "model": SECRET, "host": SECRET} | given
    doomed = [told_everywhere(n, id=f"{n}{SECRET}", **labels) for n in range(5)]
    staying = [miss(n, culprit="c2", prompt=talk(OTHER), session="s") for n in range(9, 12)]
    store.write("a", [*doomed, *staying])
    assert on_disk(tmp_path, SECRET)
    swept = store.erase(what)
    assert (swept.calls, swept.done, swept.purged) == (5, True, True)
    assert on_disk(tmp_path, SECRET) == []
    assert on_disk(tmp_path, OTHER)


@pytest.mark.parametrize("seed", range(3))
def test_a_store_after_erasing_is_one_that_never_had_the_calls(
    store: Store, second: Store, seed: int
):
    records = [each for s in range(seed, seed + 9) for each in conversation(s)]
    gone = {"session": f"s{seed + 3}"}, {"project": f"p{seed % 3}"}
    store.write("a", records)
    for chosen in gone:
        store.erase(Erase(**chosen))
        name, value = next(iter(chosen.items()))
        records = [each for each in records if getattr(each.call, name) != value]
    second.write("a", records)
    assert answers(store) == answers(second)


def test_blocks_that_another_session_uses_stay(store: Store):
    shared = talk("the same question")
    store.write("a", [record(1, session="a", prompt=shared)])
    grown = talk("the same question", "an answer")
    store.write("b", [record(2, session="b", prompt=grown, predecessor="call-1")])
    store.erase(Erase(session="a"))
    assert store.prompt("call-2") == grown
    store.erase(Erase(session="b"))
    assert store.contents().blocks == 0


def test_of_a_prompt_that_others_grew_from_only_what_they_share_stays(store: Store, tmp_path: Path):
    store.write("a", [record(1, session="a", prompt=talk("shared", SECRET))])
    store.write("b", [record(2, session="b", prompt=talk("shared", "else"), predecessor="call-1")])
    store.erase(Erase(session="a"))
    assert on_disk(tmp_path, SECRET) == []
    assert store.prompt("call-2") == talk("shared", "else")


def test_a_session_that_goes_on_after_it_was_erased_is_a_new_one(store: Store):
    store.write("a", [record(1, session="s", prompt=talk("a", "b"))])
    store.erase(Erase(session="s"))
    store.write("b", [record(2, session="s", prompt=talk("a", "b", "c"), predecessor="call-1")])
    assert store.prompt("call-2") == talk("a", "b", "c")
    assert [row.calls for row in store.sessions(ALL).items] == [1]


def test_a_reader_may_erase_beside_the_writer(store: Store, url: str):
    store.write("a", [record(1, session="s", prompt=talk("a")), miss(2, session="s")])
    reader = open_store(url, write=False)
    assert reader.erase(Erase(session="s")).calls == 2
    reader.close()
    again = [record(3, session="s", prompt=talk("a", "b"), predecessor="call-1"), miss(4)]
    store.write("b", again)
    assert store.prompt("call-3") == talk("a", "b")
    assert store.culprits(ALL)[0].misses == 1
    assert store.totals(ALL).calls == 2


def test_what_calls_that_stay_quote_of_erased_ones_goes_too(store: Store, tmp_path: Path):
    found = replace(miss().told.divergences[0], before=SECRET, title=SECRET)
    quoting = miss(
        2,
        session="b",
        prompt=talk(OTHER),
        predecessor="call-1",
        divergences=(found,),
        title=SECRET,
        advice=SECRET,
    )
    store.write("a", [record(1, session="a", prompt=talk(SECRET)), quoting])
    totals = store.grouped(ALL, Dimension.cause)
    swept = store.erase(Erase(session="a"))
    assert (swept.calls, swept.texts) == (1, 1)
    assert on_disk(tmp_path, SECRET) == []
    kept = store.record("call-2")
    assert kept is not None
    assert kept.call.prompt == talk(OTHER)
    assert kept.told.title == "tool-edited at tools[Bash].description"
    assert [g.totals.misses for g in totals if g.value] == [1]
    assert store.totals(ALL).missed_tokens == quoting.told.missed_tokens
    assert store.erase(Erase(session="a")).texts == 0


def test_erasing_everything_must_be_said(store: Store):
    with pytest.raises(UserError, match="say what to erase"):
        store.erase(Erase())


def test_erasing_can_be_done_a_little_at_a_time(store: Store):
    store.write("a", [record(n, project="p") for n in range(500)])
    swept = store.erase(Erase(project="p"), slices=1)
    assert not swept.done
    assert 0 < store.totals(ALL).calls < 500
    assert store.erase(Erase(project="p")).done
    assert store.totals(ALL).calls == 0


def old_and_new(store: Store) -> Sequence[Record]:
    old = [told_everywhere(n, session="s") for n in range(3)]
    new = [miss(n, at=NOW - DAY + n * timedelta(minutes=1), prompt=talk(OTHER)) for n in (7, 8)]
    store.write("a", [*old, *new])
    return [*old, *new]


def test_texts_go_after_their_days_and_the_facts_stay(store: Store, tmp_path: Path):
    old_and_new(store)
    before = store.totals(ALL), store.grouped(ALL, Dimension.cause)
    swept = store.retain(Retention(texts=timedelta(days=5)), NOW)
    assert (swept.texts, swept.calls, swept.done) == (3, 0, True)
    assert on_disk(tmp_path, SECRET) == []
    assert (store.totals(ALL), store.grouped(ALL, Dimension.cause)) == before
    assert store.prompt("call-1") is None
    assert store.prompt("call-7") == talk(OTHER)


def test_a_call_without_its_texts_still_says_what_it_knows(store: Store):
    old_and_new(store)
    store.retain(Retention(texts=timedelta(days=5)), NOW)
    found = store.record("call-1")
    assert found is not None
    assert found.capture is Capture.usage
    assert found.told.title == "tool-edited at tools[Bash].description"
    assert "800 tokens" in found.told.summary
    assert "tool-edited at tools[Bash].description" in found.told.summary
    assert found.told.divergences == ()
    assert found.call.prompt.blocks == ()
    assert len(found.call.prompt.unseen) == 3


def test_facts_go_after_their_days_and_the_sums_stay(store: Store):
    old_and_new(store)
    before = store.totals(ALL)
    swept = store.retain(Retention(facts=timedelta(days=5)), NOW)
    assert (swept.calls, swept.done) == (3, True)
    assert store.totals(ALL) == before
    assert store.find("call-1") is None
    assert store.find("msg_1") is None
    assert store.sessions(ALL).items == ()
    assert [kept.told.call for kept in store.calls(ALL).items] == ["call-8", "call-7"]


def test_the_oldest_texts_go_first_when_there_are_too_many_bytes(store: Store):
    noise = random.Random(1)
    for n in range(60):
        store.write(str(n), [record(n, prompt=talk(noise.randbytes(20_000).hex()))])
    most = store.contents().bytes_used // 2
    while not store.retain(Retention(most_bytes=most), START, slices=1).done:
        pass
    found = store.contents()
    assert found.bytes_used <= most
    assert found.bytes <= most
    assert store.prompt("call-59") is not None
    assert store.prompt("call-0") is None
    assert store.totals(ALL).calls == 60


def test_nothing_goes_without_a_reason(store: Store):
    old_and_new(store)
    swept = store.retain(Retention(None, None, None), NOW)
    assert (swept.texts, swept.calls, swept.blocks) == (0, 0, 0)
    assert store.contents().with_texts == 5


def test_retaining_goes_on_where_it_stopped(store: Store):
    store.write("a", [record(n) for n in range(500)])
    policy = Retention(texts=timedelta(0))
    rounds = 0
    while not store.retain(policy, NOW, slices=1).done:
        rounds += 1
    assert rounds == 2
    assert store.contents().with_texts == 0


def test_calls_can_be_added_after_any_removal(store: Store):
    removals: list[Callable[[], object]] = [
        lambda: store.erase(Erase(project="p0")),
        lambda: store.retain(Retention(texts=timedelta(0)), NOW),
        lambda: store.retain(Retention(facts=timedelta(0)), NOW),
    ]
    for number, remove in enumerate(removals):
        records = [each for seed in range(3) for each in conversation(seed + 10 * number)]
        store.write(f"{number}a", records[::2])
        remove()
        again = [replace(each, amends=True) for each in records]
        store.write(f"{number}b", again)
        assert [store.prompt(each.call.id) for each in records] == [
            each.call.prompt for each in records
        ]


def test_a_removed_prompt_leaves_no_segment_behind(store: Store):
    records = conversation(1, turns=12)
    store.write("a", records)
    for each in records[::-1]:
        changed = replace(each.call, prompt=Prompt(()))
        store.write(each.call.id, [replace(each, call=changed, amends=True)])
    store.erase(Erase(session="s1"))
    assert store.contents().blocks == 0
