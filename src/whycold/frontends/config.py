"""What comes from outside: the clock and the environment, asked here and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["now"]


def now() -> datetime:
    """The present time, UTC."""
    return datetime.now(UTC)
