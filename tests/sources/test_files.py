"""Files of lines are found and read whatever state they are in."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import pytest

from tests.unprivileged import unprivileged
from whycold.sources.files import LineFile, Trouble, find_files

LINES = [b'{"a":1}', b"", b'{"b":2}']


def read(path: Path, **more: int) -> tuple[list[bytes], LineFile]:
    file = LineFile(path, **more)
    return list(file), file


def made(folder: Path, data: bytes, name: str = "a.jsonl") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_lines_come_without_their_ends_and_with_where_they_end(tmp_path: Path):
    file = LineFile(made(tmp_path, b"\n".join(LINES) + b"\n"))
    assert [(line, file.offset, file.ended) for line in file] == [
        (LINES[0], 8, True),
        (LINES[1], 9, True),
        (LINES[2], 17, True),
    ]
    assert file.trouble is None


def test_a_line_that_is_still_being_written_says_so(tmp_path: Path):
    lines, file = read(made(tmp_path, b'{"a":1}\n{"b'))
    assert (lines, file.ended, file.offset) == ([LINES[0], b'{"b'], False, 11)


def test_a_line_that_is_too_long_is_passed_over_and_counted(tmp_path: Path):
    lines, file = read(made(tmp_path, b"one\n" + b"x" * 5000 + b"\ntwo\n" + b"y" * 5000), most=100)
    assert (lines, file.too_long, file.offset) == ([b"one", b"two"], 2, 4 + 5001 + 4 + 5000)


def test_a_line_of_just_the_most_is_read(tmp_path: Path):
    lines, file = read(made(tmp_path, b"x" * 100 + b"\n" + b"y" * 101 + b"\n"), most=100)
    assert ([len(line) for line in lines], file.too_long) == ([100], 1)


def test_an_empty_file_has_no_lines(tmp_path: Path):
    lines, file = read(made(tmp_path, b""))
    assert (lines, file.trouble) == ([], None)


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_a_packed_file_is_read_like_any_other(size: int, tmp_path: Path):
    lines = [b"%d" % i * 20 for i in range(size // 100)]
    packed = gzip.compress(b"".join(line + b"\n" for line in lines))
    found, file = read(made(tmp_path, packed))
    assert (found, file.trouble) == (lines, None)


def test_a_packed_file_may_have_several_parts_and_zeros_behind_them(tmp_path: Path):
    lines, file = read(made(tmp_path, gzip.compress(b"a\n") + gzip.compress(b"b\n") + b"\0" * 9))
    assert (lines, file.trouble) == ([b"a", b"b"], None)


def test_of_a_packed_file_that_is_cut_off_the_beginning_is_read(tmp_path: Path):
    text = b"".join(os.urandom(20).hex().encode() + b"\n" for _ in range(1000))
    lines, file = read(made(tmp_path, gzip.compress(text)[:9000]))
    assert 100 < len(lines) < 1000
    assert file.trouble == "is cut off (gzip); what comes before the cut was read"


def test_of_a_packed_file_that_is_damaged_the_beginning_is_read(tmp_path: Path):
    packed = bytearray(gzip.compress(b"a\n") + b"\x1f\x8b" + b"\xff" * 40)
    lines, file = read(made(tmp_path, bytes(packed)))
    assert lines == [b"a"]
    assert file.trouble == "is damaged (gzip); what comes before the damage was read"


@pytest.mark.slow
def test_a_bomb_is_not_unpacked(tmp_path: Path):
    pack = zlib.compressobj(9, wbits=31)
    data = b"".join(pack.compress(b"x" * (1 << 24)) for _ in range(80)) + pack.flush()
    lines, file = read(made(tmp_path, data))
    assert (lines, file.too_long) == ([], 1)
    assert file.trouble == "unpacks to more than any log would (gzip); the rest is skipped"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_text_of_another_encoding_is_told(encoding: str, tmp_path: Path):
    lines, file = read(made(tmp_path, '{"a":1}\n'.encode(encoding)))
    assert (lines, file.trouble) == ([], "is no UTF-8 text, skipped")


def test_a_file_that_is_gone_and_one_that_is_no_file_are_told(tmp_path: Path):
    gone, folder = LineFile(tmp_path / "gone"), LineFile(tmp_path)
    assert list(gone) == list(folder) == []
    assert gone.trouble == "cannot be read (No such file or directory), skipped"
    assert folder.trouble is not None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.jsonl")
    troubles: list[Trouble] = []
    assert find_files([tmp_path], (".jsonl",), troubles) == []
    lines, file = read(tmp_path / "pipe.jsonl")
    assert (lines, file.trouble) == ([], "is no file that can be read, skipped")
    find_files([tmp_path / "pipe.jsonl"], (".jsonl",), troubles)
    assert [str(t).endswith("is no file that can be read, skipped") for t in troubles] == [True]


def found(*roots: Path) -> tuple[list[str], list[Trouble]]:
    troubles: list[Trouble] = []
    return [f.path.name for f in find_files(roots, (".jsonl",), troubles)], troubles


def test_files_are_found_in_folders_by_their_names_and_by_path_whatever_they_are_called(
    tmp_path: Path,
):
    deep = tmp_path / "a/b"
    deep.mkdir(parents=True)
    made(deep, b"", "one.jsonl")
    other = made(deep, b"", "two.txt")
    assert found(tmp_path)[0] == ["one.jsonl"]
    assert found(other)[0] == ["two.txt"]


def test_links_are_followed_and_loops_are_not(tmp_path: Path):
    (tmp_path / "real").mkdir()
    made(tmp_path / "real", b"", "one.jsonl")
    (tmp_path / "real/again").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "nowhere.jsonl").symlink_to(tmp_path / "gone")
    names, troubles = found(tmp_path)
    assert names == ["one.jsonl"]
    assert [t.path.name for t in troubles] == ["nowhere.jsonl"]


def test_a_file_under_two_names_is_found_once(tmp_path: Path):
    path = made(tmp_path, b"", "one.jsonl")
    (tmp_path / "two.jsonl").hardlink_to(path)
    assert found(tmp_path, path)[0] == found(path, tmp_path)[0] == ["one.jsonl"]


def test_a_path_that_is_not_there_is_told(tmp_path: Path):
    names, (trouble,) = found(tmp_path / "gone")
    assert names == []
    assert str(trouble) == f"{tmp_path}/gone: cannot be read (No such file or directory), skipped"


def test_a_folder_that_may_not_be_read_is_told_and_the_rest_is_found(tmp_path: Path):
    made(tmp_path, b"", "one.jsonl")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with unprivileged(tmp_path):
        names, troubles = found(tmp_path)
    closed.chmod(0o700)
    assert names == ["one.jsonl"]
    assert [t.path for t in troubles] == [closed]
