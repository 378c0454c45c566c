"""Bytes to JSON, with one clear line for what is not JSON."""

from __future__ import annotations

import json

import msgspec

from whycold.core.content import Json, JsonMap, as_map
from whycold.errors import UserError

__all__ = ["MAX_BYTES", "MAX_DEPTH", "decode", "decode_map"]

MAX_DEPTH = 200
"""Levels of nesting that are read; deeper input is refused. Real requests stay below 40."""
MAX_BYTES = 256 * 1024 * 1024
"""Longest input that is read. No provider takes a request of more than 50 MB."""

_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
}


def decode(data: bytes | str) -> Json:
    """JSON text as values; the last of two equal keys wins, lone surrogates are kept.

    Bytes are UTF-8, or UTF-16 or UTF-32 as their beginning tells. Raises UserError for what is not
    JSON, is empty, is longer than ``MAX_BYTES``, or is nested deeper than ``MAX_DEPTH``.
    """
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    if not raw.strip():
        raise UserError("is empty")
    if len(raw) > MAX_BYTES:
        raise UserError(f"is longer than {MAX_BYTES // 1024**2} MB, so it is no request")
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
            return json.loads(_text(raw))
        except json.JSONDecodeError as error:
            raise UserError(f"is not JSON: {_fault(error)}") from None
        except ValueError:
            raise UserError("is not JSON that can be read: a number in it is too long") from None


def _text(raw: bytes) -> str:
    """The text of what is no plain UTF-8; bytes that belong to no character are kept as lone
    surrogates.
    """
    packed = next((name for start, name in _PACKED.items() if raw.startswith(start)), None)
    if packed is not None:
        raise UserError(f"is packed ({packed}): unpack it first")
    encoding = json.detect_encoding(raw)
    if not encoding.startswith("utf-8"):
        try:
            return raw.decode(encoding, "surrogatepass")
        except UnicodeDecodeError:
            raise UserError("is not text: expected JSON") from None
    if b"\0" in raw[:1024]:
        raise UserError("is not text: expected JSON")
    return raw.decode(encoding, "surrogateescape")


def _fault(error: json.JSONDecodeError) -> str:
    where = f"(line {error.lineno}, column {error.colno})"
    if error.msg == "Extra data":
        return f"one value ends and another begins {where}; give one request per file"
    message = error.msg.removesuffix(" at")
    return f"{message[:1].lower()}{message[1:]} {where}"


def _deeper_than(value: Json, limit: int) -> bool:
    # decoders make lists and dicts and no others, so that their exact types tell, and quicker
    level: list[list[Json] | dict[str, Json]] = [value] if isinstance(value, (list, dict)) else []
    for _ in range(limit):
        level = [
            child
            for item in level
            for child in (item if isinstance(item, list) else item.values())
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return True
