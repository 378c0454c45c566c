"""What the store costs, as ratios within one run: `python bench/store.py [FOLDER] [--calls N]`.

Prompts: growing conversations of a coding agent (bodies of bench/engine.py's kind), and with FOLDER
the Claude Code transcripts (`*.jsonl`) and request logs (`*.json` with "messages") in it, each
written by its turns. Facts: N calls of two weeks without prompts, and the questions a page asks.
"""

from __future__ import annotations

import argparse
import inspect
import json
import random
import statistics
import string
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import apsw

from whycold.core.call import Call, Reply, Usage
from whycold.core.diagnosis import Diagnosis, Found, Grade, Reason, Verdict
from whycold.core.prompt import Prompt, Section
from whycold.diagnose import Engine
from whycold.errors import UserError
from whycold.providers.registry import read_call, rules_for
from whycold.store.answers import Dimension, Filters
from whycold.store.base import Store
from whycold.store.opening import open_store
from whycold.store.records import Capture, Record
from whycold.store.squeeze import squeeze

START = datetime(2026, 11, 2, tzinfo=UTC)
DAYS = 14
GROUP = 512
SOURCE = inspect.getsource(argparse) + inspect.getsource(random) + inspect.getsource(inspect)
REASONS = (
    (Reason.messages_changed, "message-edited", "messages[4].content[0].text"),
    (Reason.tools_changed, "tool-edited", "tools[Bash].description"),
    (Reason.system_changed, "system-time", "system[1].text"),
    (Reason.expired, "expired-5m", None),
    (Reason.provider, "evicted", None),
)


def conversations(count: int, turns: int, rng: random.Random) -> Iterator[list[dict[str, Any]]]:
    """Bodies of conversations that grow by one turn each; tools and system are shared by many."""

    def source(length: int) -> str:
        start = rng.randrange(len(SOURCE) - length)
        return SOURCE[start : start + length]

    tools = [
        {
            "name": f"tool_{i}",
            "description": source(900),
            "input_schema": {
                "type": "object",
                "properties": {
                    f"p{k}": {"type": "string", "description": source(70)} for k in range(5)
                },
            },
        }
        for i in range(18)
    ]
    marker = {"cache_control": {"type": "ephemeral"}}
    system = [{"type": "text", "text": source(9000), **marker}]
    for _ in range(count):
        messages: list[dict[str, Any]] = [{"role": "user", "content": source(400)}]
        bodies: list[dict[str, Any]] = []
        for _ in range(turns):
            last = messages[-1]
            content = last["content"]
            parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
            marked = [*messages[:-1], {**last, "content": [*parts[:-1], {**parts[-1], **marker}]}]
            bodies.append(
                {
                    "model": "claude-sonnet-5",
                    "max_tokens": 8000,
                    "tools": tools,
                    "system": system,
                    "messages": marked,
                }
            )
            use = {"type": "tool_use", "id": f"toolu_{rng.getrandbits(64):x}", "name": "tool_3"}
            said = {"type": "text", "text": source(rng.randrange(40, 500))}
            messages.append(
                {"role": "assistant", "content": [said, use | {"input": {"path": source(60)}}]}
            )
            result = {"type": "tool_result", "tool_use_id": use["id"], "content": source(2500)}
            messages.append({"role": "user", "content": [result]})
        yield bodies


def transcripts(folder: Path) -> Iterator[list[dict[str, Any]]]:
    """The bodies that clients must have sent, as far as the files tell."""
    for path in sorted(folder.rglob("*.jsonl")):
        messages: list[dict[str, Any]] = []
        bodies: list[dict[str, Any]] = []
        for line in path.read_bytes().splitlines():
            message = parsed(line).get("message")
            if isinstance(message, dict) and message.get("content") and message.get("role"):
                messages.append({"role": message["role"], "content": message["content"]})
                if message["role"] == "user":
                    bodies.append({"model": "claude-sonnet-5", "messages": messages[:]})
        if bodies:
            yield bodies
    logs = [
        {"model": "claude-sonnet-5", "messages": log["messages"]}
        | ({"tools": log["kwargs"]["tools"]} if "tools" in log.get("kwargs", {}) else {})
        for path in sorted(folder.rglob("*.json"))
        if isinstance((log := parsed(path.read_bytes())).get("messages"), list)
    ]
    if logs:
        yield logs


