"""What a request held: found along the parents of records, in whatever order they stand."""

from __future__ import annotations

import json
from pathlib import Path

from tests.sources.claude_code.transcripts import (
    LONG,
    Transcript,
    calls_of,
    seen,
    texts,
    told_of,
    use,
)
from whycold.core.diagnosis import Reason, Verdict
from whycold.core.prompt import Section

TRANSCRIPT = {Section.settings, Section.tools, Section.system}


def test_a_request_holds_all_that_stands_above_it(tmp_path: Path):
    made = Transcript()
    made.user("First.")
    made.answer("1", "One.", use("t1"))
    made.result("t1")
    made.answer("2", "Two.")
    made.user("Second.")
    made.answer("3", "Three.")
    first, second, third = calls_of(made, tmp_path)
    assert texts(first) == ["First."]
    assert texts(second) == ["First.", "One.", "Bash", "Bash"]
    assert texts(third) == ["First.", "One.", "Bash", "Bash", "Two.", "Second."]
    assert first.prompt.links.begins and not second.prompt.links.begins
    assert (second.prompt.links.follows, third.prompt.links.follows) == ("msg_1", "msg_2")


def test_messages_are_numbered_as_they_are_sent(tmp_path: Path):
    made = Transcript()
    made.user([{"type": "text", "text": "First."}, {"type": "text", "text": "And more."}])
    made.answer("1", "One.", use("t1"))
    made.result("t1")
    made.user("Wait.")
    made.answer("2", "Two.")
    blocks = calls_of(made, tmp_path)[1].prompt.blocks
    assert [(b.path, b.role, b.opens) for b in blocks] == [
        ("messages[0].content[0]", "user", True),
        ("messages[0].content[1]", "user", False),
        ("messages[1].content[0]", "assistant", True),
        ("messages[1].content[1]", "assistant", False),
        ("messages[2].content[0]", "user", True),
        ("messages[2].content[1]", "user", False),
    ]


def test_results_of_parallel_tools_hang_beside_each_other_and_all_belong_to_the_request(
    tmp_path: Path,
):
    made = Transcript()
    made.user("First.")
    one = made.answer("1", use("t1", "Read"))
    two = made.answer("1", use("t2", "Grep"))
    made.result("t1", after=one)
    made.note("hook_additional_context", content=["Formatted."])
    made.result("t2", after=two)
    made.answer("2", "Done.")
    assert texts(calls_of(made, tmp_path)[1]) == [
        "First.",
        "Read",
        "Grep",
        "Read",
        "hook_additional_context",
        "Grep",
    ]


def test_a_reply_that_goes_on_behind_its_first_result_is_one_message(tmp_path: Path):
    made = Transcript()
    made.user("First.")
    made.answer("1", use("t1", "Read"))
    made.result("t1")
    made.answer("1", use("t2", "Grep"))
    made.result("t2")
    made.answer("2", "Done.")
    second = calls_of(made, tmp_path)[1]
    assert texts(second) == ["First.", "Read", "Grep", "Read", "Grep"]
    assert [b.message for b in second.prompt.blocks] == [0, 1, 1, 2, 2]


def test_records_without_content_are_passed_over(tmp_path: Path):
    made = Transcript()
    made.add("progress", data={"type": "hook_progress"})
    made.user("First.")
    made.add("system", subtype="local_command", content="/help")
    made.note("hook_success", content="", stdout="fine")
    made.note("command_permissions", allowedTools=[])
    made.answer("1", "One.")
    assert texts(calls_of(made, tmp_path)[0]) == ["First."]


def test_a_rewound_conversation_goes_on_from_where_it_was_left(tmp_path: Path):
    made = Transcript()
    made.user("First.")
    one = made.answer("1", "One.")
    made.user("Second.")
    made.answer("2", "Two.")
    made.user("Second, in other words.", after=one)
    made.answer("3", "Three.")
    third = calls_of(made, tmp_path)[2]
    assert texts(third) == ["First.", "One.", "Second, in other words."]
    assert third.prompt.links.follows == "msg_1"


def test_a_question_that_was_taken_back_before_an_answer_is_not_in_the_next_request(tmp_path: Path):
    made = Transcript()
    made.user("First.")
    one = made.answer("1", use("t1"))
    result = made.result("t1", after=one)
    made.user("Taken back.", after=result)
    made.user("Asked instead.", after=result)
    made.answer("2", "Two.")
    assert texts(calls_of(made, tmp_path)[1]) == ["First.", "Bash", "Bash", "Asked instead."]


def test_a_conversation_that_only_goes_on_is_a_hit_and_its_turns_have_exact_sizes(tmp_path: Path):
    made = Transcript()
    made.user(LONG)
    made.answer("1", "One.", write=20_000)
    made.user("Second.")
    made.answer("2", "Two.", read=20_000, write=500)
    first, second = told_of(made, tmp_path)
    assert (first.verdict, second.verdict) == (Verdict.first, Verdict.hit)
    assert second.predecessor == first.call
    assert sum(b.tokens for b in second.blocks) == second.usage.input == 20_503
    assert second.blocks[0].path == "(tools, system: not recorded)"
    assert sum(b.tokens for b in second.blocks[2:]) == 500


