"""The same edit pattern has one fingerprint, however its volatile parts differ."""

from __future__ import annotations

from collections.abc import Sequence

from tests.core.stories import MARKED, MINUTE, prompt
from whycold.core.compare import compare
from whycold.core.culprit import fingerprint, place
from whycold.core.divergence import Divergence
from whycold.core.prompt import Prompt

RULES = " ".join(f"Rule {n}: be brief and plain." for n in range(20))


def first(before: Prompt, after: Prompt) -> Divergence:
    return compare(before, after, MARKED)[0]


def of(cause: str, before: Prompt, after: Prompt, project: str = "p") -> str:
    return fingerprint(project, cause, first(before, after))


def system(text: str) -> Prompt:
    return prompt(["user: Go on."], system=[f"You are brief. {text} {RULES}"])


def test_a_clock_is_one_culprit_in_five_hundred_sessions():
    found = {
        of("clock", system(f"It is 09:{n % 60:02}:07."), system(f"It is 1{n % 10}:{n % 60:02}:59."))
        for n in range(500)
    }
    assert len(found) == 1


def test_two_edits_in_one_request_are_two_culprits():
    before = prompt(["user: Go on."], tools=("Read: Reads.", "Bash: Runs."), system=[RULES])
    after = prompt(
        ["user: Go on."], tools=("Read: Reads a file.", "Bash: Runs."), system=[f"{RULES} Thanks."]
    )
    one, other = compare(before, after, MARKED)
    assert fingerprint("p", "tool-edited", one) != fingerprint("p", "system-edited", other)


def test_other_words_another_project_or_cause_are_another_culprit():
    old, new = system("Say please."), system("Say thanks.")
    assert of("system-edited", old, new) != of("system-edited", old, system("Say nothing."))
    assert of("system-edited", old, new) != of("system-edited", old, new, "q")
    assert of("system-edited", old, new) != of("instructions-rewritten", old, new)


def shuffled(names: Sequence[str]) -> Prompt:
    return prompt(["user: Go on."], tools=[f"{name}: Does {name}." for name in names])


def test_tools_that_come_in_any_order_are_one_culprit():
    usual = shuffled("abcdef")
    found = {
        of("tools-reordered", usual, shuffled(order)) for order in ("bacdef", "fedcba", "abcdfe")
    }
    assert len(found) == 1


def test_what_a_conversation_held_makes_no_culprit_of_its_own():
    def dropped(*words: str) -> str:
        said = [f"user: {word} {MINUTE}" for word in words]
        return of("message-removed", prompt([*said, "user: End."]), prompt(["user: End."]))

    assert dropped("One thing and another.") == dropped("Quite a different thing.")


def test_places_are_told_without_what_differs_from_call_to_call():
    assert place("messages[14].content[2].text") == "messages[].content[].text"
    assert place("tools[Bash].description") == "tools[Bash].description"
