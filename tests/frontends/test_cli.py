"""The command line: help, exit codes, pipes, output that is the same everywhere."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from tests.frontends.command import diff, whycold, write
from whycold import __version__
from whycold.frontends.cli import COMMANDS, cli

TIME: dict[str, Any] = {
    "model": "claude-opus-4-8",
    "max_tokens": 100,
    "system": "It is 09:09:02.",
    "messages": [{"role": "user", "content": "Hello"}],
}
LATER: dict[str, Any] = {**TIME, "system": "It is 09:11:15."}


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_alone_it_says_what_it_can_do(arguments: list[str]):
    ran = whycold(*arguments)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Usage: whycold")
    assert "whycold diff before.json after.json" in ran.out


def test_the_help_of_diff_has_examples_and_exit_codes():
    out = whycold("diff", "--help").out
    assert "whycold diff turn-1.json - < turn-2.json" in out
    assert "Exit codes: 0 whatever is found, 2" in out
    assert max(map(len, out.splitlines())) <= 100


def test_it_says_its_version():
    assert whycold("--version").out == f"whycold {__version__}\n"


def test_the_exit_code_is_0_whatever_is_found(tmp_path: Path):
    assert diff(tmp_path, TIME, LATER).code == 0
    assert diff(tmp_path, TIME, TIME).code == 0


def test_a_pipe_gets_the_same_text_however_wide_the_terminal_is(tmp_path: Path):
    pages = {diff(tmp_path, TIME, LATER, COLUMNS=columns).out for columns in ("40", "80", "200")}
    assert len(pages) == 1
    assert "\x1b" not in pages.pop()


@pytest.mark.parametrize(
    "setting",
    [{}, {"TERM": "dumb"}, {"NO_COLOR": "1"}, {"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}],
)
def test_the_program_itself_answers_whatever_the_environment(
    tmp_path: Path, setting: dict[str, str]
):
    files = write(tmp_path, "before.json", TIME), write(tmp_path, "after.json", LATER)
    command = [sys.executable, "-m", "whycold", "diff", *map(str, files)]
    ran = subprocess.run(command, capture_output=True, check=True, env=setting)
    assert ran.stderr == b""
    assert b"system[0].text" in ran.stdout
    assert b"\x1b" not in ran.stdout


@pytest.mark.skipif(os.name != "posix", reason="pipes are closed otherwise elsewhere")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_closed_pipe_is_no_complaint(tmp_path: Path, options: list[str]):
    many = {**TIME, "tools": [{"name": f"t{n}", "input_schema": {}} for n in range(9000)]}
    files = write(tmp_path, "before.json", TIME), write(tmp_path, "after.json", many)
    command = [sys.executable, "-m", "whycold", "diff", *options, *map(str, files)]
    read, written = os.pipe()
    os.close(read)
    try:
        ran = subprocess.run(command, stdout=written, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(written)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_json_is_one_document_of_plain_characters(tmp_path: Path):
    out = diff(tmp_path, TIME, {**TIME, "system": "Es ist 9 Uhr früh ☕"}, "--json").out
    assert out.isascii()
    assert json.loads(out)["divergences"][0]["path"] == "system[0].text"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_list_of_commands_says_what_each_says_of_itself(name: str):
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.get_short_help_str(limit=200) == COMMANDS[name].line


def test_a_command_is_imported_only_when_it_is_asked_for():
    script = (
        "import sys\n"
        "from whycold.frontends.cli import main\n"
        "main(['--version'])\n"
        "print([m for m in sys.modules if m.startswith(('rich', 'apsw', 'whycold.query'))])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert ran.stdout.splitlines() == [f"whycold {__version__}", "[]"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is full")
def test_a_full_disk_behind_the_output_is_one_line():
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "whycold", "--version"]
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ran.returncode == 2
    assert ran.stderr == "whycold: cannot write the output: no space is left where it goes\n"
