"""Measures the status line: `python -m bench.statusline [STORE]`.

How long `whycold statusline` takes from its start to its end, against `python -c pass` of the same
Python: both are run in turns, with Claude Code's object on standard input. Without STORE, a file,
it is asked of the demo's two weeks. The ratio says more than the times on a busy machine.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from whycold.query import Query
from whycold.store.answers import Filters
from whycold.store.opening import open_store

__all__ = ["measure"]

_ROUNDS = 40
_GOAL_MS = 50


def measure(command: list[str], told: bytes) -> tuple[float, float]:
    """Milliseconds of one run: by the clock, and of the processor."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, input=told, stdout=subprocess.DEVNULL, check=True)
    took, after = time.perf_counter() - start, os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    return 1000 * took, 1000 * spent


def _session(url: str) -> str:
    store = open_store(url, write=False)
    try:
        found = (kept.told.session for kept in Query(store).misses(Filters()).items)
        return next((session for session in found if session), "")
    finally:
        store.close()


def _told(name: str, runs: list[tuple[float, float]]) -> None:
    wall, cpu = (sorted(part) for part in zip(*runs, strict=True))
    print(
        f"{name:<22} median {statistics.median(wall):6.1f} ms, best {wall[0]:6.1f} ms;"
        f" processor {statistics.mean(cpu):5.1f} ms"
    )


def main() -> None:
    """Print both, and their ratio."""
    command = str(Path(sys.executable).with_name("whycold"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "demo.db"
        if not file.exists():
            subprocess.run([command, "demo", "--make", str(file)], check=True)
        url = f"sqlite:///{file.absolute()}"
        told = json.dumps({"session_id": _session(url), "cwd": "/", "version": "2.1.330"}).encode()
        line = [command, "statusline", "--store", url]
        subprocess.run(line, input=told, check=True)
        bare, whole = list[tuple[float, float]](), list[tuple[float, float]]()
        for _ in range(_ROUNDS):
            bare.append(measure([sys.executable, "-c", "pass"], told))
            whole.append(measure(line, told))
    _told("python -c pass", bare)
    _told("whycold statusline", whole)
    ratio = statistics.median(run[0] for run in whole) / statistics.median(run[0] for run in bare)
    print(f"ratio {ratio:.1f}; goal: under {_GOAL_MS} ms on an idle machine")


if __name__ == "__main__":
    main()
