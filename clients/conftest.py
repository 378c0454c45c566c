"""A model, a whole serve in front of it, and a project whose notes the clients are asked about."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from clients.model import Model, answering
from clients.programs import CLAUDE_CODE, CODEX, OPENCODE, Program, Unavailable, install
from clients.replies import ToolCall
from tests.serving import Serve, serving

__all__ = ["Stage", "staged"]

TOOLS = (
    ToolCall("bash", {"command": "cat notes.txt", "description": "Shows the notes"}),
    ToolCall("Bash", {"command": "cat notes.txt", "description": "Shows the notes"}),
    ToolCall("exec_command", {"cmd": "cat notes.txt"}),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a client runs: its project and home, the serve it talks to, the model behind that."""

    project: Path
    home: Path
    serve: Serve
    model: Model


@pytest.fixture
def stage(tmp_path: Path) -> Generator[Stage]:
    with staged(tmp_path) as made:
        yield made


@contextmanager
def staged(tmp_path: Path) -> Generator[Stage]:
    """A stage in a folder; a whycold.toml there holds."""
    project, home = tmp_path / "project", tmp_path / "home"
    project.mkdir()
    home.mkdir()
    (project / "notes.txt").write_text("The harbour opens at six and closes at nine.\n")
    with answering(Model(TOOLS)) as model:
        upstreams = [f"--upstream={name}={model.url}" for name in ("anthropic", "openai")]
        with serving(tmp_path, *upstreams) as serve:
            yield Stage(project, home, serve, model)


@pytest.fixture(scope="session")
def opencode_installed(tmp_path_factory: pytest.TempPathFactory) -> None:
    _install(OPENCODE, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def codex_installed(tmp_path_factory: pytest.TempPathFactory) -> None:
    _install(CODEX, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def claude_code_installed(tmp_path_factory: pytest.TempPathFactory) -> None:
    _install(CLAUDE_CODE, tmp_path_factory.mktemp("home"))


def _install(program: Program, home: Path) -> None:
    try:
        install(program, home)
    except Unavailable as reason:
        pytest.skip(f"{program.package} was not tried: {reason}")
