"""Losses without an edit: lifetimes, markers, minimums, other places, and the provider itself."""

from __future__ import annotations

from whycold.causes.limits import attested, lifetimes, markers, places, provider, unheeded, unseen
from whycold.core.cause import Cause

__all__ = ["CAUSES"]

CAUSES: tuple[Cause, ...] = (
    *lifetimes.CAUSES,
    *markers.CAUSES,
    *unheeded.CAUSES,
    *places.CAUSES,
    *provider.CAUSES,
    *attested.CAUSES,
    *unseen.CAUSES,
)
