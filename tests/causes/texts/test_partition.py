"""One owner for every change, whatever stands around it."""

import pytest

from tests.causes.pairs import told
from whycold.causes.examples import TASK, agent, asks, body, result, said, text, use
from whycold.core.cause import Example
from whycold.core.compare import MOST_TOLD
from whycold.core.content import JsonMap

NEXT = (said("Done."), asks("Go on."))
CALLS = [said(use(f"t{n}", path=f"{n}.py")) for n in range(4)]
RESULTS = [asks(result(f"t{n}", f"value = {n}\n" * 30)) for n in range(4)]
TALK = [message for pair in zip(CALLS, RESULTS, strict=True) for message in pair]


def causes_of(before: JsonMap, after: JsonMap) -> list[str | None]:
    return [d.cause for d in told(Example("", before, after)).diagnosis.divergences]


def in_system(before: str, after: str) -> list[str | None]:
    return causes_of(agent(system=[text(before)]), agent(*NEXT, system=[text(after)]))


def test_every_edit_of_one_text_gets_its_own_cause():
    before = "Be brief.\nIt is 09:00:12 now.\nWorking directory: /home/ada/shop\nGood luck."
    after = "Be long.\nIt is 09:03:55 now.\nWorking directory: /home/bob/shop\nGood luck."
    assert in_system(before, after) == ["system-edited", "clock", "working-directory"]


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        ("Knowledge cutoff: January 2026.", "Knowledge cutoff: May 2026.", "system-edited"),
        ("Today is in November 2026.", "Today is in December 2026.", "date-rolled-over"),
        ("Is directory a git repo: Yes", "Is directory a git repo: No", "git-state"),
        ("Plan your tasks well.", "Plan all tasks well.", "system-edited"),
        ("You are Ada. Be brief.", "You are Ada. Be long.", "system-edited"),
        ("You are Ada. Be brief.", "You are Bob. Be brief.", "identity-differs"),
        ("cc_version is a name", "cc_version is a word", "system-edited"),
    ],
)
def test_a_special_cause_needs_to_be_said_in_the_text(before: str, after: str, cause: str):
    assert in_system(before, after) == [cause]


def test_an_edit_below_the_attribution_header_is_not_the_header():
    header = "x-anthropic-billing-header: cc_version=2.1.101.e51; cch=a5145;\n\n"
    before, after = (body(system=f"{header}Be {how}.") for how in ("brief", "kind"))
    seen = told(Example("", before, {**after, "messages": [asks(TASK), *NEXT]}, provider="sglang"))
    assert [d.cause for d in seen.diagnosis.divergences] == ["system-edited"]


def test_a_window_is_cut_with_all_that_stands_in_it():
    thought = {"type": "thinking", "thinking": "So.", "signature": "c2ln"}
    before = [asks(TASK), said(thought, use("t9", path="x")), asks(result("t9", "x = 9")), *TALK]
    found = causes_of(body(*before), body(*TALK, *NEXT))
    assert set(found) == {"sliding-window"}


def test_a_cleared_result_is_no_lost_one():
    cleared = asks(result("t0", "[Old tool result content cleared]"))
    assert causes_of(body(asks(TASK), *TALK), body(asks(TASK), CALLS[0], cleared, *TALK[2:])) == [
        "tool-results-cleared"
    ]


def test_one_message_missing_from_the_front_is_no_window():
    found = causes_of(body(asks(TASK), asks("Hurry."), *TALK), body(asks("Hurry."), *TALK, *NEXT))
    assert found == ["message-removed"]


def test_a_thousand_lost_messages_are_one_compaction():
    talk = [message for n in range(500) for message in (asks(f"Is {n} even?"), said(f"No, {n}."))]
    summary = asks("This session is being continued from a previous conversation. All were odd.")
    seen = told(Example("", body(asks(TASK), *talk), body(summary)))
    assert {d.cause for d in seen.diagnosis.divergences} == {"compacted"}
    assert "1001 messages" in (seen.diagnosis.title or "")


def test_cleared_results_are_counted_as_far_as_they_are_told():
    more = MOST_TOLD + 10
    full = [asks(result(f"t{n}", "x = 1\n" * 20)) for n in range(more)]
    empty = [asks(result(f"t{n}", "[cleared]")) for n in range(more)]
    seen = told(Example("", body(asks(TASK), *full), body(asks(TASK), *empty)))
    assert seen.diagnosis.title == (
        f"at least {MOST_TOLD} old tool results were cleared by the client"
    )


SHOT: JsonMap = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"},
}
PAGE = text("The total is cut off. " * 20)


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        ([PAGE, SHOT], [PAGE], "image-replaced"),
        ([PAGE], [PAGE, SHOT], "tool-result-edited"),
        ([PAGE, SHOT], [text("[Old tool result content cleared]"), SHOT], "tool-results-cleared"),
        ([PAGE, SHOT], [SHOT], "tool-results-cleared"),
    ],
)
def test_what_happens_to_a_result_of_text_and_image(
    before: list[JsonMap], after: list[JsonMap], cause: str
):
    assert causes_of(agent(answer=before), agent(*NEXT, answer=after))[-1] == cause


def test_a_field_that_is_no_text_is_named():
    source = {"type": "text", "media_type": "text/plain", "data": "Minutes of May."}
    plain: JsonMap = {"type": "document", "source": source}
    cited: JsonMap = {**plain, "citations": {"enabled": True}}
    seen = told(Example("", body(asks(text(TASK), cited)), body(asks(text(TASK), plain), *NEXT)))
    assert seen.diagnosis.divergences[-1].title == (
        "the document in the first message differs in its citations"
    )


def test_a_document_that_is_gone_is_not_told_as_an_empty_text():
    page: JsonMap = {"type": "document", "source": {"type": "file", "file_id": "file_1"}}
    before, after = body(asks(text(TASK), page), *TALK), body(asks(text(TASK)), *TALK, *NEXT)
    found = told(Example("", before, after)).diagnosis.divergences
    assert [d.title for d in found] == ["a document block vanished from the first message"]
