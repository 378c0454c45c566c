"""OTLP documents to spans and log records with flat attributes, whatever else is in them.

Facts: OTLP 1.10, protocol specification and opentelemetry-proto 1.10 (JSON: camel case, ids in
hexadecimal, 64-bit numbers as text); read 2026-11-23.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text, weigh

__all__ = ["Event", "Telemetry", "is_telemetry", "read_telemetry", "when"]

_LONGEST_KEY = 512
_OURS = "whycold"
"""The scope of spans that whycold sends itself: of calls that it has."""
_DEEPEST = 64
_MOST_ATTRIBUTES = 20_000
_ID_BYTES = (16, 8)
_YEARS = range(2000, 2200)
_EVENT_NAME = "event.name"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a span says happened on the way."""

    name: str
    attributes: JsonMap


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One span, or one log record.

    ``name`` is the span's or the event's; ``scope`` the instrumentation that wrote it. Ids are
    hexadecimal, "" where there is none. ``start`` and ``end`` are UTC, the same for a log record,
    None when not recorded. ``body`` is what a log record holds beside its attributes. ``whole`` is
    false where attributes were dropped on the way. ``error`` is the message of a span that failed.
    """

    is_span: bool
    name: str
    attributes: JsonMap
    resource: JsonMap = field(default_factory=dict[str, Json])
    scope: str = ""
    trace: str = ""
    span: str = ""
    parent: str = ""
    start: datetime | None = None
    end: datetime | None = None
    body: Json = None
    events: tuple[Event, ...] = ()
    whole: bool = True
    error: str | None = None

    @property
    def size(self) -> int:
        """Bytes of what it holds, roughly."""
        return weigh(self.attributes) + weigh(self.body)


def is_telemetry(document: JsonMap) -> bool:
    """Whether a document is one of OTLP's, of whatever signal."""
    return any(_named(document, f"resource{signal}") is not None for signal in _SIGNALS)


_SIGNALS = ("Spans", "Logs", "Metrics", "Profiles")


def read_telemetry(document: JsonMap, skipped: Counter[str]) -> Iterator[Telemetry]:
    """Spans and log records in the order in which they stand; other signals are passed over.

    ``skipped`` counts what cannot be read, by reason.
    """
    reader = _Reader(skipped)
    for signal, scopes, records in (
        ("resourceSpans", "scopeSpans", "spans"),
        ("resourceLogs", "scopeLogs", "logRecords"),
    ):
        for group in reader.maps(_named(document, signal)):
            about = as_map(_named(group, "resource")) or {}
            resource, _ = reader.attributes(about)
            for part in reader.maps(_named(group, scopes)):
                scope = as_text((as_map(_named(part, "scope")) or {}).get("name")) or ""
                if scope == _OURS:
                    continue
                for record in reader.maps(_named(part, records)):
                    read = reader.span if records == "spans" else reader.log
                    yield read(record, resource, scope[:_LONGEST_KEY])


