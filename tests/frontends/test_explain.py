"""``whycold explain`` as text and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from inline_snapshot import snapshot

from tests.frontends.test_misses import DIAGNOSIS
from tests.traffic import END, recorded
from whycold.frontends.cli import cli, main
from whycold.store.answers import Erase, Filters
from whycold.store.opening import open_store
from whycold.store.records import Capture

Find = Callable[[str], str]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def find(url: str) -> Iterator[Find]:
    """The id of the latest miss of a cause."""
    store = open_store(url, write=False)
    yield lambda cause: store.misses(Filters(cause=cause), limit=1).items[0].told.call
    store.close()


@pytest.fixture(autouse=True)
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices that no update of a price list changes."""
    file = tmp_path / "prices.json"
    rates = {
        "input_cost_per_token": 0.000005,
        "cache_read_input_token_cost": 0.0000005,
        "cache_creation_input_token_cost": 0.00000625,
    }
    file.write_text(json.dumps({"claude-opus-5": rates, "claude-sonnet-5": rates}))
    monkeypatch.setenv("WHYCOLD_PRICES", str(file))


def text(*words: str, columns: int = 100) -> str:
    result = CliRunner().invoke(cli, ["explain", *words], env={"COLUMNS": str(columns)})
    assert result.exit_code == 0, result.output
    return result.stdout


def below(shown: str, heading: str) -> str:
    """The part of a page from a heading on, up to the next blank row."""
    return "\n" + shown[shown.index(heading) :].partition("\n\n")[0] + "\n"


def data(*words: str) -> dict[str, Any]:
    return json.loads(text(*words, "--json"))


def test_json_is_a_diagnosis_with_blocks_that_sum_to_the_input(url: str, find: Find):
    told = data(find("tool-edited"), "--store", url)
    assert told.keys() >= DIAGNOSIS | {"blocks"}
    assert sum(block["tokens"] for block in told["blocks"]) == told["usage"]["input"]
    assert told["blocks"][1] == snapshot(
        {
            "section": "tools",
            "path": "tools[search_docs]",
            "name": "search_docs",
            "role": None,
            "tokens": 433,
            "cached": False,
            "breakpoint": None,
        }
    )
    assert told["capture"] == "full"


def test_a_call_answers_to_all_its_names(url: str, find: Find):
    told = data(find("tool-edited"), "--store", url)
    for name in (told["call"][:13], told["message_id"]):
        assert data(name, "--store", url) == told
    assert data("last", "--store", url)["verdict"] in ("miss", "partial")


def test_tokens_per_tool_and_message_by_size(url: str, find: Find):
    shown = text(find("sliding-window"), "--store", url)
    assert below(shown, "Tokens per tool") == snapshot("""\

Tokens per tool and per message                                          sorted by size · 11 parts
 ■ system[0]                    974   28.9%  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━  read           $0.000487
 ■ tools[run_tests]             410   12.2%  ━━━━━━━━━━━━                  read           $0.000205
 ■ tools[read_file]             409   12.2%  ━━━━━━━━━━━━                  read           $0.000204
 ■ tools[edit_file]             409   12.2%  ━━━━━━━━━━━━                  read           $0.000204
 ■ tools[search_docs]           407   12.1%  ━━━━━━━━━━━╸                  read           $0.000204
 ■ messages[2] user             220    6.5%  ━━━━━━╸                       written 5m      $0.00138
 ■ messages[4] user             217    6.4%  ━━━━━━                        written 5m      $0.00136
 ■ system[1]                    131    3.9%  ━━━━                          read          $0.0000655
 ■ messages[0] user              75    2.2%  ━━                            written 5m     $0.000469
 ■ messages[1] assistant         58    1.7%  ━╸                            written 5m     $0.000362
 ■ messages[3] assistant         56    1.7%  ━╸                            written 5m     $0.000350
""")


def test_tokens_in_the_order_of_the_prompt(url: str, find: Find):
    shown = text(find("tool-edited"), "--sort", "order", "--store", url)
    rows = below(shown, "Tokens per tool").splitlines()[2:]
    assert [row.split()[1] for row in rows[:6]] == [
        "tools[read_file]",
        "tools[search_docs]",
        "tools[run_tests]",
        "tools[edit_file]",
        "system[0]",
        "system[1]",
    ]


def test_a_long_prompt_is_cut_unless_all_is_asked_for(url: str, find: Find):
    shown = text(find("date-rolled-over"), "--store", url)
    assert "and 5 more, " in shown
    whole = text(find("date-rolled-over"), "--all", "--store", url)
    assert len(below(whole, "Tokens per tool").splitlines()) == 27


