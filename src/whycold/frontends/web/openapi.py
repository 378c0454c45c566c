"""The document at ``/api/v1/openapi.json``, kept by hand beside the routes."""

from __future__ import annotations

from collections.abc import Mapping

from whycold import __version__
from whycold.core.content import Json
from whycold.core.diagnosis import Grade, Reason, Verdict
from whycold.frontends.filters import FILTERS, MOST_ITEMS

__all__ = ["document"]

_TEXT: Json = {"type": "string"}
_TEXT_OR_NULL: Json = {"type": ["string", "null"]}
_TOKENS: Json = {"type": "integer", "minimum": 0}
_TOKENS_OR_NULL: Json = {"type": ["integer", "null"], "minimum": 0}
_DOLLARS: Json = {"type": ["string", "null"], "description": "USD, a decimal number"}
_TIME: Json = {"type": "string", "format": "date-time"}
_FLAG: Json = {"type": "boolean"}


def document() -> dict[str, Json]:
    """OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "whycold",
            "version": __version__,
            "description": "Prompt-cache misses and the edits that caused them. Reading only.",
        },
        "paths": {
            "/api/v1/report": _get("The panel of a period, with the one before", "Report"),
            "/api/v1/report.csv": _get("The same as CSV", None),
            "/api/v1/misses": _get("The latest misses, newest first", "Misses", paged=True),
            "/api/v1/misses.csv": _get("The same as CSV", None, paged=True),
            "/api/v1/calls/{id}": _get("One call", "Call", by_id=True),
            "/api/v1/openapi.json": {
                "get": {"summary": "This document", "responses": {"200": {"description": "It"}}}
            },
        },
        "components": {"schemas": _schemas(), "securitySchemes": {"token": _BEARER}},
    }


_BEARER: Json = {
    "type": "http",
    "scheme": "bearer",
    "description": "Asked for only where other machines can reach the port (allow_remote).",
}


def _get(
    summary: str, schema: str | None, *, paged: bool = False, by_id: bool = False
) -> dict[str, Json]:
    parameters = [] if by_id else [_parameter(name, text) for name, text in FILTERS.items()]
    if paged:
        limit: Json = {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "default": 50}
        parameters.append(_parameter("limit", "Items on the page.", limit))
        parameters.append(_parameter("cursor", "The next of the page before."))
    if by_id:
        says = "Our id, or the provider's message, response or request id."
        parameters.append(
            {"name": "id", "in": "path", "required": True, "schema": _TEXT} | {"description": says}
        )
    kind = "text/csv" if schema is None else "application/json"
    shape: Json = _TEXT if schema is None else {"$ref": f"#/components/schemas/{schema}"}
    answers: dict[str, Json] = {
        "200": {"description": summary, "content": {kind: {"schema": shape}}},
        "400": _failure("A parameter that cannot be meant"),
        "503": _failure("The store cannot be read now, or there is none yet"),
    }
    if by_id:
        answers["404"] = _failure("No such call")
    return {"get": {"summary": summary, "parameters": parameters, "responses": answers}}


def _parameter(name: str, text: str, schema: Json = _TEXT) -> dict[str, Json]:
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _failure(text: str) -> dict[str, Json]:
    shape: Json = {"schema": {"$ref": "#/components/schemas/Error"}}
    return {"description": text, "content": {"application/json": shape}}


def _object(properties: Mapping[str, Json]) -> dict[str, Json]:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def _list_of(schema: str) -> dict[str, Json]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}


def _schemas() -> dict[str, Json]:
    """The shapes of the answers; docs/json.md says what the fields mean."""
    missed = {"misses": _TOKENS, "missed_tokens": _TOKENS, "missed_cost_usd": _DOLLARS}
    by = {"additionalProperties": {"$ref": "#/components/schemas/Missed"}, "type": "object"}
    period = _period(missed, by)
    diagnosis = _diagnosis()
    block = {
        "section": {"enum": ["settings", "tools", "system", "messages"]},
        "path": _TEXT,
        "name": _TEXT_OR_NULL,
        "role": _TEXT_OR_NULL,
        "tokens": _TOKENS,
        "cached": {"type": ["boolean", "null"]},
        "breakpoint": _TEXT_OR_NULL,
    }
    kept: dict[str, Json] = {"enum": ["full", "hash", "usage", "none"]}
    return {
        "Error": _object({"error": _object({"message": _TEXT})}),
        "Missed": _object(missed),
        "Period": _object(period),
        "Report": _object(period | {"previous": {"$ref": "#/components/schemas/Period"}}),
        "Usage": _object(dict.fromkeys(_USAGE, _TOKENS_OR_NULL)),
        "Divergence": _object(
            {
                "section": {"enum": ["settings", "tools", "system", "messages"]},
                **dict.fromkeys(("path", "before", "after", "cause", "title"), _TEXT),
                "offset": _TOKENS,
                "expected": _FLAG,
                "rest": _TOKENS_OR_NULL,
            }
        ),
        "Diagnosis": _object(diagnosis),
        "Block": _object(block),
        "Call": _object(diagnosis | {"blocks": _list_of("Block"), "capture": kept}),
        "Misses": _object({"items": _list_of("Diagnosis"), "next": _TEXT_OR_NULL}),
    }


_USAGE = (
    *("input", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h"),
    *("cache_write_30m", "cache_write_12h", "uncached", "output"),
)


def _period(missed: Mapping[str, Json], by: Json) -> dict[str, Json]:
    sums = (
        *("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_5m_tokens"),
        *("cache_write_1h_tokens", "uncached_tokens", "output_tokens"),
    )
    return {
        "since": _TIME,
        "until": _TIME,
        "calls": _TOKENS,
        "reporting_calls": _TOKENS,
        "read_ratio": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "reporting_input_tokens": _TOKENS,
        **dict.fromkeys(sums, _TOKENS_OR_NULL),
        **missed,
        "unpriced_misses": _TOKENS,
        "at_stake_tokens": _TOKENS,
        "by_reason": by,
        "by_model": by,
        "series": {"type": "array", "items": {"type": "object"}},
    }


def _diagnosis() -> dict[str, Json]:
    texts = ("call", "api", "provider", "summary")
    perhaps = (
        *("message_id", "request_id", "model", "project", "session", "agent", "release", "cause"),
        *("title", "predecessor", "predecessor_message_id", "missed_cost_usd", "provider_reason"),
        *("advice", "fingerprint"),
    )
    return {
        **dict.fromkeys(texts, _TEXT),
        **dict.fromkeys(perhaps, _TEXT_OR_NULL),
        "at": _TIME,
        "usage": {"$ref": "#/components/schemas/Usage"},
        "verdict": {"enum": [*Verdict]},
        "reason": {"enum": [*Reason, None]},
        "grade": {"enum": [*Grade, None]},
        "expected": _FLAG,
        "gap_seconds": {"type": ["number", "null"]},
        "divergences": _list_of("Divergence"),
        "reusable_tokens": _TOKENS_OR_NULL,
        "missed_tokens": _TOKENS,
        "at_stake_tokens": _TOKENS,
        "broke_at": _TOKENS_OR_NULL,
        "ruled_out": {"type": "array", "items": _TEXT},
        "opaque_blocks": _TOKENS,
        "engine": _TOKENS,
    }
