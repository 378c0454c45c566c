"""Causes in the system prompt; most of them can also stand in a message that was sent before."""

from __future__ import annotations

from whycold.causes.system import (
    attribution,
    contents,
    edits,
    rewriting,
    stored,
    surroundings,
    values,
)
from whycold.core.cause import Cause

__all__ = ["CAUSES"]

CAUSES: tuple[Cause, ...] = (
    *attribution.CAUSES,
    *values.CAUSES,
    *surroundings.CAUSES,
    *contents.CAUSES,
    *rewriting.CAUSES,
    *stored.CAUSES,
    *edits.CAUSES,
)