def test_the_calls_around_it_are_told_and_the_one_before_is_marked(url: str, find: Find):
    shown = text(find("tool-edited"), "--store", url)
    assert below(shown, "In the session") == snapshot("""\

In the session shop-13-1  call 5 of 10                     input    read  missed
   12:14:20  hit                                             3.1k   91.2%          6880cb7058000137
   12:34:20  miss         expired                            3.4k    0.0%    3.1k  6880d00438000138
 ↑ 12:35:00  partial      sliding-window · messages[1].…     3.4k   81.4%     626  6880d02b48000139
 ▶ 12:35:40  miss         tool-edited · tools[search_do…     3.6k    0.0%    3.4k  6880d0525800013a
   12:36:20  hit                                             3.9k   93.1%          6880d0796800013b
   12:37:00  hit                                             4.2k   93.5%          6880d0a07800013c
   12:37:40  hit                                             4.5k   93.8%          6880d0c78800013d

""")


def test_the_page_begins_with_which_call_it_is(url: str, find: Find):
    assert text(find("tool-edited"), "--store", url).splitlines()[1] == snapshot(
        " 22 Nov 2026 12:35:40 UTC  6880d0525800013a  msg_00314  shop · main · agent 4.12"
    )


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_no_row_of_the_page_is_wider_than_the_terminal(url: str, find: Find, columns: int):
    shown = text(find("sliding-window"), "--full", "--store", url, columns=columns)
    assert [line for line in shown.splitlines() if len(line) > columns] == []


def test_full_shows_the_changed_texts_folded(url: str, find: Find):
    shown = text(find("date-rolled-over"), "--full", "--store", url)
    assert below(shown, "● system[1].text  559") == snapshot("""\

● system[1].text  559 characters before, 559 after
   - Today is 2026-11-2[-2-]. islet larch joist cliff islet birch islet umber slate ember vale
     slate orchid  ⋯ 460 characters ⋯
   + Today is 2026-11-2{+3+}. islet larch joist cliff islet birch islet umber slate ember vale
     slate orchid  ⋯ 460 characters ⋯
""")


def test_full_as_json_has_the_texts_whole(url: str, find: Find):
    told = data(find("tool-edited"), "--full", "--store", url)
    (change,) = told["texts"]
    assert change["path"] == "tools[search_docs].description"
    assert change["after"] == change["before"].replace("the docs", "the handbook and docs")
    assert len(change["before"]) > 1000


def test_without_full_no_text_is_in_json(url: str, find: Find):
    assert "texts" not in data(find("tool-edited"), "--store", url)


@pytest.mark.parametrize(
    ("capture", "said"),
    [
        (Capture.hash, "Recorded with capture hash: digests stand where text would be"),
        (Capture.usage, "The prompt of this call is not kept (capture usage, or dropped by"),
    ],
)
def test_what_was_not_kept_is_said(tmp_path: Path, find: Find, capture: Capture, said: str):
    url = recorded(tmp_path, capture)
    shown = text(find("tool-edited"), "--full", "--store", url)
    assert said in shown
    assert "The text of this call or of the one before it is not kept" in shown
    assert "handbook" not in shown
    told = data(find("tool-edited"), "--full", "--store", url)
    assert (told["texts"], told["capture"]) == ([], capture)


def test_a_predecessor_that_was_erased_is_said_to_be_gone(tmp_path: Path, find: Find):
    url = recorded(tmp_path)
    store = open_store(url, write=True)
    record = store.record(find("tool-edited"))
    assert record is not None
    store.erase(Erase(until=record.call.at, session=record.call.session))
    store.close()
    shown = text(find("tool-edited"), "--full", "--store", url)
    assert "The call before it is no longer kept." in shown
    # What was quoted of it went with it; where the edit was is known.
    assert "Search the docs" not in shown
    assert "tools[search_docs].description" in shown


def test_a_predecessor_of_another_session_is_named(url: str, find: Find):
    store = open_store(url, write=False)
    opened = store.calls(Filters(session="shop-00-1"), limit=1000).items[-1].told
    store.close()
    assert opened.predecessor is not None
    shown = text(opened.call, "--store", url)
    assert f"The call before it: {opened.predecessor}, " in shown
    assert END.year == 2026


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing",), "no call 'nothing'"),
        (("last", "--html", "page.html", "--json"), "--json and --html: choose one"),
        ((), "Missing argument 'CALL'"),
        (("last", "--sort", "name"), "'name' is not one of"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    url: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
):
    with pytest.raises(SystemExit) as ended:
        main(["explain", *words, "--store", url])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
