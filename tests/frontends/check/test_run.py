"""`whycold check --run`: a test suite behind a proxy of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.remedies.blame.vendor import Vendor
from tests.serving import whycold

pytestmark = pytest.mark.slow

PROGRAM = """
import json, os, sys, time, urllib.request

RULES = " ".join(f"Rule {n}: answer in one plain sentence." for n in range(300))
said = []
for turn in range(4):
    clock = f"It is {time.time()} now. " if "clock" in sys.argv else ""
    text = {"type": "text", "text": f"Question {turn}?"}
    body = {
        "model": "claude-sonnet-5",
        "max_tokens": 100,
        "system": [{"type": "text", "text": "You are brief. " + clock + RULES}],
        "messages": [*said, {"role": "user", "content": [
            {**text, "cache_control": {"type": "ephemeral"}}]}],
    }
    request = urllib.request.Request(
        os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages",
        json.dumps(body).encode(),
        {"content-type": "application/json", "anthropic-version": "2023-06-01"},
    )
    with urllib.request.urlopen(request) as answer:
        reply = json.load(answer)
    said.append({"role": "user", "content": [text]})
    said.append({"role": "assistant", "content": reply["content"]})
sys.exit(7 if "fail" in sys.argv else 0)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "suite.py").write_text(PROGRAM)
    return tmp_path


def checked(folder: Path, vendor: Vendor, *words: str) -> tuple[int, dict[str, object], str]:
    upstream = f"anthropic=http://127.0.0.1:{vendor.server_port}"
    command = " ".join(["python3", "suite.py", *words])
    ran = whycold(folder, "check", "--json", "--run", command, "--upstream", upstream)
    return ran.returncode, json.loads(ran.stdout), ran.stderr


def test_a_suite_with_a_stable_prompt_is_green(folder: Path):
    with Vendor() as vendor:
        code, found, _ = checked(folder, vendor)
    assert (code, found["passed"], found["calls"], found["misses"]) == (0, True, 4, 0)


def test_a_time_in_the_system_prompt_turns_it_red(folder: Path):
    with Vendor() as vendor:
        code, found, _ = checked(folder, vendor, "clock")
    assert (code, found["passed"], found["misses"]) == (1, False, 3)
    (culprit,) = found["culprits"]  # type: ignore[misc]
    assert (culprit["cause"], culprit["path"]) == ("clock", "system[0].text")


def test_a_suite_that_fails_fails(folder: Path):
    with Vendor() as vendor:
        code, found, said = checked(folder, vendor, "fail")
    assert (code, found["passed"]) == (1, True)
    assert "the command failed (exit code 7)" in said


def test_a_suite_that_fails_before_its_first_call_fails(folder: Path):
    ran = whycold(folder, "check", "--run", "false")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "whycold: the command failed (exit code 1)\n"
