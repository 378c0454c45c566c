"""The status line: what it says, where it finds the store, and that it never says more."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.frontends.command import whycold
from tests.traffic import recorded
from whycold.frontends import config
from whycold.frontends.config_places import store_url
from whycold.query import Query
from whycold.store.answers import Filters
from whycold.store.opening import open_store


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("statusline"))


@pytest.fixture(scope="module")
def missed(url: str) -> Any:
    """The latest miss of a session."""
    return json.loads(whycold("misses", "--json", "--store", url, "--limit", "1").out)["items"][0]


def said(*arguments: str, stdin: bytes = b"", **environment: str) -> str:
    """The line of the program itself, as Claude Code and tmux start it."""
    ran = subprocess.run(
        [sys.executable, "-m", "whycold", "statusline", *arguments],
        input=stdin,
        capture_output=True,
        check=True,
        env={"PATH": os.defpath, "HOME": "/nowhere", **environment},
    )
    assert ran.stderr == b""
    assert ran.stdout.count(b"\n") == 1
    return ran.stdout.decode().rstrip("\n")


def test_it_says_the_ratio_the_last_miss_and_its_cause(url: str, missed: Any):
    told = json.dumps({"session_id": missed["session"], "cwd": "/tmp", "version": "2.1.330"})
    line = said("--store", url, stdin=told.encode())
    store = open_store(url, write=False)
    totals = Query(store).totals(Filters(session=missed["session"]))
    store.close()
    assert totals.read_ratio is not None
    assert line.startswith(f"cache {100 * totals.read_ratio:.1f}% · {totals.misses} miss")
    assert f" {missed['cause']}, " in line
    assert (missed["divergences"] or [{"path": ""}])[0]["path"] in line
    assert said("--session", missed["session"], f"--store={url}") == line


def test_the_command_line_and_the_short_way_say_the_same(url: str, missed: Any):
    short = said("--session", missed["session"], "--store", url)
    assert whycold("statusline", "--session", missed["session"], "--store", url).out == f"{short}\n"


@pytest.mark.parametrize(
    ("stdin", "says"),
    [
        (b'{"session_id": "no-such"}', "nothing recorded yet"),
        (b"{", "the store cannot be read now"),
        (b"[" * 100_000, "the store cannot be read now"),
        (b"\xff\xfe", "the store cannot be read now"),
    ],
)
def test_whatever_comes_in_it_is_one_calm_line(url: str, stdin: bytes, says: str):
    assert said("--store", url, stdin=stdin) == f"whycold: {says}"


@pytest.mark.parametrize("stdin", [b"", b"[]", b'{"session_id": 7}'])
def test_where_no_session_is_named_it_is_about_the_last_day(url: str, stdin: bytes):
    day = json.loads(whycold("report", "--since", "24h", "--json", "--store", url).out)
    # the calls that are asked about are of one day; whether that was yesterday, the clock decides
    expected = "cache " if day["calls"] else "whycold: nothing recorded yet"
    assert said("--store", url, stdin=stdin).startswith(expected)


@pytest.mark.parametrize("content", [None, b"", b"no database", b"SQLite format 3\0" + b"\1" * 500])
def test_a_store_that_is_none_is_one_calm_line(tmp_path: Path, content: bytes | None):
    file = tmp_path / "some.db"
    if content is not None:
        file.write_bytes(content)
    assert said("--store", f"sqlite:///{file}").startswith("whycold: ")
    assert said("--store", "clickhouse://x").startswith("whycold: ")


def test_a_store_that_somebody_holds_is_one_calm_line(tmp_path: Path):
    url = recorded(tmp_path)
    holder = apsw.Connection(url.removeprefix("sqlite:///"))
    holder.pragma("journal_mode", "delete")
    holder.execute("BEGIN EXCLUSIVE")
    assert said("--store", url, "--session", "x") == "whycold: the store cannot be read now"
    holder.close()


def test_a_silent_open_pipe_does_not_hold_it_up(url: str):
    ran = subprocess.Popen(
        [sys.executable, "-m", "whycold", "statusline", "--store", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert ran.stdin is not None and ran.stdout is not None
    told = ran.stdout.read()
    ran.stdin.close()
    ran.stdout.close()
    assert ran.wait() == 0
    assert told.count(b"\n") == 1


def test_a_path_cannot_steer_a_terminal_or_tmux(tmp_path: Path, missed: Any):
    url = recorded(tmp_path)
    with apsw.Connection(url.removeprefix("sqlite:///")) as db:
        db.execute("UPDATE culprit SET path = ?", ("tools[\x1b[31m#[fg=red]\u202e].description",))
        db.execute("UPDATE call SET culprit = (SELECT min(id) FROM culprit) WHERE miss = 1")
    db.close()
    line = said("--store", url, "--session", missed["session"])
    assert "tools[·[31m# [fg=red]·].description" in line
    assert line.isprintable()


def test_it_imports_little(url: str):
    script = (
        "import sys; sys.argv = ['whycold', 'statusline', '--store', sys.argv[1]]\n"
        "from whycold.frontends.start import main; main()\n"
        "heavy = ('click', 'rich', 'pathlib', 'asyncio', 'dataclasses', 'tomllib', 'datetime')\n"
        "print([m for m in heavy if m in sys.modules], len(sys.modules) < 120)"
    )
    ran = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}\n{script}", url],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        text=True,
    )
    assert ran.stdout.splitlines()[-1] == "[] True"


@pytest.mark.parametrize(
    ("variables", "toml"),
    [
        ({}, None),
        ({"WHYCOLD_STORE": "sqlite:///elsewhere.db"}, 'store = "sqlite:///other.db"'),
        ({"WHYCOLD_DATA": "kept"}, None),
        ({"WHYCOLD_DATA": "kept"}, "port = 4141"),
        ({"XDG_DATA_HOME": "/data"}, None),
        ({"XDG_DATA_HOME": "relative"}, None),
        ({}, 'store = "sqlite:///other.db"'),
        ({}, 'data = "kept"'),
        ({}, 'data = "~/kept"'),
    ],
)
def test_it_looks_where_the_other_commands_look(
    variables: dict[str, str], toml: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("WHYCOLD_STORE", "WHYCOLD_DATA", "WHYCOLD_CONFIG", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if toml is not None:
        (tmp_path / "settings" / "whycold").mkdir(parents=True)
        (tmp_path / "settings" / "whycold" / "whycold.toml").write_text(toml)
    there = Path(store_url().removeprefix("sqlite:///")).absolute()
    assert there == Path(config.load().store.removeprefix("sqlite:///")).absolute()
