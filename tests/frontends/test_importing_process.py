"""``whycold import`` as a process: followed, interrupted, killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.frontends.test_importing import transcript
from tests.frontends.test_importing_serve import many
from tests.serving import COMMAND, PATIENCE, eventually, own_environment, whycold
from whycold.store.answers import Filters, Totals
from whycold.store.base import Store
from whycold.store.opening import open_store


@contextmanager
def importing(folder: Path, *arguments: str) -> Generator[subprocess.Popen[str]]:
    """The command in ``folder``, its output in lines."""
    with subprocess.Popen(
        [*COMMAND, "import", *arguments],
        cwd=folder,
        env=own_environment(folder, {"PYTHONUNBUFFERED": "1"}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process
        if process.poll() is None:
            process.kill()


def line(process: subprocess.Popen[str], beginning: str) -> str:
    """The next line that begins so."""
    assert process.stdout is not None
    found = next((text for text in process.stdout if text.startswith(beginning)), None)
    assert found is not None, f"no line begins with {beginning}"
    return found.rstrip()


def reading(folder: Path) -> Store:
    return open_store(f"sqlite:///{folder}/calls.db", write=False)


def totals(folder: Path) -> Totals:
    store = reading(folder)
    try:
        return store.totals(Filters())
    finally:
        store.close()


def test_watched_files_are_followed_as_they_grow_until_it_is_interrupted(tmp_path: Path):
    made = transcript()
    path = made.write(tmp_path / ".claude/projects/p/s1.jsonl")
    with importing(tmp_path, "--watch", "--store", "sqlite:///calls.db") as process:
        assert line(process, "Claude Code transcripts: ").startswith(
            "Claude Code transcripts: 2 new calls"
        )
        line(process, "Watching for new calls")
        made.user("Third.")
        made.answer("s1-3", "Three.", read=30_000, write=100)
        made.write(path)
        assert "1 new call in 1 file" in line(process, "Claude Code transcripts: ")
        transcript("s2").write(tmp_path / ".claude/projects/p/s2.jsonl")
        assert "2 new calls in 2 files" in line(process, "Claude Code transcripts: ")
        process.send_signal(signal.SIGINT)
        assert line(process, "Watched for ").endswith(": 3 new calls.")
        line(process, " whycold serve opens the dashboard")
        assert process.wait(PATIENCE) == 0
    assert totals(tmp_path).calls == 5


def test_watching_may_begin_before_there_is_anything(tmp_path: Path):
    with importing(tmp_path, "--watch", "--store", "sqlite:///calls.db") as process:
        line(process, "Watching for new calls")
        transcript().write(tmp_path / ".claude/projects/p/s1.jsonl")
        assert "2 new calls in 1 file" in line(process, "Claude Code transcripts: ")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0


def test_killed_at_any_moment_it_goes_on_and_ends_the_same(tmp_path: Path):
    calls = many(tmp_path, 5, 300)
    chance = random.Random(3)
    for _ in range(4):
        with importing(tmp_path, "claude-code", "t", "--store", "sqlite:///calls.db") as process:
            time.sleep(chance.uniform(0.5, 2.5))
            os.kill(process.pid, signal.SIGKILL)
    ran = whycold(tmp_path, "import", "claude-code", "t", "--store", "sqlite:///calls.db")
    assert ran.returncode == 0, ran.stderr
    whole = whycold(tmp_path, "import", "claude-code", "t", "--store", "sqlite:///whole/calls.db")
    assert whole.returncode == 0, whole.stderr
    assert totals(tmp_path) == totals(tmp_path / "whole")
    assert totals(tmp_path).calls == calls
    one, other = reading(tmp_path), reading(tmp_path / "whole")
    assert [r.told for r in one.history()] == [r.told for r in other.history()]
    one.close()
    other.close()


def test_an_interrupt_ends_it_in_one_line(tmp_path: Path):
    many(tmp_path, 5, 300)
    with importing(tmp_path, "claude-code", "t", "--store", "sqlite:///calls.db") as process:
        eventually(lambda: (tmp_path / "calls.db-wal").exists())
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in said
    assert process.returncode == 130
