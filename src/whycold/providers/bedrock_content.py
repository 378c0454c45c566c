"""Content of Converse messages as blocks: the request and the reply read it the same way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text, encode
from whycold.core.prompt import Block, Kind, Section
from whycold.providers.anthropic_blocks import IMAGE_DEFAULT, image_tokens
from whycold.providers.anthropic_rules import is_sharp
from whycold.providers.images import base64_image_size

__all__ = ["Place", "content_block", "images_in"]

_BYTES_PER_TOKEN = 4

_KINDS = {
    "text": Kind.text,
    "guardContent": Kind.text,
    "citationsContent": Kind.text,
    "image": Kind.image,
    "document": Kind.document,
    "searchResult": Kind.document,
    "video": Kind.document,
    "audio": Kind.audio,
    "toolUse": Kind.tool_use,
    "toolResult": Kind.tool_result,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block stands; ``model`` decides how many tokens an image takes."""

    section: Section
    path: str
    role: str | None = None
    message: int = -1
    opens: bool = False
    model: str | None = None


def content_block(part: Json, place: Place, tools: dict[str, str]) -> Block:
    """One content block; ``tools`` maps the ids of tool uses to names, and learns new ones.

    A text block gets its text as value, every other one the object as it was sent. What is no block
    of a known kind is opaque.
    """
    value, kind, name = part, Kind.opaque, None
    found = as_map(part)
    if isinstance(part, str):
        kind = Kind.text
    elif found is not None and len(found) == 1:
        ((key, inner),) = found.items()
        kind = _kind(key, inner)
        name = _tool_name(kind, as_map(inner) or {}, tools)
        if key == "text" and kind is Kind.text:
            value = inner
    return Block(
        section=place.section,
        path=place.path,
        kind=kind,
        value=value,
        role=place.role,
        name=name,
        message=place.message,
        opens=place.opens,
        tokens=_tokens(value, place.model),
    )


def _kind(key: str, inner: Json) -> Kind:
    if key == "text":
        return Kind.text if isinstance(inner, str) else Kind.opaque
    if key == "reasoningContent":
        redacted = "redactedContent" in (as_map(inner) or {})
        return Kind.redacted_thinking if redacted else Kind.thinking
    return _KINDS.get(key, Kind.opaque)


def _tool_name(kind: Kind, inner: JsonMap, tools: dict[str, str]) -> str | None:
    called = as_text(inner.get("toolUseId"))
    if kind is Kind.tool_use:
        name = as_text(inner.get("name"))
        if name is not None and called is not None:
            tools[called] = name
        return name
    return tools.get(called or "") if kind is Kind.tool_result else None


def images_in(value: Json) -> Iterator[JsonMap]:
    """The images in the value of a block: itself, or those inside a tool result."""
    block = as_map(value) or {}
    image = as_map(block.get("image"))
    if image is not None:
        yield image
    result = as_map(block.get("toolResult")) or {}
    for part in as_list(result.get("content")) or ():
        yield from images_in(part)


def _tokens(value: Json, model: str | None) -> int | None:
    """Tokens of an image, or of a tool result that holds one; None for everything else.

    As Claude counts them; how Nova does is not published in tokens.
    """
    images = list(images_in(value))
    if not images:
        return None
    encoded = [as_text((as_map(i.get("source")) or {}).get("bytes")) or "" for i in images]
    sizes = [base64_image_size(data) for data in encoded]
    sharp = is_sharp(model)
    pictures = sum(image_tokens(*s, sharp=sharp) if s else IMAGE_DEFAULT for s in sizes)
    beside = len(encode(value)) - sum(len(data) for data in encoded)
    return pictures + beside // _BYTES_PER_TOKEN
