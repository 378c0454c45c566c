"""A diagnosis as JSON: the names that others rely on."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from tests.frontends.command import whycold
from tests.frontends.told import edits, told
from whycold.frontends.diagnosis_json import as_json, decimal_text

ROOT = Path(__file__).parents[2]
PAIR = ROOT / "examples" / "openai-chat-clock"
RELIED_ON = """
    call message_id request_id at api provider model project session agent release usage verdict
    reason cause grade predecessor predecessor_message_id divergences missed_tokens missed_cost_usd
    provider_reason summary advice
"""
EDIT = edits("It is 09:09:02 now.", "It is 09:11:15 now.", "system[0].text")


def printed() -> dict[str, Any]:
    ran = whycold("diff", "--json", PAIR / "before.json", PAIR / "after.json")
    assert (ran.code, ran.err) == (0, "")
    return dict(json.loads(ran.out))


def names(value: Any) -> set[str]:
    """Every field name in a document."""
    if isinstance(value, dict):
        return {*value, *(name for item in value.values() for name in names(item))}
    return {name for item in value for name in names(item)} if isinstance(value, list) else set()


def test_every_name_that_others_rely_on_is_there():
    data = printed()
    assert [name for name in RELIED_ON.split() if name not in data] == []
    assert data["usage"].keys() >= {"input", "cache_read", "cache_write", "cache_write_5m",
                                    "cache_write_1h", "uncached", "output"}  # fmt: skip
    assert data["divergences"][0].keys() >= {"section", "path", "offset", "before", "after",
                                             "cause", "expected"}  # fmt: skip
    assert data["blocks"][0].keys() == {"section", "path", "name", "role", "tokens", "cached",
                                        "breakpoint"}  # fmt: skip


def test_every_name_is_explained():
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    explained = page[: page.index("```json")]
    assert [name for name in sorted(names(printed())) if name not in explained] == []


def test_the_example_in_the_documentation_is_what_is_printed():
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    example = page.split("```json\n")[1].split("```")[0]
    data = printed()
    del data["blocks"]
    assert json.loads(example) == data


def test_the_tokens_of_the_blocks_sum_to_the_input():
    data = printed()
    assert sum(block["tokens"] for block in data["blocks"]) == data["usage"]["input"]


def test_a_whole_diagnosis():
    diagnosis = told(
        divergences=EDIT, message_id="msg_2", advice="Take it out.", summary="It changed."
    )
    assert json.loads(json.dumps(as_json(diagnosis, blocks=True))) == snapshot(
        {
            "call": "after",
            "message_id": "msg_2",
            "request_id": None,
            "at": "2026-11-23T09:11:15Z",
            "api": "anthropic.messages",
            "provider": "anthropic",
            "model": "claude-opus-4-8",
            "project": None,
            "session": None,
            "agent": None,
            "release": None,
            "usage": {
                "input": 1000,
                "cache_read": 0,
                "cache_write": 1000,
                "cache_write_5m": None,
                "cache_write_1h": None,
                "cache_write_30m": None,
                "cache_write_12h": None,
                "uncached": 0,
                "output": 20,
            },
            "verdict": "miss",
            "reason": "tools_changed",
            "cause": "system-edited",
            "title": "system[0].text changed",
            "expected": False,
            "grade": "consistent",
            "predecessor": "before",
            "predecessor_message_id": None,
            "gap_seconds": 133.0,
            "divergences": [
                {
                    "section": "system",
                    "path": "system[0].text",
                    "offset": 9,
                    "before": "It is 09:09:02 now.",
                    "after": "It is 09:11:15 now.",
                    "cause": "system-edited",
                    "expected": False,
                    "title": "system[0].text changed",
                    "rest": 0,
                }
            ],
            "reusable_tokens": 900,
            "missed_tokens": 900,
            "missed_cost_usd": "0.0051",
            "at_stake_tokens": 0,
            "broke_at": 300,
            "provider_reason": None,
            "summary": "It changed.",
            "advice": "Take it out.",
            "ruled_out": [],
            "opaque_blocks": 0,
            "fingerprint": None,
            "engine": 1,
            "blocks": [
                {
                    "section": "tools",
                    "path": "tools[0]",
                    "name": None,
                    "role": None,
                    "tokens": 600,
                    "cached": None,
                    "breakpoint": None,
                },
                {
                    "section": "system",
                    "path": "system[0]",
                    "name": None,
                    "role": None,
                    "tokens": 200,
                    "cached": None,
                    "breakpoint": None,
                },
                {
                    "section": "messages",
                    "path": "messages[0]",
                    "name": None,
                    "role": None,
                    "tokens": 200,
                    "cached": None,
                    "breakpoint": None,
                },
            ],
        }
    )


def test_a_time_that_is_not_known_is_null():
    assert as_json(told(at=datetime(1970, 1, 1, tzinfo=UTC)))["at"] is None
    assert as_json(told())["at"] == "2026-11-23T09:11:15Z"


@pytest.mark.parametrize(
    ("amount", "text"),
    [(None, None), ("0", "0"), ("0E-9", "0"), ("1E+3", "1000"), ("0.1389000", "0.1389"),
     ("0.000000215", "0.000000215")],
)  # fmt: skip
def test_dollars_are_decimals_without_an_exponent(amount: str | None, text: str | None):
    assert decimal_text(None if amount is None else Decimal(amount)) == text