def test_two_sessions_with_the_same_first_question_owe_each_other_nothing(tmp_path: Path):
    one, other = Transcript("s1"), Transcript("s1")
    for made in (one, other):
        made.last = None
        made.user(LONG)
    one.answer("1", "One.", write=20_000)
    one.records += [{**r, "uuid": r["uuid"] + "x"} for r in other.records]
    one.last = one.records[-1]["uuid"]
    one.answer("2", "Two.", write=20_000, after=one.last)
    told = told_of(one, tmp_path)
    assert [d.verdict for d in told] == [Verdict.first, Verdict.first]


def test_attachments_that_enter_the_prompt_are_named_by_their_type(tmp_path: Path):
    made = Transcript()
    made.user("First.")
    made.note("deferred_tools_delta", addedNames=["a"], addedLines=["a"], removedNames=[])
    made.note("skill_listing", content="- pdf: read", isInitial=True)
    made.note("queued_command", prompt="x", rendered=[{"content": "<system-reminder>x"}])
    made.answer("1", "One.")
    blocks = calls_of(made, tmp_path)[0].prompt.blocks
    names = [block.name for block in blocks]
    assert names == [None, "deferred_tools_delta", "skill_listing", "queued_command"]
    assert blocks[3].value == "<system-reminder>x"
    assert {block.message for block in blocks} == {0}


def test_the_system_prompt_that_newer_versions_keep_beside_is_no_message(tmp_path: Path):
    made = Transcript()
    made.note("prompt_snapshot", systemPrompt=["You are careful."])
    made.user("First.")
    made.answer("1", "One.")
    assert texts(calls_of(made, tmp_path)[0]) == ["First."]


def test_a_parent_that_is_not_there_leaves_a_gap_that_is_told(tmp_path: Path):
    made = Transcript()
    made.user("First.")
    made.answer("1", "One.")
    made.user("Second.", after="lost")
    made.answer("2", "Two.")
    first, second = calls_of(made, tmp_path)
    assert first.prompt.unseen == TRANSCRIPT
    assert second.prompt.unseen == TRANSCRIPT | {Section.messages}
    assert texts(second) == ["First.", "One.", "Second."]


def test_a_result_finds_its_call_although_its_parent_is_not_there(tmp_path: Path):
    made = Transcript()
    made.user("First.")
    made.answer("1", use("t1"))
    made.result("t1", after="lost")
    made.answer("2", "Two.")
    second = calls_of(made, tmp_path)[1]
    assert second.prompt.unseen == TRANSCRIPT
    assert texts(second) == ["First.", "Bash", "Bash"]


def test_a_file_that_begins_within_a_conversation_shows_only_its_end(tmp_path: Path):
    made = Transcript()
    made.user("Second.", after="lost")
    made.answer("2", "Two.", read=20_000, write=100)
    made.user("Third.")
    made.answer("3", "Three.", read=5_000, write=15_300)
    calls = calls_of(made, tmp_path)
    assert all(Section.messages in call.prompt.unseen for call in calls)
    assert not calls[0].prompt.links.begins
    first, second = told_of(made, tmp_path)
    assert first.verdict is Verdict.hit
    assert (second.verdict, second.reason) == (Verdict.partial, Reason.unseen)


def test_a_record_twice_in_one_file_counts_once(tmp_path: Path):
    made = Transcript()
    made.user("First.")
    made.answer("1", "One.", use("t1"))
    made.records += json.loads(json.dumps(made.records))
    made.result("t1")
    made.answer("2", "Two.")
    calls = calls_of(made, tmp_path)
    assert [call.request_id for call in calls] == ["req_1", "req_2"]
    assert texts(calls[1]) == ["First.", "One.", "Bash", "Bash"]


def test_an_edit_of_the_order_of_lines_changes_nothing(tmp_path: Path):
    made = Transcript()
    made.user("First.")
    one = made.answer("1", use("t1"), write=9_000)
    made.result("t1", after=one)
    made.answer("2", "Two.", read=9_000, write=100)
    before = [texts(call) for call in calls_of(made, tmp_path / "a")]
    made.records.insert(3, {"type": "last-prompt", "lastPrompt": "First."})
    made.records.insert(0, {"type": "summary", "summary": "A title", "leafUuid": one})
    assert [texts(call) for call in calls_of(made, tmp_path / "b")] == before


def test_files_are_read_whatever_folder_they_stand_in(tmp_path: Path):
    made = Transcript()
    made.user("First.")
    made.answer("1", "One.")
    made.write(tmp_path / "projects/-home-user/s1.jsonl")
    assert len(seen(tmp_path)) == len(seen(tmp_path / "projects")) == 1


def test_two_programs_that_go_on_with_one_session_at_once_are_told_apart(tmp_path: Path):
    made = Transcript()
    made.user("First.")
    one = made.answer("1", "One.")
    left = made.user("Left.", after=one)
    right = made.user("Right.", after=one)
    left = made.answer("2", "Two,", after=left, output=1)
    right = made.answer("3", "Three.", after=right)
    made.answer("2", "and two.", after=left, output=50)
    calls = {call.request_id: call for call in calls_of(made, tmp_path)}
    assert texts(calls["req_2"]) == ["First.", "One.", "Left."]
    assert texts(calls["req_3"]) == ["First.", "One.", "Right."]
    assert calls["req_2"].usage.output == 50


def test_the_names_of_folders_above_say_nothing(tmp_path: Path):
    made = Transcript()
    made.user("First.")
    made.answer("1", "One.")
    made.write(tmp_path / "memory/subagents/home/me/.claude/projects/p/s1.jsonl")
    (call,) = seen(tmp_path)
    assert call.session == "s1"
