"""What both OpenAI formats have in common: content parts, tools and markers as blocks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Block, Breakpoint, Kind, Section
from whycold.providers.openai_images import image_tokens

__all__ = ["Part", "Reading", "in_order", "listed", "read_parts", "read_system", "read_tools"]

_MARKERS = ("prompt_cache_breakpoint", "cache_control")
_SECRETS = frozenset({"authorization", "headers"})
"""What an MCP tool carries for its server: credentials, no text for the model."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.:/-]+")

_KINDS: Mapping[str, Kind] = {
    "text": Kind.text,
    "input_text": Kind.text,
    "output_text": Kind.text,
    "refusal": Kind.text,
    "thinking": Kind.thinking,
    "reasoning_text": Kind.thinking,
    "summary_text": Kind.thinking,
    "redacted_thinking": Kind.redacted_thinking,
    "encrypted_content": Kind.redacted_thinking,
    "image": Kind.image,
    "image_url": Kind.image,
    "input_image": Kind.image,
    "computer_screenshot": Kind.image,
    "audio": Kind.audio,
    "audio_url": Kind.audio,
    "input_audio": Kind.audio,
    "document": Kind.document,
    "document_url": Kind.document,
    "file": Kind.document,
    "input_file": Kind.document,
    "tool_use": Kind.tool_use,
    "tool_result": Kind.tool_result,
}
_TEXTS = frozenset({"text", "input_text", "output_text", "reasoning_text", "summary_text"})
_BESIDE_TEXT = frozenset({"type", "text", "annotations", "logprobs"})
"""Keys of a text part that hold no more of the prompt than the text does."""


_CALL_FIELDS = ("id", "call_id", "name", "arguments", "input")


