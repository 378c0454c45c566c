"""OTLP documents as exporters write them, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whycold.core.call import Call
from whycold.sources.otlp import Otlp

__all__ = ["SYSTEM", "TOOL", "calls", "document", "event", "logs", "span", "spans", "write"]

START = 1_790_000_000_000_000_000
SECOND = 1_000_000_000
SYSTEM = "You are careful. " * 300
TOOL: dict[str, Any] = {
    "name": "look",
    "description": "Look for a thing.",
    "input_schema": {"type": "object"},
}
Json = dict[str, Any]


def value(plain: object) -> Json:
    """A value as OTLP writes it."""
    match plain:
        case bool():
            return {"boolValue": plain}
        case int():
            return {"intValue": str(plain)}
        case float():
            return {"doubleValue": plain}
        case list():
            return {"arrayValue": {"values": [value(item) for item in plain]}}
        case dict():
            return {"kvlistValue": {"values": attributes(plain)}}
        case _:
            return {"stringValue": plain}


def attributes(plain: Mapping[str, object]) -> list[Json]:
    return [{"key": key, "value": value(item)} for key, item in plain.items()]


def span(said: Mapping[str, object], number: int = 1, at: float = 0, **more: object) -> Json:
    """A span of two seconds, ``at`` seconds after the start of all."""
    start = START + int(at * SECOND)
    whole = {
        "traceId": f"{7:032x}",
        "spanId": f"{number:016x}",
        "name": "chat claude-sonnet-5",
        "kind": 3,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 2 * SECOND),
        "attributes": attributes(said),
        "status": {},
    }
    return whole | more


def event(name: str, said: Mapping[str, object], at: float = 0, **more: object) -> Json:
    """A log record; its body is its name, as Claude Code's is."""
    time = str(START + int(at * SECOND))
    whole = {"timeUnixNano": time, "body": value(name), "attributes": attributes(said)}
    return whole | more


def document(
    signal: str, records: list[Json], scope: str = "", service: Mapping[str, object] | None = None
) -> Json:
    part, kind = {"Spans": ("scopeSpans", "spans"), "Logs": ("scopeLogs", "logRecords")}[signal]
    about = {"attributes": attributes(service or {"service.name": "shop"})}
    return {
        f"resource{signal}": [
            {"resource": about, part: [{"scope": {"name": scope}, kind: records}]}
        ]
    }


def spans(*records: Json, scope: str = "", service: Mapping[str, object] | None = None) -> Json:
    return document("Spans", list(records), scope, service)


def logs(*records: Json, scope: str = "", service: Mapping[str, object] | None = None) -> Json:
    return document("Logs", list(records), scope, service)


def write(path: Path, *documents: Json) -> Path:
    """A file with a document in each line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in documents))
    return path


def calls(*paths: Path) -> list[Call]:
    return [seen.call for group in Otlp(paths).groups for seen in group.calls()]
