"""YAML of cassettes, exchange by exchange: no tag makes an object, no alias a bomb."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import yaml

from whycold.core.content import Json
from whycold.errors import UserError
from whycold.providers.body import MAX_DEPTH

__all__ = ["Item", "Value", "items"]

Value: TypeAlias = Json
"""As Json, with bytes where a scalar is ``!!binary``."""

_LISTS = frozenset({"interactions", "http_interactions", "responses"})
_MOST_VALUES = 1_000_000
"""Values of one exchange, each alias counted as what it stands for."""
_YAML: Any = yaml
"""The package says little of its types."""
_LOADER: Any = getattr(_YAML, "CSafeLoader", _YAML.SafeLoader)
"""libyaml; Python's own takes a hundred times as long."""
_INT = re.compile(r"[-+]?(?:0|[1-9]\d{0,17})\Z")
_FLOAT = re.compile(r"[-+]?(?:\d{1,18}\.\d*|\.\d+)(?:[eE][-+]?\d{1,3})?\Z")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Item(NamedTuple):
    """An exchange of a cassette, and where it stands: characters of the file."""

    value: Value
    begins: int
    ends: int


class _Frame:
    """A list or map that is being read. ``given`` is a list whose items are handed out."""

    __slots__ = ("anchor", "begins", "given", "key", "list", "map", "weight")

    def __init__(self, anchor: str | None, begins: int, *, is_list: bool, given: bool) -> None:
        self.list: list[Value] | None = [] if is_list else None
        self.map: dict[str, Value] = {}
        self.anchor, self.begins, self.given = anchor, begins, given
        self.key: str | None = None
        self.weight = 1

    @property
    def value(self) -> Value:
        return self.map if self.list is None else self.list

    def add(self, value: Value) -> None:
        if self.list is not None:
            if not self.given:
                self.list.append(value)
        elif self.key is None:
            self.key = str(value) if isinstance(value, (str, int, float)) else ""
        else:
            if self.key == "<<" and isinstance(value, dict):
                self.map = {**value, **self.map}
            else:
                self.map[self.key] = value
            self.key = None


def items(data: bytes) -> Iterator[Item]:
    """What the list of exchanges of a cassette holds, one after the other: the list under
    ``interactions`` (or its like) of a map, or the document itself where that is a list.

    Maps are dicts, sequences lists, scalars text, numbers, truth values, None, or bytes where they
    are ``!!binary``; every other tag is passed over. Raises UserError where the rest cannot be
    read; what comes before was given.
    """
    reading = _Reading()
    try:
        for event in _YAML.parse(data, Loader=_LOADER):
            found = reading.take(event)
            if found is not None:
                yield found
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 0
        raise UserError(f"is no YAML in line {line}: {error.problem}") from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise UserError(f"is no YAML: {str(error).splitlines()[0]}") from None


class _Reading:
    """A document as its events come."""

    def __init__(self) -> None:
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Value, int]] = {}

    def take(self, event: yaml.Event) -> Item | None:
        """The exchange that ends with an event, if one does."""
        begins, ends = event.start_mark.index, event.end_mark.index
        if isinstance(event, yaml.ScalarEvent):
            return self._complete(_scalar(event), 1, event.anchor, begins, ends)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise UserError("holds an alias of nothing, or of itself")
            value, weight = self._anchors[event.anchor]
            return self._complete(value, weight, None, begins, ends)
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            self._open(event, begins)
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            done = self._stack.pop()
            return self._complete(done.value, done.weight, done.anchor, done.begins, ends)
        return None

    def _open(self, event: yaml.CollectionStartEvent, begins: int) -> None:
        is_list = isinstance(event, yaml.SequenceStartEvent)
        top = self._stack[-1] if self._stack else None
        listed = top is None or (len(self._stack) == 1 and top.key in _LISTS)
        if len(self._stack) >= MAX_DEPTH:
            raise UserError(f"is nested deeper than {MAX_DEPTH} levels")
        given = is_list and listed
        self._stack.append(_Frame(event.anchor, begins, is_list=is_list, given=given))

    def _complete(
        self, value: Value, weight: int, anchor: str | None, begins: int, ends: int
    ) -> Item | None:
        if weight > _MOST_VALUES:
            raise UserError(f"holds more than {_MOST_VALUES:,} values, with its aliases")
        if anchor is not None:
            self._anchors[anchor] = (value, weight)
        if not self._stack:
            return None
        top = self._stack[-1]
        top.add(value)
        if top.given:
            return Item(value, begins, ends)
        top.weight += weight
        return None


def _scalar(event: yaml.ScalarEvent) -> Value:
    text: str = event.value
    if event.tag is not None and event.tag.endswith("binary"):
        try:
            return base64.b64decode(text)
        except (binascii.Error, ValueError):
            return text
    if not event.implicit[0] or event.style:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text
