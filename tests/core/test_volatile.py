"""Real forms of values that change by themselves, and texts that only look like them."""

import random
import string
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whycold.core.edit import find_edits
from whycold.core.volatile import (
    Volatile,
    describe,
    looks_random,
    recognise,
    template,
    template_at,
)

GIT = "gitStatus: This is the git status at the start of the conversation.\nCurrent branch: {}\n\n"
STATUS = GIT.format("main") + "Main branch (you will usually use this for PRs): main\n\nStatus:\n"
HEADER = "x-anthropic-billing-header: cc_version=2.1.101.{}; cc_entrypoint=cli; cch={};"

FORMS = [
    ("The time is 2026-11-23T12:03:44Z.", "The time is 2026-11-23T12:04:01Z.", "time"),
    ("Now: 2026-11-23 12:03:44.123456+01:00", "Now: 2026-11-24 09:13:00.9+01:00", "time"),
    ("Current time: 12:03 UTC", "Current time: 12:59 UTC", "time"),
    ("It is 9:58:07 PM.", "It is 10:01:44 PM.", "time"),
    ("Local time is 9 am", "Local time is 10 am", "time"),
    ("Mon Nov 23 2026 12:03", "Tue Nov 24 2026 08:31", "time"),
    ("Mon Nov 23 12:03:44 UTC 2026", "Mon Nov 23 12:03:45 UTC 2026", "time"),
    ("Date: Mon, 23 Nov 2026 12:03:44 GMT", "Date: Mon, 23 Nov 2026 12:03:52 GMT", "time"),
    ("Mon Nov 23 2026 12:03:44 GMT+0100 (CET)", "Mon Nov 23 2026 13:03:44 GMT+0100 (CET)", "time"),
    ('{"now":1795435424}', '{"now":1795435490}', "time"),
    ('{"now":1795435424123}', '{"now":1795435430007}', "time"),
    ("started_at=1795435424.12", "started_at=1795435429.81", "time"),
    ("log-20261123T120344.txt", "log-20261124T090000.txt", "time"),
    ("Last seen 3 minutes ago", "Last seen 1 hour ago", "time"),
    ("Uptime: 3 days, 4 hours", "Uptime: 4 days, 1 hour", "time"),
    ("Today's date is 2026-11-23", "Today's date is 2026-11-24", "date"),
    ("Today's date is Nov 23, 2026.", "Today's date is Nov 24, 2026.", "date"),
    ("Monday, November 30, 2026", "Tuesday, December 1, 2026", "date"),
    ("date: 11/23/2026", "date: 11/24/2026", "date"),
    ("Heute ist der 23.11.2026", "Heute ist der 24.11.2026", "date"),
    ("今天是2026年11月22日", "今天是2026年11月23日", "date"),
    ("本日は2026年11月22日(日)です", "本日は2026年11月23日(月)です", "date"),
    ("今日は令和8年11月9日です。", "今日は令和8年11月10日です。", "date"),
    ("오늘은 2026년 11월 22일", "오늘은 2026년 11월 23일", "date"),
    ("今天是星期一", "今天是星期二", "date"),
    ("date: 22/11/26", "date: 23/11/26", "date"),
    ("le 22/11/2026", "le 23/11/2026", "date"),
    ("Nous sommes le 22 novembre 2026.", "Nous sommes le 1er décembre 2026.", "date"),
    ("Hoy es 22 de noviembre de 2026", "Hoy es 23 de noviembre de 2026", "date"),
    ("Heute: Sonntag, 29. März 2026", "Heute: Montag, 30. März 2026", "date"),
    ("现在是2026年11月22日 12:03", "现在是2026年11月22日 12:04", "time"),
    ("时间:2026年11月22日 下午3时04分", "时间:2026年11月22日 下午3时05分", "time"),
    ("現在時刻は15時04分です", "現在時刻は16時10分です", "time"),
    ("It is November 2026.", "It is December 2026.", "date"),
    ("Today is Monday.", "Today is Tuesday.", "date"),
    ("The current year is 2026", "The current year is 2027", "date"),
    (
        "id 550e8400-e29b-41d4-a716-446655440000",
        "id 123e4567-e89b-12d3-a456-426614174000",
        "uuid",
    ),
    (
        "id 0192f1c4-7d3a-7b21-8c55-0242ac120002",
        "id 0192f1c5-01aa-7b21-8c55-0242ac120002",
        "uuid",
    ),
    ("etag " + "0123456789abcdef" * 4, "etag " + "fedcba9876543210" * 4, "hash"),
    ("built from " + "a1b2c3d4e5" * 4, "built from " + "f0e9d8c7b6" * 4, "hash"),
    ("checksum: 9f86d081", "checksum: 60303ae2", "hash"),
    ("sha256-uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
     "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "hash"),
    ("HEAD is now at 3f2a91c fix", "HEAD is now at 81d0e4b fix", "git"),
    ("commit " + "a1b2c3d4e5" * 4, "commit " + "f0e9d8c7b6" * 4, "git"),
    (GIT.format("main"), GIT.format("feature/cache-markers"), "git"),
    (STATUS + "M src/a.py\n?? b.txt", STATUS + "M src/a.py\nM src/c.py\n?? b.txt", "git"),
    (STATUS + "(clean)", STATUS + "M README.md\nA  docs/new.md", "git"),
    (STATUS + "\n 4 files changed", STATUS + "\n 5 files changed", "git"),
    (
        STATUS + "(clean)\n\nRecent commits:\n3f2a91c Fix a test\n0d3e5f6 Add b",
        STATUS + "(clean)\n\nRecent commits:\n81d0e4b Add a cause\n3f2a91c Fix a test",
        "git",
    ),
    ("Branch: feat/auth (b2c3d4e)", "Branch: main (c9d0e1f)", "git"),
    ("On branch main\nnothing else", "On branch fix-12\nnothing else", "git"),
    (HEADER.format("e51", "a5145"), HEADER.format("e51", "00c3f"), "attribution"),
    (HEADER.format("e51", "a5145"), HEADER.format("76b", "19ff0"), "attribution"),
    ("history holds cch=a5145; twice", "history holds cch=f0111; twice", "attribution"),
    ("<total_tokens>183204 tokens left</total_tokens>",
     "<total_tokens>179881 tokens left</total_tokens>", "token_budget"),
    ("remaining tokens: 31,204", "remaining tokens: 9,118", "token_budget"),
    ("Token usage: 12345/200000; 187655 remaining", "Token usage: 13911/200000; 186089 remaining",
     "token_budget"),
    ("Context left: 43%", "Context left: 41%", "token_budget"),
    ("USD budget: $0.12/$5; $4.88 remaining", "USD budget: $0.31/$5; $4.69 remaining",
     "token_budget"),
    ("You have used 12% of your tokens", "You have used 14% of your tokens", "token_budget"),
    ("Context window: 43% used", "Context window: 44% used", "token_budget"),
    ("Turn 7 of 20", "Turn 8 of 20", "counter"),
    ("## Turn 7", "## Turn 12", "counter"),
    ("You are at step 12.", "You are at step 13.", "counter"),
    ("Attempt #2 begins", "Attempt #3 begins", "counter"),
    ("iteration: 9", "iteration: 10", "counter"),
    ("3 files changed", "4 files changed", "counter"),
    ("You have 3 unread messages", "You have 12 unread messages", "counter"),
    ("message_count: 41", "message_count: 43", "counter"),
    ("progress (3/10)", "progress (4/10)", "counter"),
    ("Scratch: /tmp/agent-x81/work", "Scratch: /tmp/agent-k22/work", "path"),
    ("in /home/ana/worktrees/abc now", "in /home/ana/worktrees/fix-login now", "path"),
    (r"cwd C:\Users\ana\proj\a", r"cwd C:\Users\ana\proj\b", "path"),
    ("Working directory: /srv/a", "Working directory: /srv/b/c", "path"),
    ("Working directory: /x1", "Working directory: /x2", "path"),
    ("Current file: src/app.ts", "Current file: src/lib/store.ts", "path"),
    ("<cwd>/Users/ana/one</cwd>", "<cwd>/Users/ana/two</cwd>", "path"),
    ("Files:\n- a.py\n- b.py\n- docs/", "Files:\n- a.py\n- b.py\n- c.py\n- docs/", "listing"),
    ("- a.py\n- b.py\n- c.py\nEnd", "- a.py\n- b.py\n- c.py\n- d.py\nEnd", "listing"),
    ("id msg_01XFDUDYJgAACzvnptvVoYEL", "id msg_01Aq9w938a90dw8q1zzT7bbX", "random_id"),
    ("call toolu_01A09q90qw90lq917835lq9", "call toolu_01B7mn3kk2a81x0pw2q55zz",
     "random_id"),
    ("session_id: s-8842", "session_id: s-8901", "random_id"),
    ('"requestId":"k3j9x2m1q"', '"requestId":"p0z7t4c8w"', "random_id"),
    ("key V1StGXR8Z5jdHi6BmyT1x end", "key Qm3kP0xw8LzR7vNa2cYd5 end", "random_id"),
    ("box 3f2a9c81d0e4 is up", "box 9c0b71e5f2a8 is up", "random_id"),
    ("ulid 01ARZ3NDEKTSV4RRFFQ69G5FAV", "ulid 01BX5ZZKBKACTAV9WEVGEMMVRZ", "random_id"),
    ('{"seed": 42}', '{"seed": 43}', "random_id"),
    ("nonce=8842", "nonce=1177", "random_id"),
    ("server at 10.0.0.12:8080", "server at 10.0.0.31:8080", "address"),
    ("http://localhost:43121/x", "http://localhost:40877/x", "address"),
    ("Signed in as ana", "Signed in as ben", "user"),
    ("User: Anna Berg <anna@b.com>", "User: Bob van der Horst <bob@x.org>", "user"),
    ("The user is Anna Berg <a@b.com>.", "The user is Anna Berg-Mai <a@b.com>.", "user"),
    ("用户:王小明 <wang@b.com>", "用户:李雷 <li@b.com>", "user"),
    ("User email: ana@example.org", "User email: ben.k@example.com", "user"),
    ("The exact model ID is claude-opus-4-6.", "The exact model ID is claude-opus-4-7.",
     "model_name"),
    ("You are powered by Opus 4.6", "You are powered by Sonnet 4.6", "model_name"),
    ("client 1: app/2.1.101 (cli)", "client 1: app/2.1.102 (cli)", "version"),
    ("OS Version: Linux 6.8.0-45-generic", "OS Version: Linux 6.8.0-47-generic", "version"),
    ("Claude Code 2.1.101", "Claude Code 2.1.102", "version"),
    ("Python 3.11", "Python 3.12", "version"),
]  # fmt: skip

NEAR_MISSES = [
    ("Answer in 3 sentences.", "Answer in 5 sentences."),
    ("Retry 3 times at most.", "Retry 5 times at most."),
    ("Attempt 3 fixes.", "Attempt 5 fixes."),
    ("Turn 3 pages at once.", "Turn 4 pages at once."),
    ("### Step 3: Push it", "### Step 4: Push it"),
    ("Go back to step 3.", "Go back to step 4."),
    ("Merge pull request #4 from x", "Merge pull request #5 from x"),
    ("runs next@15.5.2_react@19.1.0 x", "runs next@15.5.2_react@19.1.1 x"),
    ("in gemini-extension.json", "in gemini-settings.json"),
    ("see https://a.org/2025/03/18/why", "see https://a.org/2025/04/18/why"),
    ("sig EsgCClkIDRgCKkAw7wL1wj8je/7U7dN+x", "sig EsgCClkIDRgCKkBx9zQ4kd2ab/7U7dN+x"),
    ("project = socket.assigns.project", "project = socket.assigns.team"),
    ("max_tokens: 4096", "max_tokens: 8192"),
    ("Use at most 500 tokens.", "Use at most 800 tokens."),
    ("wait 80% of the time", "wait 90% of the time"),
    ("temperature 0.7", "temperature 0.2"),
    ("See section 1.2.3 for it.", "See section 1.2.4 for it."),
    ("They added a wall.", "They faced a wall."),
    ("a decade of work", "a facade of work"),
    ("Say deadbeef twice.", "Say defaced twice."),
    ("commit defaced to it", "commit effaced to it"),
    ("Today is 2026-11-23.", "Today is sunny."),
    ("Today is Monday.", "Today is mild."),
    ("三年级有5月的课", "三年级有6月的课"),
    ("第11章第22节", "第11章第23节"),
    ("ratio 22/11/26", "ratio 23/11/26"),
    ("write to <anna@b.com>", "write to <the owner>"),
    ("Meet on Monday.", "Meet on Tuesday."),
    ("You may 5 times", "You may 6 times"),
    ("In March 3 of us", "In March 4 of us"),
    ("John 3:16 says", "John 3:17 says"),
    ("aspect 16:09", "aspect 16:10"),
    ("see a.py:12:34:56", "see a.py:12:35:56"),
    ("call 4155550199 now", "call 4155550142 now"),
    ("POST /v1/messages", "POST /v1/responses"),
    ("read and/or write", "read and/or edit"),
    ("the branch office", "the branch library"),
    ("user: hello there", "user: please stop"),
    ("Set the curve to secp256r1.", "Set the curve to secp384r1."),
    ("Encode it as utf8mb4_unicode.", "Encode it as utf8mb4_general."),
    ("Call get_user_by_id2 first.", "Call get_user_by_id3 first."),
    ("is claude-code here", "is claude-cli here"),
    ("at 12:03", "at 12:03 (late)"),
    ("no time here", "12:03:44 here"),
    ("id 550e8400-e29b-41d4-a716-446655440000", "id nobody"),
    ("Monday 12:03:44 in Rome", "Monday 12:04:01 in Oslo"),
    ("# Git status: be clean", "# Git status: be careful"),
    (STATUS + "(clean)\n\nBe brief.", STATUS + "(clean)\n\nBe verbose."),
    (STATUS + "(clean)\n\n# Tone\nA cat", STATUS + "(clean)\n\n# Tone\nA dog"),
    ("A first\nM second", "A first\nM third"),
    ("Rules:\n- Be brief.\n- Be kind.\n- Be fast.", "Rules:\n- Be brief.\n- Be fast."),
    ("password: hunter2", "password: hunter3"),
    ("top 10 songs", "top 20 songs"),
    ("", "2026-11-23"),
]


@pytest.mark.parametrize(("before", "after", "kind"), FORMS)
def test_a_real_form_is_recognised_at_every_edit(before: str, after: str, kind: str):
    edits = find_edits(before, after)
    assert [recognise(before, after, edit) for edit in edits] == [Volatile(kind)] * len(edits)
    swapped = find_edits(after, before)
    assert {recognise(after, before, edit) for edit in swapped} == {Volatile(kind)}


@pytest.mark.parametrize(("before", "after", "kind"), FORMS)
def test_a_real_form_is_recognised_in_the_middle_of_a_prompt(before: str, after: str, kind: str):
    before, after = f"# Environment\n{before}\nMore rules.", f"# Environment\n{after}\nMore rules."
    edits = find_edits(before, after)
    assert {recognise(before, after, edit) for edit in edits} == {Volatile(kind)}


@pytest.mark.parametrize(("before", "after"), NEAR_MISSES)
def test_a_near_miss_is_not_taken_for_a_volatile_value(before: str, after: str):
    found = [recognise(before, after, edit) for edit in find_edits(before, after)]
    assert set(found) == {None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Today is 2026-11-23, 12:03:44 UTC.", "Today is <time>."),
        ("Today is Nov 23, 2026.", "Today is <date>."),
        ("id 550e8400-e29b-41d4-a716-446655440000!", "id <uuid>!"),
        ("Working directory: /tmp/x81/a b", "Working directory: <path> b"),
        ("Turn 7 of 20, 31,204 tokens left", "Turn <n>, <n> tokens left"),
        ("in 3 steps, 0.5 of 1,000", "in <n> steps, <n> of <n>"),
        ("utf8 and sha256 and v2 stay", "utf8 and sha256 and v2 stay"),
        ("Answer politely.", "Answer politely."),
        (HEADER.format("e51", "a5145"), "<attribution>"),
    ],
)
def test_a_template_has_a_placeholder_for_each_value(text: str, expected: str):
    assert template(text) == expected