def parsed(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def diagnosed(conversations: Iterable[list[dict[str, Any]]]) -> tuple[list[Record], list[bytes]]:
    """Records of bodies, and the bodies as they were sent."""
    records: list[Record] = []
    raw: list[bytes] = []
    for number, bodies in enumerate(conversations):
        engine, before = Engine(rules_for), 0
        for turn, body in enumerate(bodies):
            sent = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
            data = sent.encode("utf-8", "surrogatepass")
            total = len(data) // 4
            usage = {
                "input_tokens": 3,
                "cache_read_input_tokens": before,
                "cache_creation_input_tokens": max(0, total - before),
                "output_tokens": 100,
            }
            try:
                call = read_call(
                    body,
                    {"id": f"msg_{number}_{turn}", "usage": usage, "content": []},
                    id=f"{number:016x}{turn:016x}",
                    at=START + timedelta(seconds=500 * number + 20 * turn),
                    origin={"project": "bench", "session": f"s{number}"},
                )
            except UserError:
                continue
            records.append(Record(call, engine.take(call)))
            raw.append(data)
            before = total
    return records, raw


def facts(count: int, rng: random.Random) -> Iterator[Record]:
    """Calls without prompts, as two weeks of a company's agents would make them, in time order."""
    letters = string.ascii_letters + string.digits

    def name(start: str) -> str:
        return start + "".join(rng.choices(letters, k=22))

    sessions = [[f"{rng.getrandbits(128):032x}", rng.randrange(12), 0, ""] for _ in range(400)]
    models = ["claude-sonnet-5", "claude-opus-5", "claude-haiku-5", "gpt-5.5", "gemini-2.5-pro"]
    step = timedelta(days=DAYS) / count
    for number in range(count):
        session = rng.choice(sessions)
        if rng.random() < 0.04:
            session[0], session[2] = f"{rng.getrandbits(128):032x}", 0
        session[2] += 1
        at = START + step * number
        total = 20_000 + 1500 * session[2]
        id = f"{rng.getrandbits(128):032x}"
        first, lost = session[2] == 1, rng.random() < 0.066
        read = 0 if first or lost else total - 1500
        usage = Usage(total, read, total - read - 3, total - read - 3, 0, uncached=3, output=400)
        verdict = Verdict.first if first else Verdict.miss if lost else Verdict.hit
        model = models[session[1] % 5]
        call = Call(
            id=id,
            at=at,
            provider="anthropic",
            api="anthropic.messages",
            model=model,
            prompt=Prompt(()),
            reply=Reply(name("msg_01"), model=f"{model}-20261001", usage=usage, stop="tool_use"),
            began=at + timedelta(microseconds=rng.randrange(300_000, 4_000_000)),
            request_id=name("req_011"),
            project=f"project-{session[1]}",
            session=session[0],
            agent=rng.choice(("main", "main", "explore")),
            release=f"2.{number * 7 // count}.{session[1] % 4}",
        )
        gap = timedelta(microseconds=rng.randrange(10**7, 10**9)) if session[3] else None
        told = replace(
            told_of(call, verdict),
            predecessor=session[3] or None,
            gap=gap,
            reusable_tokens=total - 1500,
        )
        session[3] = id
        yield Record(call, lost_by(told, rng) if verdict is Verdict.miss else told, Capture.usage)


def told_of(call: Call, verdict: Verdict) -> Diagnosis:
    return Diagnosis(
        call=call.id,
        at=call.at,
        api=call.api,
        provider=call.provider,
        model=call.model,
        verdict=verdict,
        summary="",
        usage=call.usage,
        grade=Grade.consistent if verdict is not Verdict.first else None,
        message_id=call.reply.message_id,
        request_id=call.request_id,
        project=call.project,
        session=call.session,
        agent=call.agent,
        release=call.release,
    )


def lost_by(told: Diagnosis, rng: random.Random) -> Diagnosis:
    reason, cause, path = rng.choice(REASONS)
    found = Found(Section.messages, path, 7, "", "", cause, False, "") if path else None
    return replace(
        told,
        reason=reason,
        cause=cause,
        title=cause,
        advice="Move what changes from call to call behind everything that stays the same.",
        missed_tokens=told.reusable_tokens or 0,
        missed_cost_usd=(told.reusable_tokens or 0) * Decimal("0.00000345"),
        divergences=(found,) if found else (),
        broke_at=4000,
        fingerprint=f"{rng.randrange(3000):016x}",
    )


def ingested(url: str, records: Iterable[Record], group: int) -> tuple[int, float]:
    """How many calls, and seconds of CPU for writing them; making them does not count."""
    store, spent, count = open_store(url, write=True), 0.0, 0
    batch: list[Record] = []

    def flush() -> None:
        nonlocal spent, count
        start = time.process_time()
        store.write(f"batch {count}", batch, {"offset": str(count)})
        spent += time.process_time() - start
        count += len(batch)
        batch.clear()

    for record in records:
        batch.append(record)
        if len(batch) == group:
            flush()
    if batch:
        flush()
    store.close()
    return count, spent


def whole_bodies(path: Path, raw: list[bytes]) -> float:
    """The yardstick: every body whole, compressed, in a table of a plain SQLite file."""
    db = apsw.Connection(str(path))
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE body (id INTEGER PRIMARY KEY, z BLOB)")
    start = time.process_time()
    for at in range(0, len(raw), GROUP):
        with db:
            db.executemany(
                "INSERT INTO body (z) VALUES (?)", [(squeeze(d),) for d in raw[at : at + GROUP]]
            )
    return time.process_time() - start


def size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))


