"""The file: who may use it, and what happens when it is not what it should be."""

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from tests.store.samples import miss, record, talk
from whycold.errors import UserError
from whycold.store.answers import Erase, Filters
from whycold.store.base import Damaged, Missing, Store, Unavailable
from whycold.store.opening import open_store

ALL = Filters()


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def filled(path: Path, calls: int = 3) -> Path:
    store = open_store(url_of(path), write=True)
    store.write("a", [miss(n, prompt=talk(f"text {n} " * 500)) for n in range(calls)])
    store.close()
    return path


@contextmanager
def writing(path: Path) -> Iterator[Store]:
    store = open_store(url_of(path), write=True)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def reading(path: Path) -> Iterator[Store]:
    store = open_store(url_of(path), write=False)
    try:
        yield store
    finally:
        store.close()


def test_sqlite_is_one_without_the_wal_reset_fault():
    """Versions 3.7.0 to 3.51.2 can corrupt a file that two processes write (sqlite.org/wal.html,
    section 11, 2026-03-13).
    """
    assert tuple(map(int, apsw.sqlite_lib_version().split("."))) >= (3, 51, 3)


def test_file_and_folder_are_the_users_alone(tmp_path: Path):
    path = tmp_path / "data" / "calls.db"
    with writing(path) as store:
        store.write("a", [record(1)])
        modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"calls.db", "calls.db-wal", "calls.db.lock"} <= set(modes)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path):
    path = filled(tmp_path / "calls.db")
    path.chmod(0o644)
    writing(path).__enter__().close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("url", ["calls.db", "sqlite://calls.db", "sqlite:///", "postgres://x"])
def test_an_address_that_names_no_store_is_refused(url: str):
    with pytest.raises(UserError, match="names no store"):
        open_store(url, write=True)


def test_a_path_may_be_relative_or_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    open_store("sqlite:///here/calls.db", write=True).close()
    open_store("sqlite:///~/calls.db", write=True).close()
    assert (tmp_path / "here/calls.db").exists()
    assert (tmp_path / "home/calls.db").exists()


@pytest.mark.parametrize("name", ["a b", "ü", "100%", "a?b#c", "[x]"])
def test_any_name_of_a_file_will_do(tmp_path: Path, name: str):
    path = filled(tmp_path / f"{name}.db")
    with reading(path) as store:
        assert store.totals(ALL).calls == 3


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "garbage":
        data[:] = b"no database at all. " * 500
    elif how == "cut":
        del data[len(data) // 2 :]
    elif how == "header":
        data[:200] = bytes(200)
    elif how == "middle":
        for at in range(4096 + 8, len(data), 4096):
            data[at : at + 64] = b"\xa5" * 64
    path.write_bytes(data)


DAMAGES = ["garbage", "cut", "header", "middle"]


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_store_is_set_aside_and_a_new_one_begun(tmp_path: Path, how: str):
    path = filled(tmp_path / "calls")
    damage(path, how)
    broken = path.read_bytes()
    with writing(path) as store:
        assert store.totals(ALL).calls == 0
        assert store.write("a", [record(1)]).added == 1
        assert len(store.notes) == 1
        assert "calls.damaged-1" in store.notes[0]
    assert (tmp_path / "calls.damaged-1").read_bytes() == broken


@pytest.mark.parametrize("how", DAMAGES)
def test_a_reader_of_a_damaged_store_is_told_so(tmp_path: Path, how: str):
    path = filled(tmp_path / "calls.db")
    damage(path, how)
    with (
        pytest.raises(UserError, match=r"damaged|another program's|no store"),
        reading(path) as store,
    ):
        store.calls(ALL)
        store.contents()
    assert path.exists()


def test_damage_met_while_writing_is_looked_for_at_the_next_start(tmp_path: Path):
    path = filled(tmp_path / "calls.db", calls=200)
    store = open_store(url_of(path), write=True)
    store.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))
    (tmp_path / "calls.db.suspect").touch()
    with writing(path) as store:
        assert store.notes
    assert not (tmp_path / "calls.db.suspect").exists()


def test_damage_under_a_running_writer_is_said_and_remembered(tmp_path: Path):
    path = filled(tmp_path / "calls.db", calls=400)
    with writing(path) as store:
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (path.stat().st_size - 4096))
        with pytest.raises(Damaged, match="set aside at the next start"):
            store.calls(ALL)
    assert (tmp_path / "calls.db.suspect").exists()


def test_only_the_two_latest_damaged_files_are_kept(tmp_path: Path):
    path = tmp_path / "calls.db"
    for _ in range(4):
        filled(path)
        damage(path, "garbage")
    writing(path).__enter__().close()
    assert sorted(file.name for file in tmp_path.glob("*.damaged-*")) == [
        "calls.db.damaged-3",
        "calls.db.damaged-4",
    ]


def test_another_programs_database_is_left_alone(tmp_path: Path):
    path = tmp_path / "photos.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE photo (id)")
    other.close()
    before = path.read_bytes()
    for write in (True, False):
        with pytest.raises(UserError, match="another program's database; choose another --store"):
            open_store(url_of(path), write=write)
    assert path.read_bytes() == before


def test_a_text_file_is_left_alone(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, " * 99)
    with pytest.raises(UserError, match="no database; choose another --store"):
        open_store(url_of(path), write=True)
    assert path.read_text() == "Dear diary, " * 99


def test_a_folder_is_no_store(tmp_path: Path):
    with pytest.raises(UserError, match="--store"):
        open_store(url_of(tmp_path), write=True)


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path):
    path = filled(tmp_path / "calls.db")
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 99)
    connection.close()
    for write in (True, False):
        with pytest.raises(UserError, match="version 99"):
            open_store(url_of(path), write=write)


def test_a_file_that_is_being_made_is_not_there_yet(tmp_path: Path):
    path = tmp_path / "calls.db"
    path.touch()
    with pytest.raises(Missing):
        open_store(url_of(path), write=False)


@contextmanager
def as_another_user(*owned: Path) -> Iterator[None]:
    """Root may do anything, so a test of permissions has to be somebody else."""
    if os.geteuid() != 0:
        yield
        return
    for path in owned:
        os.chown(path, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_a_folder_that_cannot_be_written_is_said_in_one_line(open_folder: Path):
    open_folder.chmod(0o555)
    with as_another_user(open_folder), pytest.raises(Unavailable, match="choose another place"):
        open_store(url_of(open_folder / "calls.db"), write=True)


def test_a_file_that_cannot_be_written_is_said_in_one_line(open_folder: Path):
    path = filled(open_folder / "calls.db")
    lock = open_folder / "calls.db.lock"
    path.chmod(0o444)
    with as_another_user(lock), pytest.raises(Unavailable, match=r"calls\.db"):
        open_store(url_of(path), write=True)


def test_a_store_in_a_folder_that_cannot_be_written_can_be_read(open_folder: Path):
    path = filled(open_folder / "calls.db")
    path.chmod(0o444)
    open_folder.chmod(0o555)
    with as_another_user(), reading(path) as store:
        assert store.totals(ALL).calls == 3


def test_a_store_in_such_a_folder_cannot_be_marked(open_folder: Path):
    path = filled(open_folder / "calls.db")
    path.chmod(0o444)
    open_folder.chmod(0o555)
    with as_another_user(), reading(path) as store, pytest.raises(Unavailable):
        store.erase(Erase(session="s"))
