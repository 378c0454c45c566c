"""``make run``: the first thing that somebody does with a clone."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.frontends.test_importing import transcript
from tests.serving import PATIENCE, own_environment

ROOT = Path(__file__).parents[1]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As much of a clone as the script needs: itself, and the command at its place."""
    folder = tmp_path / "clone"
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / "scripts").mkdir()
    script = folder / "scripts/run"
    script.write_bytes((ROOT / "scripts/run").read_bytes())
    script.chmod(0o755)
    command = folder / ".venv/bin/whycold"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m whycold "$@"\n')
    command.chmod(0o755)
    return folder


def environment(home: Path) -> dict[str, str]:
    free = {"WHYCOLD_PORT": "0", "WHYCOLD_DASHBOARD_PORT": "0"}
    return own_environment(home) | free


def until(process: subprocess.Popen[str], what: str) -> list[str]:
    """The lines up to the one that has ``what`` in it."""
    assert process.stdout is not None
    lines: list[str] = []
    for text in process.stdout:
        lines.append(text.rstrip())
        if what in text:
            return lines
    raise AssertionError(lines)


def test_it_imports_what_is_there_and_opens_serve(clone: Path, tmp_path: Path):
    transcript().write(tmp_path / ".claude/projects/p/s1.jsonl")
    with subprocess.Popen(
        [clone / "scripts/run"], env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as process:
        lines = until(process, "  dashboard  http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert any(line.startswith("Claude Code transcripts: 2 new calls") for line in lines)


def test_with_nothing_to_import_it_names_the_demo_and_opens_serve(clone: Path, tmp_path: Path):
    with subprocess.Popen(
        [clone / "scripts/run"],
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        lines = until(process, "  dashboard  http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    said = "\n".join(lines)
    assert "whycold: there is nothing to import in " in said
    assert ".venv/bin/whycold demo opens the dashboard on made-up traffic" in said


def test_on_a_terminal_it_asks_whether_to_open_the_demo(clone: Path, tmp_path: Path):
    command = clone / ".venv/bin/whycold"
    text = command.read_text().replace("exec", '[ "$1" = demo ] && echo the demo && exit 0\nexec')
    command.write_text(text)
    main, side = pty.openpty()
    with subprocess.Popen(
        [clone / "scripts/run"],
        env=environment(tmp_path),
        stdin=side,
        stdout=side,
        stderr=side,
    ) as process:
        os.close(side)
        assert b"[Y/n]" in said(main, b"[Y/n]")
        os.write(main, b"\n")
        assert b"the demo" in said(main, b"the demo")
        assert process.wait(PATIENCE) == 0
    os.close(main)


def said(terminal: int, what: bytes) -> bytes:
    """What appears on a terminal, up to ``what``."""
    found, give_up = b"", time.monotonic() + PATIENCE
    while what not in found and time.monotonic() < give_up:
        if select.select([terminal], [], [], 0.1)[0]:
            found += os.read(terminal, 4096)
    return found
