"""What a block holds: JSON values, compared and digested in the order in which they were sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

__all__ = [
    "Json",
    "JsonMap",
    "as_list",
    "as_map",
    "as_text",
    "digest",
    "encode",
    "same_as_sent",
    "weigh",
]

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
JsonMap: TypeAlias = "Mapping[str, Json]"

_DIGEST_BYTES = 16
_AS_SENT = json.JSONEncoder(separators=(",", ":"))
_SORTED = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


def encode(value: Json, *, sort_keys: bool = False) -> bytes:
    """The value as bytes that are equal exactly when the values are equal as sent.

    Strings are taken as they are, lone surrogates included; everything else as compact JSON. With
    ``sort_keys``, values that differ only in the order of their keys are equal.
    """
    if isinstance(value, str):
        return b"s" + value.encode("utf-8", "surrogatepass")
    return b"j" + (_SORTED if sort_keys else _AS_SENT).encode(value).encode("ascii")


def digest(*parts: bytes) -> bytes:
    """16 bytes that name the parts, each told apart from the next by its length."""
    # sha256: prompts may be chosen by an attacker, and the standard library's is the fastest that
    # withstands it
    state = hashlib.sha256()
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.digest()[:_DIGEST_BYTES]


def same_as_sent(a: Json, b: Json) -> bool:
    """Whether two values would be sent as the same JSON: types, key order and all."""
    if a is b:
        return True
    if isinstance(a, str):
        return isinstance(b, str) and a == b
    return a == b and _same_shape(a, b)


def _same_shape(a: Json, b: Json) -> bool:
    """Whether two equal values have the same types (1, 1.0 and true are equal) and key orders."""
    if a is b:
        return True
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(map(_same_shape, a.values(), b.values()))
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return all(map(_same_shape, a, b))
    return type(a) is type(b)


def weigh(value: Json) -> int:
    """Bytes that a value takes in a prompt, without escapes; strings weigh what they hold."""
    total = 0
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, str):
            # UTF-8 is nearer to tokens than characters are: a Chinese character is 3 bytes
            ascii = item.isascii()
            total += len(item) if ascii else len(item.encode("utf-8", "surrogatepass"))
        elif isinstance(item, dict):
            total += 2 + 4 * len(item) + sum(map(len, item))
            rest += item.values()
        elif isinstance(item, (list, tuple)):
            total += 2 + len(item)
            rest += item
        else:
            total += 4
    return total


def as_map(value: Json) -> JsonMap | None:
    """The value if it is an object, else None: a wrong type in a known field is never an error."""
    return cast("JsonMap", value) if isinstance(value, dict) else None


def as_list(value: Json) -> Sequence[Json] | None:
    """The value if it is an array, else None."""
    return cast("Sequence[Json]", value) if isinstance(value, (list, tuple)) else None


def as_text(value: Json) -> str | None:
    """The value if it is a string, else None."""
    return value if isinstance(value, str) else None
