"""Causes in the messages."""

from __future__ import annotations

from whycold.core.cause import Cause

__all__ = ["CAUSES"]

CAUSES: tuple[Cause, ...] = ()
