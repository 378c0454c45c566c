"""Sources of calls that are made up, and one conversation as three sources see it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.ingest.traffic import SERVED, START, Conversation, tool
from tests.sources.claude_code.transcripts import Transcript
from whycold.core.call import Call, Reply
from whycold.core.prompt import Prompt, Section
from whycold.sources.claude_code import ClaudeCode
from whycold.sources.files import FoundFile, Trouble
from whycold.sources.proxied import read_proxied
from whycold.sources.recorded import Group, Seen
from whycold.sources.spool_record import Exchange

__all__ = ["Made", "calls_of", "talk", "telemetry", "transcript"]

BEGAN = datetime.fromtimestamp(START / 1e9, UTC)


@dataclass(frozen=True)
class _Part:
    made: Sequence[Call]
    files: Sequence[FoundFile] = ()
    size: int = 0

    def calls(self) -> Iterator[Seen]:
        for call in self.made:
            yield Seen(call, Path("made"), 0, 0)


class Made:
    """A source of these calls, in one group each, or in the groups that are given."""

    def __init__(self, name: str, *groups: Sequence[Call]) -> None:
        self.name = name
        self.groups: Sequence[Group] = [_Part(calls) for calls in groups]
        self.troubles: Sequence[Trouble] = ()


def talk(turns: int = 6) -> list[Exchange]:
    """A conversation as the proxy sees it; before its middle the description of a tool changes."""
    made = Conversation()
    out: list[Exchange] = []
    for n in range(turns):
        if n == turns // 2:
            made.tools = (made.tools[0], tool("Bash", "Runs a command, and asks first. " * 20))
        headers = (("content-type", "application/json"), ("request-id", f"req_{n}"))
        out.append(made.turn(f"question {n} " * 20, after_s=20.0 * n, response_headers=headers))
    return out


def calls_of(exchanges: Sequence[Exchange]) -> list[Call]:
    """What is read of exchanges, as another recorder of whole requests would have it."""
    found = (read_proxied(exchange, SERVED) for exchange in exchanges)
    return [seen.call for seen in found if seen is not None]


def transcript(exchanges: Sequence[Exchange], folder: Path, verdict: int = -1) -> ClaudeCode:
    """The same conversation as Claude Code writes it down, one file; the provider's ``verdict`` on
    that turn came with the response.
    """
    made = Transcript("s1", start=BEGAN - datetime(2026, 11, 23, 9, tzinfo=UTC))
    for n, (exchange, call) in enumerate(zip(exchanges, calls_of(exchanges), strict=True)):
        made.at = call.at - timedelta(seconds=1)
        made.user(json.loads(exchange.request.parts[0])["messages"][-1]["content"][0]["text"])
        said: dict[str, object] = {"id": call.reply.message_id}
        if n == verdict:
            reason = {"type": "tools_changed", "cache_missed_input_tokens": 1000}
            said["diagnostics"] = {"cache_miss_reason": reason}
        made.answer(
            str(n),
            "The answer to " + f"question {n} " * 20,
            read=call.usage.cache_read or 0,
            write=(call.usage.cache_write or 0) - 3,
            lifetime="5m",
            output=9,
            model="claude-sonnet-5",
            message=said,
        )
    folder.mkdir(exist_ok=True)
    return ClaudeCode([made.write(folder / "s1.jsonl")])


def telemetry(exchanges: Sequence[Exchange]) -> Made:
    """The same calls as metrics tell of them: who and how many tokens, but not what was said."""
    unseen = frozenset(Section)
    calls = [
        replace(
            call,
            id=f"telemetry-{n}",
            prompt=Prompt((), unseen=unseen),
            reply=Reply(model=call.model, usage=call.usage),
            account=None,
            release="app 7",
            agent="planner",
            project=None,
        )
        for n, call in enumerate(calls_of(exchanges))
    ]
    return Made("telemetry", calls)
