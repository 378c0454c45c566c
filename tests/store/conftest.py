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
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return ENGINES[request.param](tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url, write=True)
    yield opened
    opened.close()
