"""Changes of what stands beside the prompt: the model, how it answers, how it is cached."""

from __future__ import annotations

from whycold.causes.settings import answering, caching, models, service
from whycold.core.cause import Cause

__all__ = ["CAUSES"]

CAUSES: tuple[Cause, ...] = (
    *models.CAUSES,
    *answering.CAUSES,
    *caching.CAUSES,
    *service.CAUSES,
)
