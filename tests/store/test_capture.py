# pyright: reportArgumentType=false, reportCallIssue=false
# Fields are filled from parametrised dicts, whose values have many types.
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.samples import conversation, everything, record, talk
from tests.store.test_removal import SECRET, on_disk, told_everywhere
from whycold.core.prompt import Kind, Setting
from whycold.core.tokens import count
from whycold.store.answers import Filters
from whycold.store.base import Store
from whycold.store.capture import hashed_prompt
from whycold.store.opening import open_store
from whycold.store.records import Capture

KEY = b"k" * 32


@pytest.mark.parametrize("capture", [Capture.hash, Capture.usage, Capture.none])
def test_no_text_of_a_call_reaches_the_disk(store: Store, tmp_path: Path, capture: Capture):
    long = SECRET * 20
    settings = (Setting("response_format", {"schema": long}), Setting("stop", long))
    record = told_everywhere(1, capture=capture)
    prompt = replace(record.call.prompt, settings=settings)
    store.write("a", [replace(record, call=replace(record.call, prompt=prompt))])
    assert on_disk(tmp_path, SECRET) == []


def test_with_full_capture_the_texts_are_there(store: Store, tmp_path: Path):
    store.write("a", [told_everywhere(1)])
    assert on_disk(tmp_path, SECRET)


@pytest.mark.parametrize("capture", [Capture.hash, Capture.usage])
def test_counts_verdict_and_place_stay_without_texts(store: Store, capture: Capture):
    store.write("a", [told_everywhere(1, capture=capture)])
    kept = store.misses(Filters()).items[0]
    assert kept.capture is capture
    assert kept.told.usage.input == 1000
    assert kept.told.divergences[0].path == "tools[Bash].description"
    assert kept.told.title == "tool-edited at tools[Bash].description"
    assert "800 tokens" in kept.told.summary
    assert kept.told.advice is None


def test_only_digests_stand_where_text_was(store: Store):
    store.write("a", [record(1, prompt=talk("a question"), capture=Capture.hash)])
    read = store.prompt("call-1")
    assert read is not None
    assert [block.path for block in read.blocks] == ["system[0]", "messages[0].content[0]"]
    assert all(list(block.value) == ["hashed"] for block in read.blocks)
    assert all(block.kind is Kind.text for block in read.blocks)


def test_equal_texts_have_equal_digests_and_others_do_not():
    one, two = (hashed_prompt(talk(text, "x"), KEY).blocks for text in ("a", "b"))
    assert one[0] == two[0]
    assert one[1].value != two[1].value
    assert one[2] == two[2]


def test_digests_depend_on_the_key():
    one, two = (hashed_prompt(talk("a"), key).blocks[1].value for key in (KEY, b"other"))
    assert one != two


def test_a_digest_is_not_digested_again(url: str):
    prompt = hashed_prompt(replace(talk("a"), settings=(Setting("stop", "x" * 99),)), KEY)
    assert hashed_prompt(prompt, b"other") == prompt
    store = open_store(url, write=True, key=KEY)
    store.write("a", [record(1, prompt=prompt, capture=Capture.hash)])
    assert store.prompt("call-1") == prompt
    store.close()


def test_what_is_digested_before_counts_the_same_tokens():
    prompt = conversation(1)[-1].call.prompt
    hashed = hashed_prompt(prompt, KEY)
    plain, digested = (count(each, 10_000).per_block for each in (prompt, hashed))
    assert max(abs(a - b) for a, b in zip(plain, digested, strict=True)) < 20


def test_words_of_the_api_stay_readable_in_settings():
    settings = (Setting("tool_choice", {"type": "auto"}), Setting("effort", "high"))
    prompt = replace(talk("a"), settings=settings)
    assert hashed_prompt(prompt, KEY).settings == settings


def test_usage_keeps_the_ids_and_counts_of_a_call(store: Store):
    store.write("a", [replace(everything(), capture=Capture.usage)])
    found = store.record("req_011CSHoEeqs5C35K2UUqR7Fy")
    assert found is not None
    assert found.call.usage == everything().call.usage
    assert found.call.reply.verdict == everything().call.reply.verdict
    assert found.call.prompt.blocks == ()
    assert found.call.reply.blocks == ()
    assert found.told.blocks == ()
