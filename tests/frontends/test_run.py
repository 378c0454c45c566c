"""``whycold run`` with small programs: their calls, exit codes, signals, terminal, and the end."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.clients.caching_vendor import CachingVendor, asked, caching_vendor, tool
from tests.serving import COMMAND, PATIENCE, own_environment, serving, whycold

READ = tool("Read", "Reads a file. " * 30)
BASH = tool("Bash", "Runs a command. " * 30)
NEW_BASH = tool("Bash", "Runs a command, and asks first. " * 30)
QUESTIONS = [f"question {n}, " + "and more " * 9 for n in range(4)]
AGENT = """
import os, sys, urllib.request
headers = {"content-type": "application/json"}
for line in os.environ.get("ANTHROPIC_CUSTOM_HEADERS", "").splitlines():
    name, _, value = line.partition(": ")
    headers[name] = value
for path in sys.argv[1:]:
    url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
    request = urllib.request.Request(url, open(path, "rb").read(), headers)
    urllib.request.urlopen(request).read()
"""


@pytest.fixture
def vendor() -> Iterator[CachingVendor]:
    with caching_vendor() as started:
        yield started


@pytest.fixture
def environment(vendor: CachingVendor) -> Mapping[str, str]:
    return {"WHYCOLD_UPSTREAM_ANTHROPIC": vendor.url}


def python(*arguments: str) -> list[str]:
    return ["run", "--", sys.executable, *arguments]


def agent(folder: Path, *edits: bool) -> list[str]:
    """A program that holds a conversation; where it says so with another tool."""
    paths: list[str] = []
    for turn, edited in enumerate(edits):
        path = folder / f"turn-{len(list(folder.glob('turn-*')))}"
        path.write_bytes(asked(QUESTIONS[: turn + 1], [READ, NEW_BASH if edited else BASH]))
        paths.append(str(path))
    return python("-c", AGENT, *paths)


@pytest.mark.parametrize("code", [0, 3, 255])
def test_the_exit_code_is_the_programs(tmp_path: Path, environment: Mapping[str, str], code: int):
    ran = whycold(tmp_path, *python("-c", f"raise SystemExit({code})"), environment=environment)
    assert ran.returncode == code


def test_a_program_that_a_signal_ends_is_told_as_shells_do(
    tmp_path: Path, environment: Mapping[str, str]
):
    program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    ran = whycold(tmp_path, *python("-c", program), environment=environment)
    assert ran.returncode == 128 + signal.SIGKILL


def test_input_and_output_are_the_programs(tmp_path: Path, environment: Mapping[str, str]):
    program = "import sys; print(sys.stdin.read().upper()); print('e', file=sys.stderr)"
    ran = subprocess.run(
        [*COMMAND, "run", "--quiet", "--", sys.executable, "-c", program],
        cwd=tmp_path,
        env=own_environment(tmp_path, environment),
        input="hello",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert (ran.stdout, ran.stderr) == ("HELLO\n", "e\n")


def test_it_ends_with_what_missed_and_why(tmp_path: Path, environment: Mapping[str, str]):
    ran = whycold(tmp_path, *agent(tmp_path, False, False, True), environment=environment)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stderr.splitlines()
    assert re.fullmatch(
        r"whycold: 3 calls, \d\d\.\d% of \d+\.\dk input tokens read from the cache\.", lines[0]
    )
    assert re.fullmatch(
        r"whycold: 1 miss, \d+\.\dk tokens, \$0\.\d+: .*the tool Bash.*"
        r"\(tools\[Bash\]\.description\)\.",
        lines[1],
    )
    again = lines[2].removeprefix("whycold: More: whycold ").split()
    assert len(lines) == 3
    told = whycold(tmp_path, *again, "--json", environment=environment)
    assert [miss["cause"] for miss in json.loads(told.stdout)["items"]] == ["tool-edited"]


def test_where_nothing_missed_that_is_said(tmp_path: Path, environment: Mapping[str, str]):
    ran = whycold(tmp_path, *agent(tmp_path, False, False), environment=environment)
    assert ran.stderr.splitlines()[1] == "whycold: Nothing that could have been read was missed."


def test_where_no_call_went_through_that_is_said(tmp_path: Path, environment: Mapping[str, str]):
    ran = whycold(tmp_path, *python("-c", "pass"), environment=environment)
    assert ran.stderr.splitlines()[0] == "whycold: no call of the program went through."


def test_before_a_serve_that_runs_only_its_own_calls_are_told(
    tmp_path: Path, vendor: CachingVendor, environment: Mapping[str, str]
):
    with serving(tmp_path, "--upstream", f"anthropic={vendor.url}") as serve:
        program = agent(tmp_path, False, True)
        run, dashes, *command = program
        words = [f"something else, {n} times" for n in range(2)]
        others = [asked(words[:n], [], "Somebody else asks here. " * 300) for n in (1, 2)]
        assert serve.post("/v1/messages", others[0])[0] == 200
        ran = whycold(
            tmp_path, run, "--store", serve.store_url, dashes, *command, environment=environment
        )
        assert serve.post("/v1/messages", others[1])[0] == 200
        serve.recorded(4)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stderr.splitlines()
    assert lines[0].startswith("whycold: 2 calls, ")
    assert lines[1].startswith("whycold: 1 miss, ")
    assert "--session run-" in lines[2]
    assert lines[2].endswith(f" --store {serve.store_url}")


def test_a_program_that_is_not_there_is_one_line(tmp_path: Path, environment: Mapping[str, str]):
    ran = whycold(tmp_path, "run", "--", "no-such-program", environment=environment)
    assert ran.returncode == 2
    assert ran.stderr == "whycold: there is no program 'no-such-program'\n"


def test_without_a_program_the_usage_is_told(tmp_path: Path):
    ran = whycold(tmp_path, "run")
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1


def test_a_serve_that_cannot_start_is_one_line(tmp_path: Path):
    bad = {"ANTHROPIC_BASE_URL": "ftp://nowhere"}
    ran = whycold(tmp_path, *python("-c", "pass"), environment=bad)
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert "must look like https://host or http://host" in ran.stderr


def test_a_signal_is_handed_on(tmp_path: Path, environment: Mapping[str, str]):
    program = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        "    print('asked to end', flush=True)\n"
        "    sys.exit(7)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [*COMMAND, *python("-c", program)],
        cwd=tmp_path,
        env=own_environment(tmp_path, environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "asked to end\n"
        assert process.wait(PATIENCE) == 7


def test_the_terminal_is_the_programs_and_an_interrupt_reaches_it_once(
    tmp_path: Path, environment: Mapping[str, str]
):
    program = (
        "import os, signal, sys, time\n"
        "count = []\n"
        "signal.signal(signal.SIGINT, lambda *_: count.append(1))\n"
        "print('terminal', [os.isatty(n) for n in range(3)], flush=True)\n"
        "while not count: time.sleep(0.01)\n"
        "time.sleep(0.5)\n"
        "print('interrupts', len(count), os.get_terminal_size().columns, flush=True)\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execvpe(
            sys.executable,
            [*COMMAND, *python("-c", program)],
            own_environment(tmp_path, environment),
        )
    said = read_until(terminal, b"terminal [True, True, True]")
    os.write(terminal, b"\x03")
    said += read_until(terminal, b"went through")
    assert b"interrupts 1 " in said
    rest(terminal)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0


def read_until(terminal: int, mark: bytes) -> bytes:
    said = b""
    while mark not in said:
        piece = os.read(terminal, 4096)
        assert piece, said
        said += piece
    return said


def rest(terminal: int) -> None:
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:  # what a terminal gives when its last user is gone
        return
