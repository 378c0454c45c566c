"""Two calls that are known to belong together, as ``whycold diff`` gets them."""

from __future__ import annotations

from tests.core.stories import ENGINE, MARKED, MINUTE, TASK, call, counted
from whycold.core.call import Usage
from whycold.core.diagnosis import Verdict
from whycold.core.prompt import Links, Section
from whycold.diagnose import diagnose_pair

ALL = frozenset({Section.tools, Section.system, Section.messages})


def going_on(after: str, usage: Usage):
    """A call of a thread: only what is new is sent."""
    return call(
        "2",
        ["user: Repair it."],
        tools=(),
        system=(),
        marks=[-1],
        links=Links(continues=after),
        inherits=ALL,
        at=MINUTE,
        usage=usage,
    )


BEFORE = call("1", answer="assistant: Rounding.", marks=[-1], usage=counted(5000, write=5000))


def test_what_the_server_kept_of_the_earlier_call_is_no_change():
    told = diagnose_pair(
        BEFORE, going_on("1", counted(5050, read=5000, write=50)), lambda _: MARKED
    )
    assert (told.verdict, told.divergences) == (Verdict.hit, ())
    assert [block.path for block in told.blocks][2:] == [
        "system[0]",
        *(f"messages[{i}].content[0]" for i in range(3)),
    ]


def test_what_was_kept_of_a_call_that_is_not_recorded_is_unseen():
    told = diagnose_pair(BEFORE, going_on("0", counted(5050, write=5050)), lambda _: MARKED)
    assert (told.cause, told.divergences) == ("unseen-change", ())


def test_without_a_count_nothing_is_said_of_how_an_engine_rendered_its_reply():
    before = call("1", answer="assistant: Rounding.", usage=Usage(input=1000, output=100))
    after = call(
        "2", [TASK, "assistant: Rounding.", "user: Repair it."], at=MINUTE, usage=Usage(input=1150)
    )
    told = diagnose_pair(before, after, lambda _: ENGINE)
    assert (told.verdict, told.cause) == (Verdict.unknown, None)
