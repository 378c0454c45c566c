"""``whycold report`` as text, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from inline_snapshot import snapshot

from tests.traffic import END, recorded
from whycold.core.diagnosis import Reason
from whycold.frontends.cli import cli, main
from whycold.frontends.palette import BAD, GOOD, REASONS
from whycold.store.answers import CulpritState, Filters, Mark
from whycold.store.opening import open_store
from whycold.store.records import Capture

WEEK = ("--since", "2026-11-16T09:00", "--until", "2026-11-23T09:00")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("store"))


def run(*words: str, columns: int = 100) -> Result:
    return CliRunner().invoke(cli, words, env={"COLUMNS": str(columns)})


def text(*words: str, columns: int = 100) -> str:
    result = run(*words, columns=columns)
    assert result.exit_code == 0, result.output
    return "\n" + result.stdout


def data(*words: str) -> dict[str, Any]:
    return json.loads(text(*words, "--json"))


def test_a_wide_terminal_shows_everything_side_by_side(url: str):
    assert text("report", *WEEK, "--store", url) == snapshot("""\


 16 Nov 09:00 to 23 Nov 2026 09:00 UTC  against the 7 days before

 Read ratio          Read tokens         Misses              Missed tokens      Cost of misses
 67.6%               490.1k              43                  133.5k             $0.616
 ▲ 2.2 pp 65.3%      ▲ 49% 328.8k        ▲ 54% 28            ▲ 59% 84.0k        ▲ 62% $0.379

 Missed tokens  per 3 hours                                       Why                 tokens misses
   20k                                                            ■ Expired   ━━━━━━   41.7k     12
                       ▂                                          ■ System    ━━━━━╸   37.6k      9
                       █                                          ■ Tools     ━━━╸     24.9k      7
                ▃      █               ▂       ▄                  ■ Model     ━━╸      19.1k      6
   10k          █      █▁              █       █▆      ▄          ■ Messages  ━╸       10.1k      9
                █      ██      ▇▅      █       ███     █▇
       ▄▄▂     ▅█▆     ██      ██▃     █▄▇     ███     ██         Input                      725.6k
       ███     ███     ██      ███     ███     ███     ██         ██████████████████████▓▓▓▓▓▓▓▓▓▓▓
            Tue 17  Wed 18  Thu 19  Fri 20  Sat 21  Sun 22        ■ read 67.6%  ■ written 32.4%

 By model                                    calls       read ratio    read  misses  missed    cost
 claude-opus-5                                  88   ▼ 6.9 pp 61.7%  200.6k      23   67.3k  $0.387
 claude-sonnet-5                               101  ▲ 12.2 pp 72.3%  289.5k      20   66.2k  $0.228
 qwen3-coder                                     9                -       -       0       0      $0

 Culprits                                        since           misses   tokens     cost
 ■ expired                                       agent 4.11           8    29.1k   $0.167  ▅▃█··▃▃·
   shop · the entry ran out 15 min before the call came (5 min lifetime, 20 min pause)
 ■ system[1].text                                agent 4.11           7    28.7k   $0.134  ·▅█▄▅▅▅·
   shop · Today is [-2026-11-22.-]{+2026-11-23.+} islet larch joist cliff islet birch is
 ■ tools[search_docs].description     new        agent 4.12           7    24.9k   $0.126  ···██▅█·
   shop · search_docs: Search the {+handbook and +}docs. heron joist pebble orchid larch qu
 ■ settings.model                     expected   agent 4.11           6    19.1k  $0.0659  ·▇▄▄·█··
   shop · [-claude-opus-5-]{+claude-sonnet-5+}
 ■ expired                                       agent 4.11           4    12.7k  $0.0436  ▇··█▇▇··
   desk · the entry ran out 15 min before the call came (5 min lifetime, 20 min pause)

 Not reported: 9 of 198 calls say nothing of cache reads and count in no ratio (8.1k input tokens).
