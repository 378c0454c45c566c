"""opencode's data in small: sessions as it keeps them, in a database or in files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from whycold.core.call import Call
from whycold.sources.opencode import Opencode

START = int(datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp() * 1000)
LONG = "The tests of the billing module fail since yesterday. Find out why, please. " * 40

TABLES = """
create table project (id text primary key, worktree text not null, vcs text,
    time_created integer not null, time_updated integer not null);
create table session (id text primary key, project_id text not null, parent_id text,
    slug text not null, directory text not null, title text not null, version text not null,
    revert text, agent text, model text,
    time_created integer not null, time_updated integer not null);
create table message (id text primary key, session_id text not null,
    time_created integer not null, time_updated integer not null, data text not null);
create table part (id text primary key, message_id text not null, session_id text not null,
    time_created integer not null, time_updated integer not null, data text not null);
create index message_session_time_created_id_idx on message (session_id, time_created, id);
create index part_message_id_id_idx on part (message_id, id);
create index part_session_idx on part (session_id);
"""


class Made:
    """A session: messages, each with its parts. Times are in milliseconds after ``START``."""

    def __init__(
        self,
        id: str = "ses_1",
        parent: str | None = None,
        start: int = 0,
        model: str = "anthropic/claude-sonnet-4-5",
    ) -> None:
        self.id, self.parent, self.created = id, parent, START + start
        self.at = self.created
        self.provider, self.model = model.split("/")
        self.messages: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []

    def add(self, *parts: dict[str, Any], **info: Any) -> dict[str, Any]:
        """A message; its info, which may be changed."""
        number = len(self.messages)
        whole = {"id": f"msg_{self.id}_{number:04d}", "sessionID": self.id, **info}
        named = [
            {"id": f"prt_{self.id}_{number:04d}_{n}", "messageID": whole["id"], **part}
            for n, part in enumerate(parts)
        ]
        self.messages.append((whole, named))
        return whole

    def user(self, *parts: str | dict[str, Any], wait: int = 5_000) -> dict[str, Any]:
        self.at += wait
        said = [{"type": "text", "text": p} if isinstance(p, str) else p for p in parts or ("Go.",)]
        model = {"providerID": self.provider, "modelID": self.model}
        return self.add(*said, role="user", time={"created": self.at}, agent="build", model=model)

    def answer(
        self,
        *reply: str | dict[str, Any],
        read: int = 0,
        written: int = 0,
        rest: int = 0,
        output: int = 10,
        reasoning: int = 0,
        **more: Any,
    ) -> dict[str, Any]:
        """A call: a str is a text, a dict a part. It takes a second."""
        begun, self.at = self.at + 20, self.at + 1_020
        tokens = {
            "total": rest + read + written + output + reasoning,
            "input": rest,
            "output": output,
            "reasoning": reasoning,
            "cache": {"read": read, "write": written},
        }
        said: list[dict[str, Any]] = [
            {"type": "text", "text": p} if isinstance(p, str) else p for p in reply or ("Ok.",)
        ]
        for part in said:
            if part["type"] == "tool":
                part.setdefault("callID", f"toolu_{self.id}_{len(self.messages)}")
                part["state"].setdefault("time", {"start": self.at - 50, "end": self.at - 10})
        whole = {
            "role": "assistant",
            "parentID": self.asked,
            "mode": "build",
            "agent": "build",
            "path": {"cwd": "/home/user/projects/billing", "root": "/"},
            "cost": 0.01,
            "tokens": tokens,
            "modelID": self.model,
            "providerID": self.provider,
            "time": {"created": begun, "completed": self.at},
            "finish": "stop",
            **more,
        }
        end = {"type": "step-finish", "reason": whole["finish"], "tokens": tokens, "cost": 0.01}
        return self.add({"type": "step-start"}, *said, end, **whole)

    @property
    def asked(self) -> str:
        """The id of the user's last message."""
        ids = [info["id"] for info, _ in self.messages if info["role"] == "user"]
        return ids[-1] if ids else "msg_none"

    def compact(self, summary: str = "In short.", **part: Any) -> dict[str, Any]:
        self.user({"type": "compaction", "auto": False, **part})
        return self.answer(summary, rest=900, summary=True, mode="compaction", agent="compaction")

    def fork(self, id: str, later: int = 60_000) -> Made:
        """A fork as opencode makes it: all messages again under other ids, with their times."""
        fork = Made(id, start=self.at - START + later, model=f"{self.provider}/{self.model}")
        for info, parts in self.messages:
            bare = {k: v for k, v in info.items() if k not in ("id", "sessionID")}
            fork.add(*({**p, "id": f"{p['id']}_{id}"} for p in parts), **bare)
        fork.at = fork.created
        return fork


