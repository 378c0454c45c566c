"""Every test that takes ``url`` or ``store`` runs once for each engine: what holds for one has to
hold for all.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from whycold.store.base import Store
from whycold.store.opening import open_store

ENGINES: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite:///{folder / 'calls.db'}",
}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Callable[[Path], str]:
    return ENGINES[request.param]


@pytest.fixture
def url(engine: Callable[[Path], str], tmp_path: Path) -> str:
    return engine(tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url, write=True)
    yield opened
    opened.close()


@pytest.fixture
def second(engine: Callable[[Path], str], tmp_path: Path) -> Iterator[Store]:
    """Another store of the same engine."""
    folder = tmp_path / "second"
    folder.mkdir()
    opened = open_store(engine(folder), write=True)
    yield opened
    opened.close()
