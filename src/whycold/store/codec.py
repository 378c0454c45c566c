"""Blocks, prompts and replies as bytes, and back.

What is written here is read by every later version: codes are only ever added at the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import count
from typing import Any, Final, cast

import msgspec

from whycold.core.content import Json
from whycold.core.prompt import Block, Breakpoint, Kind, Links, Prompt, Section, Setting

__all__ = [
    "Envelope",
    "Marks",
    "content_numbers",
    "decode_blocks",
    "decode_envelope",
    "decode_marks",
    "decode_value",
    "encode_blocks",
    "encode_envelope",
    "encode_marks",
    "encode_value",
    "from_json",
    "to_json",
    "with_marks",
]

_SECTIONS: Final = (Section.settings, Section.tools, Section.system, Section.messages)
_KINDS: Final = (
    Kind.opaque,
    Kind.text,
    Kind.tool,
    Kind.tool_use,
    Kind.tool_result,
    Kind.thinking,
    Kind.redacted_thinking,
    Kind.image,
    Kind.document,
    Kind.audio,
    Kind.cached_content,
    Kind.chained,
)
_ROLES: Final = (None, "user", "assistant", "system", "developer", "tool", "model")
_SECTION_CODES: Final = {section: code << 4 for code, section in enumerate(_SECTIONS)}
_KIND_CODES: Final = {kind: code for code, kind in enumerate(_KINDS)}
_ROLE_CODES: Final = {role: code << 1 for code, role in enumerate(_ROLES)}
_OTHER_ROLE: Final = 7
_WITH_TOKENS: Final = 64
_OPENS: Final = 1
_WITH_NAME: Final = 64
_PATH_GIVEN, _PATH_CONTENT, _PATH_TOOL, _PATH_SYSTEM = (code << 4 for code in range(4))

_LINKS: Final = tuple(field.name for field in fields(Links))

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


def to_json(value: Json) -> bytes:
    """A value as JSON in UTF-8; lone surrogates stay what they are."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def from_json(data: bytes) -> Any:  # noqa: ANN401
    """The value that ``to_json`` was given, sequences as lists."""
    return json.loads(data.decode("utf-8", "surrogatepass"))


def encode_value(block: Block) -> bytes:
    """What a block holds, as bytes."""
    encoded = block.encoded
    # escapes are six bytes where UTF-8 needs two or three
    if encoded[:1] == b"j" and b"\\u" in encoded:
        return b"j" + to_json(block.value)
    return encoded


def decode_value(data: bytes) -> Json:
    """The value of a block from ``encode_value``."""
    if data[:1] == b"s":
        return data[1:].decode("utf-8", "surrogatepass")
    return cast("Json", from_json(data[1:]))


def encode_blocks(blocks: Iterable[tuple[int, Block]]) -> bytes:
    """Where blocks stand and what they are, each with the number of its content; no markers."""
    # neighbours were kept one after the other, so the difference is mostly one byte
    out: list[int | str | bytes] = []
    content, message = 0, -1
    for number, block in blocks:
        first = _SECTION_CODES[block.section] | _KIND_CODES[block.kind]
        role = _ROLE_CODES.get(block.role, _OTHER_ROLE << 1)
        form, where = _path(block)
        second = form | role | (_OPENS if block.opens else 0)
        if block.name is not None and form != _PATH_TOOL:
            second |= _WITH_NAME
        if block.tokens is not None:
            first |= _WITH_TOKENS
        out += (number - content, first, second, block.message - message)
        if where is not None:
            out.append(where)
        if role >> 1 == _OTHER_ROLE:
            out.append(_text(block.role or ""))
        if second & _WITH_NAME:
            out.append(_text(block.name or ""))
        if block.tokens is not None:
            out.append(block.tokens)
        content, message = number, block.message
    return _pack(out)


def _path(block: Block) -> tuple[int, int | str | bytes | None]:
    """How the path follows from the rest, and what has to be kept of it."""
    path = block.path
    if block.section is Section.tools:
        if block.name is not None and path == f"tools[{block.name}]":
            return _PATH_TOOL, _text(block.name)
        return _PATH_GIVEN, _text(path)
    if block.section is Section.system:
        start, form = "system[", _PATH_SYSTEM
    else:
        start, form = f"messages[{block.message}].content[", _PATH_CONTENT
    if path.startswith(start):
        index = path[len(start) : -1]
        if index.isdecimal() and len(index) < 10 and path == f"{start}{int(index)}]":
            return form, int(index)
    return _PATH_GIVEN, _text(path)


