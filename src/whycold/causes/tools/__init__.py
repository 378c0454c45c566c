"""Changes of the tools: which are there, in which order, and what stands in their definitions."""

from __future__ import annotations

from whycold.causes.tools import definitions, members, order, turnover
from whycold.core.cause import Cause

__all__ = ["CAUSES"]

CAUSES: tuple[Cause, ...] = (
    *members.CAUSES,
    *turnover.CAUSES,
    *order.CAUSES,
    *definitions.CAUSES,
)
