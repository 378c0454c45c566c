"""The one sentence about a call: exact numbers, and no more than is known."""

from decimal import Decimal
from textwrap import fill

import pytest
from inline_snapshot import snapshot

from tests.frontends.told import found, told
from whycold.core.call import Usage
from whycold.core.diagnosis import Diagnosis, Verdict
from whycold.core.wording import shortened

BASH = found(title="the description of the tool Bash changed", offset=1146)
NO_READS = Usage(input=1000, output=20)


def said(diagnosis: Diagnosis) -> str:
    """The sentence, in lines that can be read here."""
    return fill(diagnosis.summary, 80)


def test_a_miss_says_how_much_what_it_cost_and_where():
    assert said(told(divergences=[BASH])) == snapshot("""\
All 900 tokens that could have been read from the cache were paid for again,
$0.00510 more than reading them: the description of the tool Bash changed
(tools[Bash].description, character 1,146).\
""")


def test_a_partial_miss_says_of_how_many():
    partial = told(Verdict.partial, divergences=[BASH], missed_tokens=300, reusable_tokens=24_164)
    assert partial.summary.startswith("300 of 1,000 tokens that could have been read")


def test_without_a_price_nothing_is_said_of_paying():
    assert said(told(missed_cost_usd=None)) == snapshot("""\
All 900 tokens that could have been read from the cache were processed again,
and nothing recorded explains it.\
""")


def test_what_the_client_meant_to_do_is_said_to_be_so():
    assert told(divergences=[BASH], expected=True).summary.endswith(" The client meant to do this.")


def test_a_cause_that_is_no_change_has_no_place():
    expired = told(divergences=[BASH], cause="expired", title="the entry ran out")
    assert expired.summary.endswith(": the entry ran out.")


def test_a_hit_says_how_much_of_what_could_be_was_read():
    usage = Usage(input=1000, cache_read=900)
    assert said(told(Verdict.hit, usage=usage)) == snapshot(
        "900 of 1,000 input tokens were read from the cache, all that could be."
    )
    assert said(told(Verdict.hit, usage=usage, reusable_tokens=950)) == snapshot("""\
900 of 1,000 input tokens were read from the cache, nearly all of the 950 that
could be.\
""")
    assert said(told(Verdict.hit, usage=usage, reusable_tokens=None)) == snapshot(
        "900 of 1,000 input tokens were read from the cache."
    )


def test_a_change_that_cost_nothing_is_named():
    hit = told(Verdict.hit, usage=Usage(input=1000, cache_read=900), divergences=[BASH])
    assert "all that could be, although the description of the tool Bash changed (" in hit.summary


def test_a_first_call_missed_nothing():
    assert said(told(Verdict.first, predecessor=None)) == snapshot(
        "The first call of its kind: nothing in the cache could have been reused."
    )
    assert said(told(Verdict.first)) == snapshot("""\
Nothing was lost: the earlier call left nothing in the cache that this one could
have read.\
""")


def test_a_prompt_that_cannot_be_cached_says_why():
    short = told(Verdict.uncacheable, title="claude-opus-4-8 caches from 1,024 tokens on")
    assert said(short) == snapshot("""\
This prompt of 1,000 tokens cannot be cached: claude-opus-4-8 caches from 1,024
tokens on.\
""")


def test_without_reported_reads_the_loss_is_an_estimate():
    unknown = told(Verdict.unknown, usage=NO_READS, divergences=[BASH], at_stake_tokens=700)
    assert said(unknown) == snapshot("""\
The description of the tool Bash changed (tools[Bash].description, character
1,146): about 700 tokens can no longer be read from the cache. The provider did
not report how many tokens were read.\
""")
    assert said(told(Verdict.unknown, usage=NO_READS)) == snapshot("""\
The prompt begins with all of the earlier one, so that nothing in it breaks the
cache. The provider did not report how many tokens were read.\
""")


def test_without_any_usage_every_number_is_an_estimate():
    unknown = told(Verdict.unknown, usage=Usage(), divergences=[BASH], at_stake_tokens=700)
    assert unknown.summary.endswith("No usage is recorded, so token counts are estimates.")


@pytest.mark.parametrize("cost", ["0.0051", "12", "0.0000215"])
def test_the_cost_is_what_lies_above_a_read(cost: str):
    assert "more than reading them" in told(missed_cost_usd=Decimal(cost)).summary


def test_a_long_path_keeps_its_beginning_and_its_end():
    long = told(divergences=[found(f"tools[{'x' * 300}].description")])
    assert len(long.summary) < 700
    assert "tools[xxx" in long.summary
    assert "xx].description" in long.summary


def test_a_shortened_text_has_exactly_its_length():
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghijk", 10) == "abcdef…ijk"
    assert [len(shortened("x" * 99, most)) for most in range(1, 99)] == list(range(1, 99))
