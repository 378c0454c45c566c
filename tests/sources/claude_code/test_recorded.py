"""What holds of every folder of transcripts: of one that is made up, and of the one that
WHYCOLD_TRANSCRIPTS names, if it names one."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sources.claude_code.independent_count import totals
from tests.sources.claude_code.transcripts import LONG, Transcript, seen, sums, use
from whycold.core.prompt import Section
from whycold.diagnose import Engine
from whycold.providers.registry import rules_for
from whycold.sources.claude_code import ClaudeCode

RECORDED = os.environ.get("WHYCOLD_TRANSCRIPTS")  # noqa: TID251


def speak(made: Transcript, turns: int, chance: random.Random) -> None:
    """Turns with tools, replies in several records, rewinds, losses and compactions."""
    read = 0
    for turn in range(turns):
        name, kept = f"{made.session}-{made.more.get('agentId', '')}{turn}", made.last
        if chance.random() < 0.1:
            made.add(
                "system",
                subtype="compact_boundary",
                after=None,
                logicalParentUuid=made.last,
                compactMetadata={"trigger": "auto"},
            )
            made.user(f"This session is being continued. {LONG}", isCompactSummary=True)
            read = 0
        else:
            made.user(
                f"Question {turn}. " + LONG * chance.randrange(3), wait=chance.choice((9, 900))
            )
        counts: dict[str, Any] = {
            "read": read if chance.random() < 0.8 else 0,
            "write": chance.randrange(9000),
        }
        lifetime = chance.choice(("5m", "1h"))
        asked = f"t{name}"
        made.answer(name, "I look.", **counts, lifetime=lifetime)
        made.answer(name, use(asked), **counts, lifetime=lifetime, output=chance.randrange(99))
        read = counts["read"] + counts["write"]
        made.result(asked, content=LONG)
        made.answer(f"{name}b", "It is so.", read=read, write=1200, lifetime=lifetime)
        read += 1200
        if kept is not None and chance.random() < 0.1:
            made.last = kept


def invented(folder: Path) -> Path:
    """Sessions, some with a subagent's file, in two projects."""
    chance = random.Random(5)
    for number in range(8):
        made = Transcript(f"s{number}", start=timedelta(hours=number))
        speak(made, 12, chance)
        made.write(folder / f"project-{number % 2}/s{number}.jsonl")
        if number % 3 == 0:
            more = {"agentId": f"a{number}", "isSidechain": True}
            agent = Transcript(f"s{number}", start=timedelta(hours=number, minutes=1), **more)
            speak(agent, 4, chance)
            for record in agent.records:
                record["uuid"] = f"a-{record['uuid']}"
                record["parentUuid"] = record["parentUuid"] and f"a-{record['parentUuid']}"
            agent.write(folder / f"project-{number % 2}/s{number}/subagents/agent-a{number}.jsonl")
    return folder


@pytest.fixture(params=["invented", *(["recorded"] if RECORDED else [])])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return invented(tmp_path) if request.param == "invented" else Path(RECORDED or "")


def test_totals_equal_an_independent_count(folder: Path):
    found = sums(seen(folder))
    assert found["calls"] > 0
    assert found == dict(totals(folder))


def test_totals_of_every_file_equal_an_independent_count(folder: Path):
    for path in folder.rglob("*.jsonl"):
        alone = path.parent if path.name.startswith("agent-") else path
        assert sums(seen(alone)) == dict(totals(alone)), path


def test_tokens_of_every_call_sum_to_its_input(folder: Path):
    for session in ClaudeCode([folder]).groups:
        engine = Engine(rules_for)
        for found in session.calls():
            told = engine.take(found.call)
            assert sum(block.tokens for block in told.blocks) == told.usage.input, told.call


def test_nothing_is_said_of_what_is_not_recorded(folder: Path):
    seen_one = False
    for session in ClaudeCode([folder]).groups:
        engine = Engine(rules_for)
        for found in session.calls():
            told = engine.take(found.call)
            seen_one = seen_one or bool(told.divergences)
            assert {d.section for d in told.divergences} <= {Section.messages, Section.settings}
    assert seen_one
