"""The sentence about a call as HTML: the same words, what matters set off."""

import re
from dataclasses import replace
from html import unescape

import pytest

from tests.traffic import conversations, listed
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import diagnose
from whycold.frontends.printable import printable
from whycold.frontends.web.headline import headline
from whycold.providers.registry import rules_for


@pytest.fixture(scope="module")
def told() -> list[Diagnosis]:
    return diagnose([call for some in conversations() for call in some], rules_for, listed)


def test_no_word_is_changed(told: list[Diagnosis]):
    said = {unescape(re.sub(r"<[^>]+>", "", headline(one))) for one in told}
    assert said == {printable(one.summary) for one in told}


def test_tokens_cost_words_and_place_are_set_off(told: list[Diagnosis]):
    html = headline(
        next(one for one in told if one.cause == "date-rolled-over" and one.missed_cost_usd)
    )
    assert re.match(r"<b>(All )?[\d,]+ (of [\d,]+ )?tokens</b> that could", html)
    assert re.search(r"again, <b>\$0\.\d+</b> more", html)
    assert re.search(r"<del>\d{4}-\d\d-\d\d</del>&#34; to &#34;<ins>\d{4}-\d\d-\d\d</ins>", html)
    assert "(<code>system[1].text</code>, character" in html


def test_foreign_words_are_text(told: list[Diagnosis]):
    one = next(one for one in told if one.cause == "date-rolled-over")
    html = headline(replace(one, summary='5 tokens: "<b>1" became "<i>2" (<script>).'))
    assert html == (
        "<b>5 tokens</b>: &#34;<del>&lt;b&gt;1</del>&#34; became &#34;<ins>&lt;i&gt;2</ins>&#34;"
        " (&lt;script&gt;)."
    )
