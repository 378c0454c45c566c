"""Conversations: how long what a call left in the cache stays there."""

from __future__ import annotations

from datetime import timedelta

from whycold.core.diagnosis import Diagnosis
from whycold.providers.registry import DIALECTS

__all__ = ["lifetime"]


def lifetime(told: Diagnosis) -> timedelta | None:
    """The longest lifetime of what a call wrote, else the usual one of its provider; None where
    entries have none.
    """
    usage = told.usage
    written = (
        (usage.cache_write_12h, timedelta(hours=12)),
        (usage.cache_write_1h, timedelta(hours=1)),
        (usage.cache_write_30m, timedelta(minutes=30)),
        (usage.cache_write_5m, timedelta(minutes=5)),
    )
    for tokens, length in written:
        if tokens:
            return length
    spoken = DIALECTS.get(told.provider)
    usual = spoken.rules(told.api, told.model).ttl(None) if spoken is not None else None
    return usual.lifetime if usual is not None else None
