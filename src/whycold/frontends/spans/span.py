"""A diagnosed call as a span of OTLP's JSON form.

Names of ``gen_ai`` attributes and of providers: OpenTelemetry semantic conventions for generative
AI, as opentelemetry-semantic-conventions 0.66b2 has them (read 2026-11-23). Context of the caller:
W3C Trace Context, level 1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from whycold.core.content import Json
from whycold.core.diagnosis import Diagnosis
from whycold.ingest.heard import Heard
from whycold.store.records import Record

__all__ = ["SCOPE", "request_of", "span_of"]

SCOPE: Final = "whycold"
_INTERNAL: Final = 1
_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_PROVIDERS: Final[Mapping[str, str]] = {
    "bedrock": "aws.bedrock",
    "foundry": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "vertex": "gcp.vertex_ai",
    "xai": "x_ai",
}
_OPERATIONS: Final[Mapping[str, str]] = {"gemini.generate": "generate_content"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def span_of(record: Record, heard: Heard | None) -> dict[str, Json] | None:
    """The span of a call; None where the caller's trace is not sampled.

    With a ``traceparent`` on the request it is a child of the span that sent it, else a trace of
    its own. Its ids follow from the call's: sent twice, it is the same span."""
    told = record.told
    digest = hashlib.sha256(told.call.encode()).hexdigest()
    trace, parent = digest[:32], ""
    found = _PARENT.fullmatch((heard.traceparent or "").strip().lower()) if heard else None
    if found is not None and int(found[1], 16) and int(found[2], 16):
        if not int(found[3], 16) & 1:
            return None
        trace, parent = found[1], found[2]
    ended = max(heard.ended if heard else told.at, record.call.began or told.at, told.at)
    model = f" {told.model}" if told.model else ""
    return {
        "traceId": trace,
        "spanId": digest[32:48],
        "parentSpanId": parent,
        "name": f"prompt cache {told.verdict}{model}",
        "kind": _INTERNAL,
        "startTimeUnixNano": _nanoseconds(told.at),
        "endTimeUnixNano": _nanoseconds(ended),
        "attributes": [
            {"key": key, "value": _value(value)} for key, value in _attributes(told, record)
        ],
    }


def request_of(spans: Sequence[dict[str, Json]], version: str) -> dict[str, Json]:
    """What is posted to ``/v1/traces``."""
    about: list[Json] = [
        {"key": "service.name", "value": {"stringValue": SCOPE}},
        {"key": "service.version", "value": {"stringValue": version}},
    ]
    scoped: Json = {"scope": {"name": SCOPE, "version": version}, "spans": list(spans)}
    return {"resourceSpans": [{"resource": {"attributes": about}, "scopeSpans": [scoped]}]}


def _attributes(told: Diagnosis, record: Record) -> Iterator[tuple[str, object]]:
    usage, edit = told.usage, _edit(told)
    given: dict[str, object] = {
        "gen_ai.operation.name": _OPERATIONS.get(told.api, "chat"),
        "gen_ai.provider.name": _PROVIDERS.get(told.provider, told.provider),
        "gen_ai.request.model": told.model,
        "gen_ai.response.model": record.call.reply.model,
        "gen_ai.response.id": told.message_id,
        "gen_ai.conversation.id": told.session,
        "gen_ai.agent.name": told.agent,
        "gen_ai.usage.input_tokens": usage.input,
        "gen_ai.usage.output_tokens": usage.output,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write,
        "whycold.call": told.call,
        "whycold.verdict": told.verdict,
        "whycold.reason": told.reason,
        "whycold.cause": told.cause,
        "whycold.grade": told.grade,
        "whycold.expected": told.expected,
        "whycold.path": edit,
        "whycold.missed_tokens": told.missed_tokens,
        "whycold.missed_cost_usd": told.missed_cost_usd,
        "whycold.culprit": told.fingerprint,
        "whycold.predecessor": told.predecessor,
        "whycold.project": told.project,
        "whycold.release": told.release,
    }
    yield from ((key, value) for key, value in given.items() if value is not None)


def _edit(told: Diagnosis) -> str | None:
    """Where the edit is that explains the verdict."""
    return next((found.path for found in told.divergences if found.cause == told.cause), None)


def _value(value: object) -> dict[str, Json]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, Decimal):
        return {"doubleValue": float(value)}
    return {"stringValue": str(value)}


def _nanoseconds(at: datetime) -> str:
    return str((at - _EPOCH) // timedelta(microseconds=1) * 1000)
