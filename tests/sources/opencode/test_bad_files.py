"""Data of opencode that is in use, locked, damaged or hostile: what is whole is read."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.sources.opencode.sessions import Made, database, files, fill, seen, tool
from whycold.core.call import Call
from whycold.sources import opencode_storage
from whycold.sources.opencode import Opencode


def talk(id: str = "ses_1") -> Made:
    made = Made(id)
    made.user("First.")
    made.answer(tool(), written=9_000)
    made.answer("One.", read=9_000, written=700)
    return made


def read(path: Path) -> tuple[list[Call], list[str]]:
    source = Opencode([path])
    calls = [found.call for tree in source.groups for found in tree.calls()]
    return calls, [trouble.what for trouble in source.troubles]


def test_a_database_in_use_is_read_with_what_is_only_in_its_log(tmp_path: Path):
    path = database(tmp_path, talk())
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("pragma wal_autocheckpoint = 0")
        fill(writer, talk("ses_2"))
        writer.execute("begin immediate")
        writer.execute("delete from part")
        assert (len(read(tmp_path)[0]), read(tmp_path)[1]) == (4, [])
        writer.rollback()


def test_reading_changes_nothing_in_a_database(tmp_path: Path):
    path = database(tmp_path, talk())
    before = path.read_bytes()
    read(tmp_path)
    assert path.read_bytes() == before


def test_a_database_that_grows_is_told_by_its_session_alone(tmp_path: Path):
    path = database(tmp_path, talk(), talk("ses_2"))
    before = {file for tree in Opencode([tmp_path]).groups for file in tree.files}
    more = talk("ses_2")
    more.user("Second.")
    more.answer("Two.", read=9_700)
    with closing(sqlite3.connect(path)) as db:
        fill(db, more)
    after = {file for tree in Opencode([tmp_path]).groups for file in tree.files}
    assert [file.path.name for file in after - before] == ["ses_2"]


def test_a_locked_database_is_told_and_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(opencode_storage, "_PATIENCE", 0.05)
    path = database(tmp_path, talk())
    with closing(sqlite3.connect(path)) as owner:
        owner.execute("pragma locking_mode = exclusive")
        owner.execute("begin exclusive")
        owner.execute("update session set title = 'B'")
        calls, (trouble,) = read(tmp_path)
        owner.rollback()
    assert calls == []
    assert trouble.startswith("is locked by another program")


def test_a_damaged_database_is_read_up_to_the_damage(tmp_path: Path):
    path = database(tmp_path, *(talk(f"ses_{n}") for n in range(200)))
    whole = len(read(tmp_path)[0])
    raw = bytearray(path.read_bytes())
    page = len(raw) // 2 // 4096 * 4096
    raw[page : page + 64 * 4096] = b"\xa5" * 64 * 4096
    path.write_bytes(raw)
    calls, troubles = read(tmp_path)
    assert len(calls) < whole
    assert troubles


@pytest.mark.parametrize("content", [b"", b"no database" * 999, b"SQLite format 3\0" + b"\1" * 999])
def test_what_is_no_database_is_told_in_one_line(content: bytes, tmp_path: Path):
    (tmp_path / "opencode.db").write_bytes(content)
    calls, (trouble,) = read(tmp_path)
    assert calls == []
    assert trouble.startswith("cannot be read (")


def test_a_database_of_something_else_is_told(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "opencode.db")) as db:
        db.execute("create table session (id integer)")
    assert read(tmp_path)[1] == ["cannot be read (no such table: part), the rest is skipped"]


def test_a_file_that_is_half_written_is_counted_and_passed_over(tmp_path: Path):
    place = files(tmp_path, talk(), talk("ses_2"))
    path = place / "message/ses_1/msg_ses_1_0002.json"
    path.write_bytes(path.read_bytes()[:-40])
    calls, (trouble,) = read(tmp_path)
    assert len(calls) == 3
    assert trouble.startswith("1 skipped: is not JSON")


def test_the_storage_folder_may_be_named_itself(tmp_path: Path):
    assert len(read(files(tmp_path, talk()))[0]) == 2


def test_links_that_go_round_end(tmp_path: Path):
    place = files(tmp_path, talk())
    (place / "session/round").symlink_to(place / "session")
    (place / "message/ses_1/round").symlink_to(place / "message")
    assert len(read(tmp_path)[0]) == 2


def test_a_pipe_is_not_waited_for(tmp_path: Path):
    place = files(tmp_path, talk())
    os.mkfifo(place / "message/ses_1/msg_ses_1_0009.json")
    assert len(read(tmp_path)[0]) == 2


def test_sessions_that_are_each_others_parents_end(tmp_path: Path):
    one, two = talk("ses_1"), talk("ses_2")
    one.parent, two.parent = "ses_2", "ses_1"
    database(tmp_path, one, two)
    assert len(read(tmp_path)[0]) == 4


@pytest.mark.parametrize("value", [None, 7, -1, 1e300, 10**30, "text", [], {}, [[{}]], "\ud800"])
@pytest.mark.parametrize("keep", [database, files])
def test_any_value_anywhere_is_survived(keep: Callable[..., Path], value: object, tmp_path: Path):
    """Each field of each message and part in turn has a value of another type."""
    variants: list[Made] = []
    for number, (info, parts) in enumerate(talk().messages):
        for which, whole in enumerate((info, *parts)):
            for key in whole.keys() - {"id"}:
                made = talk(f"ses_{len(variants)}")
                told = (made.messages[number][0], *made.messages[number][1])[which]
                if key == "time" and which == 0:
                    told["time"] = {**whole["time"], "completed": value}
                else:
                    told[key] = value
                variants.append(made)
    keep(tmp_path, *variants)
    assert len(seen(tmp_path)) > len(variants) > 30


def test_values_in_columns_may_be_anything(tmp_path: Path):
    path = database(tmp_path, talk())
    with closing(sqlite3.connect(path)) as db:
        db.execute("update session set version = x'ff', time_created = 'never', directory = 7")
        db.execute("update message set data = x'ff00' where id like '%0002'")
        db.execute("update part set data = ? where id like '%0000_0'", (json.dumps([1]),))
        db.commit()
    calls, (trouble,) = read(tmp_path)
    assert len(calls) == 1
    assert trouble.startswith("1 skipped: ")
    assert trouble.count("; ") == 1