def _text(text: str) -> str | bytes:
    """A text as MessagePack takes it: one with lone surrogates as bytes."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass")


def _read_text(item: object) -> str:
    return item.decode("utf-8", "surrogatepass") if isinstance(item, bytes) else cast("str", item)


def content_numbers(data: bytes) -> list[int]:
    """The numbers of the contents in ``encode_blocks``, in order."""
    return [number for number, _ in _frames(data)]


def decode_blocks(data: bytes, value: Callable[[int], Json]) -> list[Block]:
    """The blocks from ``encode_blocks``, their values by the number of their content."""
    return [frame.block(value(number)) for number, frame in _frames(data)]


@dataclass(frozen=True, slots=True)
class _Frame:
    section: Section
    path: str
    kind: Kind
    role: str | None
    name: str | None
    message: int
    opens: bool
    tokens: int | None

    def block(self, value: Json) -> Block:
        return Block(
            self.section,
            self.path,
            self.kind,
            value,
            role=self.role,
            name=self.name,
            message=self.message,
            opens=self.opens,
            tokens=self.tokens,
        )


def _frames(data: bytes) -> Iterator[tuple[int, _Frame]]:
    items = iter(cast("list[Any]", _unpack(data)))
    content, message = 0, -1
    for delta in items:
        content += delta
        first: int = next(items)
        second: int = next(items)
        message += next(items)
        section, form = _SECTIONS[first >> 4 & 3], second & 48
        name: str | None = None
        if form == _PATH_GIVEN:
            path = _read_text(next(items))
        elif form == _PATH_TOOL:
            name = _read_text(next(items))
            path = f"tools[{name}]"
        elif form == _PATH_SYSTEM:
            path = f"system[{next(items)}]"
        else:
            path = f"messages[{message}].content[{next(items)}]"
        role = second >> 1 & 7
        yield (
            content,
            _Frame(
                section,
                path,
                _KINDS[first & 15],
                _read_text(next(items)) if role == _OTHER_ROLE else _ROLES[role],
                _read_text(next(items)) if second & _WITH_NAME else name,
                message,
                bool(second & _OPENS),
                next(items) if first & _WITH_TOKENS else None,
            ),
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """What of a prompt is often the same from call to call, beside its blocks."""

    settings: tuple[Setting, ...] = ()
    unseen: frozenset[Section] = frozenset()
    inherits: frozenset[Section] = frozenset()
    opaque: int = 0
    stripped: int = 0
    asks: bool | None = None


def encode_envelope(prompt: Prompt) -> bytes:
    """The envelope of a prompt as bytes, equal for equal ones."""
    return b"e" + to_json(
        [
            [[setting.name, setting.value] for setting in prompt.settings],
            sorted(prompt.unseen),
            sorted(prompt.inherits),
            prompt.opaque,
            prompt.stripped,
            prompt.asks,
        ]
    )


def decode_envelope(data: bytes) -> Envelope:
    """The envelope from ``encode_envelope``."""
    settings, unseen, inherits, opaque, stripped, asks = from_json(data[1:])
    return Envelope(
        tuple(Setting(name, value) for name, value in settings),
        frozenset(map(Section, unseen)),
        frozenset(map(Section, inherits)),
        opaque,
        stripped,
        asks,
    )


@dataclass(frozen=True, slots=True)
class Marks:
    """What of a prompt differs from call to call, beside its blocks: where it is marked, and what
    it says of its past.
    """

    breakpoints: Mapping[int, Breakpoint]
    links: Links


def encode_marks(prompt: Prompt) -> bytes:
    """The markers and links of a prompt; empty when there are none."""
    marks = [
        [index, block.breakpoint.ttl, block.breakpoint.automatic]
        for index, block in enumerate(prompt.blocks)
        if block.breakpoint is not None
    ]
    links = {
        name: value
        for name in _LINKS
        if (value := getattr(prompt.links, name)) not in (None, False)
    }
    if not links:
        return to_json([marks]) if marks else b""
    return to_json([marks, links])


def decode_marks(data: bytes) -> Marks:
    """Markers and links from ``encode_marks``."""
    if not data:
        return Marks({}, Links())
    marks, *links = from_json(data)
    told = {name: value for name, value in links[0].items() if name in _LINKS} if links else {}
    return Marks(
        {index: Breakpoint(ttl, automatic) for index, ttl, automatic in marks}, Links(**told)
    )


def with_marks(blocks: Sequence[Block], marks: Mapping[int, Breakpoint]) -> tuple[Block, ...]:
    """The blocks with their markers."""
    if not marks:
        return tuple(blocks)
    return tuple(
        replace(block, breakpoint=marks[index]) if index in marks else block
        for index, block in zip(count(), blocks, strict=False)
    )
