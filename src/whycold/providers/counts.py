"""Numbers of tokens as providers report them."""

from __future__ import annotations

from whycold.core.content import Json

__all__ = ["as_count", "total"]


def as_count(value: Json) -> int | None:
    """A count of tokens; None for what is none: absent, negative, a fraction, a text."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def total(*parts: int | None) -> int | None:
    """The sum of the parts that were reported; None when none was."""
    reported = [part for part in parts if part is not None]
    return sum(reported) if reported else None
