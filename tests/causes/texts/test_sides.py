"""A divergence in words: what came, what went, whole values and lines."""

import pytest

from whycold.causes.texts.sides import images, sides, text_of
from whycold.causes.texts.words import became, first_line, line_at, quote, value_at, words
from whycold.core.compare import compare
from whycold.core.content import Json
from whycold.core.divergence import Divergence
from whycold.core.prompt import Block, Kind, Prompt, Section
from whycold.core.rules import CacheRules


def edit(before: str, after: str) -> Divergence:
    was, now = (
        Prompt((Block(Section.system, "system[0]", Kind.text, value),)) for value in (before, after)
    )
    return compare(was, now, CacheRules("any"))[0]


def result(value: Json) -> Block:
    return Block(Section.messages, "messages[1].content[0]", Kind.tool_result, value)


def test_a_line_that_was_put_in_begins_with_its_first_character():
    note = "<note>one</note>\n"
    found = sides(edit(f"a\n{note}", f"a\n<note>two</note>\n{note}"))
    assert (found.gone, found.come) == ("", "<note>two</note>\n")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "in /home/ada/shop.",
            "in /home/ada/shop-2.",
            '"/home/ada/shop" became "/home/ada/shop-2"',
        ),
        ("Be brief.", "Be brief. Be kind.", '"Be kind." came in'),
        ("Be brief. Be kind.", "Be brief.", '"Be kind." is gone'),
        ("Be brief here.", "Be long here.", '"brief" became "long"'),
    ],
)
def test_a_change_is_told_in_whole_words(before: str, after: str, said: str):
    assert became(edit(before, after)) == said


def test_a_value_is_told_whole():
    text = "Today is Sunday, November 22, 2026."
    assert value_at(text, text.index("22"), "22") == "Sunday, November 22, 2026"
    assert words(text, text.index("vember"), "vem") == "November"


def test_a_quotation_is_one_short_line():
    assert quote("a\n  b") == '"a b"'
    assert len(quote("word " * 50)) == 42
    assert first_line("<note>\n\n  Plan mode is on.\n</note>") == '"Plan mode is on."'


def test_a_place_at_the_end_of_a_line_belongs_to_the_next():
    assert line_at("one\ntwo\nthree", 3) == "two"
    assert line_at("one\ntwo\nthree", 5) == "two"


@pytest.mark.parametrize(
    "value",
    [
        "1 passed",
        {"type": "tool_result", "content": "1 passed"},
        {"type": "tool_result", "content": [{"type": "text", "text": "1 passed"}]},
        {"functionResponse": {"name": "run", "response": {"output": "1 passed"}}},
        {"toolResult": {"toolUseId": "t1", "content": [{"text": "1 passed"}]}},
    ],
)
def test_the_text_of_a_result_is_found_in_every_api(value: Json):
    assert text_of(result(value)) == "1 passed"


def test_images_are_found_within_results():
    picture: Json = {"type": "image", "source": {"data": "aGk="}}
    assert len(images(result({"type": "tool_result", "content": [picture, picture]}))) == 2
    assert images(result({"type": "tool_result", "content": "none"})) == []
