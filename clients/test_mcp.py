"""opencode with whycold as an MCP server: a scripted model follows its own miss to the commit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from clients.cache import Body
from clients.conftest import TOOLS
from clients.model import Model, answering
from clients.programs import opencode
from clients.replies import ToolCall
from tests.serving import Serve, serving
from whycold.frontends.mcp.tools import TOOLS as ASKED

pytestmark = pytest.mark.usefixtures("opencode_installed")

RULES = "".join(f"Rule {n}: keep every answer about harbour {n} short.\n" for n in range(150))
Step = Callable[[Sequence[Any]], ToolCall]
LINE = "When you are asked about the harbour, answer in {} and name the tide table that you used."
FIRST, SECOND = LINE.format("one sentence"), LINE.format("three short paragraphs")
STEPS: Sequence[Step] = (
    lambda _: ToolCall("whycold_report", {"since": "24h"}),
    lambda _: ToolCall("whycold_misses", {"reason": "system_changed"}),
    lambda _: ToolCall("whycold_culprits", {"reason": "system_changed"}),
    lambda told: ToolCall("whycold_culprit", {"culprit": told[2]["items"][0]["id"]}),
    lambda told: ToolCall("whycold_explain", {"call": told[3]["examples"][0], "full": True}),
    lambda told: ToolCall("whycold_blame", {"culprit": told[3]["id"]}),
    lambda _: ToolCall("whycold_diff", {"before": request("one"), "after": request("two")}),
)
"""What the model asks, by what it was told so far: each tool once."""


@dataclass
class Investigator(Model):
    """A model that asks whycold where a client offers it, and then says what it found."""

    repository: str = ""
    found: list[Any] = field(default_factory=list[Any])
    sizes: list[int] = field(default_factory=list[int])

    def _says(self, body: Body) -> str | ToolCall:
        names = {tool.get("function", {}).get("name") for tool in body.get("tools") or ()}
        if "whycold_report" not in names:
            return super()._says(body)
        told = [m["content"] for m in body["messages"] if m["role"] == "tool"]
        self.sizes = [len(text) for text in map(text_of, told)]
        if told and not text_of(told[-1]).startswith("{"):
            return f"That was refused: {text_of(told[-1])}"
        self.found = [json.loads(text_of(content)) for content in told]
        if len(told) < len(STEPS):
            call = STEPS[len(told)](self.found)
            if call.name == "whycold_blame":
                # on the dashboard's port the server has no idea where the agent is
                return ToolCall(call.name, {**call.arguments, "repo": self.repository})
            return call
        commits = [one["commit"] for one in self.found[5]["commits"]]
        return f"The edit is in {self.found[3]['path']}, from commit {' or '.join(commits)}."


def text_of(content: str | Sequence[Mapping[str, str]]) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def request(count: str) -> Mapping[str, Any]:
    return {
        "model": "scripted",
        "messages": [
            {"role": "system", "content": f"Answer in {count} sentences."},
            {"role": "user", "content": "When?"},
        ],
    }


@pytest.mark.parametrize("way", ["stdio", "http"])
def test_an_agent_follows_its_own_miss_to_the_commit(way: str, tmp_path: Path) -> None:
    project, home = tmp_path / "project", tmp_path / "home"
    home.mkdir()
    project.mkdir()
    (project / "notes.txt").write_text("The harbour opens at six and closes at nine.\n")
    git(project, "init", "-q")
    model = Investigator(TOOLS, repository=str(project))
    with (
        answering(model),
        serving(tmp_path, f"--upstream=openai={model.url}") as serve,
    ):
        for number, rule in enumerate((FIRST, SECOND)):
            (project / "AGENTS.md").write_text(f"{rule}\n{RULES}")
            git(project, "add", ".")
            git(project, "commit", "-q", "-m", f"Rule {number}")
            ask(project, home, serve, model, {}, *(["-c"] if number else []))
        serve.recorded(len(model.asked))
        asked = ask(project, home, serve, model, {"mcp": {"whycold": server(way, serve)}})
    assert len(model.found) == len(STEPS) == len(ASKED), asked
    report, misses, _, culprit, call, blame, diff = model.found
    # the tools that the server brings are new in front of what was cached: a miss as well, but it
    # may not be recorded yet
    assert {"system_changed"} <= report["by_reason"].keys() <= {"system_changed", "tools_changed"}
    assert misses["items"][0]["path"] == "system[0].text" == culprit["path"]
    [edit, *_] = call["divergences"]
    assert "one sentence" in edit["recorded_text"]["before"]
    assert blame["commits"][0]["recorded_text"]["subject"] == "Rule 1"
    assert diff["reason"] == "system_changed"
    assert blame["commits"][0]["commit"] in asked
    assert max(model.sizes) / 4 <= 4000


def server(way: str, serve: Serve) -> Mapping[str, Any]:
    """How opencode is told of the server; docs/mcp.md has the same line."""
    if way == "http":
        return {"type": "remote", "url": f"{serve.dashboard}/mcp", "oauth": False}
    command = [sys.executable, "-m", "whycold", "mcp", "--store", serve.store_url]
    return {"type": "local", "command": command}


def ask(
    project: Path,
    home: Path,
    serve: Serve,
    model: Model,
    more: Mapping[str, object],
    *arguments: str,
) -> str:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "models": {"scripted": {}},
        "options": {"baseURL": f"{serve.url}/v1", "apiKey": "none"},
    }
    settings = {"model": "local/scripted", "provider": {"local": provider}, **more}
    question = "When does the harbour open? Read notes.txt."
    ended = opencode(project, home, settings, model.url, *arguments, question)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)
