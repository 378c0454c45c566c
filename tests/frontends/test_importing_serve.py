"""``whycold import`` while ``whycold serve`` writes the store."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.frontends.test_importing import transcript
from tests.serving import COMMAND, PATIENCE, Serve, eventually, own_environment, serving, whycold
from tests.sources.claude_code.transcripts import LONG, Transcript
from whycold.store.answers import Filters


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with serving(tmp_path, "--upstream", "anthropic=http://127.0.0.1:9") as started:
        yield started


def count(serve: Serve) -> int:
    with serve.store() as store:
        return store.totals(Filters()).calls


def orders_of(serve: Serve) -> list[str]:
    return [path.name for path in serve.folder.glob("calls.orders/*.order")]


def many(folder: Path, sessions: int, turns: int) -> int:
    """Transcripts that take a while to import; how many calls they hold."""
    for number in range(sessions):
        made = Transcript(f"s{number}")
        made.user(f"{number} {LONG}")
        for turn in range(turns):
            made.answer(f"s{number}-{turn}", "One.", write=30_000)
            made.user("And now?")
        made.write(folder / f"t/s{number}.jsonl")
    return sessions * turns


def test_it_says_the_same_as_without_a_serve(serve: Serve, tmp_path: Path):
    transcript().write(tmp_path / "t/s1.jsonl")
    (tmp_path / "t/bad.jsonl").write_bytes(b"{\n")
    ran = whycold(tmp_path, "import", "claude-code", "t", "--store", serve.store_url)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("Claude Code transcripts: 2 new calls in 2 files, of 2026-11-23")
    assert ran.stderr == f"whycold: {tmp_path}/t/bad.jsonl: 1 skipped: is not JSON\n" or (
        ran.stderr.startswith(f"whycold: {tmp_path}/t/bad.jsonl: 1 skipped: is not JSON")
    )
    assert count(serve) == 2
    assert serve.errors() == ""
    assert orders_of(serve) == []


def test_an_import_survives_that_the_recorder_is_killed(serve: Serve, tmp_path: Path):
    calls = many(tmp_path, 6, 300)
    command = [*COMMAND, "import", "claude-code", "t", "--store", serve.store_url]
    with subprocess.Popen(
        command, cwd=tmp_path, env=own_environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as importing:
        for _ in range(3):
            had = count(serve)
            eventually(lambda: count(serve), lambda now, had=had: now > had or now == calls)
            serve.kill("recorder")
        said, _ = importing.communicate(timeout=PATIENCE)
    assert importing.returncode == 0
    assert said.startswith("Claude Code transcripts: ")
    assert count(serve) == calls


def test_when_serve_ends_the_import_goes_on_by_itself(serve: Serve, tmp_path: Path):
    calls = many(tmp_path, 6, 300)
    command = [*COMMAND, "import", "claude-code", "t", "--store", serve.store_url]
    with subprocess.Popen(
        command, cwd=tmp_path, env=own_environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as importing:
        eventually(lambda: count(serve))
        serve.end()
        said, _ = importing.communicate(timeout=PATIENCE)
    assert importing.returncode == 0
    assert said.startswith("Claude Code transcripts: ")
    assert count(serve) == calls
    assert orders_of(serve) == []


def test_an_interrupted_import_is_given_up_by_serve_too(serve: Serve, tmp_path: Path):
    many(tmp_path, 12, 300)
    command = [*COMMAND, "import", "claude-code", "t", "--store", serve.store_url]
    with subprocess.Popen(
        command, cwd=tmp_path, env=own_environment(tmp_path), stderr=subprocess.PIPE, text=True
    ) as importing:
        eventually(lambda: count(serve))
        os.kill(importing.pid, signal.SIGINT)
        importing.communicate(timeout=PATIENCE)
    assert orders_of(serve) == []
