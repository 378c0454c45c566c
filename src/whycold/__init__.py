"""whycold follows every prompt-cache miss back to the edit that caused it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whycold.frontends.recording import labels, record

__all__ = ["__version__", "labels", "record"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # Only when it is asked for: the name of the package must cost nothing.
    if name in ("labels", "record"):
        from whycold.frontends import recording

        return getattr(recording, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
