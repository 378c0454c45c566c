"""Transcripts in small: records as Claude Code writes them, one after the other."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from whycold.core.call import Call
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import diagnose
from whycold.providers.registry import rules_for
from whycold.sources.claude_code import ClaudeCode

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
LONG = "The tests of the billing module fail since yesterday. Find out why, please. " * 40


class Transcript:
    """Records of one file. Each follows the one before it, unless ``after`` names another one."""

    def __init__(self, session: str = "s1", start: timedelta = timedelta(0), **more: Any) -> None:
        self.session, self.at, self.more = session, START + start, more
        self.records: list[dict[str, Any]] = []
        self.last: str | None = None

    def add(self, kind: str, *, after: str | None = "", wait: float = 1, **fields: Any) -> str:
        """A record of that kind, ``wait`` seconds after the one before; its uuid."""
        self.at += timedelta(seconds=wait)
        uuid = fields.pop("uuid", f"{self.session}-{len(self.records)}")
        record = {
            "parentUuid": self.last if after == "" else after,
            "isSidechain": False,
            "cwd": "/home/user/projects/billing",
            "sessionId": self.session,
            "version": "2.1.119",
            "type": kind,
            "uuid": uuid,
            "timestamp": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **self.more,
            **fields,
        }
        self.records.append(record)
        self.last = uuid
        return uuid

    def user(self, content: Any = "Go on.", **more: Any) -> str:
        return self.add("user", message={"role": "user", "content": content}, **more)

    def result(self, use: str, content: Any = "ok", **more: Any) -> str:
        return self.user([{"type": "tool_result", "tool_use_id": use, "content": content}], **more)

    def note(self, kind: str, *, rendered: Any = None, **more: Any) -> str:
        after = {"after": more.pop("after")} if "after" in more else {}
        found = {"rendered": rendered} if rendered is not None else {}
        return self.add("attachment", attachment={"type": kind, **more}, **found, **after)

    def answer(
        self,
        name: str,
        *content: Any,
        read: int = 0,
        write: int = 0,
        lifetime: str = "1h",
        output: int = 10,
        model: str = "claude-opus-4-7",
        message: dict[str, Any] | None = None,
        **more: Any,
    ) -> str:
        """One record of a reply; a str stands for a text. ``name`` is its request's."""
        blocks = [{"type": "text", "text": c} if isinstance(c, str) else c for c in content]
        split = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
        whole = {
            "id": f"msg_{name}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": blocks,
            "stop_reason": None,
            "usage": {
                "input_tokens": 3,
                "cache_read_input_tokens": read,
                "cache_creation_input_tokens": write,
                "cache_creation": {**split, f"ephemeral_{lifetime}_input_tokens": write},
                "output_tokens": output,
            },
            **(message or {}),
        }
        return self.add("assistant", **{"requestId": f"req_{name}", "message": whole, **more})

    def lines(self) -> bytes:
        return b"".join(json.dumps(record).encode() + b"\n" for record in self.records)

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.lines())
        return path


def use(id: str, name: str = "Bash", **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": given or {"command": "ls"}}


def seen(*paths: Path) -> list[Call]:
    """All calls, copies too, in the order in which they are told."""
    return [found.call for session in ClaudeCode(paths).groups for found in session.calls()]


def calls_of(made: Transcript, folder: Path) -> list[Call]:
    return seen(made.write(folder / f"{made.session}.jsonl"))


def told_of(made: Transcript, folder: Path) -> list[Diagnosis]:
    return diagnose(calls_of(made, folder), rules_for)


def texts(call: Call) -> list[str]:
    """What a prompt says, block by block, in a word: the text, or the kind of block."""
    blocks = call.prompt.blocks
    return [b.value if isinstance(b.value, str) else b.name or str(b.kind) for b in blocks]


def sums(calls: Iterable[Call]) -> dict[str, int]:
    """Totals over calls, each counted once."""
    used = [call.usage for call in {call.id: call for call in calls}.values()]
    return {
        "calls": len(used),
        "uncached": sum(u.uncached or 0 for u in used),
        "read": sum(u.cache_read or 0 for u in used),
        "written": sum(u.cache_write or 0 for u in used),
        "written_5m": sum(u.cache_write_5m or 0 for u in used),
        "written_1h": sum(u.cache_write_1h or 0 for u in used),
        "output": sum(u.output or 0 for u in used),
    }
