"""Exchanges as a proxy records them: a conversation over Anthropic's API, turn by turn."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from whycold.sources.served import Served
from whycold.sources.spool import SpoolConfig
from whycold.sources.spool_record import Body, Capture, Exchange, Record
from whycold.sources.spool_writer import Reduce, SpoolWriter

__all__ = ["SERVED", "START", "Conversation", "body", "exchange", "spool", "tool"]

START = 1_790_000_000_000_000_000
"""Unix nanoseconds: some day in September 2026."""
SERVED = Served({"anthropic": "api.anthropic.com", "openai": "api.openai.com"})
SYSTEM = "You are a careful engineer. " * 400
_SECOND = 1_000_000_000


def tool(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    return {"name": name, "description": description, "input_schema": schema}


READ = tool("Read", "Reads a file from the disk. " * 20)
BASH = tool("Bash", "Runs a command in a shell. " * 20)


def body(**fields: object) -> dict[str, Any]:
    """A request to Messages; fields replace those of a small one."""
    usual = {
        "model": "claude-sonnet-5",
        "max_tokens": 64,
        "tools": [READ, BASH],
        "system": [
            {"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral"}},
        ],
        "messages": [{"role": "user", "content": "Hello."}],
    }
    return usual | fields


def exchange(
    number: int,
    sent: Mapping[str, Any] | bytes,
    came: Mapping[str, Any] | bytes,
    *,
    after_s: float = 0.0,
    took_s: float = 1.0,
    path: str = "/v1/messages",
    upstream: str = "anthropic",
    **fields: Any,
) -> Exchange:
    """An exchange that began ``after_s`` seconds after START."""
    request = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    response = came if isinstance(came, bytes) else json.dumps(came).encode()
    began = START + int(after_s * _SECOND)
    made = Exchange(
        id=(began // 1_000_000) << 22 | number,
        started=began,
        sent=began,
        answered=began + int(took_s * _SECOND / 2),
        ended=began + int(took_s * _SECOND),
        upstream=upstream,
        method="POST",
        target=path,
        request_headers=(("content-type", "application/json"), ("user-agent", "test/1.0.0")),
        status=200,
        response_headers=(("content-type", "application/json"),),
        request=Body(parts=(request,), wire_size=len(request)),
        response=Body(parts=(response,), wire_size=len(response)),
        labels={},
        account="a" * 32,
    )
    return replace(made, **fields)


@dataclass
class Conversation:
    """Grows by a question and an answer with every turn; what is cached is worked out as on
    Anthropic's API with one marker behind the system and one behind the last message."""

    session: str = "s1"
    tools: Sequence[Mapping[str, Any]] = (READ, BASH)
    system: str = SYSTEM
    number: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _cached: tuple[bytes, int] = (b"", 0)

    def turn(self, question: str, *, after_s: float, **fields: Any) -> Exchange:
        self.number += 1
        marked = {"type": "text", "text": question, "cache_control": {"type": "ephemeral"}}
        self.messages.append({"role": "user", "content": [marked]})
        sent = body(
            tools=list(self.tools),
            system=[{"type": "text", "text": self.system, "cache_control": {"type": "ephemeral"}}],
            messages=[*self.messages],
        )
        opening = json.dumps([sent["tools"], self.system]).encode()
        total = len(opening) // 4 + 40 * len(self.messages)
        read = self._cached[1] if self._cached[0] == opening else 0
        self._cached = opening, total
        answer = f"The answer to {question}"
        came = {
            "id": f"msg_{self.session}_{self.number}",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-5",
            "content": [{"type": "text", "text": answer}],
            "stop_reason": "end_turn",
            "usage": {
                "input_tokens": 0,
                "cache_read_input_tokens": read,
                "cache_creation_input_tokens": total - read,
                "output_tokens": 9,
            },
        }
        labels = fields.pop("labels", {"session": self.session})
        made = exchange(self.number, sent, came, after_s=after_s, labels=labels, **fields)
        self.messages[-1] = {"role": "user", "content": question}
        self.messages.append({"role": "assistant", "content": answer})
        return made


class _Written:
    """An exchange that has ended, as the writer of the spool takes it."""

    held = 0

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def record(self) -> Record:
        return Record.of(self._exchange)


def spool(
    folder: Path,
    exchanges: Iterable[Exchange],
    reduce: Reduce | None = None,
    **config: Any,
) -> None:
    """Puts exchanges on a spool, in that order, as the proxy's writer does."""
    writer = SpoolWriter(SpoolConfig(folder=str(folder), gather_s=0.0, **config), {}, reduce)
    writer.start()
    for one in exchanges:
        writer.submit(_Written(one))
    assert writer.close(30.0)


def captured(exchanges: Iterable[Exchange], capture: Capture) -> list[Exchange]:
    """The same in another capture mode."""
    return [replace(one, capture=capture) for one in exchanges]
