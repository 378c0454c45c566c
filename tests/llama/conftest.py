"""A real llama.cpp server for every test that asks for one.

``engine`` answers with the plain chat template, ``drifting_engine`` with one under which a reply
comes back rendered otherwise than it was generated. Both start when first asked for (a second, and
some five to fetch the program on the first run ever) and end with the test run. See README.md
beside this file.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.llama.engine.fetch import NoEngine, llama_server
from tests.llama.engine.server import Engine, running
from tests.llama.engine.tiny_model import TEMPLATES, write_tiny_model

_WHY_NOT = pytest.StashKey[str]()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say once what hundreds of skipped tests have in common."""
    if why_not := config.stash.get(_WHY_NOT, None):
        terminalreporter.write_line(f"tests/llama: skipped: {why_not}")


@pytest.fixture(scope="session")
def engine_command(pytestconfig: pytest.Config) -> list[str]:
    """The command that runs llama-server; a machine that cannot have it skips what needs it.

    WHYCOLD_LLAMA_SERVER names a program to take instead; WHYCOLD_LLAMA=required makes a missing
    one an error.
    """
    settings = os.environ  # noqa: TID251 - a setting of the test run, not of the product
    if program := settings.get("WHYCOLD_LLAMA_SERVER"):
        return [program]
    try:
        return llama_server()
    except NoEngine as error:
        if settings.get("WHYCOLD_LLAMA") == "required":
            raise
        pytestconfig.stash[_WHY_NOT] = str(error)
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def tiny_model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of random weights, as a GGUF file."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture(scope="session")
def engine(
    engine_command: list[str], tiny_model_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """A running llama-server with one slot.

    ``engine.fresh()`` empties it; ``run_pair`` in pairs.py does that for you.
    """
    with running(engine_command, tiny_model_file, tmp_path_factory.mktemp("engine")) as server:
        yield server


@pytest.fixture(scope="session")
def drifting_engine(
    engine_command: list[str], tiny_model_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """The same under a chat template that never gets a reply reused when there are tools.

    The server trims a reply that it reads for tool calls, and here its first token comes back as
    another.
    """
    folder = tmp_path_factory.mktemp("drifting-engine")
    template = TEMPLATES / "drift.jinja"
    with running(engine_command, tiny_model_file, folder, template) as server:
        yield server
