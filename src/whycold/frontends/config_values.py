"""How the values of settings are written: sizes, spans, ports, modes; each says what it wants."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from whycold.core.content import Json

__all__ = [
    "BadValue",
    "or_never",
    "read_choice",
    "read_flag",
    "read_names",
    "read_number",
    "read_port",
    "read_size",
    "read_span",
    "read_text",
]

_T = TypeVar("_T")
_CHOICE = TypeVar("_CHOICE", bound=StrEnum)
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,3})?)\s*([kmgt]?)i?b?\Z", re.IGNORECASE)
_SIZE_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SPAN = re.compile(r"(\d{1,6})\s*([smhdw])\Z")
_SPAN_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class BadValue(ValueError):
    """What a setting wants instead; the caller says which setting and where it stands."""


def read_text(value: Json) -> str:
    """A string that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise BadValue("wants a text that is not empty")
    return value.strip()


def read_names(value: Json) -> tuple[str, ...]:
    """A list of strings, or one string with commas."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise BadValue('wants a list of names, such as ["one", "two"]')
    return tuple(item.strip() for item in items if isinstance(item, str) and item.strip())


def read_flag(value: Json) -> bool:
    """true or false."""
    if isinstance(value, bool):
        return value
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, str) and value.lower() in known:
        return known[value.lower()]
    raise BadValue("wants true or false")


def read_number(value: Json) -> int:
    """A whole number from 0 up."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadValue("wants a whole number from 0 up")
    return value


def read_port(value: Json) -> int:
    """A port; 0 takes a free one."""
    try:
        port = read_number(value)
    except BadValue:
        port = 65536
    if port > 65535:
        raise BadValue("wants a port from 1 to 65535, or 0 for a free one")
    return port


def read_size(value: Json) -> int:
    """Bytes: a number, or a number with KB, MB, GB or TB (of 1024)."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, str) and (found := _SIZE.match(value.strip())):
        size = int(float(found[1]) * _SIZE_UNITS[found[2].lower()])
        if size > 0:
            return size
    raise BadValue('wants a size, such as "512MB" or "2GB"')


def read_span(value: Json) -> timedelta:
    """A time such as "30d", "24h" or "90s"."""
    if isinstance(value, str) and (found := _SPAN.match(value.strip())):
        return timedelta(seconds=int(found[1]) * _SPAN_UNITS[found[2]])
    raise BadValue('wants a time, such as "30d", "24h" or "90s"')


def or_never(read: Callable[[Json], _T]) -> Callable[[Json], _T | None]:
    """The same, or "never" for no bound: None."""

    def read_or_never(value: Json) -> _T | None:
        if isinstance(value, str) and value.strip().lower() == "never":
            return None
        try:
            return read(value)
        except BadValue as error:
            raise BadValue(f'{error}, or "never"') from None

    return read_or_never


def read_choice(kind: type[_CHOICE]) -> Callable[[Json], _CHOICE]:
    """One word of a closed set."""

    def read(value: Json) -> _CHOICE:
        try:
            return kind(value if isinstance(value, str) else "")
        except ValueError:
            raise BadValue(f"wants one of {', '.join(kind)}") from None

    return read
