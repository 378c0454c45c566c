"""A place in a prompt is told to be in a passage only where a tag, heading or label says so."""

import pytest

from whycold.causes.texts.passages import (
    Passage,
    is_placeholder,
    is_reminder,
    is_summary,
    is_trailer,
    opening,
    passage_at,
)

PROMPT = """You are Acme Code.

# Doing tasks
Plan your tasks. Memory is short, files are many.

<env>
Working directory: /home/ada/billing
Additional working directories: /home/ada/lib
Active file: src/a.py
Customer name: Northwind
</env>

# Memory
The user rounds half up.

## Files of interest
none

# Billing
Contents of /home/ada/billing/CLAUDE.md (project instructions):

# House rules

Run make test.

## Style
Short functions.
# currentDate
Today's date is 2026-11-22.

<files>
src/a.py

src/b.py
</files>
The end."""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Acme", None),
        ("Plan your", None),
        ("short, files", None),
        ("billing\nAdd", Passage.directory),
        ("/home/ada/lib", Passage.session),
        ("a.py\nCust", Passage.runtime),
        ("Northwind", Passage.user),
        ("half up", Passage.memory),
        ("Run make", Passage.instructions),
        ("Short functions", Passage.instructions),
        ("2026-11-22", None),
        ("src/b.py", Passage.listing),
        ("The end", None),
    ],
)
def test_a_place_lies_in_the_passage_that_is_open_there(words: str, expected: Passage | None):
    at = PROMPT.index(words)
    assert passage_at(PROMPT, at, at + len(words)) is expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [("/srv", Passage.directory), ("brief", None), ("Northwind", Passage.user)],
)
def test_a_name_holds_for_its_own_value_only(words: str, expected: Passage | None):
    text = '{"cwd": "/srv", "style": "brief", "customer": "Northwind"}'
    assert passage_at(text, text.index(words), text.index(words) + 2) is expected
    far = "x" * 5000 + text
    assert passage_at(far, far.index(words), far.index(words) + 2) is expected


def test_a_title_without_a_number_sign_holds_for_its_paragraph():
    text = "Todo list:\n\n- [ ] one\n- [ ] two\n\nBe brief."
    assert passage_at(text, text.index("two"), text.index("two") + 3) is Passage.tasks
    assert passage_at(text, text.index("brief"), len(text)) is None


def test_a_deep_prompt_is_read_in_bounded_time():
    text = "# Tasks\n" + "- [ ] one more\n" * 100_000 + "here"
    assert passage_at(text, len(text) - 4, len(text)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<system-reminder>\nThe following deferred tools are now available: A", Passage.deferred),
        ("<system-reminder>\nPlan mode is on.\n</system-reminder>", Passage.reminder),
        ("\n<memory>likes tea</memory>", Passage.memory),
        ("gitStatus: clean", Passage.git),
        ("</files>", None),
        ("The files are many.", None),
        ("User: hello", None),
    ],
)
def test_a_text_begins_with_a_passage(text: str, expected: Passage | None):
    assert opening(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[Old tool result content cleared]", True),
        ("<image removed>", True),
        ("The old tool output was removed.", True),
        ("", False),
        ("[1, 2, 3]", False),
        ("The image shows a removed wall", False),
        ("x = removed", False),
        ("[truncated " + "x" * 400 + "]", False),
    ],
)
def test_a_placeholder_says_that_something_is_gone(text: str, expected: bool):
    assert is_placeholder(text) is expected


def test_a_reminder_is_a_reminder_as_a_whole():
    assert is_reminder("<system-reminder>\nPlan mode is on.\n</system-reminder>\n")
    assert is_reminder("<total_tokens>12 tokens left</total_tokens>")
    assert not is_reminder("<system-reminder>on</system-reminder> Now go on.")
    assert not is_reminder("<files>a.py</files>")


def test_a_call_to_go_on_is_nothing_more():
    assert is_trailer("Continue from where you left off.")
    assert is_trailer("Please continue the conversation from where we left it off without asking.")
    assert not is_trailer("Continue with the invoices.")
    assert not is_trailer("Continue from where you left off.\nThen write the invoices module.")


def test_a_summary_says_so_at_its_beginning():
    assert is_summary("This session is being continued from a previous conversation that ran out.")
    assert is_summary("<conversation_summary>\n…")
    assert not is_summary("Summarise the file, please.")
    assert not is_summary("x" * 700 + " summary of the conversation")


def test_a_tag_that_is_only_spoken_of_holds_nothing():
    words = "Messages may hold <system-reminder> tags, which the user did not write.\nBe brief."
    start = words.index("brief")
    assert passage_at(words, start, start + 5) is None
