"""Files that nobody should have to read: told in one line each, skipped; the rest is imported."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.frontends.test_importing import transcript
from tests.serving import PATIENCE, own_environment
from tests.sources.claude_code.transcripts import Transcript
from whycold.store.answers import Filters
from whycold.store.opening import open_store

GB, MB = 1 << 30, 1 << 20
_MOST_MEMORY = 700 * MB


def lines(name: str) -> bytes:
    """A transcript of two calls."""
    return transcript(name).lines()


def half_written(path: Path) -> None:
    path.write_bytes(lines("half") + b'{"type": "user", "uuid": "x", "mess')


def cut_off(path: Path) -> None:
    packed = gzip.compress(lines("cut") * 50)
    path.with_suffix(".jsonl.gz").write_bytes(packed[: len(packed) - 200])


def other_encoding(path: Path) -> None:
    path.write_bytes(lines("utf16").decode().encode("utf-16"))


def no_text(path: Path) -> None:
    path.write_bytes(random.Random(5).randbytes(1 << 16).replace(b"\n", b"."))


def two_gigabytes(path: Path) -> None:
    path.write_bytes(lines("begins"))
    with path.open("ab") as file:
        file.truncate(2 * GB)
        file.seek(2 * GB)
        file.write(b"\n" + lines("ends"))


def long_line(path: Path) -> None:
    path.write_bytes(lines("before"))
    with path.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b'{"type": "user", "uuid": "long", "message": {"content": "')
        file.seek(100 * MB, os.SEEK_CUR)
        file.write(b'"}}\n' + lines("after"))


def long_key(path: Path) -> None:
    made = Transcript("key")
    made.user([{"type": "text", "text": "Hello.", "k" * 10 * MB: 1}])
    made.answer("key-1", "One.", write=30_000)
    made.records[-1]["x" * 10 * MB] = 1
    path.write_bytes(made.lines())


def deep(path: Path) -> None:
    nested = '{"a":' * 10_000 + "1" + "}" * 10_000
    record = json.dumps({"type": "user", "uuid": "d", "message": {"content": ["@"]}})
    path.write_bytes(record.replace('"@"', nested).encode() + b"\n" + lines("deep"))


def bomb(path: Path) -> None:
    with gzip.open(path.with_suffix(".jsonl.gz"), "wb", compresslevel=9) as file:
        file.write(lines("bomb"))
        for _ in range(1100):
            file.write(bytes(MB))


def loop(path: Path) -> None:
    folder = path.with_suffix("")
    folder.mkdir()
    (folder / "again").symlink_to(folder, target_is_directory=True)
    (folder / "up").symlink_to(folder.parent, target_is_directory=True)
    (folder / "nowhere.jsonl").symlink_to(folder / "gone")
    (folder / "itself.jsonl").symlink_to(folder / "itself.jsonl")
    (folder / "in.jsonl").write_bytes(lines("loop"))


Case = tuple[Callable[[Path], None], int, str]
"""How a file is made, the calls that it holds all the same, and what is said of it."""

CASES: dict[str, Case] = {
    "half-written": (half_written, 2, ""),
    "cut-off": (cut_off, 2, "is cut off (gzip); what comes before the cut was read"),
    "other-encoding": (other_encoding, 0, "is no UTF-8 text, skipped"),
    "no-text": (no_text, 0, "skipped"),
    "two-gigabytes": (two_gigabytes, 4, "1 skipped: too long"),
    "long-line": (long_line, 4, "1 skipped: too long"),
    "long-key": (long_key, 1, ""),
    "deep": (deep, 2, "1 skipped: is nested deeper than"),
    "bomb": (bomb, 2, "unpacks to more than any log would (gzip); the rest is skipped"),
    "loop": (loop, 2, "cannot be read"),
}


def imported(folder: Path) -> tuple[int, list[str], int]:
    """Calls that are there afterwards, what was said, and the most memory that was held."""
    # not ru_maxrss, which a program takes over from whoever started it
    program = (
        "import sys; from whycold.frontends.cli import main\n"
        "try: main()\n"
        "finally:\n"
        "  [held] = [x for x in open('/proc/self/status') if x.startswith('VmHWM:')]\n"
        "  print(held.split()[1], file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, "import", "claude-code", "t"],
        cwd=folder,
        env=own_environment(folder, {"WHYCOLD_STORE": f"sqlite:///{folder}/calls.db"}),
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    *said, memory = ran.stderr.splitlines()
    store = open_store(f"sqlite:///{folder}/calls.db", write=False)
    calls = store.totals(Filters()).calls
    store.close()
    return calls, said, int(memory) << (0 if sys.platform == "darwin" else 10)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_bad_file_is_told_in_one_line_and_what_can_be_read_counts(name: str, tmp_path: Path):
    make, calls, says = CASES[name]
    (tmp_path / "t").mkdir()
    (tmp_path / "t/good.jsonl").write_bytes(lines("good"))
    make(tmp_path / f"t/{name}.jsonl")
    found, said, memory = imported(tmp_path)
    assert found == calls + 2
    assert memory < _MOST_MEMORY
    of_it = [line for line in said if name in line]
    if name == "loop":
        assert len(said) == 2
    else:
        assert len(said) == len(of_it) == (1 if says else 0)
    assert all(says in line for line in said)


@pytest.mark.slow
def test_all_of_them_together_stop_nothing(tmp_path: Path):
    (tmp_path / "t").mkdir()
    for name, (make, _, _) in CASES.items():
        make(tmp_path / f"t/{name}.jsonl")
    found, said, memory = imported(tmp_path)
    assert found == sum(calls for _, calls, _ in CASES.values())
    # of two links that lead nowhere each is told
    assert len(said) == sum(1 for _, _, says in CASES.values() if says) + 1
    assert memory < _MOST_MEMORY
