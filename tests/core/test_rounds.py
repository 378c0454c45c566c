"""Calls in which the provider ran tools itself: what they leave, although their counts are sums."""

from __future__ import annotations

from dataclasses import replace

from tests.core.stories import MARKED, MINUTE, TASK, Outcome, call, counted, outcome
from whycold.core.call import Call, ProviderError, Usage
from whycold.core.diagnosis import Verdict
from whycold.core.prompt import Block, Kind, Section
from whycold.core.rounds import settled
from whycold.core.tokens import count

RULES = replace(MARKED, marked_results=frozenset({"search_result"}))
THOUGHT = "thinking: I must search for that."
FOUND = "assistant: It was released in May."


def searched(*, places: int = 2000) -> Block:
    """A result of the provider's own search, as it stands in a reply."""
    value = {"type": "search_result", "text": "place " * places}
    return Block(Section.messages, "content[0]", Kind.tool_result, value, role="assistant")


def asked(usage: Usage, *, results: int = 1, error: ProviderError | None = None) -> Call:
    """A call whose reply thinks, searches ``results`` times and answers."""
    made = call("1", answer=[THOUGHT, FOUND], usage=usage, marks=[-1], error=error)
    thought, found = made.reply.blocks
    return replace(
        made, reply=replace(made.reply, blocks=(thought, *[searched()] * results, found))
    )


def goes_on(before: Call, usage: Usage, *, drop: int | None = None) -> Call:
    """The next turn, which sends the reply back, perhaps without one of its blocks."""
    after = call("2", [TASK, "user: And when exactly?"], usage=usage, marks=[-1], at=MINUTE)
    reply = [
        replace(block, message=1, path=f"messages[1].content[{i}]")
        for i, block in enumerate(before.reply.blocks)
        if i != drop
    ]
    reply[0] = replace(reply[0], opens=True)
    *start, last = after.prompt.blocks
    return replace(after, prompt=after.prompt.with_blocks((*start, *reply, last)))


def after_search(read: int, *, drop: int | None = None, total: int = 11_130) -> Outcome:
    """Rounds of 2,800 and 11,100 tokens, then a turn that reads so much."""
    first = asked(counted(13_900, read=2800, write=11_100))
    now = counted(total, read=read, write=total - read)
    return outcome(first, goes_on(first, now, drop=drop), rules=RULES)


def test_what_the_last_round_wrote_is_reusable_and_not_the_sum():
    seen = after_search(11_100)
    assert (seen.verdict, seen.reusable, seen.edits) == (Verdict.hit, 11_100, [])


def test_thinking_that_is_not_sent_back_loses_the_results_behind_it():
    seen = after_search(2800, drop=0)
    assert (seen.verdict, seen.missed) == (Verdict.partial, 11_100 - 2800)
    assert seen.edits == ["messages[1].content[0]"]
    assert seen.told.grade == "consistent"


def test_what_follows_the_last_result_was_never_in_the_cache():
    seen = after_search(11_100, drop=2)
    assert (seen.verdict, seen.edits) == (Verdict.hit, [])


def test_where_something_was_read_before_the_least_that_can_have_been_left_counts():
    # two rounds over a conversation of 50,000 tokens: read 50,000 and 51,000, wrote 1,000 and 5,000
    first = asked(counted(107_000, read=101_000, write=6000))
    left, counts = settled(first, RULES, count(first.prompt, 107_000))
    assert left.usage.cache_write == 53_500
    assert left.usage.input is None and not counts.reported


def test_the_more_rounds_the_less_is_certain():
    first = asked(counted(160_000, read=155_000, write=5000), results=3)
    left, _ = settled(first, RULES, count(first.prompt, 160_000))
    assert left.usage.cache_write == 40_000
    assert [b.kind for b in left.prompt.section(Section.messages)] == [
        Kind.text,
        Kind.thinking,
        *[Kind.tool_result] * 3,
    ]


def test_a_call_is_as_it_is_without_results_without_markers_and_when_it_was_refused():
    usage = counted(13_900, read=2800, write=11_100)
    refused = asked(usage, error=ProviderError(400, None, "no"))
    unmarked = asked(usage)
    bare = tuple(replace(b, breakpoint=None) for b in unmarked.prompt.blocks)
    unmarked = replace(unmarked, prompt=unmarked.prompt.with_blocks(bare))
    plain = call("1", answer=FOUND, usage=usage, marks=[-1])
    for made in (refused, unmarked, plain):
        counts = count(made.prompt, made.usage.input)
        assert settled(made, RULES, counts) == (made, counts)
    counts = count(plain.prompt, 13_900)
    assert settled(asked(usage), MARKED, counts)[1] is counts
