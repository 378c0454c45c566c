"""The document at ``/api/v1/openapi.json``, kept by hand beside the routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from whycold import __version__
from whycold.core.content import Json
from whycold.core.diagnosis import Grade, Reason, Verdict
from whycold.frontends.culprits_data import LISTED
from whycold.frontends.filters import FILTERS, MOST_ITEMS
from whycold.frontends.releases_data import COMPARED
from whycold.query import MarkerKind, State, Word
from whycold.store.answers import CulpritOrder, CulpritState

__all__ = ["document"]

_TEXT: Json = {"type": "string"}
_TEXT_OR_NULL: Json = {"type": ["string", "null"]}
_TOKENS: Json = {"type": "integer", "minimum": 0}
_TOKENS_OR_NULL: Json = {"type": ["integer", "null"], "minimum": 0}
_DOLLARS: Json = {"type": ["string", "null"], "description": "USD, a decimal number"}
_TIME: Json = {"type": "string", "format": "date-time"}
_NUMBER: Json = {"type": "number"}
_NUMBER_OR_NULL: Json = {"type": ["number", "null"]}
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
            "/api/v1/culprits": _get("Misses by the edit behind them", "Culprits", own=_CULPRITS),
            "/api/v1/culprits.csv": _get("The same as CSV", None, own=_CULPRITS),
            "/api/v1/culprits/{id}": _get("One culprit", "Culprit", id=_CULPRIT_ID),
            "/api/v1/releases": _get("What changed when", "Releases", own=_RELEASES),
            "/api/v1/releases.csv": _get("The same as CSV", None, own=_RELEASES),
            "/api/v1/calls/{id}": _get("One call", "Call", id=_CALL_ID, filtered=False),
            "/api/v1/openapi.json": {
                "get": {"summary": "This document", "responses": {"200": {"description": "It"}}}
            },
        },
        "components": {"schemas": _schemas(), "securitySchemes": {"token": _BEARER}},
    }


_CALL_ID = "Our id, or the provider's message, response or request id."
_CULPRIT_ID = "The id of a culprit, or how it begins."


def _items(most: int) -> dict[str, Json]:
    schema: Json = {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "default": most}
    return {"description": "At most so many items.", "schema": schema}


def _choice(says: str, choices: Iterable[str]) -> dict[str, Json]:
    return {"description": says, "schema": {"enum": [*choices]}}


_CULPRITS: Mapping[str, Mapping[str, Json]] = {
    "state": _choice("Those of this state; without it all but the ignored ones.", State),
    "sort": _choice("What comes first; the dearest without it.", CulpritOrder),
    "limit": _items(LISTED),
}
_RELEASES: Mapping[str, Mapping[str, Json]] = {
    "kind": _choice("Markers of this kind.", MarkerKind),
    "limit": _items(COMPARED),
}
_BEARER: Json = {
    "type": "http",
    "scheme": "bearer",
    "description": "Asked for only where other machines can reach the port (allow_remote).",
}


def _get(
    summary: str,
    schema: str | None,
    *,
    paged: bool = False,
    id: str | None = None,
    filtered: bool = True,
    own: Mapping[str, Mapping[str, Json]] | None = None,
) -> dict[str, Json]:
    """``id`` says what the id in the path may be; ``own`` are words beside the filters."""
    parameters = [_parameter(name, text) for name, text in FILTERS.items()] if filtered else []
    parameters += [{"name": name, "in": "query", **rest} for name, rest in (own or {}).items()]
    if paged:
        limit: Json = {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "default": 50}
        parameters.append(_parameter("limit", "Items on the page.", limit))
        parameters.append(_parameter("cursor", "The next of the page before."))
    if id is not None:
        parameters.append(
            {"name": "id", "in": "path", "required": True, "schema": _TEXT} | {"description": id}
        )
    kind = "text/csv" if schema is None else "application/json"
    shape: Json = _TEXT if schema is None else {"$ref": f"#/components/schemas/{schema}"}
    answers: dict[str, Json] = {
        "200": {"description": summary, "content": {kind: {"schema": shape}}},
        "400": _failure("A parameter that cannot be meant"),
        "503": _failure("The store cannot be read now, or there is none yet"),
    }
    if id is not None:
        answers["404"] = _failure("Nothing has that id")
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
        "Weekly": _object(
            {"misses": _NUMBER, "missed_tokens": _TOKENS, "missed_cost_usd": _DOLLARS}
        ),
        "Culprit": _object(_culprit(missed)),
        "Culprits": _object({"items": _list_of("Culprit")}),
        "Difference": _object(
            {"before": _NUMBER_OR_NULL, "after": _NUMBER_OR_NULL, "word": {"enum": [*Word]}}
        ),
        "Release": _object(_release()),
        "Releases": _object({"items": _list_of("Release")}),
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


def _culprit(missed: Mapping[str, Json]) -> dict[str, Json]:
    seen = {"call": _TEXT, "at": _TIME, "release": _TEXT_OR_NULL}
    perhaps = ("project", "reason", "cause", "path", "title", "before", "after")
    day: Json = _object({"day": {"type": "string", "format": "date"}, **missed})
    mark = {"state": {"enum": [*CulpritState]}, "at": _TIME, "release": _TEXT_OR_NULL}
    return {
        "id": _TEXT,
        "state": {"enum": [*State]},
        **dict.fromkeys(perhaps, _TEXT_OR_NULL),
        "expected": _FLAG,
        "first_seen": _TIME,
        "last_seen": _TIME,
        "releases": {"type": "array", "items": _TEXT_OR_NULL},
        **missed,
        "unpriced_misses": _TOKENS,
        "per_week": {"anyOf": [{"$ref": "#/components/schemas/Weekly"}, {"type": "null"}]},
        "days": {"type": "array", "items": day},
        "examples": {"type": "array", "items": _TEXT},
        "mark": {"anyOf": [_object(mark | {"note": _TEXT_OR_NULL}), {"type": "null"}]},
        "regressed": {"anyOf": [_object(seen), {"type": "null"}]},
    }


def _release() -> dict[str, Json]:
    held: Json = {"$ref": "#/components/schemas/Difference"}
    return {
        "kind": {"enum": [*MarkerKind]},
        "name": _TEXT,
        "project": _TEXT_OR_NULL,
        "at": _TIME,
        "last_seen": _TIME,
        **dict.fromkeys(("calls", "hours_compared", "calls_before", "calls_after"), _TOKENS),
        "read_ratio": held,
        "missed_tokens_per_call": held,
        "missed_cost_usd_per_call": held,
        "word": {"enum": [*Word]},
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
