"""Attributes under any of the names that they have had: the first that holds something counts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.errors import UserError
from whycold.providers.body import decode
from whycold.providers.counts import as_count

__all__ = ["HIDDEN", "count", "indexed", "listed", "parsed", "seconds", "text"]

_INDEX = re.compile(r"(\d{1,6})(?:\.(.*))?\Z", re.DOTALL)
_DEEPEST = 32
HIDDEN = "__REDACTED__"
"""What OpenInference writes in place of what may not be told."""


def text(attributes: JsonMap, *names: str) -> str | None:
    """The first of these that is a text and not empty."""
    return next((found for name in names if (found := as_text(attributes.get(name)))), None)


def count(attributes: JsonMap, *names: str) -> int | None:
    """The first of these that is a number of tokens; some exporters write numbers as text."""
    return next((n for name in names if (n := _count(attributes.get(name))) is not None), None)


def _count(value: Json) -> int | None:
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) <= 12 else None
    return as_count(value)


def seconds(attributes: JsonMap, name: str) -> float | None:
    """A duration as a number, or a number in a text; None for what is none or less than 0."""
    value = attributes.get(name)
    try:
        number = float(value) if isinstance(value, (str, int, float)) else -1.0
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 1e9 else None


def parsed(value: Json) -> Json:
    """A structured value, whether it was sent as such or as JSON in a text; None where that is cut
    off, or hidden by the exporter.
    """
    if not isinstance(value, str):
        return value
    if not value or value == HIDDEN:
        return None
    try:
        return decode(value)
    except UserError:
        return None


def indexed(attributes: JsonMap, prefix: str) -> list[JsonMap] | None:
    """What stands under ``prefix`` followed by 0, 1, 2 …, as a list of nested objects.

    None where nothing does, and where one is missing before the last: then some were lost.
    """
    found: dict[int, dict[str, Json]] = {}
    start = f"{prefix}."
    for name, value in attributes.items():
        if name.startswith(start) and (match := _INDEX.match(name[len(start) :])) is not None:
            _put(found.setdefault(int(match[1]), {}), (match[2] or "").split("."), value)
    if not found or sorted(found) != list(range(len(found))):
        return None
    return [found[i] for i in range(len(found))]


def _put(into: dict[str, Json], path: Iterable[str], value: Json) -> None:
    *way, last = list(path)[:_DEEPEST]
    for name in way:
        inner = into.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        into = inner
    into[last] = value


def listed(whole: Json) -> list[Json]:
    """Items of a list, or of an object whose keys are 0, 1, 2 …"""
    if (items := as_list(whole)) is not None:
        return list(items)
    mapped = as_map(whole) or {}
    numbers = sorted(int(key) for key in mapped if key.isdecimal() and len(key) <= 6)
    return [mapped[str(number)] for number in numbers]