class _Reader:
    def __init__(self, skipped: Counter[str]) -> None:
        self._skipped = skipped

    def maps(self, value: Json) -> Iterator[JsonMap]:
        items = as_list(value)
        if items is None:
            if value is not None:
                self._skipped["a list that is none"] += 1
            return
        for item in items:
            whole = as_map(item)
            if whole is None:
                self._skipped["a record that is no object"] += 1
            else:
                yield whole

    def span(self, record: JsonMap, resource: JsonMap, scope: str) -> Telemetry:
        attributes, dropped = self.attributes(record)
        status = as_map(_named(record, "status")) or {}
        failed = status.get("code") in (2, "2", "STATUS_CODE_ERROR")
        events = tuple(
            Event(as_text(event.get("name")) or "", self.attributes(event)[0])
            for event in self.maps(_named(record, "events") or ())
        )
        return Telemetry(
            is_span=True,
            name=as_text(record.get("name")) or "",
            attributes=attributes,
            resource=resource,
            scope=scope,
            trace=_id(_named(record, "traceId")),
            span=_id(_named(record, "spanId")),
            parent=_id(_named(record, "parentSpanId")),
            start=when(_named(record, "startTimeUnixNano")),
            end=when(_named(record, "endTimeUnixNano")),
            events=events,
            whole=not dropped,
            error=(as_text(status.get("message")) or "") if failed else None,
        )

    def log(self, record: JsonMap, resource: JsonMap, scope: str) -> Telemetry:
        attributes, dropped = self.attributes(record)
        body = self._value(_named(record, "body"), 0)
        at = when(_named(record, "timeUnixNano")) or when(_named(record, "observedTimeUnixNano"))
        named = as_text(_named(record, "eventName")) or as_text(attributes.get(_EVENT_NAME))
        return Telemetry(
            is_span=False,
            name=(named or as_text(body) or "")[:_LONGEST_KEY],
            attributes=attributes,
            resource=resource,
            scope=scope,
            trace=_id(_named(record, "traceId")),
            span=_id(_named(record, "spanId")),
            start=at,
            end=at,
            body=body,
            whole=not dropped,
        )

    def attributes(self, record: JsonMap) -> tuple[dict[str, Json], bool]:
        """Attributes as a flat map, and whether some are missing; the last of two equal wins."""
        items = as_list(_named(record, "attributes")) or ()
        count = _named(record, "droppedAttributesCount")
        dropped = len(items) > _MOST_ATTRIBUTES or count not in (None, 0, "0")
        found: dict[str, Json] = {}
        for item in self.maps(items[:_MOST_ATTRIBUTES]):
            key = as_text(item.get("key"))
            if not key or len(key) > _LONGEST_KEY:
                self._skipped["an attribute with a key that is none"] += 1
                dropped = True
                continue
            found[key] = self._value(item.get("value"), 0)
        if len(items) > _MOST_ATTRIBUTES:
            self._skipped["more attributes than any call has"] += 1
        return found, dropped

    def _value(self, value: Json, depth: int) -> Json:
        """An attribute's value as plain JSON; null for what is of no kind that is known."""
        whole = as_map(value)
        if whole is None or depth > _DEEPEST:
            if value is not None:
                self._skipped["an attribute with a value that is none"] += 1
            return None
        for kind, read in (
            ("stringValue", as_text),
            ("intValue", _whole_number),
            ("boolValue", _flag),
            ("doubleValue", _number),
            ("bytesValue", as_text),
        ):
            if (given := _named(whole, kind)) is not None:
                return read(given)
        if (listed := as_map(_named(whole, "arrayValue"))) is not None:
            return [self._value(item, depth + 1) for item in as_list(listed.get("values")) or ()]
        if (mapped := as_map(_named(whole, "kvlistValue"))) is not None:
            return {
                key: self._value(item.get("value"), depth + 1)
                for item in self.maps(mapped.get("values") or ())
                if (key := as_text(item.get("key"))) and len(key) <= _LONGEST_KEY
            }
        return None


def _named(whole: JsonMap, name: str) -> Json:
    """A field as OTLP's JSON spells it, or as its schema does."""
    if name in whole:
        return whole[name]
    return whole.get(_SNAKE[name]) if name in _SNAKE else None


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


_FIELDS: Sequence[str] = (
    *(f"resource{signal}" for signal in _SIGNALS),
    *("scopeSpans", "scopeLogs", "logRecords", "traceId", "spanId", "parentSpanId", "eventName"),
    *("startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "observedTimeUnixNano"),
    *("droppedAttributesCount", "stringValue", "intValue", "boolValue", "doubleValue"),
    *("bytesValue", "arrayValue", "kvlistValue"),
)
_SNAKE: Mapping[str, str] = {name: _snake(name) for name in _FIELDS}


def _id(value: Json) -> str:
    """An id in lower-case hexadecimal; base64, as protobuf's own JSON has it, is taken, too."""
    text = as_text(value) or ""
    if len(text) in (24, 12) and text.endswith("="):
        try:
            raw = base64.b64decode(text, validate=True)
        except binascii.Error:
            return ""
        return raw.hex() if len(raw) in _ID_BYTES and any(raw) else ""
    text = text.lower()
    if len(text) not in (32, 16) or not set(text) <= set("0123456789abcdef"):
        return ""
    return text if text.strip("0") else ""


def when(value: Json) -> datetime | None:
    """Nanoseconds since 1970 as a time; None for 0, and for what is none."""
    number = _whole_number(value)
    if not number:
        return None
    seconds, rest = divmod(number, 1_000_000_000)
    try:
        at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.year in _YEARS else None


def _whole_number(value: Json) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        digits = value.removeprefix("-")
        return int(value) if digits.isdecimal() and len(digits) <= 20 else None
    return int(value) if isinstance(value, (int, float)) and abs(value) < 2**64 else None


def _number(value: Json) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _flag(value: Json) -> bool | None:
    return value if isinstance(value, bool) else None
