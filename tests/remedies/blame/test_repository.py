"""Hostile and unusual repositories."""

from __future__ import annotations

import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from whycold.core.edit import find_edits
from whycold.errors import UserError
from whycold.remedies.blame import Suspect, blame
from whycold.remedies.blame.repository import Repository

PATH = os.environ["PATH"]  # noqa: TID251
LATER = datetime(2090, 1, 1, tzinfo=UTC)
OLD = "Search the handbook of the shop for a passage on the question."
NEW = "Search the handbook and the ledger of the shop for a passage on the question."


def git(folder: Path, *words: str) -> str:
    who = {"GIT_AUTHOR_NAME": "Desk", "GIT_AUTHOR_EMAIL": "desk@example.com"}
    who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
    variables = {"PATH": PATH, "HOME": str(folder), **who}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=variables, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def committed(folder: Path, name: str, text: str, subject: str) -> str:
    (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", subject)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


def repository(folder: Path, seconds: float = 30) -> Repository:
    return Repository.at(folder, time.monotonic, seconds, PATH)


def reworded(old: str = OLD, new: str = NEW) -> Suspect:
    return Suspect(
        path="tools[search].description",
        cause="tool-edited",
        before=old,
        after=new,
        edits=find_edits(old, new),
        names=("search",),
        ordered=False,
        volatile=False,
        last_good=None,
        first_bad=LATER,
    )


def test_programs_that_a_repository_names_are_not_run(folder: Path):
    committed(folder, "prompt.py", f"text = {OLD!r}\n", "old")
    bad = committed(folder, "prompt.py", f"text = {NEW!r}\n", "new")
    trap = folder / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {folder}/sprung\ncat\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "diff.external", "diff.evil.textconv", "diff.evil.command"):
        git(folder, "config", name, str(trap))
    for name in ("gpg.program", "core.pager", "core.sshCommand", "filter.evil.smudge"):
        git(folder, "config", name, str(trap))
    git(folder, "config", "log.showSignature", "true")
    (folder / ".git/info").mkdir(exist_ok=True)
    (folder / ".git/info/attributes").write_text("* diff=evil filter=evil\n")
    found = blame(repository(folder), reworded())
    assert found.commits[0].commit.id == bad
    assert found.lines[0].path == "prompt.py"
    assert not (folder / "sprung").exists()


@pytest.mark.parametrize(
    "name", ["two\nlines.py", "--output=x", "\x1b[31mred.py", ":(glob)*", "ü.py"]
)
def test_a_file_may_have_any_name(folder: Path, name: str):
    committed(folder, name, f"text = {OLD!r}\n", "old")
    bad = committed(folder, name, f"text = {NEW!r}\n", "new")
    assert blame(repository(folder), reworded()).commits[0].commit.id == bad


def test_a_subject_may_hold_anything(folder: Path):
    committed(folder, "p.py", OLD, "old")
    committed(folder, "p.py", NEW, "new \x1b[31m \x1f <script>")
    assert len(blame(repository(folder), reworded()).commits) == 1


def test_a_text_that_was_wrapped_in_the_code_is_found(folder: Path):
    committed(folder, "p.py", "Search the handbook\n    of the shop for a passage on", "old")
    wrapped = '"Search the handbook and the "\n    "ledger of the shop for"'
    bad = committed(folder, "p.py", wrapped, "x")
    assert blame(repository(folder), reworded()).commits[0].commit.id == bad


def test_the_latest_of_two_that_did_the_same_comes_first(folder: Path):
    committed(folder, "p.py", OLD, "old")
    committed(folder, "p.py", NEW, "new")
    committed(folder, "p.py", OLD, "back")
    again = committed(folder, "p.py", NEW, "once more")
    found = blame(repository(folder), reworded())
    assert {one.commit.subject for one in found.commits[:2]} == {"new", "once more"}
    assert again in {one.commit.id for one in found.commits}


def test_what_was_committed_after_the_first_miss_is_not_it(folder: Path):
    committed(folder, "p.py", OLD, "old")
    committed(folder, "p.py", NEW, "new")
    early = reworded()
    early = Suspect(
        **{
            name: getattr(early, name)
            for name in Suspect.__slots__
            if name not in ("first_bad", "releases")
        },
        first_bad=datetime.now(UTC) - timedelta(hours=2),  # noqa: TID251
    )
    assert blame(repository(folder), early).commits == ()


def test_a_line_that_was_replaced_as_a_whole_is_found_by_its_own_words(folder: Path):
    committed(folder, "AGENTS.md", "Answer in French.\n", "old")
    new = "Always translate receipts into Portuguese.\n"
    bad = committed(folder, "AGENTS.md", new, "new")
    replaced = reworded(f"Notes.\nAnswer in French.\n{OLD}", f"Notes.\n{new}{OLD}")
    assert blame(repository(folder), replaced).commits[0].commit.id == bad


def test_other_words_are_not_taken_for_it(folder: Path):
    committed(folder, "p.py", "Search the garden.", "old")
    committed(folder, "p.py", "Search the garden and the house, and the ledger.", "new")
    assert blame(repository(folder), reworded()).commits == ()


def test_no_commit_yet(folder: Path):
    assert blame(repository(folder), reworded()).notes == ("the repository has no commit yet",)


def test_a_cause_that_is_no_edit(folder: Path):
    committed(folder, "p.py", OLD, "old")
    pause = Suspect(None, "expired", "", "", (), (), False, False, None, LATER)
    assert "nothing to look for" in blame(repository(folder), pause).notes[0]


def test_the_time_is_bounded(folder: Path):
    committed(folder, "p.py", OLD, "old")
    late = repository(folder)
    late.deadline = 0.0
    found = blame(late, reworded())
    assert (found.commits, "time was up" in "".join(found.notes)) == ((), True) or not late.head


def test_a_folder_without_a_repository(tmp_path: Path):
    with pytest.raises(UserError, match="is in no git repository"):
        repository(tmp_path)
    with pytest.raises(UserError, match="is no folder"):
        repository(tmp_path / "none")


def test_without_git(folder: Path):
    with pytest.raises(UserError, match="there is no git on this machine"):
        Repository.at(folder, time.monotonic, 30, "/nowhere")