def tool(output: str = LONG, **state: Any) -> dict[str, Any]:
    whole = {"status": "completed", "input": {"command": "ls"}, "output": output, **state}
    return {"type": "tool", "tool": "bash", "state": whole}


def database(folder: Path, *made: Made) -> Path:
    """An ``opencode.db`` of sessions, in write-ahead mode as opencode leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "opencode.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma journal_mode = wal")
        db.executescript(TABLES)
        fill(db, *made)
    return path


def fill(db: sqlite3.Connection, *made: Made) -> None:
    """Put sessions into a database, or what is new of them."""
    home = ("global", "/home/user/projects/billing", "git", START, START)
    db.execute("insert or ignore into project values (?, ?, ?, ?, ?)", home)
    for one in made:
        row = (one.id, "global", one.parent, "calm-fox", "/home/user/projects/billing/src", "A")
        rest = ("1.18.33", None, "build", None, one.created, one.at)
        db.execute(f"insert or replace into session values ({', '.join('?' * 12)})", row + rest)
        for info, parts in one.messages:
            id, at = info["id"], info["time"]["created"]
            data = json.dumps({k: v for k, v in info.items() if k not in ("id", "sessionID")})
            kept = (id, one.id, at, at + 1_000, data)
            db.execute("insert or replace into message values (?, ?, ?, ?, ?)", kept)
            for part in parts:
                data = json.dumps({k: v for k, v in part.items() if k not in ("id", "messageID")})
                kept = (part["id"], id, one.id, at, at + 1_000, data)
                db.execute("insert or replace into part values (?, ?, ?, ?, ?, ?)", kept)
    db.commit()


def files(folder: Path, *made: Made) -> Path:
    """A ``storage`` folder of sessions."""
    place = folder / "storage"
    write(place / "project/p1.json", {"id": "p1", "worktree": "/home/user/projects/billing"})
    for one in made:
        whole = {
            "id": one.id,
            "version": "1.1.65",
            "projectID": "p1",
            "directory": "/home/user/projects/billing/src",
            "time": {"created": one.created, "updated": one.at},
            **({"parentID": one.parent} if one.parent else {}),
        }
        write(place / f"session/p1/{one.id}.json", whole)
        for info, parts in one.messages:
            write(place / f"message/{one.id}/{info['id']}.json", info)
            for part in parts:
                write(place / f"part/{info['id']}/{part['id']}.json", part)
    return place


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2))


def seen(*paths: Path) -> list[Call]:
    """All calls, copies too, in the order in which they are told."""
    return [found.call for tree in Opencode(paths).groups for found in tree.calls()]


def texts(call: Call) -> list[str]:
    """What a prompt says, block by block, in a word: the text, or the kind of block."""
    blocks = call.prompt.blocks
    return [b.value if type(b.value) is str and len(b.value) < 99 else str(b.kind) for b in blocks]


def sums(calls: Iterable[Call]) -> dict[str, int]:
    """Totals over calls, each counted once."""
    used = [call.usage for call in {call.id: call for call in calls}.values()]
    return {
        "calls": len(used),
        "input": sum(u.input or 0 for u in used),
        "read": sum(u.cache_read or 0 for u in used),
        "written": sum(u.cache_write or 0 for u in used),
        "output": sum(u.output or 0 for u in used),
    }
