"""Which divergences stand under one heading, and what each did."""

from tests.frontends.told import found, told
from whycold.core.call import Usage
from whycold.core.diagnosis import Found, Verdict
from whycold.frontends.places import places


def edit(path: str, cause: str = "tool-edited", offset: int = 0) -> Found:
    return found(path, cause=cause, before="old", after="new", offset=offset)


def gone(path: str) -> Found:
    return found(path, cause="compacted", before="It said so.", title="it was compacted")


def test_edits_of_one_value_stand_together():
    changes = [edit("system[0].text", offset=n) for n in range(20)]
    [place] = places(told(divergences=changes))
    assert (place.count, len(place.edits)) == ("20 edits", 20)


def test_whole_blocks_that_went_together_stand_together():
    changes = [gone(f"messages[{n}].content[0]") for n in range(9)]
    [place] = places(told(divergences=changes))
    assert (place.count, place.run) == ("9 blocks removed", True)


def test_values_that_went_are_no_blocks():
    changes = [found(f"tools[Read].input_schema.{name}", before="1") for name in "ab"]
    assert [place.run for place in places(told(divergences=changes))] == [False, False]


def test_the_cause_broke_the_prefix_and_what_follows_would_break_it_next():
    changes = [edit("settings.tool_choice", "tool-choice-changed"), edit("tools[A].description"),
               edit("system[0].text", "clock")]  # fmt: skip
    roles = [place.role for place in places(told(divergences=changes, cause="tool-edited"))]
    assert roles == ["not the cause here", "broke the prefix", "would break it next"]


def test_where_the_cause_is_no_change_no_change_broke_the_prefix():
    [place] = places(told(divergences=[edit("system[0].text")], cause="expired"))
    assert place.role == "not the cause here"


def test_without_a_loss_a_change_cost_nothing():
    usage = Usage(input=1000, cache_read=900)
    [place] = places(told(Verdict.hit, usage=usage, divergences=[edit("system[0].text", offset=8)]))
    assert (place.count, place.role) == ("character 8", "cost nothing here")


def test_without_reported_reads_the_first_change_breaks_the_prefix():
    changes = [edit("tools[A].description"), edit("system[0].text", "clock")]
    unknown = told(Verdict.unknown, usage=Usage(), divergences=changes)
    assert [place.role for place in places(unknown)] == ["breaks the prefix", "would break it next"]
