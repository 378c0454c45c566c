"""Files of older versions of the tables."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import apsw
import pytest

from tests.store.samples import record, talk
from whycold.errors import UserError
from whycold.store.answers import Filters
from whycold.store.opening import open_store
from whycold.store.records import Written
from whycold.store.sqlite_schema import VERSION

HERE = Path(__file__).parent
CALLS = ["0b9c4a52-7a3e-4b5e-9d55-111111111111", "call-1", "call-2"]
"""What scripts of their time wrote into the files of old versions: calls of tests/store/samples."""


def old_store(path: Path, version: int) -> str:
    connection = apsw.Connection(str(path))
    connection.execute((HERE / f"version_{version}.sql").read_text())
    connection.close()
    return f"sqlite:///{path}"


@pytest.mark.parametrize("version", range(1, VERSION))
@pytest.mark.parametrize("write", [True, False])
def test_a_store_of_an_older_version_says_what_it_said(tmp_path: Path, version: int, write: bool):
    store = open_store(old_store(tmp_path / "old.db", version), write=write)
    found = {call: store.record(call) for call in CALLS}
    first, grown, lost = (each for each in found.values() if each is not None)
    assert first.call.reply.message_id == "msg_01XFDUDYJgAACzvnptvVoYEL"
    assert first.call.prompt.blocks[1].value == {
        "type": "x",
        "items": [1, 2.5, None, True, "ü\ud800"],
    }
    assert first.call.prompt.links.cache_key == "key"
    assert first.told.divergences[0].rest == 9
    assert first.told.missed_cost_usd == Decimal("0.0012345678901234")
    assert [block.value for block in grown.call.prompt.blocks] == ["You are a test.", "a", "b"]
    assert lost.call.prompt == talk("a", "b", "c" * 60)
    assert lost.told.predecessor_message_id == "msg_call-1"
    assert lost.told.title == "the tool Bash changed for the 2th time"
    assert store.totals(Filters()).calls == 3
    assert store.state() == {"spool": "7:12"}
    spread = Counter[str]()
    for row in store.spreads():
        spread[row.spread] += sum(row.counts)
    assert spread == {"miss_size": 2, "prompt_size": 3, "read_ratio": 3}
    assert [row.id for row in store.culprits(Filters())] == ["c1", "0123456789abcdef"]
    store.close()


@pytest.mark.parametrize("version", range(1, VERSION))
def test_a_store_of_an_older_version_goes_on(tmp_path: Path, version: int):
    store = open_store(old_store(tmp_path / "old.db", version), write=True)
    later = record(9, session="s", prompt=talk("a", "b", "c" * 60, "d"), predecessor="call-2")
    known = [record(n, id=call) for n, call in enumerate(CALLS)]
    assert store.write("b", [*known, later]) == Written(added=1, known=3)
    assert store.prompt("call-9") == later.call.prompt
    store.close()


@pytest.mark.parametrize("version", range(1, VERSION))
def test_an_older_store_that_another_process_writes_is_not_changed_by_a_reader(
    tmp_path: Path, version: int
):
    url = old_store(tmp_path / "old.db", version)
    other = open_store(f"sqlite:///{tmp_path / 'old2.db'}", write=True)
    (tmp_path / "old2.db.lock").rename(tmp_path / "old.db.lock")
    with pytest.raises(UserError, match="another whycold"):
        open_store(url, write=False)
    other.close()


def test_a_new_store_is_of_the_latest_version(tmp_path: Path):
    path = tmp_path / "new.db"
    open_store(f"sqlite:///{path}", write=True).close()
    assert apsw.Connection(str(path)).pragma("user_version") == VERSION
