"""``whycold misses`` as text, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from inline_snapshot import snapshot

from tests.traffic import recorded
from whycold.core.cost import Rates
from whycold.frontends.cli import cli, main
from whycold.store.answers import Filters
from whycold.store.opening import open_store

_DIAGNOSIS = """
call message_id request_id at api provider model project session agent release usage verdict reason
cause grade predecessor predecessor_message_id divergences missed_tokens missed_cost_usd
provider_reason summary advice
"""
DIAGNOSIS = frozenset(_DIAGNOSIS.split())
PLACE = {"section", "path", "offset", "before", "after", "cause", "expected"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("store"))


def run(*words: str, columns: int = 100) -> Result:
    result = CliRunner().invoke(cli, ["misses", *words], env={"COLUMNS": str(columns)})
    assert result.exit_code == 0, result.output
    return result


def data(*words: str) -> dict[str, Any]:
    return json.loads(run(*words, "--json").stdout)


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_no_line_is_wider_than_the_terminal(url: str, columns: int):
    for line in run("--store", url, columns=columns).stdout.splitlines():
        assert len(line) <= columns


def test_a_wide_terminal_shows_two_rows_a_miss(url: str):
    assert "\n" + run("--limit", "5", "--store", url).stdout == snapshot("""\


 Sun 22 Nov 2026 UTC                                                                tokens     cost
 ■ 12:35:40  miss     tools[search_docs].description  tool-edited                    3,366  $0.0194
   …h_docs: Search the {+handbook and +}docs.…  claude-opus-5 · shop-13-1 · main · 6880d0525800013a
 ■ 12:35:00  partial  messages[1].content[0]  sliding-window                           626 $0.00360
   [-quartz nacre birch quartz quartz…-]        claude-opus-5 · shop-13-1 · main · 6880d02b48000139
 ■ 12:34:20  miss     expired                                                        3,094  $0.0178
   the entry ran out 15 min before the call c…  claude-opus-5 · shop-13-1 · main · 6880d00438000138
 ■ 10:02:40  miss     system[1].text  date-rolled-over                               4,992  $0.0287
   Today is [-2026-11-22.-]{+2026-11-23.+} is…  claude-opus-5 · shop-13-0 · main · 6880ad4d80000135
 ■ 09:59:20  miss     tools[search_docs].description  tool-edited                    3,634  $0.0209
   …h_docs: Search the {+handbook and +}docs.…  claude-opus-5 · shop-13-0 · main · 6880ac8a30000130

 5 misses; older ones: --cursor 7530208286477737247. One of them in full: whycold explain ID
""")


def test_a_narrow_terminal_shows_three(url: str):
    shown = run("--limit", "2", "--cause", "tool-edited", "--store", url, columns=60).stdout
    assert "\n" + shown == snapshot("""\


 cause tool-edited
 Sun 22 Nov 2026 UTC                        tokens     cost
 ■ 12:35:40  miss     tools[search_docs…     3,366  $0.0194
   tool-edited · claude-opus-5 · shop-1… · 6880d0525800013a
   search_docs: Search the {+handbook and +}docs. heron jo…
 ■ 09:59:20  miss     tools[search_docs…     3,634  $0.0209
   tool-edited · claude-opus-5 · shop-1… · 6880ac8a30000130
   search_docs: Search the {+handbook and +}docs. heron jo…

 2 misses; older ones: --cursor 7530208286477737247. One of
 them in full: whycold explain ID
""")


def test_pages_follow_each_other_without_a_gap(url: str):
    whole = [item["call"] for item in data("--limit", "1000", "--store", url)["items"]]
    found, cursor = [], None
    while True:
        more = ("--cursor", cursor) if cursor else ()
        page = data("--limit", "7", *more, "--store", url)
        found += [item["call"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == whole
    assert len(whole) == 71


def test_an_item_is_a_diagnosis(url: str):
    item = data("--limit", "1", "--cause", "tool-edited", "--store", url)["items"][0]
    assert item.keys() >= DIAGNOSIS
    assert (item["verdict"], item["reason"], item["grade"]) == (
        "miss",
        "tools_changed",
        "consistent",
    )
    assert (item["missed_tokens"], item["missed_cost_usd"]) == (3366, "0.0193545")
    assert item["usage"]["input"] == item["usage"]["cache_write_5m"] == 3640
    (place,) = item["divergences"]
    assert place.keys() >= PLACE
    assert (place["path"], place["offset"]) == ("tools[search_docs].description", 24)


@pytest.mark.parametrize(
    "words",
    [
        ("--reason", "tools_changed"),
        ("--reason", "system-changed"),
        ("--cause", "expired"),
        ("--project", "desk"),
        ("--model", "claude-opus-5", "--release", "agent 4.12"),
        ("--session", "shop-13-1"),
        ("--since", "2026-11-22", "--until", "2026-11-22T11:00"),
    ],
)
def test_every_form_of_the_list_honours_the_filters(url: str, words: tuple[str, ...]):
    told = data(*words, "--limit", "1000", "--store", url)
    assert told["items"]
    table = run(*words, "--limit", "1000", "--csv", "--store", url).stdout
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["call"] for row in rows] == [item["call"] for item in told["items"]]
    shown = run(*words, "--limit", "1000", "--store", url).stdout
    assert [id for item in told["items"] if (id := item["call"]) not in shown] == []
    fewer = dict(zip(words[::2], words[1::2], strict=True))
    for item in told["items"]:
        for key in ("--project", "--model", "--session", "--release", "--cause"):
            assert item[key[2:]] == fewer.get(key, item[key[2:]])


def test_misses_and_report_tell_the_same_sums(url: str):
    week = ("--since", "2026-11-16T09:00", "--until", "2026-11-23T09:00")
    items = data(*week, "--limit", "1000", "--store", url)["items"]
    told = CliRunner().invoke(cli, ["report", *week, "--json", "--store", url])
    report = json.loads(told.stdout)
    assert sum(item["missed_tokens"] for item in items) == report["missed_tokens"]
    assert len(items) == report["misses"]


def test_csv_says_on_standard_error_how_to_go_on(url: str):
    result = run("--limit", "1", "--csv", "--store", url)
    store = open_store(url, write=False)
    cursor = store.misses(Filters(), limit=1).next
    store.close()
    assert result.stderr == f"whycold: there are more: --cursor {cursor}\n"


def test_without_a_miss_that_is_said(url: str):
    assert (
        run("--project", "none such", "--store", url).stdout == "\n No misses of these filters.\n"
    )
    assert data("--project", "none such", "--store", url) == {"items": [], "next": None}


def test_a_cursor_that_no_page_gave_is_refused(url: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["misses", "--cursor", "x", "--store", url])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told == "whycold: no page has given the cursor 'x'; begin without one\n"


@pytest.mark.parametrize("form", ["--csv", "--json", "--limit=1000"])
def test_a_reader_that_has_enough_is_no_mistake(url: str, form: str):
    words = [sys.executable, "-m", "whycold", "misses", form, "--limit", "1000", "--store", url]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        told = process.stderr.read()
        assert (process.wait(), told) == (0, b"")


def test_tiny_costs_keep_their_distance_to_the_tokens(tmp_path: Path):
    rates = Rates(cache_read=Decimal(0), cache_write_5m=Decimal("0.0000000002"))
    shown = run("--store", recorded(tmp_path, price=lambda call: rates), columns=80).stdout
    assert "$0.000000" in shown
    assert not re.search(r"\d\$", shown)
