"""Rollouts in small: lines as versions of Codex CLI write them, one after the other."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from whycold.core.call import Call
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import diagnose
from whycold.providers.registry import rules_for
from whycold.sources.codex import Codex

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
LONG = "The tests of the billing module fail since yesterday. Find out why, please. " * 40


class Order(StrEnum):
    """What comes first, by the version that writes so."""

    counts = "0.47.0"
    reply = "0.116.0"
    results = "0.145.0"
    record = "0.169.0"


class Rollout:
    """Lines of one thread. ``sum`` are the counts so far."""

    def __init__(
        self, id: str = "t1", version: Order = Order.record, start: float = 0, **meta: Any
    ) -> None:
        self.id, self.version = id, version
        self.at = START + timedelta(seconds=start)
        self.lines: list[dict[str, Any]] = []
        self.sum = dict.fromkeys(_usage(0, 0, 0, 0), 0)
        self.number, self.answers = 0, 0
        whole = {
            "id": id,
            "timestamp": stamp(self.at),
            "cwd": "/home/user/projects/billing",
            "originator": "codex_exec",
            "cli_version": str(version),
            "source": "exec",
            "model_provider": "openai",
            "base_instructions": {"text": "You are a coding agent."},
            **meta,
        }
        self.add("session_meta", wait=0, **whole)

    def add(self, kind: str, *, wait: float = 1, **payload: Any) -> None:
        """A line of that kind, ``wait`` seconds after the one before."""
        self.at += timedelta(seconds=wait)
        line: dict[str, Any] = {"timestamp": stamp(self.at), "type": kind, "payload": payload}
        if self.version is Order.record:
            line["ordinal"] = self.number
        self.number += 1
        self.lines.append(line)

    def event(self, kind: str, **payload: Any) -> None:
        self.add("event_msg", wait=0, type=kind, **payload)

    def item(self, kind: str, *, wait: float = 1, **payload: Any) -> None:
        self.add("response_item", wait=wait, type=kind, **payload)

    def says(self, role: str, text: str, wait: float = 1) -> None:
        part = {"type": "output_text" if role == "assistant" else "input_text", "text": text}
        self.item("message", role=role, content=[part], wait=wait)

    def user(self, text: str = "Go on.", *, model: str = "gpt-5.1", wait: float = 5) -> None:
        """A turn begins: its settings, and what the user says."""
        self.event("task_started", turn_id=f"{self.id}-{self.number}")
        self.add("turn_context", wait=wait, model=model, summary="auto", effort="high")
        self.says("user", text, wait=0)
        if self.version is Order.record:
            self.event("item_completed", item={"type": "UserMessage", "content": []})
        else:
            self.event("user_message", message=text)

    def answer(
        self, *reply: str | dict[str, Any], read: int = 0, total: int = 9_000, **more: int
    ) -> None:
        """A call: its counts and reply in the version's order; a str is a text, a dict a call of a
        tool, which is answered at once.
        """
        output, written = more.get("output", 10), more.get("written", 0)
        self.answers += 1
        items = [_item(part, self.id, self.answers, n) for n, part in enumerate(reply or ("Ok.",))]
        said = [i for i in items if i["type"] != "function_call_output"]
        got = [i for i in items if i["type"] == "function_call_output"]
        got = [
            {"type": "function_call_output", "call_id": i["call_id"], "output": f"{LONG}{i}"}
            for i in said
            if i["type"] == "function_call"
        ] + got
        usage = _usage(total, read, output, written)
        match self.version:
            case Order.counts:
                self.counted(usage)
                self.items([*said, *got])
                self.again()
            case Order.reply:
                self.items(said)
                self.counted(usage)
                self.items(got)
                self.again()
            case Order.results:
                self.items([*said, *got])
                self.counted(usage)
            case Order.record:
                self.items(said)
                self.grow(usage)
                self.add(
                    "token_usage_record",
                    response_id=f"resp_{self.id}_{self.answers}",
                    usage=usage,
                    thread_token_usage=dict(self.sum),
                    wait=0,
                )
                self.items(got)
                self.event("token_count", info=self.info(usage), rate_limits=None)

    def items(self, items: Iterable[dict[str, Any]]) -> None:
        for item in items:
            self.item(**{"kind": item["type"], **{k: v for k, v in item.items() if k != "type"}})

    def grow(self, usage: dict[str, int]) -> None:
        for name, count in usage.items():
            self.sum[name] += count

    def counted(self, usage: dict[str, int]) -> None:
        self.grow(usage)
        self.event("token_count", info=self.info(usage), rate_limits=None)

    def again(self) -> None:
        """The latest counts once more, as with the limits of an account."""
        last = self.lines[-1]
        for line in reversed(self.lines):
            if line["payload"].get("type") == "token_count":
                last = line
                break
        self.event("token_count", info=last["payload"]["info"], rate_limits={"primary": None})

    def info(self, usage: dict[str, int]) -> dict[str, Any]:
        return {"total_token_usage": dict(self.sum), "last_token_usage": usage}

    def raw(self) -> bytes:
        return b"".join(json.dumps(line).encode() + b"\n" for line in self.lines)

    def write(self, folder: Path) -> Path:
        path = folder / f"2026/11/23/rollout-2026-11-23T09-00-00-{self.id}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.raw())
        return path


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def tool(name: str = "exec_command") -> dict[str, Any]:
    return {"type": "function_call", "name": name, "arguments": '{"cmd": "ls"}'}


def _usage(total: int, read: int, output: int, written: int) -> dict[str, int]:
    return {
        "input_tokens": total,
        "cached_input_tokens": read,
        "cache_write_input_tokens": written,
        "output_tokens": output,
        "reasoning_output_tokens": 0,
        "total_tokens": total + output,
    }


def _item(part: str | dict[str, Any], id: str, answer: int, number: int) -> dict[str, Any]:
    if isinstance(part, str):
        text = {"type": "output_text", "text": part}
        return {"type": "message", "role": "assistant", "content": [text]}
    return {**part, "call_id": f"call_{id}_{answer}_{number}"}


def copied(made: Rollout, id: str, later: float = 60) -> Rollout:
    """A fork as versions up to 0.145 write it: its own head, then all lines of the other thread,
    written anew.
    """
    start = (made.at - START).total_seconds() + later
    fork = Rollout(id, made.version, start=start, forked_from_id=made.id)
    for line in made.lines:
        fork.lines.append({**line, "timestamp": stamp(fork.at)})
    fork.sum, fork.answers = dict(made.sum), made.answers
    fork.at += timedelta(seconds=2)
    return fork


def seen(*paths: Path) -> list[Call]:
    """All calls, in the order in which they are told."""
    return [found.call for family in Codex(paths).groups for found in family.calls()]


def calls_of(made: Rollout, folder: Path) -> list[Call]:
    return seen(made.write(folder))


def told_of(made: Rollout, folder: Path) -> list[Diagnosis]:
    return diagnose(calls_of(made, folder), rules_for)


def texts(call: Call) -> list[str]:
    """What a prompt says, block by block, in a word: the text, or the kind of block."""
    blocks = call.prompt.blocks
    return [b.value if type(b.value) is str and len(b.value) < 99 else str(b.kind) for b in blocks]


def sums(calls: Iterable[Call]) -> dict[str, int]:
    """Totals over calls."""
    used = [call.usage for call in calls]
    return {
        "calls": len(used),
        "input": sum(u.input or 0 for u in used),
        "read": sum(u.cache_read or 0 for u in used),
        "written": sum(u.cache_write or 0 for u in used),
        "output": sum(u.output or 0 for u in used),
    }