@pytest.mark.parametrize(
    ("before", "after"), [pair[:2] for pair in FORMS if pair[2] not in ("git", "listing", "user")]
)
def test_two_occurrences_have_the_same_template(before: str, after: str):
    assert template(before) == template(after)


def test_the_template_at_an_edit_does_not_move_with_the_first_differing_digit():
    texts = [f"{'Rule. ' * 20}It is {clock} now.{' More.' * 20}" for clock in
             ("12:03:44", "12:03:45", "12:04:00", "13:00:00")]  # fmt: skip
    seen = {
        template_at(text, edit.before_start, edit.before_end)
        for text, later in pairwise(texts)
        for edit in find_edits(text, later)
    }
    assert len(seen) == 1
    assert "Rule. It is <time> now. More." in seen.pop()


@given(st.text(st.sampled_from(string.printable), max_size=300))
def test_no_text_is_refused(text: str):
    assert isinstance(template(text), str)
    assert isinstance(template_at(text, len(text) // 3, len(text) // 2), str)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_pair_of_texts_is_refused(before: str, after: str):
    for edit in find_edits(before, after):
        assert recognise(before, after, edit) in {None, *Volatile}


def test_random_words_are_told_from_names():
    rng = random.Random(4)
    ids = ["".join(rng.choices(string.ascii_lowercase + string.digits, k=16)) for _ in range(200)]
    names = "base64_encode utf8mb4_unicode_ci int32_to_int64 parseHtml5 python3.11 x86_64-linux"
    assert sum(map(looks_random, ids)) > 150
    assert not any(map(looks_random, names.split()))


def test_every_kind_can_be_told_in_a_sentence():
    told = [describe(kind) for kind in Volatile]
    assert len(set(told)) == len(told)
    assert all(words.split()[0] in ("a", "an", "the") for words in told)
