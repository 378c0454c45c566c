"""What a tool is asked: arguments by their JSON Schema, read as the command line's are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches

from whycold.core.content import Json, JsonMap
from whycold.core.diagnosis import Reason
from whycold.errors import UserError
from whycold.frontends.filters import FILTERS, Asked, read_asked
from whycold.frontends.mcp.fitting import DEFAULT_BUDGET, LARGEST_BUDGET, SMALLEST_BUDGET

__all__ = [
    "BUDGET",
    "CURSOR",
    "FILTER_SCHEMAS",
    "Arguments",
    "choice",
    "flag",
    "limit",
    "number",
    "words",
]

_WORDS_FOR = {"string": "a text", "integer": "a whole number", "boolean": "true or false"}


def words(text: str) -> JsonMap:
    """The schema of a text."""
    return {"type": "string", "description": text}


def choice(text: str, of: Iterable[str]) -> JsonMap:
    """The schema of one of several words."""
    return {"type": "string", "enum": list(of), "description": text}


def flag(text: str) -> JsonMap:
    """The schema of a switch, off by default."""
    return {"type": "boolean", "default": False, "description": text}


def number(text: str, default: int, least: int, most: int) -> JsonMap:
    """The schema of a whole number."""
    return {
        "type": "integer",
        "minimum": least,
        "maximum": most,
        "default": default,
        "description": text,
    }


def limit(default: int, most: int = 100) -> JsonMap:
    """The schema of the number of items on a page."""
    return number("At most so many items on a page; fewer where the budget asks.", default, 1, most)


BUDGET: JsonMap = {
    "budget": number(
        "Tokens that the answer may take; more of it comes with the cursor next.",
        DEFAULT_BUDGET,
        SMALLEST_BUDGET,
        LARGEST_BUDGET,
    )
}
CURSOR: JsonMap = {"cursor": words("Go on where an earlier page ended: its next.")}
FILTER_SCHEMAS: JsonMap = {
    name: choice(text, Reason) if name == "reason" else words(text)
    for name, text in FILTERS.items()
}
"""The filters of the command line, with its words."""


class Arguments:
    """The arguments of one call of a tool, as its schema allows them; null counts as not given.

    Raises UserError for names that the tool does not have (a filter would be missed in silence),
    for values of another type, and for what is required and not there.
    """

    def __init__(self, given: JsonMap, schema: JsonMap, required: Iterable[str] = ()) -> None:
        self._schema = schema
        for name in given:
            if name not in schema:
                near = get_close_matches(name, schema, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(schema)}"
                raise UserError(f"there is no argument {name!r}; {hint}")
        self._given = {name: value for name, value in given.items() if value is not None}
        for name in required:
            if self._given.get(name) in (None, ""):
                raise UserError(f"give the argument {name}")

    def text(self, name: str) -> str | None:
        """A text; one of the known words where the schema lists them."""
        value = self._given.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._wrong(name, value)
        known = self._of(name).get("enum")
        # what the filters know is read as the command line reads it
        if isinstance(known, list) and name not in FILTERS and value not in known:
            raise UserError(f"{name} {value!r}: there are {', '.join(map(str, known))}")
        return value

    def needed(self, name: str) -> str:
        """A text that is required."""
        return self.text(name) or ""

    def value(self, name: str) -> Json:
        """A value of any type."""
        return self._given.get(name)

    def number(self, name: str) -> int:
        """A whole number within its bounds; digits in quotes will do, since models send them."""
        value, schema = self._given.get(name), self._of(name)
        least, most, default = (schema[key] for key in ("minimum", "maximum", "default"))
        assert isinstance(least, int) and isinstance(most, int) and isinstance(default, int)
        if value is None:
            return default
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(name, value)
        if not least <= value <= most:
            raise UserError(f"{name} {value}: give a number from {least} to {most}")
        return value

    def flag(self, name: str) -> bool:
        """A switch."""
        value = self._given.get(name, False)
        if not isinstance(value, bool):
            raise self._wrong(name, value)
        return value

    def asked(self, now: datetime) -> Asked:
        """The filters, read as the command line reads them. Raises UserError."""
        return read_asked({name: self.text(name) for name in FILTERS if name in self._schema}, now)

    def _of(self, name: str) -> JsonMap:
        schema = self._schema[name]
        assert isinstance(schema, Mapping)
        return schema

    def _wrong(self, name: str, value: Json) -> UserError:
        wanted = _WORDS_FOR.get(str(self._of(name).get("type")), "another value")
        return UserError(f"{name} {str(value)[:40]!r}: give {wanted}")