@dataclass
class Reading:
    """Blocks as they are found, in the order in which they are rendered.

    ``model`` is needed for images, ``ttl`` is the lifetime of a marker of OpenAI's own that names
    none, ``own_markers`` counts those. ``systems`` counts the system blocks, ``stripped`` what the
    provider takes out of the prompt.
    """

    model: str | None = None
    ttl: str | None = None
    blocks: list[Block] = field(default_factory=list[Block])
    own_markers: int = 0
    systems: int = 0
    stripped: int = 0
    _names: dict[str, int] = field(default_factory=dict[str, int])

    def add(
        self,
        path: str,
        kind: Kind,
        value: Json,
        *,
        section: Section = Section.messages,
        role: str | None = None,
        name: str | None = None,
        message: int = -1,
        mark: Breakpoint | None = None,
        tokens: int | None = None,
    ) -> None:
        """Take one block; the first one of its message opens it."""
        last = self.blocks[-1] if self.blocks else None
        opens = message >= 0 and (
            last is None or (last.message, last.section) != (message, section)
        )
        self.blocks.append(
            Block(section, path, kind, value, role, name, message, opens, mark, tokens)
        )

    def unmarked(self, raw: JsonMap) -> tuple[JsonMap, Breakpoint | None]:
        """The object without markers, and the marker: OpenAI's own or ``cache_control``."""
        if "prompt_cache_breakpoint" not in raw and "cache_control" not in raw:
            return raw, None
        bare = {k: v for k, v in raw.items() if k not in _MARKERS}
        own = as_map(raw.get("prompt_cache_breakpoint"))
        if own is not None:
            self.own_markers += 1
            return bare, Breakpoint(as_text(own.get("ttl")) or self.ttl)
        control = as_map(raw.get("cache_control"))
        return bare, None if control is None else Breakpoint(as_text(control.get("ttl")))

    def mark_last(self, mark: Breakpoint, since: int = 0) -> None:
        """Put a marker on the last block, unless it has one; blocks before ``since`` are let be."""
        if len(self.blocks) > since and self.blocks[-1].breakpoint is None:
            self.blocks[-1] = replace(self.blocks[-1], breakpoint=mark)

    def unique(self, stem: str) -> str:
        """The path ``stem]``; the second tool of a name gets ``#2``."""
        count = self._names[stem] = self._names.get(stem, 0) + 1
        return f"{stem}]" if count == 1 else f"{stem}#{count}]"

    @property
    def marked(self) -> bool:
        """Whether any block carries a marker."""
        return any(block.breakpoint is not None for block in self.blocks)

    @property
    def opaque(self) -> int:
        """How many blocks are of unknown kind."""
        return sum(block.kind is Kind.opaque for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Part:
    """One content part: what a block takes from it."""

    kind: Kind
    value: Json
    mark: Breakpoint | None = None
    tokens: int | None = None


def listed(value: Json) -> Sequence[Json]:
    """The items of a list; what is no list and not null is one item, so that it is seen."""
    if value is None:
        return ()
    items = as_list(value)
    return (value,) if items is None else items


def in_order(call: JsonMap) -> dict[str, Json]:
    """A tool call with its known fields first, in one order; the others as they were sent."""
    names = dict.fromkeys((*_CALL_FIELDS, *call))
    return {name: call[name] for name in names if call.get(name) is not None}


def read_parts(content: Json, reading: Reading) -> list[Part]:
    """The parts of a message's content; an empty text alone is as good as none."""
    if isinstance(content, str):
        return [Part(Kind.text, content)] if content else []
    parts = [_part(item, reading) for item in listed(content)]
    if len(parts) == 1 and parts[0].value == "" and parts[0].mark is None:
        return []
    return parts


def _part(raw: Json, reading: Reading) -> Part:
    if isinstance(raw, str):
        return Part(Kind.text, raw)
    found = as_map(raw)
    if found is None:
        return Part(Kind.opaque, raw)
    value, mark = reading.unmarked(found)
    type_ = as_text(value.get("type"))
    text = as_text(value.get("text"))
    if type_ is None and text is not None:
        type_ = "text"
    kind = _KINDS.get(type_ or "", Kind.opaque)
    if type_ in _TEXTS:
        if text is None:
            return Part(Kind.opaque, value, mark)
        return Part(kind, text if value.keys() <= _BESIDE_TEXT else value, mark)
    tokens = image_tokens(value, reading.model) if kind is Kind.image else None
    return Part(kind, value, mark, tokens)


def read_system(content: Json, reading: Reading, role: str | None, message: int = -1) -> None:
    """Take instructions, or the content of a leading system message: each part is a block."""
    for part in read_parts(content, reading):
        reading.add(
            f"system[{reading.systems}]",
            part.kind,
            part.value,
            section=Section.system,
            role=role,
            message=message,
            mark=part.mark,
            tokens=part.tokens,
        )
        reading.systems += 1


def read_tools(
    raw: Json,
    reading: Reading,
    at: str = "tools",
    *,
    section: Section = Section.tools,
    message: int = -1,
) -> None:
    """Take a list of tools: of Chat Completions (wrapped), of Responses, or legacy functions."""
    for index, item in enumerate(listed(raw)):
        tool = as_map(item)
        if tool is None:
            reading.add(f"{at}[{index}]", Kind.opaque, item, section=section, message=message)
            continue
        value, mark = _tool(tool, reading)
        name = _tool_name(value)
        path = reading.unique(f"{at}[{_quoted(name or str(index))}")
        inner = value.pop("tools", None) if value.get("type") == "namespace" else None
        kind = Kind.tool if name else Kind.opaque
        reading.add(
            path, kind, value, section=section, name=name or None, message=message, mark=mark
        )
        if inner is not None:
            read_tools(inner, reading, f"{path}.tools", section=section, message=message)


def _tool(raw: JsonMap, reading: Reading) -> tuple[dict[str, Json], Breakpoint | None]:
    """A tool without wrapper, markers and credentials, and the marker."""
    bare, mark = reading.unmarked(raw)
    for wrapper in ("function", "custom"):
        inner = as_map(bare.get(wrapper))
        if inner is not None and bare.get("type", wrapper) == wrapper:
            inside, mark_inside = reading.unmarked(inner)
            beside = {k: v for k, v in bare.items() if k != wrapper and (k, v) != _FUNCTION}
            return {**beside, **inside}, mark or mark_inside
    hidden: frozenset[str] = _SECRETS if bare.get("type") == "mcp" else frozenset()
    return {k: v for k, v in bare.items() if k not in hidden}, mark


_FUNCTION = ("type", "function")


def _tool_name(tool: JsonMap) -> str:
    if tool.get("type") == "mcp":
        return f"mcp:{as_text(tool.get('server_label')) or ''}"
    return as_text(tool.get("name")) or as_text(tool.get("type")) or ""


def _quoted(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else json.dumps(name)
