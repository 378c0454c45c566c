"""``whycold demo`` from outside: a store, a dashboard on it, one line for each mistake."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.frontends.command import whycold
from tests.frontends.demo.conftest import UNTIL
from whycold.frontends.config import environment


def test_a_store_that_is_there_is_not_written_over(tmp_path: Path):
    path = tmp_path / "mine.db"
    path.write_text("mine")
    assert "is there already" in whycold("demo", "--make", path).mistake
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--until", "soon"], "is no time"),
        (["--port", "x"], "--port"),
        (["--make", "/proc/nowhere/demo.db"], "cannot write"),
    ],
)
def test_a_mistake_is_told_in_one_line(given: list[str], says: str):
    assert says in whycold("demo", *given).mistake


@pytest.mark.slow
def test_the_dashboard_answers_until_it_is_interrupted(tmp_path: Path, demo: Path):
    shutil.copy(demo, tmp_path / f"demo-{UNTIL:%Y%m%dT%H%M}.db")
    command = (sys.executable, "-m", "whycold", "demo", "--port", "0", "--keep", str(tmp_path))
    until = UNTIL.isoformat()
    # no store of the user's is made
    own = environment() | {"XDG_DATA_HOME": str(tmp_path / "data")}
    with subprocess.Popen(
        (*command, "--until", until), stdout=subprocess.PIPE, text=True, env=own
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().rpartition(" ")[2].strip()
        with urlopen(f"{url}api/v1/report?until={UNTIL:%Y-%m-%dT%H:%M}") as response:
            report = json.load(response)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    assert report["misses"] > 300
    assert process.returncode == 0
    assert not (tmp_path / "data").exists()
