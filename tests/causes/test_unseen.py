"""What is said of a loss that stands where the recording shows nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.core.stories import MARKED, MINUTE, TASK, call
from whycold.causes.limits.unseen import UnseenChange
from whycold.core.call import ProviderVerdict, Said
from whycold.core.cause import Case, Evidence, Obstacle
from whycold.core.content import Json
from whycold.core.diagnosis import Reason
from whycold.core.prompt import Block, Kind, Section

TRANSCRIPT = frozenset({Section.settings, Section.tools, Section.system})


def told(*added: Block, said: ProviderVerdict | None = None, **more: Any) -> Evidence:
    before, after = (
        call(str(i), (TASK,), tools=(), system=(), unseen=TRANSCRIPT, at=i * MINUTE)
        for i in range(2)
    )
    if said is not None:
        after = replace(after, reply=replace(after.reply, verdict=said))
    asked = replace(after, prompt=after.prompt.with_blocks((*after.prompt.blocks, *added)))
    case = Case(asked, before, MARKED, obstacle=Obstacle.unseen, read=12_000, **more)
    found = UnseenChange().explains(case)
    assert found is not None
    return found


def note(kind: str, value: Json) -> Block:
    return Block(Section.messages, "messages[1].content[0]", Kind.text, value, "user", kind, 1)


def test_it_names_every_part_that_is_not_recorded_and_that_the_provider_may_have_lost_it():
    assert told(opening=20_000).title == (
        "tools, system or settings changed, which is not recorded here, "
        "or the provider lost the entry"
    )


def test_tools_and_system_are_not_suspected_where_more_than_these_was_read():
    assert "tools" not in told(opening=8_000).title
    assert told(opening=8_000).title.startswith("older messages were sent otherwise than recorded")


@pytest.mark.parametrize(
    ("word", "reason", "what"),
    [
        ("tools_changed", Reason.tools_changed, "the tools"),
        ("system_changed", Reason.system_changed, "the system prompt"),
        ("messages_changed", Reason.messages_changed, "earlier messages"),
    ],
)
def test_the_provider_s_word_is_taken(word: str, reason: Reason, what: str):
    found = told(said=ProviderVerdict(Said.changed, word, 9_000))
    assert found.reason is reason
    assert found.title == f"the provider says that {what} changed; not recorded here"


def test_a_provider_that_could_not_compare_says_nothing():
    found = told(said=ProviderVerdict(Said.inconclusive, "previous_message_not_found"))
    assert found.reason is None and found.title.startswith("tools, system or settings")


@pytest.mark.parametrize(
    ("added", "words"),
    [
        (
            note("deferred_tools_delta", {"addedNames": ["a", "b", "c", "d"], "removedNames": []}),
            "deferred tools came: a, b, c and 1 more",
        ),
        (
            note("mcp_instructions_delta", {"addedNames": [], "removedNames": ["search"]}),
            "instructions of MCP servers went: search",
        ),
        (note("date_change", {"newDate": "2026-11-24"}), "the date changed"),
        (note("", "<command-name>/mcp</command-name>"), "/mcp was run"),
        (
            replace(
                note("ToolSearch", {"content": [{"type": "tool_reference", "tool_name": "Task"}]}),
                kind=Kind.tool_result,
            ),
            "tools were loaded: Task",
        ),
    ],
    ids=["tools came", "a server left", "midnight", "a command", "a search for tools"],
)
def test_what_the_client_noted_just_before_is_told(added: Block, words: str):
    assert told(added).title.endswith(f"; just before, {words}")


def test_a_command_that_changes_nothing_and_a_note_of_a_file_are_not_told():
    quiet = [
        note("", "<command-name>/help</command-name>"),
        note("edited_text_file", {"filename": "a.py"}),
    ]
    assert "just before" not in told(*quiet).title


def test_the_advice_says_how_to_see_more():
    assert "OTEL_LOG_RAW_API_BODIES" in UnseenChange.advice and "proxy" in UnseenChange.advice
