"""Labels and texts come from whoever sent the calls: none of them steers a terminal or a table."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from tests.traffic import END
from whycold.diagnose import diagnose
from whycold.frontends.cli import cli
from whycold.providers.registry import read_call, rules_for
from whycold.store.opening import open_store
from whycold.store.records import Record

EVIL = "=cmd|' /C calc'!A1\x1b[2J\x1b]0;title\x07\u202e\r\nnext [bold red]x[/] 語"


def body(description: str) -> dict[str, Any]:
    return {
        "model": EVIL,
        "max_tokens": 1,
        "tools": [{"name": EVIL, "description": description, "input_schema": {"type": "object"}}],
        "system": [
            {"type": "text", "text": "words " * 9000, "cache_control": {"type": "ephemeral"}}
        ],
        "messages": [{"role": "user", "content": EVIL}],
    }


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'whycold.db'}"
    labels: dict[str, str] = dict.fromkeys(["project", "session", "agent", "release"], EVIL)
    usage = {"input_tokens": 5, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 9100}
    calls = [
        read_call(
            body(f"{EVIL} {number}"),
            {"type": "message", "id": f"{EVIL}{number}", "content": [], "usage": usage},
            id=f"{EVIL}{number}",
            at=END - timedelta(minutes=3 - number),
            provider="anthropic",
            origin=labels,
        )
        for number in range(2)
    ]
    store = open_store(url, write=True)
    told = diagnose(calls, rules_for)
    store.write("evil", [Record(c, t, status=200) for c, t in zip(calls, told, strict=True)])
    store.close()
    return url


WEEK = ("--since", "2026-11-16T09:00", "--until", "2026-11-23T09:00")
COMMANDS = [
    ("report", *WEEK),
    ("report", *WEEK, "--project", EVIL),
    ("misses",),
    ("misses", "--model", EVIL),
    ("explain", "last", "--full", "--all"),
]


def run(url: str, *words: str, columns: int = 80) -> str:
    result = CliRunner().invoke(cli, [*words, "--store", url], env={"COLUMNS": str(columns)})
    assert result.exit_code == 0, result
    return result.stdout


@pytest.mark.parametrize("columns", [20, 60, 100])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_terminal_gets_nothing_to_obey(url: str, words: tuple[str, ...], columns: int):
    shown = run(url, *words, columns=columns)
    assert [c for c in shown if not c.isprintable() and c != "\n"] == []


def test_a_table_keeps_its_rows_and_has_no_formula(url: str):
    for words in (("misses", "--csv"), ("report", *WEEK, "--csv")):
        rows = list(csv.reader(io.StringIO(run(url, *words), newline="")))
        assert {len(row) for row in rows} == {len(rows[0])}
        assert [cell for row in rows for cell in row if cell[:1] in set("=+-@\t\r\n")] == []


def test_json_has_it_all_as_it_was(url: str):
    (item,) = json.loads(run(url, "misses", "--json"))["items"]
    assert (item["project"], item["model"], item["call"]) == (EVIL, EVIL, f"{EVIL}1")


def test_markup_is_not_obeyed(url: str):
    assert "[bold red]x[/]" in run(url, "explain", "last", "--full", columns=100)


@pytest.mark.parametrize("value", ["\udc80\x00", "x" * 100_000, "[/]", "' OR 1=1 --"])
@pytest.mark.parametrize("filter", ["project", "model", "session", "agent", "release", "provider"])
def test_a_filter_may_hold_anything(url: str, filter: str, value: str):
    assert "No misses" in run(url, "misses", f"--{filter}", value)
    assert "No calls" in run(url, "report", f"--{filter}", value)