""")


def test_a_usual_terminal_shows_it_in_one_column(url: str):
    assert text("report", *WEEK, "--store", url, columns=80) == snapshot("""\


 16 Nov 09:00 to 23 Nov 2026 09:00 UTC  against the 7 days before

 Read ratio      Read tokens     Misses          Missed tokens  Cost of misses
 67.6%           490.1k          43              133.5k         $0.616
 ▲ 2.2 pp 65.3%  ▲ 49% 328.8k    ▲ 54% 28        ▲ 59% 84.0k    ▲ 62% $0.379

 Missed tokens  per 3 hours
   20k
                       ▅
                ▂      █               ▂       ▃
   10k          █      █▃      ▁       █       █▇▂     ▅▁
       ▁▁      ▂█▃     ██      █▇      █▁▄     ███     ██
       ██▇     ███     ██      ███     ███     ███     ██
            Tue 17  Wed 18  Thu 19  Fri 20  Sat 21  Sun 22  Mon 23

 Why                                                    tokens  misses     cost
 ■ Expired   ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━   41.7k      12   $0.211
 ■ System    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━       37.6k       9   $0.165
 ■ Tools     ━━━━━━━━━━━━━━━━━━━━━━━━╸                   24.9k       7   $0.126
 ■ Model     ━━━━━━━━━━━━━━━━━━━                         19.1k       6  $0.0659
 ■ Messages  ━━━━━━━━━━                                  10.1k       9  $0.0471

 Input                                                                   725.6k
 █████████████████████████████████████████████████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
 ■ read 67.6%  ■ written 32.4%

 By model                calls       read ratio    read  misses  missed    cost
 claude-opus-5              88   ▼ 6.9 pp 61.7%  200.6k      23   67.3k  $0.387
 claude-sonnet-5           101  ▲ 12.2 pp 72.3%  289.5k      20   66.2k  $0.228
 qwen3-coder                 9                -       -       0       0      $0

 Culprits                                              misses   tokens     cost
 ■ expired                                                  8    29.1k   $0.167
   agent 4.11 · shop · the entry ran out 15 min before the call came (5 min li…
 ■ system[1].text                                           7    28.7k   $0.134
   agent 4.11 · shop · Today is [-2026-11-22.-]{+2026-11-23.+} islet larch joi…
 ■ tools[search_docs].description                           7    24.9k   $0.126
   new · agent 4.12 · shop · search_docs: Search the {+handbook and +}docs. he…
 ■ settings.model                                           6    19.1k  $0.0659
   expected · agent 4.11 · shop · [-claude-opus-5-]{+claude-sonnet-5+}
 ■ expired                                                  4    12.7k  $0.0436
   agent 4.11 · desk · the entry ran out 15 min before the call came (5 min li…

 Not reported: 9 of 198 calls say nothing of cache reads and count in no ratio
 (8.1k input tokens).
""")


def test_a_narrow_terminal_shows_what_matters_most(url: str):
    shown = text("report", *WEEK, "--project", "shop", "--store", url, columns=60)
    assert shown == snapshot("""\


 16 Nov 09:00 to 23 Nov 2026 09:00 UTC
 project shop
 against the 7 days before

 Read ratio          Read tokens        Misses
 63.1%               303.9k             36
 ▼ 4.5 pp 67.7%      ▲ 34% 227.6k       ▲ 125% 16

 Missed tokens       Cost of misses
 110.2k              $0.535
 ▲ 128% 48.3k        ▲ 109% $0.256

 Missed tokens  per 6 hours
   25k         ▅
               █           █
           ▅   █   ▂   ▄   █   ▆
 12.5k     █   █   █   █   █   █
       ▆   █   █   █   █   █   █
       █   █   █   █   █   █   █
          Tue 17  Thu 19  Sat 21  Mon 23

 Why                                tokens  misses     cost
 ■ Expired   ━━━━━━━━━━━━━━━━━━━━━   29.1k       8   $0.167
 ■ System    ━━━━━━━━━━━━━━━━━━━━╸   28.7k       7   $0.134
 ■ Tools     ━━━━━━━━━━━━━━━━━━      24.9k       7   $0.126
 ■ Model     ━━━━━━━━━━━━━━          19.1k       6  $0.0659
 ■ Messages  ━━━━━━                   8.4k       8  $0.0412

 Input                                               481.4k
 █████████████████████████████████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
 ■ read 63.1%  ■ written 36.9%

 By model                read ratio  misses  missed    cost
 claude-opus-5                61.7%      23   67.3k  $0.387
 claude-sonnet-5              66.2%      13   42.9k  $0.148

 Culprits                                   tokens     cost
 ■ expired                                   29.1k   $0.167
   agent 4.11 · the entry ran out 15 min before the call c…
 ■ system[1].text                            28.7k   $0.134
   agent 4.11 · Today is [-2026-11-22.-]{+2026-11-23.+} is…
 ■ tools[search_docs].description            24.9k   $0.126
   new · agent 4.12 · …: Search the {+handbook and +}docs.…
 ■ settings.model                            19.1k  $0.0659
   expected · agent 4.11 · [-claude-opu…-]{+claude-son…+}
 ■ messages[1].content[0]                     8.4k  $0.0412
   agent 4.11 · [-quartz nacre birch quartz quartz…-]
""")


@pytest.mark.parametrize("columns", [60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(url: str, columns: int):
    for line in text("report", *WEEK, "--store", url, columns=columns).splitlines():
        assert len(line) <= columns


def test_json_has_the_documented_fields(url: str):
    told = data("report", *WEEK, "--project", "shop", "--store", url)
    assert told.pop("previous").keys() == told.keys()
    told["series"] = [step for step in told["series"] if step["misses"]][:2]
    assert told == snapshot(
        {
            "since": "2026-11-16T09:00:00Z",
            "until": "2026-11-23T09:00:00Z",
            "calls": 126,
            "reporting_calls": 126,
            "read_ratio": 0.6313451842557373,
            "input_tokens": 481369,
            "reporting_input_tokens": 481369,
            "cache_read_tokens": 303910,
            "cache_write_tokens": 177459,
            "cache_write_5m_tokens": 177459,
            "cache_write_1h_tokens": 0,
            "uncached_tokens": 0,
            "output_tokens": 5040,
            "misses": 36,
            "missed_tokens": 110236,
            "missed_cost_usd": "0.5352077",
            "unpriced_misses": 0,
            "at_stake_tokens": 0,
            "by_reason": {
                "expired": {"misses": 8, "missed_tokens": 29074, "missed_cost_usd": "0.1671755"},
                "system_changed": {
                    "misses": 7,
                    "missed_tokens": 28727,
                    "missed_cost_usd": "0.13442465",
                },
                "tools_changed": {
                    "misses": 7,
                    "missed_tokens": 24906,
                    "missed_cost_usd": "0.126477",
                },
                "model_changed": {
                    "misses": 6,
                    "missed_tokens": 19101,
                    "missed_cost_usd": "0.06589845",
                },
                "messages_changed": {
                    "misses": 8,
                    "missed_tokens": 8428,
                    "missed_cost_usd": "0.0412321",
                },
            },
            "by_model": {
                "claude-opus-5": {
                    "calls": 88,
                    "read_ratio": 0.6165676508825364,
                    "input_tokens": 325369,
                    "cache_read_tokens": 200612,
                    "misses": 23,
                    "missed_tokens": 67345,
                    "missed_cost_usd": "0.38723375",
                },
                "claude-sonnet-5": {
                    "calls": 38,
                    "read_ratio": 0.6621666666666667,
                    "input_tokens": 156000,
                    "cache_read_tokens": 103298,
                    "misses": 13,
                    "missed_tokens": 42891,
                    "missed_cost_usd": "0.14797395",
                },
            },
            "series": [
                {
                    "at": "2026-11-16T09:00:00Z",
                    "hours": 3,
                    "calls": 8,
                    "input_tokens": 27723,
                    "cache_read_tokens": 19642,
                    "misses": 2,
                    "missed_tokens": 3902,
                    "by_reason": {"expired": 3362, "messages_changed": 540},
                },
                {
                    "at": "2026-11-16T12:00:00Z",
                    "hours": 3,
                    "calls": 8,
                    "input_tokens": 30159,
                    "cache_read_tokens": 21808,
                    "misses": 1,
                    "missed_tokens": 3635,
                    "by_reason": {"expired": 3635},
                },
            ],
        }
    )


def test_steps_of_the_series_add_up_to_the_whole(url: str):
    told = data("report", *WEEK, "--store", url)
    assert sum(step["missed_tokens"] for step in told["series"]) == told["missed_tokens"]
    assert sum(step["calls"] for step in told["series"]) == told["calls"]
    for step in told["series"]:
        assert sum(step["by_reason"].values()) == step["missed_tokens"]


def test_csv_has_a_row_for_everything_that_json_has(url: str):
    told = data("report", *WEEK, "--store", url)
    rows = list(csv.DictReader(io.StringIO(text("report", *WEEK, "--csv", "--store", url)[1:])))
    whole = next(row for row in rows if (row["period"], row["by"]) == ("this", "total"))
    assert int(whole["cache_read_tokens"]) == told["cache_read_tokens"]
    assert whole["missed_cost_usd"] == told["missed_cost_usd"]
    for by, key in (("reason", "by_reason"), ("model", "by_model")):
        found = {r["value"]: r for r in rows if (r["period"], r["by"]) == ("this", by)}
        assert found.keys() == told[key].keys()
        for value, sums in told[key].items():
            assert int(found[value]["missed_tokens"]) == sums["missed_tokens"]
    before = next(row for row in rows if (row["period"], row["by"]) == ("previous", "total"))
    assert int(before["misses"]) == told["previous"]["misses"]


def test_what_is_not_reported_is_empty_in_csv_and_null_in_json(url: str):
    words = ("report", *WEEK, "--model", "qwen3-coder", "--store", url)
    assert data(*words)["cache_read_tokens"] is None
    assert data(*words)["read_ratio"] is None
    rows = list(csv.DictReader(io.StringIO(text(*words, "--csv")[1:])))
    assert rows[0]["cache_read_tokens"] == rows[0]["read_ratio"] == ""


def test_a_period_without_calls_says_when_there_were_some(url: str):
    words = ("report", "--since", "2026-12-01", "--until", "2026-12-02", "--project", "shop")
    assert text(*words, "--store", url) == snapshot("""\


 No calls of project shop from 1 Dec 00:00 to 2 Dec 2026 00:00 UTC.
 The latest call of all was on 22 Nov 2026 15:56 UTC; --since reaches further.
""")


def test_an_empty_store_says_what_to_do_next(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/empty.db"
    open_store(url, write=True).close()
    shown = text("report", "--store", url)
    assert "Nothing is recorded yet." in shown
    assert "To begin: record something first" in shown
    assert data("report", "--store", url)["calls"] == 0


def failure(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    return told.err


def test_a_store_that_is_not_there_is_the_user_s_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    told = failure(capsys, "report", "--store", f"sqlite:///{tmp_path}/none.db")
    assert told.startswith(f"whycold: there is no store at {tmp_path}/none.db yet: record")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--json", "--csv"), "--json and --csv: choose one"),
        (("--since", "yesterday"), "since: 'yesterday' is no time"),
        (("--since", "1d", "--until", "2d"), "is not before until"),
        (("--cause", "tool-editet"), "did you mean tool-edited"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    url: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
):
    assert said in failure(capsys, "report", *words, "--store", url)


def test_a_period_of_an_hour_has_no_chart(url: str):
    hour = ("--since", "2026-11-22T12:00", "--until", "2026-11-22T13:00")
    shown = text("report", *hour, "--store", url)
    assert "Why" in shown
    assert "Missed tokens  per" not in shown


def test_a_long_period_is_drawn_in_days(url: str):
    year = ("--since", "2025-11-23", "--until", "2026-11-23")
    assert "Missed tokens  per 7 days" in text("report", *year, "--store", url)


def test_misses_without_a_price_have_no_cost(tmp_path: Path):
    url = recorded(tmp_path, price=None)
    shown = text("report", *WEEK, "--store", url)
    assert "No price is known for 43 of the misses; the cost leaves them out." in shown
    told = data("report", *WEEK, "--store", url)
    assert (told["missed_cost_usd"], told["unpriced_misses"]) == (None, 43)
    assert {sums["missed_cost_usd"] for sums in told["by_reason"].values()} == {None}


def test_without_the_texts_a_culprit_is_told_by_its_place(tmp_path: Path):
    shown = text("report", *WEEK, "--store", recorded(tmp_path, Capture.usage))
    assert "tools[search_docs].description" in shown
    assert "handbook" not in shown


def test_what_people_decided_is_told(tmp_path: Path):
    url = recorded(tmp_path)
    store = open_store(url, write=False)
    week = Filters(since=END - timedelta(days=7), until=END)
    dearest, second, third, *_ = store.culprits(week)
    store.mark(dearest.id, Mark(CulpritState.ignored, END))
    store.mark(second.id, Mark(CulpritState.resolved, END))
    store.mark(third.id, Mark(CulpritState.resolved, END - timedelta(days=7)))
    store.close()
    shown = text("report", *WEEK, "--store", url)
    rows = [line for line in shown[shown.index("Culprits") :].splitlines() if "■" in line]
    assert "resolved" in rows[0]
    assert "regressed" in rows[1]


COLOURED = {
    "FORCE_COLOR": "1",
    "COLORTERM": "truecolor",
    "COLUMNS": "100",
    "TERM": "xterm-256color",
}


def test_every_reason_has_its_colour_and_a_change_is_good_or_bad(url: str):
    words = ["report", *WEEK, "--store", url]
    shown = CliRunner().invoke(cli, words, env=COLOURED, color=True).stdout
    for colour, what in [
        (REASONS[Reason.tools_changed], "■ "),
        (REASONS[Reason.expired], "■ "),
        (GOOD, "▲ 2.2 pp "),
        (BAD, "▲ 54% "),
    ]:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        assert f"38;2;{red};{green};{blue}m{what}" in shown


def test_colours_are_left_out_where_they_are_not_wanted(url: str):
    words = ["report", *WEEK, "--store", url]
    shown = CliRunner().invoke(cli, words, env=COLOURED | {"NO_COLOR": "1"}, color=True).stdout
    assert "38;2" not in shown
    assert "[-2026-11-22.-]{+2026-11-23.+}" in re.sub(r"\x1b\[[\d;]*m", "", shown)


def test_a_terminal_without_unicode_gets_ascii(url: str):
    words = ["report", *WEEK, "--store", url]
    result = CliRunner(charset="ascii").invoke(cli, words, env={"COLUMNS": "100"})
    assert result.exit_code == 0
    assert result.stdout_bytes.isascii()
    assert "\\" not in result.stdout
    assert "^ 54%" in result.stdout