def parts(path: Path) -> dict[str, int]:
    """Bytes per table with its indexes."""
    db = apsw.Connection(str(path))
    return dict(
        db.execute(
            "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s"
            " JOIN sqlite_schema m ON m.name = s.name GROUP BY 1 ORDER BY 2 DESC"
        )
    )


def prompts(name: str, records: list[Record], raw: list[bytes], folder: Path) -> None:
    sent, count = sum(map(len, raw)), len(records)
    yardstick = whole_bodies(folder / f"{name}-whole.db", raw)
    path = folder / f"{name}.db"
    _, spent = ingested(f"sqlite:///{path}", records, GROUP)
    stored, whole = size(path), size(folder / f"{name}-whole.db")
    print(
        f"| {name} | {count} | {sent / count:,.0f} | {whole / count:,.0f} | {stored / count:,.0f} |"
        f" {sent / stored:.1f} | {count / spent:,.0f} | {yardstick / spent:.2f} |"
    )
    by = ", ".join(f"{table} {n / count:,.0f}" for table, n in parts(path).items() if n > 4096)
    print(f"  bytes per call of {name}: {by}", file=sys.stderr)


def median_ms(work: Callable[[], object], runs: int = 15) -> float:
    """CPU time: what is asked for lies in memory, and others' work must not count."""
    spent: list[float] = []
    for _ in range(runs):
        start = time.process_time()
        work()
        spent.append((time.process_time() - start) * 1000)
    return statistics.median(spent)


def panel(store: Store) -> None:
    """What the overview asks for: seven days and the seven before, over time and in tables."""
    until = START + timedelta(days=DAYS, hours=-5, minutes=-13)
    week = timedelta(days=7)
    now, before = Filters(until - week, until), Filters(until - 2 * week, until - week)
    store.totals(now)
    store.totals(before)
    store.series(now, 6, Dimension.reason)
    for by in (Dimension.reason, Dimension.model):
        store.grouped(now, by)


def questions(store: Store) -> None:
    print("\n| question | ms of CPU, median |\n|---|---:|")
    until = START + timedelta(days=DAYS, hours=-5, minutes=-13)
    week = Filters(until - timedelta(days=7), until)
    one = store.misses(Filters(), limit=1).items[0].told
    deep = Filters(until=START + timedelta(days=3))
    asked: dict[str, Callable[[], object]] = {
        "latest 50 misses": lambda: store.misses(Filters()),
        "latest 50 misses of a project, far back": lambda: store.misses(
            replace(deep, project="project-3")
        ),
        "7-day panel (two totals, series, two tables)": lambda: panel(store),
        "totals of 7 days": lambda: store.totals(week),
        "7 days by hour and reason": lambda: store.series(week, 1, Dimension.reason),
        "7 days, one project, by model": lambda: store.grouped(
            replace(week, project="project-3"), Dimension.model
        ),
        "culprits of 7 days": lambda: store.culprits(week, 50),
        "releases": lambda: store.releases(week),
        "sessions": lambda: store.sessions(week),
        "one call by its message id": lambda: store.find(one.message_id or ""),
        "one session": lambda: store.session(one.session or ""),
    }
    for name, work in asked.items():
        print(f"| {name} | {median_ms(work):.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--calls", type=int, default=1_000_000)
    asked = parser.parse_args()
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        print(
            "| bodies | calls | sent, B/call | each whole, zstd | stored, B/call | sent/stored |"
            " calls per second of CPU | time of each whole / ours |"
        )
        print("|---|---:|---:|---:|---:|---:|---:|---:|")
        prompts("made", *diagnosed(conversations(40, 40, rng)), folder)
        if asked.folder is not None:
            prompts("real", *diagnosed(transcripts(asked.folder)), folder)
        path = folder / "facts.db"
        small, spent_small = ingested(f"sqlite:///{folder / 'one.db'}", facts(1000, rng), 1)
        count, spent = ingested(f"sqlite:///{path}", facts(asked.calls, rng), GROUP)
        print(
            f"\n{count:,} calls without prompts: {size(path) / count:.0f} B/call,"
            f" {count / spent:,.0f} calls per second of CPU in groups of {GROUP},"
            f" {count / spent / (small / spent_small):.1f} x as many as one by one"
        )
        print(", ".join(f"{table} {n / count:.1f}" for table, n in parts(path).items()))
        store = open_store(f"sqlite:///{path}", write=False)
        questions(store)
        store.close()


if __name__ == "__main__":
    main()
