"""The parts of the fixture: one model for all machines, one line for what cannot be."""

import hashlib
from pathlib import Path

import pytest

from tests.llama.engine.bpe import encode_word, train
from tests.llama.engine.fetch import NoEngine, llama_server
from tests.llama.engine.server import EngineFailed, running
from tests.llama.engine.tiny_model import tiny_model

MODEL = "d8ca2ffd3319990f55109f50aeafec23677e2ea88408fa6f1cf806426883d97e"


def test_the_model_is_the_same_bytes_on_every_machine_and_python():
    """The measured table holds for these bytes: with other ones, measure again."""
    assert hashlib.sha256(tiny_model()).hexdigest() == MODEL


def test_the_commonest_pair_is_merged_first_and_words_are_read_by_that_order():
    tokens, merges = train("abab ab abc abc", 256 + 4)
    assert merges[0] == ("a", "b")
    assert tokens[256] == "ab"
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    assert encode_word("abxab", ranks) == ["ab", "x", "ab"]


def test_a_machine_without_apt_is_told_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoEngine, match=r"\Allama-server is fetched [^\n]+\Z"):
        llama_server(tmp_path / "cache")


def test_what_was_fetched_once_is_found_again_without_apt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    program = tmp_path / "engine/usr/bin/llama-server"
    program.parent.mkdir(parents=True)
    program.touch()
    monkeypatch.setenv("PATH", "")
    assert llama_server(tmp_path)[-1] == str(program)


@pytest.mark.slow
def test_a_server_ends_with_its_block_even_when_that_fails(
    engine_command: list[str], tiny_model_file: Path, tmp_path: Path
):
    with (
        pytest.raises(ZeroDivisionError),
        running(engine_command, tiny_model_file, tmp_path) as one,
    ):
        assert one.get("/health").status == 200
        raise ZeroDivisionError
    with pytest.raises(EngineFailed, match="ConnectionRefused"):
        one.get("/health")


@pytest.mark.slow
def test_a_server_that_cannot_start_says_why(engine_command: list[str], tmp_path: Path):
    no_model = tmp_path / "none.gguf"
    with pytest.raises(EngineFailed, match=r"(?s)did not start.*none\.gguf"):
        running(engine_command, no_model, tmp_path).__enter__()
