# pyright: reportArgumentType=false
# The environment is handed on as keywords, beside which stdin is bytes.
"""``whycold import``, run as people run it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.frontends.command import Ran, whycold
from tests.sources.claude_code.transcripts import LONG, Transcript


def transcript(name: str = "s1", at: str = "2026-11-23") -> Transcript:
    made = Transcript(name)
    made.user(f"{name} {LONG}")
    made.answer(f"{name}-1", "One.", write=30_000)
    made.user("Second.")
    made.answer(f"{name}-2", "Two.", read=12_000, write=18_500)
    return made


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """A user with one session, and nothing configured."""
    transcript().write(tmp_path / ".claude/projects/-home-user-projects-billing/s1.jsonl")
    return {
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "CLAUDE_CONFIG_DIR": "",
        "WHYCOLD_STORE": "",
        "COLUMNS": "100",
    }


def run(*arguments: Any, **environment: str) -> Ran:
    return whycold("import", *arguments, **environment)


def test_without_arguments_it_finds_what_the_machine_has_and_ends_with_the_dearest_culprits(
    home: dict[str, str],
):
    ran = run(**home)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.strip().splitlines()
    first, _, head, culprit, *_, hint, last = lines[
        next(i for i, t in enumerate(lines) if ": 2" in t) :
    ]
    assert first == "Claude Code transcripts: 2 new calls in 1 file, of 2026-11-23 to 2026-11-23."
    assert head.split() == ["Culprits", "since", "misses", "tokens", "cost"]
    assert "unseen-change" in culprit and "18.0k" in culprit and "$0.171" in culprit
    assert hint.strip().startswith("whycold report --since 2026-11-23")
    assert last.strip() == "whycold serve opens the dashboard at http://127.0.0.1:4142/"


def test_what_was_found_and_what_was_looked_for_in_vain_is_told_first(home: dict[str, str]):
    first, second, *rest = run(**home).out.splitlines()
    assert first.startswith("Claude Code transcripts  1 file, ")
    assert first.endswith("kB in ~/.claude/projects")
    assert second.startswith("Codex CLI rollouts       none in ~/.codex/sessions")
    assert any(line.startswith("To be named, for they have no place") for line in rest)


def test_what_is_named_is_not_looked_for(home: dict[str, str], tmp_path: Path):
    ran = run("claude-code", tmp_path / ".claude/projects", **home)
    assert ran.out.startswith("Claude Code transcripts: 2 new calls")


def test_a_source_without_a_place_has_to_be_named_with_one(home: dict[str, str]):
    assert run("har", **home).mistake == (
        "har has no place of its own; name files or folders: whycold import har PATH"
    )


def test_what_was_imported_can_be_asked_for(home: dict[str, str]):
    run(**home)
    ran = whycold("explain", "msg_s1-2", **home)
    assert ran.code == 0
    assert "tools, system or settings changed, which is not recorded here" in " ".join(
        ran.out.split()
    )
    assert "OTEL_LOG_RAW_API_BODIES=file:DIR" in ran.out


def test_twice_imports_nothing_new(home: dict[str, str]):
    run(**home)
    line = "Claude Code transcripts: 0 new calls in 1 file; 1 session unchanged."
    assert line in run(**home).out.splitlines()


def test_claude_code_may_be_told_to_keep_its_things_elsewhere(home: dict[str, str], tmp_path: Path):
    for name in ("a", "b"):
        transcript(name).write(tmp_path / name / f"projects/p/{name}.jsonl")
    folders = f"{tmp_path}/a, {tmp_path}/b"
    ran = run(**{**home, "CLAUDE_CONFIG_DIR": folders})
    assert "Claude Code transcripts: 4 new calls in 2 files" in ran.out


def test_the_folder_of_newer_versions_is_found_too(home: dict[str, str], tmp_path: Path):
    transcript("s2").write(tmp_path / "config/claude/projects/p/s2.jsonl")
    assert "4 new calls in 2 files" in run(**home).out


def test_files_and_folders_can_be_named(home: dict[str, str], tmp_path: Path):
    path = transcript("s9").write(tmp_path / "saved.txt")
    store = f"sqlite:///{tmp_path}/other.db"
    ran = run("claude-code", path, "--store", store, **home)
    assert ran.out.startswith("Claude Code transcripts: 2 new calls in 1 file")
    assert (tmp_path / "other.db").exists()


def test_what_cannot_be_read_is_told_in_one_line_per_file_and_the_rest_is_imported(
    home: dict[str, str], tmp_path: Path
):
    folder = tmp_path / ".claude/projects/p"
    folder.mkdir(parents=True)
    (folder / "bad.jsonl").write_bytes(b"{\n" * 3 + transcript("s3").lines())
    (folder / "worse.jsonl").write_bytes("{}".encode("utf-16"))
    ran = run(**home)
    assert "Claude Code transcripts: 4 new calls in 3 files" in ran.out
    lines = ran.err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"whycold: {folder}/bad.jsonl: 3 skipped: is not JSON")
    assert lines[1] == f"whycold: {folder}/worse.jsonl: is no UTF-8 text, skipped"


def test_a_source_that_is_not_known_is_a_mistake(home: dict[str, str]):
    mistake = run("claude", **home).mistake
    assert mistake.startswith("no source is called 'claude'; known are claude-code, ")


def test_a_path_in_place_of_a_source_is_a_mistake_that_says_what_to_do(
    home: dict[str, str], tmp_path: Path
):
    assert run(tmp_path, **home).mistake.endswith(f": whycold import claude-code {tmp_path}")


def test_a_path_that_is_not_there_is_a_mistake(home: dict[str, str]):
    mistake = run("claude-code", "gone", **home).mistake
    assert mistake == "gone: there is no such file or folder"


def test_where_there_is_nothing_it_says_where_it_looked(home: dict[str, str], tmp_path: Path):
    mistake = run(**{**home, "HOME": str(tmp_path / "other")}).mistake
    assert mistake.startswith("there is nothing to import in ~/.claude/projects, ")
    assert mistake.endswith("name files or folders: whycold import claude-code PATH")


def test_how_much_is_kept_follows_the_settings(home: dict[str, str]):
    run(**home, WHYCOLD_CAPTURE="usage")
    ran = whycold("explain", "msg_s1-2", "--json", **home)
    assert '"blocks": []' in ran.out


def test_prices_of_one_s_own_are_used(home: dict[str, str], tmp_path: Path):
    prices = tmp_path / "prices.json"
    prices.write_text(
        '{"claude-opus-4-7": {"litellm_provider": "anthropic", "input_cost_per_token": 0.001,'
        ' "cache_read_input_token_cost": 0.0005, "cache_creation_input_token_cost": 0.002,'
        ' "cache_creation_input_token_cost_above_1hr": 0.002, "output_cost_per_token": 0.001}}'
    )
    assert "$27.00" in run(**home, WHYCOLD_PRICES=str(prices)).out
