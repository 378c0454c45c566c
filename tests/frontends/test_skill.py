"""The skill: its format, that every command in it works, and how it gets to an agent."""

import json
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tests.frontends.command import whycold
from tests.traffic import recorded
from whycold.core.diagnosis import Grade, Reason, Verdict
from whycold.frontends.cli import COMMANDS, cli

ROOT = Path(__file__).parents[2]
SKILL = ROOT / "skills" / "whycold" / "SKILL.md"
TEXT = SKILL.read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
LINES = [line for block in BLOCKS for line in block.splitlines() if line.strip()]
BODY: dict[str, Any] = {
    "model": "claude-opus-4-8",
    "max_tokens": 100,
    "system": "It is 09:09:02.",
    "messages": [{"role": "user", "content": "Hello"}],
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("skill"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a git repository, two requests, and request dumps."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "dumps").mkdir()
    for name, system in (("before", "Be brief."), ("after", "Be brief, please.")):
        (folder / f"{name}.json").write_text(json.dumps({**BODY, "system": system}))
    (folder / "dumps" / "one.json").write_text(json.dumps(BODY))
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


@pytest.mark.parametrize("line", LINES)
def test_every_command_in_it_works(
    line: str, url: str, place: Path, monkeypatch: pytest.MonkeyPatch
):
    items = json.loads(whycold("culprits", "--json", "--store", url).out)["items"]
    monkeypatch.chdir(place)
    monkeypatch.setenv("WHYCOLD_STORE", url)
    words = {
        "CALL": items[0]["examples"][0],
        "CULPRIT": items[0]["id"],
        "PROJECT": "desk",
        "RELEASE": "9.9",
        "FOLDER": "dumps",
        "BEFORE.json": "before.json",
        "AFTER.json": "after.json",
        "pytest tests/agent": f"{sys.executable} -c pass",
    }
    program, *arguments = (words.get(word, word) for word in shlex.split(line))
    # the calls of the tests were sent in these weeks, whatever day it is now
    if "--since" in arguments:
        arguments[arguments.index("--since") + 1] = "2026-11-01"
    ran = whycold(*arguments)
    assert program == "whycold"
    if "--run" in arguments:
        assert "no call" in ran.mistake  # the command was run, and it sends none
        return
    assert ran.code in ({0, 1} if arguments[0] in ("check", "lint") else {0}), ran
    if "--json" in arguments:
        assert json.loads(ran.out)


def test_commands_and_words_in_its_sentences_exist():
    named = set(re.findall(r"`whycold ([a-z]+)", TEXT))
    assert named <= set(COMMANDS)
    known = {*Verdict, *Reason, *Grade}
    for word in ("unknown", "provider", "unexplained", "unseen", "confirmed", "contradicted"):
        assert f"`{word}`" in TEXT
        assert word in known


def test_fields_that_it_names_are_in_the_answers(url: str):
    report = json.loads(whycold("report", "--json", "--since", "2026-11-01", "--store", url).out)
    [culprit, *_] = json.loads(whycold("culprits", "--json", "--store", url).out)["items"]
    call = json.loads(whycold("explain", culprit["examples"][0], "--json", "--store", url).out)
    assert report["previous"].keys() >= {"read_ratio", "missed_cost_usd", "by_reason"}
    assert culprit.keys() >= {"missed_tokens", "expected", "state", "per_week", "examples"}
    assert call.keys() >= {"summary", "advice", "cause", "grade", "ruled_out", "divergences"}
    assert call["divergences"][0].keys() >= {"path", "before", "after"}


def test_it_has_the_format_of_skills_and_is_short():
    _, front, body = TEXT.split("---\n", 2)
    about = yaml.safe_load(front)
    assert about["name"] == SKILL.parent.name
    assert 50 < len(about["description"]) <= 1024
    assert len(about["compatibility"]) <= 500
    assert set(about) <= {"name", "description", "license", "compatibility", "metadata"}
    assert len(TEXT.splitlines()) < 200
    for trap in ("hides the next", "not 0", "misses are right", "thinking", "Not everything"):
        assert trap in body


def test_it_is_shown_and_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert whycold("skill", "show").out == TEXT
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for options, folder in (
        ((), tmp_path / "home" / ".claude" / "skills"),
        (("--project",), tmp_path / ".claude" / "skills"),
        (("--dir", str(tmp_path / "mine")), tmp_path / "mine"),
    ):
        for _ in range(2):
            assert whycold("skill", "install", *options).code == 0
        assert (folder / "whycold" / "SKILL.md").read_text("utf-8") == TEXT


def test_one_that_was_changed_is_replaced_only_when_asked(tmp_path: Path):
    file = tmp_path / "whycold" / "SKILL.md"
    file.parent.mkdir()
    file.write_text("mine")
    assert "--force replaces it" in whycold("skill", "install", "--dir", tmp_path).mistake
    assert file.read_text() == "mine"
    assert whycold("skill", "install", "--dir", tmp_path, "--force").code == 0
    assert file.read_text("utf-8") == TEXT


def test_where_it_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert "cannot write" in whycold("skill", "install", "--dir", tmp_path / "file").mistake
    assert "choose one" in whycold("skill", "install", "--project", "--dir", "x").mistake


@pytest.mark.slow
def test_the_wheel_brings_it_along(tmp_path: Path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        assert packed.read("whycold/shipped/SKILL.md").decode() == TEXT
        assert packed.read("whycold/shipped/glossary.md").startswith(b"# Words")


def test_the_command_is_known():
    assert isinstance(cli.get_command(click.Context(cli), "skill"), click.Command)
