"""A diagnosis as JSON, with the field names that others rely on."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from whycold.core.call import Usage
from whycold.core.content import Json
from whycold.core.diagnosis import BlockCount, Diagnosis, Found

__all__ = ["as_json", "decimal_text", "time_text"]

_RECORDED_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
"""An earlier time stands for one that is not known."""


def as_json(told: Diagnosis, *, blocks: bool = False) -> dict[str, Json]:
    """The diagnosis as plain values; with ``blocks`` the tokens of every block as well."""
    out: dict[str, Json] = {
        "call": told.call,
        "message_id": told.message_id,
        "request_id": told.request_id,
        "at": time_text(told.at) if told.at >= _RECORDED_SINCE else None,
        "api": told.api,
        "provider": told.provider,
        "model": told.model,
        "project": told.project,
        "session": told.session,
        "agent": told.agent,
        "release": told.release,
        "usage": _usage(told.usage),
        "verdict": told.verdict,
        "reason": told.reason,
        "cause": told.cause,
        "title": told.title,
        "expected": told.expected,
        "grade": told.grade,
        "predecessor": told.predecessor,
        "predecessor_message_id": told.predecessor_message_id,
        "gap_seconds": told.gap.total_seconds() if told.gap is not None else None,
        "divergences": [_found(found) for found in told.divergences],
        "reusable_tokens": told.reusable_tokens,
        "missed_tokens": told.missed_tokens,
        "missed_cost_usd": decimal_text(told.missed_cost_usd),
        "at_stake_tokens": told.at_stake_tokens,
        "broke_at": told.broke_at,
        "provider_reason": told.provider_reason,
        "summary": told.summary,
        "advice": told.advice,
        "ruled_out": list(told.ruled_out),
        "opaque_blocks": told.opaque,
        "fingerprint": told.fingerprint,
        "engine": told.engine,
    }
    if blocks:
        out["blocks"] = [_block(block) for block in told.blocks]
    return out


def time_text(at: datetime) -> str:
    """ISO 8601 in UTC, ending in Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def decimal_text(amount: Decimal | None) -> str | None:
    """A decimal without an exponent: ``0.1389``; None stays None."""
    return None if amount is None else f"{amount.normalize():f}"


def _usage(usage: Usage) -> dict[str, Json]:
    return {
        "input": usage.input,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write,
        "cache_write_5m": usage.cache_write_5m,
        "cache_write_1h": usage.cache_write_1h,
        "cache_write_30m": usage.cache_write_30m,
        "cache_write_12h": usage.cache_write_12h,
        "uncached": usage.uncached,
        "output": usage.output,
    }


def _found(found: Found) -> dict[str, Json]:
    return {
        "section": found.section,
        "path": found.path,
        "offset": found.offset,
        "before": found.before,
        "after": found.after,
        "cause": found.cause,
        "expected": found.expected,
        "title": found.title,
        "rest": found.rest,
    }


def _block(block: BlockCount) -> dict[str, Json]:
    return {
        "section": block.section,
        "path": block.path,
        "name": block.name,
        "role": block.role,
        "tokens": block.tokens,
        "cached": block.cached,
        "breakpoint": block.breakpoint,
    }
