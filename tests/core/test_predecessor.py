"""Which earlier call a call goes on from, whatever came in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.core.stories import (
    MINUTE,
    SECOND,
    START,
    SYSTEM,
    TASK,
    TOOLS,
    call,
    linked,
    predecessor,
    prompt,
)
from whycold.core.call import Call, ProviderError
from whycold.core.predecessor import History, Link
from whycold.core.prompt import Links, Section
from whycold.diagnose import diagnose
from whycold.providers.registry import read_call, rules_for

LOOK = "assistant: I look at the tests first."
THANKS = "user: Thank you, and now the other module that has the same fault, please."
OTHER_TASK = "user: Write a poem about the sea in winter, eight lines, and no rhymes at all."
SUMMARY = "user: This conversation goes on from an earlier one. Summary: the tests fail."
REFUSED = ProviderError(529, "overloaded_error", "Overloaded")
DAY = timedelta(days=1)
S1, S2 = {"session": "s1"}, {"session": "s2"}


def test_the_first_call_of_all_has_none():
    assert predecessor(call("1")) is None


def test_a_turn_goes_on_from_the_turn_before():
    first = call("1")
    second = call("2", [TASK, LOOK, THANKS], at=MINUTE)
    assert predecessor(first, second) == ("1", Link.grown)


def test_the_longest_beginning_wins_over_the_latest_call():
    calls = [
        call("1"),
        call("2", [TASK, LOOK, THANKS], at=MINUTE),
        call("title", [TASK], at=2 * MINUTE),
        call("3", [TASK, LOOK, THANKS, "assistant: Done.", "user: Good."], at=3 * MINUTE),
    ]
    assert predecessor(*calls) == ("2", Link.grown)


def test_an_edit_in_the_middle_is_linked_to_the_whole_conversation_not_to_its_intact_beginning():
    long = "result t1: 40 lines of the file that was read, each of them with its number."
    turns = [TASK, "use t1", long, "assistant: It is the rounding, as you see."]
    calls = [
        call("1"),
        call("2", turns, at=MINUTE),
        call("3", [TASK, "use t1", "result t1: [cleared]", turns[3], THANKS], at=2 * MINUTE),
    ]
    assert predecessor(*calls) == ("2", Link.edited)


def test_after_a_rewind_the_predecessor_is_the_turn_whose_message_was_replaced():
    calls = [
        call("1"),
        call("2", [TASK, LOOK, THANKS], at=MINUTE),
        call("3", [TASK, LOOK, THANKS, "assistant: Yes.", "user: More of it."], at=2 * MINUTE),
        call("4", [TASK, LOOK, "user: Not so. Begin with the other module."], at=3 * MINUTE),
    ]
    assert predecessor(*calls) == ("2", Link.edited)


def test_a_message_that_is_asked_again_goes_on_from_the_same_call():
    calls = [
        call("1"),
        call("2", [TASK, LOOK, THANKS], at=MINUTE),
        call("3", [TASK, LOOK, THANKS, "assistant: Yes.", "user: More of it."], at=2 * MINUTE),
        call("2 again", [TASK, LOOK, THANKS], at=3 * MINUTE),
    ]
    assert predecessor(*calls) == ("2", Link.grown)


def test_a_fork_goes_on_from_the_shared_beginning_when_the_replies_were_recorded():
    here = "assistant: I begin with the tests of the billing module."
    there = "assistant: I begin with the module itself, line by line."
    calls = [
        call("1", answer=here),
        call("2", at=SECOND, answer=there),
        call("2b", [TASK, there, THANKS], at=MINUTE),
        call("1b", [TASK, here, THANKS], at=2 * MINUTE),
    ]
    assert predecessor(*calls) == ("1", Link.grown)


def test_without_recorded_replies_a_fork_looks_like_an_edit_of_its_sibling():
    calls = [
        call("1"),
        call("2", [TASK, "assistant: I begin with the tests.", THANKS], at=MINUTE),
        call("3", [TASK, "assistant: I begin with the module.", THANKS], at=2 * MINUTE),
    ]
    assert predecessor(*calls) == ("2", Link.edited)


def test_a_subagent_with_another_system_prompt_owes_its_parent_nothing():
    parent = call("1", origin=S1)
    child = call(
        "2",
        ["user: Search the repository for callers of total() and list them."],
        system=["You search. Answer with paths and line numbers, nothing else at all."],
        at=SECOND,
        origin=S1,
    )
    assert predecessor(parent, child) is None


def test_subagents_of_one_session_each_follow_their_own_conversation():
    def step(id: str, agent: str, at: int, *more: str):
        first = f"user: You are agent {agent}. Search for its callers and list them all."
        return call(id, [first, *more], at=at * SECOND, origin={**S1, "agent": agent})

    calls = [
        step("a1", "a", 1),
        step("b1", "b", 2),
        step("a2", "a", 3, "use t1", "result t1: found"),
        step("b2", "b", 4, "use t2", "result t2: nothing"),
        step("a3", "a", 5, "use t1", "result t1: found", "use t3", "result t3: more"),
    ]
    assert [predecessor(*calls[: n + 1]) for n in range(5)] == [
        None,
        ("a1", Link.opened),
        ("a1", Link.grown),
        ("b1", Link.grown),
        ("a2", Link.grown),
    ]


def test_parallel_calls_of_one_turn_all_follow_the_same_call():
    turns = [TASK, LOOK, THANKS]
    calls = [call("1"), call("2a", turns, at=MINUTE), call("2b", turns, at=MINUTE + SECOND)]
    assert predecessor(*calls[:2]) == ("1", Link.grown)
    assert predecessor(*calls) == ("2a", Link.grown)


def test_after_compaction_the_session_s_last_call_is_the_predecessor():
    calls = [
        call("1", origin=S1),
        call("2", [TASK, LOOK, THANKS], at=MINUTE, origin=S1),
        call("elsewhere", [OTHER_TASK], at=2 * MINUTE, origin={"session": "s2"}),
        call("3", [SUMMARY], at=3 * MINUTE, origin=S1),
    ]
    assert predecessor(*calls) == ("2", Link.restarted)


def test_compaction_that_keeps_the_last_messages_is_an_edit_of_the_conversation():
    kept = [LOOK, THANKS, "assistant: The other module has it, too, in line 40."]
    calls = [
        call("1", origin=S1),
        call("2", [TASK, *kept], at=MINUTE, origin=S1),
        call("3", [SUMMARY, *kept, "user: Go on."], at=2 * MINUTE, origin=S1),
    ]
    assert predecessor(*calls) == ("2", Link.edited)


def test_a_title_call_with_its_own_system_prompt_follows_nothing():
    title = call(
        "title",
        ["user: Name this conversation in five words."],
        tools=(),
        system=["Write titles."],
        at=SECOND,
        origin=S1,
    )
    assert predecessor(call("1", origin=S1), title) is None


def test_a_new_conversation_follows_one_with_the_same_tools_and_system():
    calls = [call("1"), call("2", [OTHER_TASK], at=MINUTE)]
    assert predecessor(*calls) == ("1", Link.opened)


def test_a_new_conversation_follows_one_whose_system_prompt_was_edited():
    system = ["You are a careful programmer. You read before you write. It is Monday, 9 o'clock."]
    later = [system[0].replace("Monday, 9", "Tuesday, 11")]
    calls = [call("1", system=system), call("2", [OTHER_TASK], system=later, at=MINUTE)]
    assert predecessor(*calls) == ("1", Link.opened)


@pytest.mark.parametrize("other", [{"model": "model-b"}, {"origin": {"account": "theirs"}}])
def test_a_new_conversation_owes_nothing_to_another_model_or_account(other: dict):
    ours = {"model": "model-a", "origin": {"account": "ours"}}
    calls = [call("1", **{**ours, **other}), call("2", [OTHER_TASK], at=MINUTE, **ours)]
    assert predecessor(*calls) is None


def test_a_conversation_that_goes_on_with_another_model_is_still_the_same_one():
    calls = [call("1"), call("2", [TASK, LOOK, THANKS], model="model-b", at=MINUTE)]
    assert predecessor(*calls) == ("1", Link.grown)


def test_of_two_equal_calls_the_one_of_the_same_model_and_account_is_the_predecessor():
    calls = [
        call("mine", origin={"account": "ours"}),
        call("theirs", at=SECOND, origin={"account": "theirs"}),
        call("again", [TASK, LOOK, THANKS], at=MINUTE, origin={"account": "ours"}),
    ]
    assert predecessor(*calls) == ("mine", Link.grown)


def test_short_messages_that_everyone_sends_link_nothing():
    system = ["One.", "Two."]
    calls = [
        call("1", ["user: hi", "assistant: Hello.", "user: What is cold?"], tools=(), system=()),
        call("2", ["user: Tell me.", "assistant: Of what?", "user: hi"], tools=(), system=system),
    ]
    assert predecessor(*calls) is None


def test_a_short_conversation_that_only_goes_on_is_linked_by_its_system_prompt():
    calls = [
        call("1", ["user: hi"], tools=()),
        call("2", ["user: hi", "assistant: Hello.", "user: What is cold?"], tools=(), at=MINUTE),
    ]
    assert predecessor(*calls) == ("1", Link.grown)


@pytest.mark.parametrize(("later", "found"), [(MINUTE, ("1", Link.edited)), (27 * DAY, None)])
def test_a_short_conversation_whose_opening_was_edited_is_known_for_an_hour(later, found):
    long = " ".join(f"Rule {n}: be brief." for n in range(40))
    calls = [
        call("1", ["user: hi"], tools=(), system=(f"It is 09:00. {long}",)),
        call(
            "2",
            ["user: hi", "assistant: Hello.", "user: What is cold?"],
            tools=(),
            system=(f"It is 09:01. {long}",),
            at=later,
        ),
    ]
    linked = predecessor(*calls)
    assert linked == found or (found is None and linked == ("1", Link.opened))


CANNED = "assistant: Thank you for your patience. I have looked into it, and all is well with it."


def test_a_reply_that_everybody_gets_is_no_sign_of_one_conversation():
    mine = "user: Where is my parcel?"
    calls = [
        call("mine", [mine], origin=S1),
        call("other", ["user: Is the shop open?", CANNED, THANKS], at=SECOND, origin=S2),
        call("next", [mine, CANNED, "user: And the bill?"], at=MINUTE, origin=S1),
    ]
    assert predecessor(*calls) == ("mine", Link.grown)


def noted(id: str, question: str, **more: Any) -> Call:
    """A conversation whose first message begins with notes that every one begins with."""
    notes = "user: Notes of the project: tests stand beside the code, and names are whole words."
    told = call(id, [notes, question], **more)
    blocks = tuple(
        replace(b, message=0, opens=b.path == "messages[0].content[0]")
        if b.section is Section.messages and b.message == 1 and b.role == "user"
        else b
        for b in told.prompt.blocks
    )
    return replace(told, prompt=replace(told.prompt, blocks=blocks))


def test_a_conversation_that_begins_with_the_same_notes_is_another_one():
    calls = [
        noted("1", "user: Why does the build fail?", origin=S1),
        noted("2", "user: Write the notes of the release.", at=MINUTE, origin=S2),
    ]
    assert predecessor(*calls) == ("1", Link.opened)


def test_of_two_that_began_alike_the_one_that_asked_for_an_entry_is_owed_to():
    marked = call("marked", ["user: One question about the first of the two modules."], marks=[-1])
    plain = call("plain", ["user: Another question, about the second one."], at=SECOND)
    new = call("new", ["user: And a third question, about both of them together."], at=MINUTE)
    assert predecessor(marked, plain, new) == ("marked", Link.opened)


def test_a_call_that_was_refused_is_nobody_s_predecessor():
    calls = [
        call("1"),
        call("2", [TASK, LOOK, THANKS], at=MINUTE, error=REFUSED),
        call("3", [TASK, LOOK, THANKS], at=2 * MINUTE),
    ]
    assert predecessor(*calls) == ("1", Link.grown)


def test_an_id_that_the_request_names_decides():
    calls = [
        call("1"),
        call("2", [OTHER_TASK], at=SECOND),
        call("3", [TASK, LOOK], at=MINUTE, links=Links(compares="2")),
    ]
    assert predecessor(*calls) == ("2", Link.named)


def test_a_named_call_that_was_not_recorded_does_not_hide_the_one_that_was():
    calls = [call("1"), call("2", [TASK, LOOK], at=MINUTE, links=Links(compares="gone"))]
    assert predecessor(*calls) == ("1", Link.grown)


def test_a_request_without_any_prompt_follows_nothing():
    empty = replace(call("2"), prompt=prompt([], tools=(), system=()))
    assert predecessor(call("1"), empty) is None
    assert predecessor(empty, call("2", at=MINUTE)) is None


def test_what_the_server_kept_stands_in_front_of_what_is_new():
    first = call("1", answer=["assistant: It is the rounding."])
    new = call(
        "2",
        ["user: Repair it."],
        system=["You are someone else now."],
        tools=(),
        at=MINUTE,
        links=Links(continues="1"),
        inherits=frozenset({Section.messages, Section.tools}),
    )
    history = History()
    history.add(history.resolve(first))
    whole = history.resolve(new).prompt
    assert [b.path for b in whole.blocks] == [
        "tools[Read]",
        "tools[Bash]",
        "system[0]",
        "messages[0].content[0]",
        "messages[1].content[0]",
        "messages[2].content[0]",
    ]
    assert [b.value for b in whole.section(Section.system)] == ["You are someone else now."]
    assert [b.value for b in whole.section(Section.messages)][1:] == [
        "It is the rounding.",
        "Repair it.",
    ]
    assert whole.unseen == frozenset()
    found = linked(first, new)
    assert found is not None and found.link is Link.named


def test_three_steps_on_the_server_are_rebuilt_one_from_the_other():
    def step(id: str, text: str, after: str | None):
        links = Links(continues=after) if after else None
        inherits = frozenset({Section.messages}) if after else frozenset()
        said = f"assistant: Answer {id}."
        return call(id, [f"user: {text}"], answer=said, links=links, inherits=inherits)

    history = History()
    for made in (step("1", "One", None), step("2", "Two", "1"), step("3", "Three", "2")):
        whole = history.resolve(made)
        history.add(whole)
    texts = [b.value for b in whole.prompt.section(Section.messages)]
    assert texts == ["One", "Answer 1.", "Two", "Answer 2.", "Three"]


@pytest.mark.parametrize("kept", ["nothing", "a reply cut short"])
def test_what_the_server_kept_is_unseen_where_it_was_not_recorded_whole(kept: str):
    history = History()
    if kept != "nothing":
        first = call("1", answer="assistant: It is")
        history.add(replace(first, reply=replace(first.reply, complete=False)))
    new = call(
        "2",
        ["user: Repair it."],
        links=Links(continues="1"),
        inherits=frozenset({Section.messages}),
    )
    resolved = history.resolve(new).prompt
    assert resolved.unseen == {Section.messages}
    assert len(resolved.section(Section.messages)) == 1


def test_a_server_side_conversation_is_unseen_although_no_response_is_named():
    new = call("2", links=Links(conversation="c1"), inherits=frozenset({Section.messages}))
    assert History().resolve(new).prompt.unseen == {Section.messages}


def test_what_was_unseen_stays_unseen_for_the_next_step():
    first = call("1", links=Links(continues="gone"), inherits=frozenset({Section.messages}))
    second = call("2", links=Links(continues="1"), inherits=frozenset({Section.messages}))
    history = History()
    history.add(history.resolve(first))
    assert history.resolve(second).prompt.unseen == {Section.messages}


def test_a_tool_that_was_added_leaves_a_new_conversation_linked():
    more = (*TOOLS, "Search: Looks for a text in all files.")
    calls = [call("1"), call("2", [OTHER_TASK], tools=more, at=MINUTE)]
    assert predecessor(*calls) == ("1", Link.opened)


def test_an_api_of_its_own_is_a_history_of_its_own():
    elsewhere = replace(call("1"), api="chat")
    assert predecessor(elsewhere, call("2", [TASK, LOOK, THANKS], at=MINUTE)) is None


def test_only_the_latest_calls_of_a_session_are_looked_at():
    fillers = [
        call(
            f"f{n}",
            [f"user: {word} and nothing else is asked of you in this message, really."],
            system=[f"You are the {word} agent; {word} is all that you know, and {word} it stays."],
            tools=[f"{word}: {word}s things."],
            at=n * SECOND,
            origin=S1,
        )
        for n, word in enumerate(["Sort", "Count", "Draw", "Sing", "Plan"], 1)
    ]
    calls = [call("1", origin=S1), *fillers, call("3", [SUMMARY], at=MINUTE, origin=S1)]
    assert predecessor(*calls) == ("1", Link.restarted)


def test_a_call_that_was_let_go_is_not_found_again():
    history = History()
    first, other = call("1", origin=S1), call("other", [OTHER_TASK], at=SECOND, origin=S1)
    for made in (first, other):
        history.add(made)
    history.forget(first)
    found = history.predecessor(call("2", [TASK, LOOK, THANKS], at=MINUTE, origin=S1))
    assert found is not None and (found.call.id, found.link) == ("other", Link.restarted)
    history.forget(other)
    assert history.predecessor(call("2", [TASK, LOOK, THANKS], at=MINUTE, origin=S1)) is None


def test_letting_go_of_a_call_leaves_what_a_later_one_is_remembered_for():
    history = History()
    first, again = call("1"), call("again", at=SECOND)
    for made in (first, again):
        history.add(made)
    history.forget(first)
    found = history.predecessor(call("2", [TASK, LOOK, THANKS], at=MINUTE))
    assert found is not None and found.call.id == "again"


def test_what_a_request_sends_itself_is_not_taken_from_the_server():
    first = call("1", answer="assistant: It is the rounding.")
    new = call(
        "2",
        ["user: Repair it."],
        links=Links(continues="1"),
        inherits=frozenset({Section.tools}),
        tools=(),
    )
    history = History()
    history.add(first)
    whole = history.resolve(new).prompt
    assert [b.section for b in whole.blocks][:3] == [
        Section.tools,
        Section.tools,
        Section.system,
    ]
    assert [b.value for b in whole.section(Section.system)] == [
        b.value for b in new.prompt.section(Section.system)
    ]


def _body(text: str, thread: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": "claude-sonnet-5",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": text}],
        "thread": thread,
    }
    if thread["type"] == "create":
        marked = {"type": "text", "text": SYSTEM[0], "cache_control": {"type": "ephemeral"}}
        body["system"] = [marked]
    return body


def test_a_message_thread_is_followed_by_its_ids():
    def step(id: str, body: dict, at: int, read: int, wrote: int):
        answer = {
            "id": id,
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": f"Answer {id}."}],
            "usage": {
                "input_tokens": 10,
                "cache_read_input_tokens": read,
                "cache_creation_input_tokens": wrote,
            },
        }
        return read_call(body, answer, id=id, at=START + at * MINUTE)

    def following(id: str) -> dict[str, str]:
        return {"type": "continue", "previous_message_id": id}

    calls = [
        step("msg_1", _body("One", {"type": "create"}), 0, 0, 2000),
        step("msg_2", _body("Two", following("msg_1")), 1, 2000, 0),
        step("msg_3", _body("Three", following("msg_2")), 2, 0, 2000),
        step("msg_9", _body("Four", following("msg_8")), 3, 0, 0),
    ]
    history = History()
    for made in calls:
        history.add(history.resolve(made))
    whole = history.resolve(calls[2]).prompt
    assert [b.value for b in whole.section(Section.messages)] == [
        "One",
        "Answer msg_1.",
        "Two",
        "Answer msg_2.",
        "Three",
    ]
    assert whole.breakpoints == (0,)
    told = diagnose(calls, rules_for)
    assert [d.predecessor for d in told][:3] == [None, "msg_1", "msg_2"]
    assert [str(d.verdict) for d in told][:3] == ["first", "hit", "miss"]
    assert all(d.divergences == () for d in told)
    assert history.resolve(calls[3]).prompt.unseen
