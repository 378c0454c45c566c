"""Sessions that only a transcript tells of, as Claude Code writes one: no tools, no system."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from whycold.core.content import Json, JsonMap
from whycold.frontends.demo.pieces import Message, Spent
from whycold.frontends.demo.talk import Talk, Times

__all__ = ["Transcript", "write_transcripts"]

_ANSWER = timedelta(seconds=2.4)


class Transcript:
    """The records of one session as it goes on."""

    def __init__(self) -> None:
        self.records: list[JsonMap] = []
        self._told = 0

    def take(self, talk: Talk, times: Times, spent: Spent, id: str, request_id: str) -> None:
        """A request, with what was new in it, and its answer."""
        for message in talk.messages[self._told :]:
            if message.role == "user":
                said = {"role": "user", "content": _content(message)}
                self._add(talk, times.sent, "user", {"message": said})
        answer = {
            "id": id,
            "type": "message",
            "role": "assistant",
            "model": talk.model,
            "content": _content(talk.reply),
            "stop_reason": "tool_use" if talk.answer.uses else "end_turn",
            "usage": {
                "input_tokens": spent.rest,
                "cache_read_input_tokens": spent.read,
                "cache_creation_input_tokens": sum(spent.written.values()),
                "cache_creation": {
                    "ephemeral_5m_input_tokens": spent.written.get("5m", 0),
                    "ephemeral_1h_input_tokens": spent.written.get("1h", 0),
                },
                "output_tokens": 2 + sum(part.tokens for part in talk.reply.pieces),
            },
        }
        ended = times.began + _ANSWER
        self._add(talk, ended, "assistant", {"message": answer, "requestId": request_id})
        self._told = len(talk.messages) + 1

    def _add(self, talk: Talk, at: datetime, kind: str, more: JsonMap) -> None:
        number = len(self.records)
        self.records.append(
            {
                "parentUuid": f"{talk.session}-{number - 1}" if number else None,
                "isSidechain": False,
                "cwd": f"/home/dev/{talk.who.project}",
                "sessionId": talk.session,
                "version": talk.who.client.rpartition(" ")[2],
                "type": kind,
                "uuid": f"{talk.session}-{number}",
                "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                **more,
            }
        )


def write_transcripts(folder: Path, talks: list[Talk]) -> None:
    """A file for each session, in the folder of its project."""
    for talk in talks:
        if talk.transcript is not None and talk.transcript.records:
            path = folder / f"-home-dev-{talk.who.project}" / f"{talk.session}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = (msgspec.json.encode(record) + b"\n" for record in talk.transcript.records)
            path.write_bytes(b"".join(lines))


def _content(message: Message) -> list[Json]:
    return [msgspec.json.decode(part.data) for part in message.pieces]
