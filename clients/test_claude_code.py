"""Claude Code: ``-p`` and ``-p --continue``; its transcript and the bodies that it writes down."""

from __future__ import annotations

import pytest

from clients.conftest import Stage
from clients.programs import CLAUDE_CODE, claude_code
from clients.told import diagnosed, imported

pytestmark = pytest.mark.usefixtures("claude_code_installed")

QUESTION = "When does the harbour open? Read notes.txt."


def test_what_it_writes_down_itself_is_what_the_proxy_saw(stage: Stage) -> None:
    ask(stage)
    ask(stage, "--continue")
    chain = stage.model.asked
    assert [asked.tool for asked in chain] == ["Bash", None] * 2
    recorded = diagnosed(stage, chain)
    assert [call["verdict"] for call in recorded] == ["first", "hit", "hit", "hit"]

    for source, place in (
        ("claude-code-bodies", stage.home / "bodies"),
        ("claude-code", stage.home / ".claude" / "projects"),
    ):
        calls = imported(stage, source, place, known=len(chain))
        same = ("message_id", "request_id", "usage", "session", "release", "model", "verdict")
        for name in same:
            assert [call[name] for call in calls] == [call[name] for call in recorded], name
        assert {call["project"] for call in calls} == {stage.project.name}
        earlier = [call["call"] for call in calls[:-1]]
        assert [call["predecessor"] for call in calls] == [None, *earlier]
    assert {call["release"] for call in recorded} == {f"claude-cli {CLAUDE_CODE.version}"}
    assert stage.model.others == []


def ask(stage: Stage, *more: str) -> None:
    bodies = stage.home / "bodies"
    bodies.mkdir(exist_ok=True)
    allowed = ("--model", "claude-sonnet-4-5", "--allowedTools", "Bash(cat:*)")
    ended = claude_code(
        stage.project,
        stage.home,
        stage.serve.url,
        bodies,
        stage.model.url,
        QUESTION,
        *more,
        *allowed,
    )
    assert ended.returncode == 0, ended.stderr
    assert "opens at six" in ended.stdout
