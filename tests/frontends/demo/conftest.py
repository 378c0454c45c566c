"""The demo, made once for all tests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from whycold.frontends.demo.writing import make
from whycold.frontends.prices import price_list

UNTIL = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the demo's two weeks up to ``UNTIL``."""
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    make(path, UNTIL, price_list(None), lambda _: None)
    return path
