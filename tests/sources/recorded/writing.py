"""Exchanges that are made up, written down as recorders write them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NamedTuple

from whycold.core.call import Call
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import Engine
from whycold.providers.registry import rules_for
from whycold.sources.recorded import Group, Source

ANTHROPIC = "https://api.anthropic.com/v1/messages"
OPENAI = "https://api.openai.com/v1/chat/completions"
LONG = "All work is checked twice before it is sent. " * 200
TASK = "Please look at the totals of last month, and say what is wrong with them, and why."
BEGINS = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


class Made(NamedTuple):
    """An exchange: bodies, and how many seconds after the first it was sent."""

    request: dict[str, Any]
    response: dict[str, Any]
    after: float = 0
    url: str = ANTHROPIC


def turn(
    number: int, read: int = 0, wrote: int = 0, *, system: str = LONG, after: float | None = None
) -> Made:
    """Turn ``number`` of a conversation with Claude, marked at its end."""
    messages: list[dict[str, Any]] = []
    for i in range(number + 1):
        messages.append({"role": "user", "content": f"Question {i}. {TASK}"})
        if i < number:
            messages.append({"role": "assistant", "content": f"Answer {i}."})
    request = {
        "model": "claude-sonnet-5",
        "max_tokens": 100,
        "cache_control": {"type": "ephemeral"},
        "system": [{"type": "text", "text": system}],
        "messages": messages,
    }
    response = {
        "id": f"msg_{number}_{read}_{wrote}",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5",
        "content": [{"type": "text", "text": f"Answer {number}."}],
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 9,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": wrote,
            "output_tokens": 3,
        },
    }
    return Made(request, response, 30.0 * number if after is None else after)


def conversation() -> list[Made]:
    """Three turns: written, gone on from, and lost because the system prompt was edited."""
    return [
        turn(0, wrote=3000),
        turn(1, read=3000, wrote=20),
        turn(2, wrote=3040, system=LONG.replace("twice", "thrice", 1)),
    ]


def chat(text: str, cached: int = 0) -> Made:
    """A Chat Completions call with OpenAI."""
    return Made(
        {
            "model": "gpt-5.6",
            "messages": [
                {"role": "system", "content": LONG},
                {"role": "user", "content": text},
            ],
        },
        {
            "id": f"chatcmpl-{len(text)}-{cached}",
            "object": "chat.completion",
            "model": "gpt-5.6",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}}],
            "usage": {
                "prompt_tokens": 2010,
                "completion_tokens": 3,
                "total_tokens": 2013,
                "prompt_tokens_details": {"cached_tokens": cached},
            },
        },
        url=OPENAI,
    )


def stream(response: dict[str, Any]) -> str:
    """An answer of Claude as the events of a stream."""
    usage = response["usage"]
    first = {**response, "content": [], "usage": {**usage, "output_tokens": 1}}
    events = [
        {"type": "message_start", "message": first},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": response["content"][0]["text"]},
        },
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": usage["output_tokens"]},
        },
        {"type": "message_stop"},
    ]
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)


def sent(made: Made) -> datetime:
    return BEGINS + timedelta(seconds=made.after)


def http_date(made: Made) -> str:
    return format_datetime(sent(made), usegmt=True)


def calls(source: Source) -> list[Call]:
    """All calls of a source, in the order of time within each group."""
    return [call for group in source.groups for call in in_order(group)]


def in_order(group: Group) -> Sequence[Call]:
    return sorted((seen.call for seen in group.calls()), key=lambda call: call.order)


def told(source: Source) -> list[Diagnosis]:
    """What is said of each call, group by group."""
    return list(_told(source))


def _told(source: Source) -> Iterator[Diagnosis]:
    for group in source.groups:
        engine = Engine(rules_for)
        yield from (engine.take(call) for call in in_order(group))


def sums(source: Source) -> dict[str, int]:
    """Calls and tokens; what stands in two places counts once."""
    used = {call.id: call.usage for call in calls(source)}.values()
    return {
        "calls": len(used),
        "input": sum(u.input or 0 for u in used),
        "read": sum(u.cache_read or 0 for u in used),
        "written": sum(u.cache_write or 0 for u in used),
        "output": sum(u.output or 0 for u in used),
    }


def troubles(source: Source) -> list[str]:
    """The lines that tell what was wrong, once everything was read; without their folders."""
    for group in source.groups:
        list(group.calls())
    return [f"{trouble.path.name}: {trouble.what}" for trouble in source.troubles]


def written(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
