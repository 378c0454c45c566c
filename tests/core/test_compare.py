"""All divergences between two prompts, in the order in which the prompt is rendered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.stories import MARKED, SYSTEM, TASK, TOOLS, prompt
from whycold.core.compare import compare
from whycold.core.divergence import Change, Divergence
from whycold.core.prompt import Block, Kind, Prompt, Section
from whycold.core.rules import CacheRules, Effect

LOOK = "assistant: I look at the tests first, then at the module."
THANKS = "user: Thank you, and now the other module that has the same fault."
LONG = [TASK, LOOK, THANKS]
READ, BASH = TOOLS
SEARCH = "Search: Looks for a text in all files."


def between(before: Prompt, after: Prompt, rules: CacheRules = MARKED) -> list[Divergence]:
    return list(compare(before, after, rules))


def told(before: Prompt, after: Prompt) -> list[tuple[str, Change, int]]:
    """Path, what happened, and how many blocks stand before it."""
    return [(d.path, d.change, d.kept) for d in between(before, after)]


def test_what_follows_is_the_new_turn_and_no_divergence():
    assert told(prompt([TASK]), prompt(LONG)) == []


def test_a_marker_is_no_content():
    assert told(prompt(LONG, marks=[2]), prompt(LONG, marks={-1: "1h"})) == []


def test_a_system_block_that_is_put_behind_the_system_is_a_change():
    more = (*SYSTEM, "The user likes short answers.")
    assert told(prompt(LONG), prompt(LONG, system=more)) == [("system[1]", Change.added, 3)]


def test_divergences_come_in_the_order_of_the_prompt():
    before = prompt(LONG)
    after = prompt(
        [TASK.replace("yesterday", "Monday"), LOOK, THANKS],
        tools=[READ, BASH.replace("Runs", "Starts")],
        system=[SYSTEM[0].replace("careful", "careless")],
        settings={"tool_choice": "any"},
    )
    assert [(d.section, d.kept) for d in between(before, after)] == [
        (Section.tools, 1),
        (Section.system, 2),
        (Section.settings, 3),
        (Section.messages, 3),
    ]


@pytest.mark.parametrize("hidden", list(Section))
def test_nothing_is_said_of_a_section_that_one_side_cannot_see(hidden: Section):
    before = prompt(LONG, unseen=frozenset({hidden}))
    after = prompt(
        [TASK.replace("yesterday", "Monday"), LOOK, THANKS],
        tools=[READ],
        system=["Someone else."],
        settings={"tool_choice": "any"},
    )
    sections = {d.section for d in between(before, after)}
    assert sections == set(Section) - {hidden}


def test_a_setting_that_voids_nothing_is_no_divergence():
    rules = replace(MARKED, effects={"container": Effect(None), "seed": Effect(Section.settings)})
    before, after = prompt(LONG), prompt(LONG, settings={"container": "c1", "other": 1})
    assert between(before, after, rules) == []
    (seed,) = between(before, prompt(LONG, settings={"seed": 1}), rules)
    assert (seed.kept, seed.path, seed.before, seed.after) == (0, "settings.seed", "", "1")


def test_a_setting_that_voids_messages_leaves_what_stands_before_them():
    (choice,) = between(prompt(LONG), prompt(LONG, settings={"tool_choice": "any"}))
    assert (choice.kept, choice.change, choice.certain) == (3, Change.set, True)
    (choice,) = between(prompt([]), prompt([], settings={"tool_choice": "any"}))
    assert choice.kept == 3


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ([READ, BASH, SEARCH], [("tools[Search]", Change.added, 2)]),
        ([SEARCH, READ, BASH], [("tools[Search]", Change.added, 0)]),
        ([READ], [("tools[Bash]", Change.removed, 1)]),
        ([BASH, READ], [("tools", Change.reordered, 0)]),
        ([READ, BASH.replace("Bash", "Shell")], [("tools[Shell]", Change.renamed, 1)]),
        ([READ, SEARCH], [("tools[Bash]", Change.removed, 1), ("tools[Search]", Change.added, 1)]),
    ],
    ids=["at the end", "in front", "removed", "reordered", "renamed", "replaced"],
)
def test_tools_are_known_by_name(tools: list[str], expected: list[tuple[str, Change, int]]):
    assert told(prompt(LONG), prompt(LONG, tools=tools)) == expected


def test_of_reordered_tools_the_names_are_told():
    (order,) = between(prompt(LONG), prompt(LONG, tools=[BASH, READ]))
    assert (order.before, order.after) == ("Read, Bash", "Bash, Read")


def test_a_tool_is_told_by_the_field_that_differs():
    (edit,) = between(prompt(LONG), prompt(LONG, tools=[READ, "Bash: Runs any command."]))
    assert (edit.path, edit.kept, edit.offset) == ("tools[Bash].description", 1, 6)
    assert edit.kept_inside > 0


def test_a_tool_that_is_no_object_is_compared_all_the_same():
    tool = Block(Section.tools, "tools[0]", Kind.opaque, ["x"], name=None)
    other = replace(tool, path="tools[1]")
    before = prompt(LONG, tools=()).with_blocks((tool, *prompt(LONG, tools=()).blocks))
    after = before.with_blocks((other, *before.blocks[1:]))
    assert told(before, after) == [("tools[1]", Change.renamed, 0)]


def test_messages_removed_from_the_middle_and_put_in():
    three = [*LONG, "assistant: Both are repaired now.", "user: Good. Go on, please."]
    path = "messages[1].content[0]"
    assert told(prompt(three), prompt([three[0], *three[2:]]))[0] == (path, Change.removed, 4)
    assert told(prompt([three[0], *three[2:]]), prompt(three))[0] == (path, Change.added, 4)


def test_messages_in_another_order_are_one_divergence():
    results = ["result t1: the first file", "result t2: the second file"]
    before = prompt([TASK, "use t1", "use t2", *results])
    after = prompt([TASK, "use t1", "use t2", *results[::-1]])
    (moved,) = between(before, after)
    assert (moved.change, moved.kept) == (Change.reordered, 6)


def test_the_same_text_in_two_blocks_is_reshaped():
    before = prompt([TASK, LOOK])
    start, rest = LOOK.split("then", 1)
    after = prompt([TASK, start, f"assistant: then{rest}"])
    (cut,) = between(before, after)
    assert (cut.change, cut.kept) == (Change.reshaped, 4)


def test_a_block_that_no_longer_opens_its_message_is_reshaped():
    before = prompt(LONG)
    blocks = (*before.blocks[:-1], replace(before.blocks[-1], opens=False))
    (moved,) = between(before, before.with_blocks(blocks))
    assert (moved.change, moved.path) == (Change.reshaped, "messages[2].content[0]")


def test_a_message_that_another_role_says():
    before = prompt([TASK, "user: Be brief."])
    blocks = (*before.blocks[:-1], replace(before.blocks[-1], role="system"))
    found = between(before, before.with_blocks(blocks))
    assert {(d.path, d.before, d.after) for d in found} == {
        ("messages[1].content[0].role", "user", "system")
    }


def test_a_block_of_another_kind_is_retyped():
    before = prompt([TASK, "result t1: [picture of the error, 200 by 300]"])
    picture = replace(before.blocks[-1], kind=Kind.image, value={"type": "image", "data": "iVBO"})
    found = between(before, before.with_blocks((*before.blocks[:-1], picture)))
    assert {d.change for d in found} == {Change.retyped}


def test_a_long_block_is_shown_cut():
    before, after = prompt([TASK, "user: " + "x" * 1000, LOOK]), prompt([TASK, LOOK])
    (gone,) = between(before, after)
    assert len(gone.before) == 400 and gone.before.endswith("…")


def test_an_emptied_conversation_is_told_message_by_message():
    assert [d.change for d in between(prompt(LONG), prompt([]))] == [Change.removed] * 3
    assert between(prompt([]), prompt(LONG)) == []
