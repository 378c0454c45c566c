"""Edits in what telemetry shows of a conversation, behind tools that it does not show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.simulated_cache import SimulatedCache
from tests.sources.otlp.documents import START, calls, span, spans, write
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import Engine
from whycold.providers.registry import rules_for

MARK = {"cache_control": {"type": "ephemeral"}}
SYSTEM = "You are careful. " * 400
TURNS, EDITED = 5, 3


def conversation(edit: str) -> Iterator[dict[str, Any]]:
    """Requests as they were sent; one of them, and all after it, with an edit."""
    words = {"tools": "Look for a thing. " * 1500, "system": SYSTEM, "first": "Where? " * 200}
    messages: list[dict[str, Any]] = []
    for turn in range(TURNS):
        if turn == EDITED:
            words[edit] = f"Now: {words[edit]}"
            messages[0]["content"][0]["text"] = words["first"]
        asked = {"type": "text", "text": words["first"] if not turn else f"Question {turn}"}
        yield {
            "model": "claude-sonnet-5",
            "tools": [{"name": "look", "description": words["tools"], **MARK}],
            "system": [{"type": "text", "text": words["system"], **MARK}],
            "messages": [*messages, {"role": "user", "content": [{**asked, **MARK}]}],
        }
        said = {"type": "text", "text": "Sure. " * 50}
        messages += [{"role": "user", "content": [asked]}, {"role": "assistant", "content": [said]}]


def recorded(body: dict[str, Any], turn: int, cache: SimulatedCache) -> dict[str, Any]:
    """What the Anthropic SDK's own span says of a request: no tools, no markers."""
    at = datetime.fromtimestamp(START // 10**9 + 10 * turn, UTC)
    usage = cache.usage(body, at, at + timedelta(seconds=1), "account")
    messages = [
        {"role": m["role"], "parts": [{"type": "text", "content": b["text"]} for b in m["content"]]}
        for m in body["messages"]
    ]
    system = [{"type": "text", "content": block["text"]} for block in body["system"]]
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": body["model"],
        "gen_ai.response.id": f"msg_{turn}",
        "gen_ai.usage.input_tokens": usage["input_tokens"] + read + written,
        "gen_ai.usage.cache_read.input_tokens": read,
        "gen_ai.usage.cache_write.input_tokens": written,
        "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": written,
        "gen_ai.system_instructions": json.dumps(system),
        "gen_ai.input.messages": json.dumps(messages),
    }
    return spans(span(said, turn + 1, 10 * turn), scope="com.anthropic.sdk.python")


def diagnosed(tmp_path: Path, edit: str) -> Diagnosis:
    """What is told of the call with the edit; every other one is a hit, or the first."""
    cache, engine = SimulatedCache(), Engine(rules_for)
    documents = [recorded(b, turn, cache) for turn, b in enumerate(conversation(edit))]
    told = [engine.take(call) for call in calls(write(tmp_path / "t.jsonl", *documents))]
    verdicts = [one.verdict for one in told]
    assert verdicts[:EDITED] + verdicts[EDITED + 1 :] == ["first", "hit", "hit", "hit"]
    return told[EDITED]


@pytest.mark.parametrize(
    ("edit", "path"), [("system", "system[0].text"), ("first", "messages[0].content[0].text")]
)
def test_an_edit_behind_tools_that_are_not_shown_is_named(tmp_path: Path, edit: str, path: str):
    told = diagnosed(tmp_path, edit)
    assert (told.verdict, told.divergences[0].path) == ("partial", path)
    assert told.reason in ("system_changed", "messages_changed")


def test_an_edit_of_tools_that_are_not_shown_is_not_taken_for_another(tmp_path: Path):
    told = diagnosed(tmp_path, "tools")
    assert (told.verdict, told.reason, told.divergences) == ("miss", "unseen", ())
