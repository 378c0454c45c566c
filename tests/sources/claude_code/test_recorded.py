"""Transcripts that people really have: WHYCOLD_TRANSCRIPTS names a folder of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sources.claude_code.independent_count import totals
from tests.sources.claude_code.transcripts import seen, sums
from whycold.core.prompt import Section
from whycold.diagnose import Engine
from whycold.providers.registry import rules_for
from whycold.sources.claude_code import ClaudeCode

FOLDER = os.environ.get("WHYCOLD_TRANSCRIPTS")  # noqa: TID251

pytestmark = pytest.mark.skipif(not FOLDER, reason="WHYCOLD_TRANSCRIPTS names no folder")


def test_totals_equal_an_independent_count():
    folder = Path(FOLDER or "")
    assert sums(seen(folder)) == dict(totals(folder))


def test_totals_of_every_file_equal_an_independent_count():
    for path in Path(FOLDER or "").rglob("*.jsonl"):
        alone = path.parent if path.name.startswith("agent-") else path
        assert sums(seen(alone)) == dict(totals(alone)), path


def test_tokens_of_every_call_sum_to_its_input():
    for session in ClaudeCode([Path(FOLDER or "")]).groups:
        engine = Engine(rules_for)
        for found in session.calls():
            told = engine.take(found.call)
            assert sum(block.tokens for block in told.blocks) == told.usage.input, told.call


def test_nothing_is_said_of_what_is_not_recorded():
    for session in ClaudeCode([Path(FOLDER or "")]).groups:
        engine = Engine(rules_for)
        for found in session.calls():
            told = engine.take(found.call)
            assert {d.section for d in told.divergences} <= {Section.messages, Section.settings}
