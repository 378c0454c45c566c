"""Bytes to JSON, with one clear line for what is not JSON."""

from __future__ import annotations

import json

import msgspec

from whycold.core.content import Json, JsonMap, as_map
from whycold.errors import UserError

__all__ = ["MAX_DEPTH", "decode", "decode_map"]

MAX_DEPTH = 200
"""Levels of nesting that are read; deeper input is refused. Real requests stay below 40."""


def decode(data: bytes | str) -> Json:
    """JSON text as values; the last of two equal keys wins, lone surrogates are kept.

    Raises UserError for what is not JSON, is empty, or is nested deeper than ``MAX_DEPTH``.
    """
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    if not raw.strip():
        raise UserError("is empty")
    try:
        value = _parse(raw)
    except RecursionError:
        raise UserError(f"is nested deeper than {MAX_DEPTH} levels") from None
    if _deeper_than(value, MAX_DEPTH):
        raise UserError(f"is nested deeper than {MAX_DEPTH} levels")
    return value


def decode_map(data: bytes | str) -> JsonMap:
    """As ``decode`` for input that must be a JSON object."""
    value = as_map(decode(data))
    if value is None:
        raise UserError("is JSON, but not an object")
    return value


def _parse(raw: bytes) -> Json:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # slower, but takes a byte order mark, NaN and lone surrogates, and says where the fault is
        try:
            return json.loads(raw.decode("utf-8-sig", "surrogateescape"))
        except json.JSONDecodeError as error:
            raise UserError(f"is not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
        except ValueError as error:  # an integer with more digits than Python converts
            raise UserError(f"is not JSON that can be read: {error}") from None


def _deeper_than(value: Json, limit: int) -> bool:
    level: list[Json] = [value]
    for _ in range(limit):
        level = [
            child
            for item in level
            if isinstance(item, (list, dict))
            for child in (item if isinstance(item, list) else item.values())
            if isinstance(child, (list, dict))
        ]
        if not level:
            return False
    return True
