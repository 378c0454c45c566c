"""Content blocks of Anthropic Messages, in a request and in a reply, to blocks of the prompt."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Block, Breakpoint, Kind, Section
from whycold.providers.images import base64_image_size

__all__ = [
    "IMAGE_DEFAULT",
    "PDF_PAGE",
    "Place",
    "bare",
    "image_tokens",
    "marker",
    "nested",
    "read_block",
]

IMAGE_DEFAULT = 1_568
"""Tokens of an image of unknown size (a URL, a file id): the most of the standard tier."""
PDF_PAGE = 2_300
"""Tokens of a PDF page, text and picture (Claude docs, PDF support: 3 pages are about 7,000)."""
_BYTES_PER_TOKEN = 4
_PATCH = 28
_PAGE = re.compile(rb"/Type\s*/Page\b")

_KINDS: Mapping[str, Kind] = {
    "text": Kind.text,
    "compaction": Kind.text,
    "image": Kind.image,
    "document": Kind.document,
    "search_result": Kind.document,
    "container_upload": Kind.document,
    "thinking": Kind.thinking,
    "redacted_thinking": Kind.redacted_thinking,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block stands.

    ``opens`` is true for the first block of message number ``message``, ``sharp`` for models that
    see images at the high resolution.
    """

    section: Section
    path: str
    role: str | None = None
    message: int = -1
    opens: bool = False
    sharp: bool = False


def read_block(raw: Json, place: Place, tools: Mapping[str, str]) -> Block:
    """One content block; ``tools`` maps the ids of tool uses to their names.

    A plain text block gets its text as value, every other one the object without markers and
    without keys that are null. What is no block of a known type is opaque.
    """
    whole = as_map(raw)
    if whole is None:
        return _block(place, Kind.opaque, raw)
    value, mark = bare(whole)
    kind = _kind_of(value)
    if kind is Kind.text and set(value) == {"type", "text"}:
        return _block(place, kind, value["text"], mark=mark)
    called = as_text(value.get("name")) or tools.get(as_text(value.get("tool_use_id")) or "")
    return _block(place, kind, value, called, mark, _media_tokens(value, sharp=place.sharp))


def _block(
    place: Place,
    kind: Kind,
    value: Json,
    name: str | None = None,
    mark: Breakpoint | None = None,
    tokens: int | None = None,
) -> Block:
    return Block(
        section=place.section,
        path=place.path,
        kind=kind,
        value=value,
        role=place.role,
        name=name,
        message=place.message,
        opens=place.opens,
        breakpoint=mark,
        tokens=tokens,
    )


def _kind_of(value: JsonMap) -> Kind:
    """The kind of a content block, server tools' own blocks included."""
    kind = as_text(value.get("type")) or ""
    if kind == "text" and as_text(value.get("text")) is None:
        return Kind.opaque
    if kind.endswith("tool_result"):
        return Kind.tool_result
    if kind.endswith("tool_use"):
        return Kind.tool_use
    return _KINDS.get(kind, Kind.opaque)


def marker(raw: JsonMap) -> Breakpoint | None:
    """The cache marker on an object."""
    control = as_map(raw.get("cache_control"))
    return None if control is None else Breakpoint(as_text(control.get("ttl")))


def bare(raw: JsonMap) -> tuple[JsonMap, Breakpoint | None]:
    """A content block without what is not content, and the marker that was on it or in it.

    Markers, keys that are null and empty citations go; so do markers inside a result or document. A
    content of one plain text block becomes that text. Arguments of a tool use are left alone.
    """
    mark: Breakpoint | None = None
    value: dict[str, Json] = {}
    for key, child in raw.items():
        if key == "cache_control" or child is None or (key == "citations" and child == []):
            continue
        inner: Breakpoint | None = None
        if key == "content" and (items := as_list(child)) is not None:
            child, inner = _bare_items(items)
        elif key in ("content", "source") and (item := as_map(child)) is not None:
            child, inner = bare(item)
        value[key] = child
        mark = inner or mark
    return value, marker(raw) or mark


def _bare_items(items: Sequence[Json]) -> tuple[Json, Breakpoint | None]:
    mark: Breakpoint | None = None
    values: list[Json] = []
    for item in items:
        whole = as_map(item)
        if whole is not None:
            item, inner = bare(whole)
            mark = inner or mark
        values.append(item)
    if len(values) == 1 and (only := as_map(values[0])) is not None:
        text = as_text(only.get("text"))
        if text is not None and only.get("type") == "text" and len(only) == 2:
            return text, mark
    return values, mark


def nested(value: JsonMap) -> Iterator[JsonMap]:
    """A content block and the blocks inside it: results hold images, documents hold content."""
    yield value
    for item in _inside(value):
        block = as_map(item)
        if block is not None:
            yield from nested(block)


def _inside(value: JsonMap) -> Iterator[Json]:
    for key in ("content", "source"):
        child = value.get(key)
        if child is not None:
            yield from as_list(child) or (child,)


def _media_tokens(value: JsonMap, *, sharp: bool = False) -> int | None:
    """Tokens of an image or a document, or of a result that holds one; None for everything else."""
    if not isinstance(value.get("content"), (list, dict)) and "source" not in value:
        return None
    kind, source = value.get("type"), as_map(value.get("source"))
    if source is not None and kind == "image":
        size = base64_image_size(as_text(source.get("data")) or "")
        return IMAGE_DEFAULT if size is None else image_tokens(*size, sharp=sharp)
    if source is not None and kind == "document" and source.get("type") not in ("text", "content"):
        return _pages(as_text(source.get("data"))) * PDF_PAGE
    counted = [(item, _media_tokens(as_map(item) or {}, sharp=sharp)) for item in _inside(value)]
    if all(tokens is None for _, tokens in counted):
        return None
    # beside a picture the rest must be weighed too, since the estimate replaces the block's size
    return sum(len(str(i)) // _BYTES_PER_TOKEN if n is None else n for i, n in counted)


def _pages(data: str | None) -> int:
    """Pages of a PDF in base64 as far as they can be counted without unpacking it, at least 1."""
    try:
        raw = base64.b64decode(data or "")
    except (binascii.Error, ValueError):
        return 1
    return max(1, len(_PAGE.findall(raw)))


def image_tokens(width: int, height: int, *, sharp: bool) -> int:
    """Tokens of an image: one per patch of 28 x 28 pixels, after scaling it down to the limits.

    The limits are 1,568 tokens and pixels on the long edge, and 4,784 and 2,576 for models from
    Opus 4.7 on (Claude docs, Images and vision, read 2026-11-23).
    """
    most, edge = (4_784, 2_576) if sharp else (1_568, 1_568)
    long, short = max(width, height), min(width, height)
    low, high = 1, min(long, edge)
    while low < high:
        middle = (low + high + 1) // 2
        if _patches(middle, max(1, round(middle * short / long))) <= most:
            low = middle
        else:
            high = middle - 1
    return _patches(low, max(1, round(low * short / long)))


def _patches(width: int, height: int) -> int:
    return -(-width // _PATCH) * -(-height // _PATCH)
