"""A prompt cache that follows Anthropic's published rules to the letter, to produce true usages.

Claude docs, Prompt caching (2026-08-22): entries at markers; reads walk back over 20 positions from
each marker, a run of tool uses or of tool results counting once; lifetimes start anew with a read;
an entry is usable once the response that wrote it has begun.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from whycold.core.call import Call
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import diagnose
from whycold.providers.registry import read_call, rules_for

LIFETIMES = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1)}
MINIMUM = 1024
LOOKBACK = 20


@dataclass
class Piece:
    """A block as it is keyed: its bytes, its tokens, its marker, its type."""

    data: bytes
    ttl: str | None
    kind: str

    @property
    def tokens(self) -> int:
        return len(self.data) // 4 + 3


@dataclass
class Kept:
    usable: datetime
    expires: datetime
    ttl: str


def pieces(body: dict[str, Any]) -> Iterator[Piece]:
    """The blocks of a request in render order, with what voids them in front of each section."""
    whole = [
        *(("tools", tool) for tool in body.get("tools", [])),
        *(("system", block) for block in body.get("system", [])),
        *(
            ("messages", {**block, "role": message["role"]})
            for message in body["messages"]
            for block in message["content"]
        ),
    ]
    automatic = body.get("cache_control")
    for number, (section, block) in enumerate(whole):
        mark = block.get("cache_control") or (automatic if number == len(whole) - 1 else None)
        content = {k: v for k, v in block.items() if k != "cache_control"}
        voiding = [body["model"]]
        if section == "messages":
            voiding += [body.get("tool_choice"), body.get("output_config")]
        data = json.dumps([voiding, content]).encode()
        yield Piece(data, mark and mark.get("ttl", "5m"), block.get("type", "tool"))


@dataclass
class SimulatedCache:
    kept: dict[tuple[str, str], Kept] = field(default_factory=dict)

    def usage(
        self, body: dict[str, Any], at: datetime, began: datetime, place: str
    ) -> dict[str, Any]:
        """What the provider would report of a request, and take in what it leaves."""
        parts = list(pieces(body))
        names, ends = [], []
        state, total = hashlib.sha256(), 0
        for part in parts:
            state.update(part.data)
            total += part.tokens
            names.append((place, state.hexdigest()))
            ends.append(total)
        marks = [i for i, part in enumerate(parts) if part.ttl]
        hit = next((h for m in reversed(marks) if (h := self._look(parts, names, m, at))), None)
        read = 0
        if hit is not None:
            read = ends[hit[0]]
            kept = self.kept[names[hit[0]]]
            kept.expires = at + LIFETIMES[kept.ttl]
        written = {"5m": 0, "1h": 0}
        done = read
        for mark in marks:
            if ends[mark] <= done or ends[mark] < MINIMUM:
                if names[mark] in self.kept and ends[mark] <= read:
                    entry = self.kept[names[mark]]
                    entry.expires = max(entry.expires, at + LIFETIMES[entry.ttl])
                continue
            ttl = parts[mark].ttl or "5m"
            written[ttl] += ends[mark] - done
            done = ends[mark]
            self.kept[names[mark]] = Kept(began, at + LIFETIMES[ttl], ttl)
        return {
            "input_tokens": total - done,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": sum(written.values()),
            "cache_creation": {
                "ephemeral_5m_input_tokens": written["5m"],
                "ephemeral_1h_input_tokens": written["1h"],
            },
            "output_tokens": 40,
        }

    def _look(
        self, parts: list[Piece], names: list[tuple[str, str]], mark: int, at: datetime
    ) -> tuple[int] | None:
        positions, previous = 0, ""
        for i in range(mark, -1, -1):
            if not (parts[i].kind == previous and previous in ("tool_use", "tool_result")):
                positions += 1
            previous = parts[i].kind
            if positions > LOOKBACK:
                return None
            entry = self.kept.get(names[i])
            if entry is not None and entry.usable <= at <= entry.expires:
                return (i,)
        return None


class Recording:
    """Calls against one simulated cache, diagnosed together."""

    def __init__(self) -> None:
        self.cache, self.calls = SimulatedCache(), list[Call]()
        self.now = datetime.fromisoformat("2026-11-23T09:00:00+00:00")

    def send(
        self,
        body: dict[str, Any],
        after: float = 30,
        *,
        begins: float = 2,
        place: str = "account-1",
        **origin: str,
    ) -> None:
        """Send a request ``after`` seconds; its response begins ``begins`` seconds later."""
        body = json.loads(json.dumps(body))
        self.now += timedelta(seconds=after)
        began = self.now + timedelta(seconds=begins)
        usage = self.cache.usage(body, self.now, began, place)
        self.calls.append(
            read_call(
                body,
                {"type": "message", "role": "assistant", "content": [], "usage": usage},
                id=f"call-{len(self.calls)}",
                at=self.now,
                provider="anthropic",
                began=began,
                origin={"session": "session-1", "account": "account-1", "host": "host-1"} | origin,
            )
        )

    def told(self) -> list[Diagnosis]:
        return diagnose(self.calls, rules_for)

    def last(self) -> Diagnosis:
        return self.told()[-1]
