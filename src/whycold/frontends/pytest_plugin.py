"""The plugin that pytest finds: one fixture. What it needs is imported when a test asks for it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from whycold.frontends.testing.calls import Calls
    from whycold.frontends.testing.stability import assert_prefix_stable

__all__ = ["assert_prefix_stable", "whycold_calls"]


@pytest.fixture
def whycold_calls() -> Generator[Calls]:
    """Records calls of this test in memory: ``whycold_calls.record(client)``; then
    ``whycold_calls.assert_prefix_stable()``."""
    from whycold.frontends.testing.calls import Calls

    calls = Calls()
    yield calls
    calls.close()


def __getattr__(name: str) -> object:
    if name == "assert_prefix_stable":
        from whycold.frontends.testing import stability

        return stability.assert_prefix_stable
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
