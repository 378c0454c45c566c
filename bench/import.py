"""What reading Claude Code transcripts costs: `python -m bench.import [--size 64MB] [FOLDER]`.

Generated transcripts have the records of real ones in their proportions; FOLDER takes yours. All
rates are MB of file per second of one core's time, of one run: parsing each line with orjson and
doing nothing else, reading records, linking them to calls, and, with --whole, importing all into
a new store; and the MB of memory held after each quarter. With --ccusage PATH an installed ccusage
(npm) sums up the same files in the same run.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import resource
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from whycold.ingest.importing import Importer, Progress, few_collections
from whycold.sources.claude_code import ClaudeCode, Session
from whycold.sources.claude_code_records import read_record
from whycold.sources.files import LineFile
from whycold.store.opening import open_store

SESSION = 3_000_000
"""Bytes of a generated session, about; real ones have up to ten times as many."""
COMPACTED = 180_000
WORDS = ("the", "module", "reads", "tests", "before", "cache", "value", "returns", "error", "line")


class Writer:
    """Writes one session: a conversation of tool calls, compacted when it is long."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.session = self.uuid()
        self.at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=seed)
        self.parent: str | None = None
        self.read, self.size = 0, 0

    def uuid(self) -> str:
        raw = f"{self.rng.getrandbits(128):032x}"
        return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"

    def text(self, length: int) -> str:
        words = self.rng.choices(WORDS, k=length // 12)
        return " ".join(f"{word} {self.rng.random():.4f}" for word in words)

    def record(self, kind: str, **fields: object) -> bytes:
        self.at += timedelta(milliseconds=self.rng.randrange(50, 2500))
        own = self.uuid()
        whole = {
            "parentUuid": self.parent,
            "isSidechain": False,
            "userType": "external",
            "cwd": "/home/user/projects/billing",
            "sessionId": self.session,
            "version": "2.1.119",
            "gitBranch": "main",
            "type": kind,
            **fields,
            "uuid": own,
            "timestamp": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        self.parent = own
        return orjson.dumps(whole) + b"\n"

    def said(self, content: object, **more: object) -> bytes:
        return self.record("user", message={"role": "user", "content": content}, **more)

    def turn(self) -> Iterator[bytes]:
        """A reply of three records, two hooks, and the result of its tool."""
        ids = {"requestId": f"req_{self.uuid()[:24]}"}
        use = f"toolu_{self.uuid()[:24]}"
        written = self.rng.randrange(200, 2500)
        usage = {
            "input_tokens": 1,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": 0,
                "ephemeral_1h_input_tokens": written,
            },
            "output_tokens": self.rng.randrange(20, 900),
            "service_tier": "standard",
        }
        self.read += written
        message = {
            "model": "claude-opus-4-7",
            "id": f"msg_{self.uuid()[:24]}",
            "type": "message",
            "role": "assistant",
            "stop_reason": "tool_use",
            "usage": usage,
        }
        signature = "".join(self.rng.choices(string.ascii_letters, k=400))
        command = {"command": self.text(120), "description": self.text(40)}
        for part in (
            {"type": "thinking", "thinking": "", "signature": signature},
            {"type": "text", "text": self.text(150)},
            {"type": "tool_use", "id": use, "name": "Bash", "input": command},
        ):
            yield self.record("assistant", message={**message, "content": [part]}, **ids)
        for _ in range(2):
            hook = {"type": "hook_progress", "hookEvent": "PostToolUse", "command": self.text(80)}
            yield self.record("progress", data=hook, toolUseID=use, parentToolUseID=use)
        shown = self.text(self.rng.choice((300, 900, 2000, 6000)))
        result = {"tool_use_id": use, "type": "tool_result", "content": shown, "is_error": False}
        whole = {"stdout": shown, "stderr": "", "interrupted": False, "isImage": False}
        yield self.said([result], toolUseResult=whole)

    def lines(self) -> Iterator[bytes]:
        """The session, until it is long enough."""
        yield self.said(self.text(300))
        while self.size < SESSION:
            if self.read > COMPACTED:
                before, self.parent, self.read = self.parent, None, 20_000
                yield self.record("system", subtype="compact_boundary", logicalParentUuid=before)
                yield self.said(f"Summary: {self.text(4000)}", isCompactSummary=True)
            yield from self.turn()
            if self.rng.random() < 0.1:
                yield self.said(self.text(200))

    def write(self, folder: Path) -> None:
        with (folder / f"{self.session}.jsonl").open("wb") as file:
            for line in self.lines():
                self.size += file.write(line)


def made(folder: Path, size: int) -> None:
    for seed in range(max(1, size // SESSION)):
        Writer(seed).write(folder)


def timed(sessions: list[Session], work: Callable[[Session], object]) -> tuple[float, list[int]]:
    """MB per second, and the MB of memory held after each quarter of the sessions."""
    gc.collect()
    total, held = sum(s.size for s in sessions), list[int]()
    start = time.process_time()
    with few_collections():
        for number, session in enumerate(sessions, 1):
            work(session)
            if number * 4 // len(sessions) > len(held):
                held.append(resident())
    return total / 1e6 / (time.process_time() - start), held


def resident() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() >> 20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def parse(session: Session) -> None:
    for file in session.files:
        with file.path.open("rb") as lines:
            for line in lines:
                orjson.loads(line)


def records(session: Session) -> None:
    for file in session.files:
        for line in LineFile(file.path):
            read_record(line)


def linked(session: Session) -> None:
    for _ in session.calls():
        pass


def imported(folder: Path, store: Path) -> tuple[float, list[int]]:
    """As ``timed``, for an import into a new store."""
    held = list[int]()

    def note(progress: Progress) -> None:
        if progress.done * 4 // max(1, progress.total) > len(held):
            held.append(resident())

    opened = open_store(f"sqlite:///{store}", write=True)
    source = ClaudeCode([folder])
    start = time.process_time()
    Importer(opened).take(source, note)
    took = time.process_time() - start
    opened.close()
    return sum(group.size for group in source.groups) / 1e6 / took, held


def summed_up(ccusage: Path, folder: Path) -> str:
    """Its MB per second of all its threads' time and of the clock's, the MB that it held at most,
    and what it counted.
    """
    size = sum(file.stat().st_size for file in folder.rglob("*.jsonl"))
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "projects").symlink_to(folder.absolute(), target_is_directory=True)
        environment = {**os.environ, "HOME": home, "CLAUDE_CONFIG_DIR": home}
        command = [str(ccusage.absolute()), "claude", "daily", "--json", "--offline"]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        ran = subprocess.run(command, env=environment, capture_output=True, check=True)
        whole = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    read = orjson.loads(ran.stdout)["totals"]["cacheReadTokens"]
    return (
        f"ccusage: {size / 1e6 / took:.0f} MB/s of its time, {size / 1e6 / whole:.0f} MB/s of the "
        f"clock's, {after.ru_maxrss >> 10} MB held; {read:,} tokens read"
    )


def size_of(text: str) -> int:
    number = text.upper().rstrip("B")
    return int(float(number.rstrip("KMG")) * {"K": 1e3, "M": 1e6, "G": 1e9}.get(number[-1], 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument(
        "--size",
        default="64MB",
        help="of the generated transcripts: 64MB, 1GB (a bare number: bytes)",
    )
    parser.add_argument("--whole", action="store_true", help="import all into a new store, too")
    parser.add_argument("--ccusage", type=Path, help="an installed ccusage, to compare with")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary) / "projects"
        if given.folder is None:
            folder.mkdir()
            made(folder, size_of(given.size))
        report(folder, Path(temporary) / "calls.db" if given.whole else None)
        if given.ccusage is not None:
            print(f"\n{summed_up(given.ccusage, folder)}")


def report(folder: Path, store: Path | None) -> None:
    sessions = ClaudeCode([folder]).groups
    calls = read = 0
    for session in sessions:
        for seen in session.calls():
            calls, read = calls + 1, read + (seen.call.usage.cache_read or 0)
    size = sum(s.size for s in sessions)
    print(f"{size / 1e6:.0f} MB, {len(sessions)} sessions, {calls} calls, {read:,} tokens read\n")
    print("| step | MB/s | of orjson.loads | MB held, by quarters |\n|---|---:|---:|---|")
    steps: dict[str, Callable[[Session], object]] = {
        "orjson.loads of each line": parse,
        "records": records,
        "records, linked to calls": linked,
    }
    base = None
    for name, work in steps.items():
        rate, held = timed(sessions, work)
        base = base or rate
        print(f"| {name} | {rate:.0f} | {rate / base:.2f} | {json.dumps(held)[1:-1]} |", flush=True)
    if store is not None and base:
        rate, held = imported(folder, store)
        name = "diagnosed and kept"
        print(f"| {name} | {rate:.1f} | {rate / base:.3f} | {json.dumps(held)[1:-1]} |")


if __name__ == "__main__":
    sys.exit(main())
