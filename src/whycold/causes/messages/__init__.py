"""Causes in the messages."""

from __future__ import annotations

from whycold.causes.messages import edits, media, notes, replies, results, shortening
from whycold.core.cause import Cause

__all__ = ["CAUSES"]

CAUSES: tuple[Cause, ...] = (
    *shortening.CAUSES,
    *notes.CAUSES,
    *results.CAUSES,
    *replies.CAUSES,
    *media.CAUSES,
    *edits.CAUSES,
)
