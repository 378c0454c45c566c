"""The page of one call without a browser: what it says, its twins, the whole text on demand."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.frontends.command import whycold
from tests.frontends.web.asked import Answer, ask
from tests.traffic import END, recorded
from whycold.core.diagnosis import Diagnosis
from whycold.frontends.web import serving
from whycold.frontends.web.about import Dashboard
from whycold.frontends.web.charts.prompt import prompt_strip
from whycold.frontends.web.server import application
from whycold.store.answers import Filters
from whycold.store.opening import open_store
from whycold.store.records import Capture

HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m'\"&\U0001f4a3"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("call"))


def get(url: str, target: str) -> Answer:
    with patch.object(serving, "now", lambda: END):
        answer = ask(application(Dashboard(url, "no-spool")), target)
    assert answer is not None
    return answer


def latest(url: str, cause: str) -> Diagnosis:
    store = open_store(url, write=False)
    found = store.misses(Filters(cause=cause), limit=1).items[0].told.call
    record = store.record(found)
    store.close()
    assert record is not None
    return record.told


def said(answer: Answer) -> str:
    return unescape(re.sub(r"<[^>]+>", "", answer.body.decode()))


@pytest.mark.parametrize("cause", ["tool-edited", "date-rolled-over", "expired", "model-changed"])
def test_the_page_says_what_the_diagnosis_says(url: str, cause: str):
    told = latest(url, cause)
    answer = get(url, f"/calls/{told.call}")
    text = said(answer)
    assert answer.status == 200
    assert told.summary in text
    assert told.advice is None or told.advice in text
    for block in told.blocks[:5]:
        assert f"{block.tokens:,}" in text


def test_the_words_that_changed_are_marked(url: str):
    told = latest(url, "tool-edited")
    body = get(url, f"/calls/{told.call}").body.decode()
    assert "<ins>handbook and </ins>" in body
    assert "tools[<b>search_docs</b>].description" in body


def test_any_id_of_a_call_leads_to_it(url: str):
    told = latest(url, "tool-edited")
    assert told.message_id is not None
    for id in (told.call, told.call[:10], told.message_id):
        assert told.summary in said(get(url, f"/calls/{id}"))


def test_the_whole_text_comes_on_demand(url: str):
    told = latest(url, "tool-edited")
    path = "tools%5Bsearch_docs%5D.description"
    part = get(url, f"/calls/{told.call}/text?path={path}")
    assert "<ins>handbook and </ins>" in part.body.decode()
    assert "<html" not in part.body.decode()
    gone = get(url, f"/calls/{told.call}/text?path=elsewhere")
    assert "is not kept" in said(gone)


def test_the_twins_are_those_of_the_command(url: str):
    told = latest(url, "tool-edited")
    shown = json.loads(whycold("explain", told.call, "--json", "--store", url).out)
    assert get(url, f"/calls/{told.call}.json").json == shown
    rows = list(csv.DictReader(io.StringIO(get(url, f"/calls/{told.call}.csv").body.decode())))
    assert sum(int(row["tokens"]) for row in rows) == told.usage.input


def test_a_call_that_is_not_there_is_told(url: str):
    assert get(url, "/calls/none-such").status == 404
    assert get(url, "/calls/none-such.json").status == 404
    told = latest(url, "tool-edited")
    assert get(url, f"/calls/{told.call}?sort=name").status == 400


def test_parts_come_by_size_or_in_the_order_of_the_prompt(url: str):
    told = latest(url, "tool-edited")

    def paths(sort: str) -> list[str]:
        text = said(get(url, f"/calls/{told.call}?sort={sort}"))
        table = text[text.index("Tokens per tool") :]
        return re.findall(r"tools\[\w+\]|system\[\d\]|messages\[\d+\]", table)

    in_order = [block.path.split(".")[0] for block in told.blocks]
    shown = paths("order")
    assert shown == sorted(shown, key=lambda path: in_order.index(_first(in_order, path)))
    assert paths("size")[0].startswith("system[0]")


def _first(paths: list[str], part: str) -> str:
    return next(path for path in paths if path.startswith(part))


def test_text_of_prompts_is_text(tmp_path: Path):
    url = recorded(tmp_path)
    told = latest(url, "tool-edited")
    store = open_store(url, write=True)
    record = store.record(told.call)
    assert record is not None
    edit = replace(told.divergences[0], path=HOSTILE, before=HOSTILE, after=f"x{HOSTILE}")
    again = replace(
        told,
        call="hostile",
        at=END + timedelta(minutes=1),
        summary=HOSTILE,
        advice=HOSTILE,
        session=HOSTILE,
        model=HOSTILE,
        project=HOSTILE,
        divergences=(edit,),
    )
    call = replace(record.call, id="hostile", at=again.at, request_id=None)
    store.write("hostile", [replace(record, call=call, told=again, also=())])
    store.close()
    body = get(url, "/calls/hostile").body.decode()
    assert "<script>alert" not in body
    assert "\u202e" not in body
    assert "\x1b" not in body
    assert "\\u202e" in body


def test_without_texts_the_page_says_so(tmp_path: Path):
    url = recorded(tmp_path)
    told = latest(url, "tool-edited")
    store = open_store(url, write=True)
    record = store.record(told.call)
    assert record is not None
    call = replace(record.call, id="bare", at=END + timedelta(minutes=1), request_id=None)
    again = replace(told, call="bare", at=call.at)
    bare = replace(record, call=call, told=again, also=(), capture=Capture.usage)
    store.write("bare", [bare])
    store.close()
    assert "The prompt of this call is not kept" in said(get(url, "/calls/bare"))


def test_the_strip_is_to_scale(url: str):
    told = latest(url, "tool-edited")
    drawn = prompt_strip(told)
    assert drawn is not None
    assert drawn.total == told.usage.input
    assert sum(bar.width for bar in drawn.bars) == pytest.approx(100, abs=0.2)
    kept = sum(bar.width for bar in drawn.bars if bar.kept)
    assert kept == pytest.approx(100 * (told.usage.cache_read or 0) / drawn.total, abs=0.2)
    assert drawn.broke == pytest.approx(100 * (told.broke_at or 0) / drawn.total, abs=0.01)
    assert [tick.ttl for tick in drawn.ticks] == ["default", "default"]
    assert prompt_strip(replace(told, blocks=())) is None


def test_explain_writes_the_page_into_one_file(url: str, tmp_path: Path):
    told, file = latest(url, "tool-edited"), tmp_path / "call.html"
    ran = whycold("explain", told.call, "--html", file, "--store", url)
    text = file.read_text()
    assert ran.code == 0
    assert told.summary in unescape(re.sub(r"<[^>]+>", "", text))
    assert "<script" not in text
    assert not re.search(r"<(?:link|img)\b", text)
    assert not re.search(r"\bsrc\s*=|url\((?!#)", text)
    assert "choose one" in whycold("explain", told.call, "--json", "--html", file).mistake
    there = whycold("explain", told.call, "--html", tmp_path, "--store", url).mistake
    assert "cannot write" in there
