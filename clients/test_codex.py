"""Codex CLI: ``exec``, ``exec resume``, and again without some of its tools."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from clients.cache import STEP
from clients.conftest import Stage, staged
from clients.programs import CODEX, codex
from clients.told import diagnosed, imported, misses

pytestmark = pytest.mark.usefixtures("codex_installed")

QUESTION = "When does the harbour open? Read notes.txt."
SETTINGS = """
model = "gpt-5.1"
model_provider = "whycold"
check_for_update_on_startup = false

[model_providers.whycold]
name = "OpenAI through whycold"
base_url = "{url}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"

[analytics]
enabled = false

[features]
apps = false
plugins = false
goals = {goals}
"""


def test_a_session_goes_on_when_resumed_and_tools_that_went_are_named(stage: Stage) -> None:
    ask(stage)
    ask(stage, "resume", "--last")
    ask(stage, "resume", "--last", goals="false")
    chain = stage.model.asked
    assert [asked.tool for asked in chain] == ["exec_command", None] * 3
    calls = diagnosed(stage, chain)

    assert [call["at"] for call in calls] == sorted(call["at"] for call in calls)
    assert {call["session"] for call in calls} == {chain[0].headers["session-id"]}
    assert {call["release"] for call in calls} == {f"codex_exec {CODEX.version}"}
    assert [call["predecessor"] for call in calls] == [None, *(c["call"] for c in calls[:-1])]
    verdicts = [call["verdict"] for call in calls]
    assert verdicts == ["first", "hit", "hit", "hit", "partial", "hit"]

    [miss] = misses(stage)
    assert miss["call"] == calls[4]["call"]
    assert miss["reason"] == "tools_changed"
    assert {edit["path"] for edit in miss["divergences"]} >= {"tools[get_goal]"}
    # Without the tools the prompt is shorter than what was held.
    held, counts = chain[3].counts.total // STEP * STEP, chain[4].counts
    assert miss["missed_tokens"] == min(held, counts.total) - counts.read
    assert miss["usage"]["input"] == counts.total
    assert stage.model.others == []


def test_where_websockets_are_refused_the_usual_provider_goes_on_over_http(
    refusing: Stage,
) -> None:
    usual = SETTINGS.partition("[model_providers")[0].replace(
        'model_provider = "whycold"', 'openai_base_url = "{url}/v1"'
    )
    settings = f"{usual}[features]\napps = false\nplugins = false\n".format(url=refusing.serve.url)
    ended = run(refusing, settings)
    assert ended.returncode == 0, ended.stderr
    assert "Reconnecting" not in ended.stderr
    assert [asked.tool for asked in refusing.model.asked] == ["exec_command", None]
    assert len(diagnosed(refusing, refusing.model.asked)) == 2


@pytest.fixture
def refusing(tmp_path: Path) -> Generator[Stage]:
    file = tmp_path / "whycold.toml"
    file.write_text('[upstreams.openai]\nurl = "http://127.0.0.1"\nwebsockets = "refuse"\n')
    with staged(tmp_path) as stage:
        yield stage


def test_what_it_writes_down_itself_is_what_the_proxy_saw(stage: Stage) -> None:
    ask(stage)
    ask(stage, "resume", "--last")
    ask(stage, "resume", "--last", goals="false")
    recorded = diagnosed(stage, stage.model.asked)
    calls = imported(stage, "codex", stage.home / ".codex" / "sessions", known=6)
    for name in ("message_id", "usage", "session", "release", "provider", "model", "verdict"):
        assert [call[name] for call in calls] == [call[name] for call in recorded], name
    assert [call["predecessor"] for call in calls] == [None, *(c["call"] for c in calls[:-1])]
    # Tools are not written down.
    assert [call["reason"] for call in calls] == [None] * 4 + ["unseen", None]
    assert calls[4]["missed_tokens"] > 0


def ask(stage: Stage, *more: str, goals: str = "true") -> None:
    ended = run(stage, SETTINGS.format(url=stage.serve.url, goals=goals), *more)
    assert ended.returncode == 0, ended.stderr
    assert "opens at six" in ended.stdout


def run(stage: Stage, settings: str, *more: str) -> CompletedProcess[str]:
    # The only command that the model asks for shows a file; Codex's own sandbox needs rights that
    # a container may lack.
    options = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
    return codex(stage.project, stage.home, settings, stage.model.url, *more, *options, QUESTION)
