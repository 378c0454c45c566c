"""Folders of bodies in small: requests and responses as Claude Code writes them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from whycold.core.call import Call
from whycold.sources.claude_code_bodies import ClaudeCodeBodies

START = datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp()
LONG = "The tests of the billing module fail since yesterday. Find out why, please. " * 40
TOOLS = [
    {"name": name, "description": f"{name}: {LONG}", "input_schema": {"type": "object"}}
    for name in ("Bash", "Read")
]
SYSTEM = "You are a coding agent."
PLACE = "<system-reminder>\n# Environment\n - Primary working directory: /home/user/billing\n"


class Session:
    """A conversation whose bodies go to ``folder``. Files are written at ``at``, seconds."""

    def __init__(self, folder: Path, id: str = "s1", start: float = 0, **more: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.id, self.at, self.more = folder, id, START + start, more
        self.messages: list[dict[str, Any]] = []
        self.number, self.previous = 0, ""
        self.lines: list[dict[str, Any]] = []

    def user(self, text: str = "Go on.", wait: float = 5) -> None:
        self.at += wait
        first = [] if self.messages else [{"type": "text", "text": PLACE}]
        self.messages.append({"role": "user", "content": [*first, {"type": "text", "text": text}]})

    def ask(self) -> str:
        """Write down a request; the name of its file."""
        name = f"{self.id}-{self.number}.request.json"
        billing = f"x-anthropic-billing-header: cc_version=2.1.260.a1b; {self.previous}"
        user = {"device_id": "d", "account_uuid": "", "session_id": self.id}
        body: dict[str, Any] = {
            "model": "claude-sonnet-4-5",
            "messages": deepcopy(self.messages),
            "system": [{"type": "text", "text": billing}, {"type": "text", "text": SYSTEM}],
            "tools": TOOLS,
            "betas": ["interleaved-thinking-2025-05-14"],
            "metadata": {"user_id": json.dumps(user)},
            "max_tokens": 32_000,
            **self.more,
        }
        # the newest message is a list with a marker, older ones of one text are that text
        body["messages"][-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
        for message in body["messages"][:-1]:
            content = message["content"]
            if len(content) == 1 and content[0]["type"] == "text":
                message["content"] = content[0]["text"]
        self.write(name, body)
        return name

    def reply(
        self, *content: str | dict[str, Any], read: int = 0, written: int = 0, wait: float = 1
    ) -> str:
        """Write down a response, ``wait`` seconds later; the name of its file."""
        self.at += wait
        said = [
            {"type": "text", "text": c} if isinstance(c, str) else c for c in content or ("Ok.",)
        ]
        said = [{"type": "thinking", "thinking": "<REDACTED>", "signature": "s"}, *said]
        name = f"req_{self.id}{self.number}"
        body = {
            "id": f"msg_{self.id}{self.number}",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5",
            "content": said,
            "stop_reason": "end_turn",
            "usage": {
                "input_tokens": 3,
                "cache_read_input_tokens": read,
                "cache_creation_input_tokens": written,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": written,
                    "ephemeral_1h_input_tokens": 0,
                },
                "output_tokens": 10,
            },
        }
        self.write(f"{name}.response.json", body)
        self.messages.append({"role": "assistant", "content": said})
        for block in said:
            if block["type"] == "tool_use":
                result = {"type": "tool_result", "tool_use_id": block["id"], "content": LONG}
                self.messages.append({"role": "user", "content": [result]})
        self.previous = f"cc_prev_req={name};"
        self.number += 1
        return f"{name}.response.json"

    def call(self, *content: str | dict[str, Any], **counts: int) -> None:
        """A request and its response, which the index names, if there is to be one."""
        request = self.ask()
        response = self.reply(*content, **counts)
        line = {
            "timestamp": datetime.fromtimestamp(self.at, UTC).isoformat(),
            "session_id": self.id,
            "query_source": "repl_main_thread",
            "request_id": response.partition(".")[0],
            "request_file": request,
            "response_file": response,
        }
        self.lines.append(line)

    def index(self) -> None:
        """Write the index that 2.1.330 writes."""
        with (self.folder / "index.jsonl").open("a") as file:
            file.writelines(f"{json.dumps(line)}\n" for line in self.lines)

    def write(self, name: str, body: object) -> None:
        path = self.folder / name
        path.write_text(json.dumps(body))
        os.utime(path, (self.at, self.at))


def use(id: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": "Bash", "input": {"command": "ls"}}


def talk(folder: Path, id: str = "s1", start: float = 0, **more: Any) -> Session:
    """Three calls of a session."""
    made = Session(folder, id, start, **more)
    made.user("First.")
    made.call(use(f"toolu_{id}"), written=9_000)
    made.call("One.", read=9_000, written=700)
    made.user("Second.")
    made.call("Two.", read=9_700, written=40)
    return made


def seen(*paths: Path) -> list[Call]:
    """All calls, in the order in which they are told."""
    return [found.call for group in ClaudeCodeBodies(paths).groups for found in group.calls()]


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
