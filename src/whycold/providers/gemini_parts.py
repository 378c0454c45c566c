"""Parts of Gemini contents as blocks: the request and the reply read them the same way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Block, Kind, Section
from whycold.providers.gemini_media import media_tokens

__all__ = ["camel", "many", "member", "part_block", "parts_of", "plain"]

_TOOL_USE = ("functionCall", "executableCode", "toolCall")
_TOOL_RESULT = ("functionResponse", "codeExecutionResult", "toolResponse")
_CODE = ("executableCode", "codeExecutionResult")


@lru_cache(maxsize=256)
def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


@lru_cache(maxsize=256)
def camel(name: str) -> str:
    """A field's name in the spelling of the API reference."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def member(value: JsonMap | None, name: str) -> Json:
    """A field by its camelCase name, however it was spelled; None when it was not sent.

    The API takes both spellings for one field (ProtoJSON, protobuf.dev, read 2026-11-23).
    """
    if value is None:
        return None
    return value[name] if name in value else value.get(_snake(name))


def many(value: Json) -> Sequence[Json]:
    """A repeated field as a list: the API also takes a single object for it."""
    if value is None:
        return ()
    listed = as_list(value)
    return listed if listed is not None else (value,)


def parts_of(content: Json) -> Sequence[Json]:
    """The parts of one Content; a bare string, as client libraries log it, is one text part."""
    found = as_map(content)
    if found is None:
        return many(content)
    return many(found.get("parts"))


def plain(part: JsonMap) -> JsonMap:
    """The part under its camelCase names, without a ``thought`` that says nothing."""
    named = {camel(name): value for name, value in part.items()}
    if named.get("thought") is False:
        del named["thought"]
    return named


def part_block(
    part: Json,
    section: Section,
    path: str,
    *,
    role: str | None = None,
    message: int = -1,
    opens: bool = False,
    model: str | None = None,
) -> Block:
    """One part as a block; what is no part, or of a kind not known, is opaque."""
    found = as_map(part)
    value: Json = part
    kind, name, tokens = Kind.opaque, None, None
    if isinstance(part, str):
        kind = Kind.text
    elif found is not None:
        found = plain(found)
        kind, name = _kind(found)
        value = found
        if len(found) == 1 and kind is Kind.text:
            value = found["text"]
        elif kind in (Kind.image, Kind.document):
            tokens = media_tokens(found, kind, model)
    return Block(section, path, kind, value, role, name, message, opens, tokens=tokens)


def _kind(part: JsonMap) -> tuple[Kind, str | None]:
    """The kind of a part, and the tool's name where it is about one."""
    if isinstance(part.get("text"), str):
        return (Kind.thinking if part.get("thought") is True else Kind.text), None
    for names, kind in ((_TOOL_USE, Kind.tool_use), (_TOOL_RESULT, Kind.tool_result)):
        for name in names:
            inner = as_map(part.get(name))
            if inner is not None:
                return kind, "codeExecution" if name in _CODE else as_text(inner.get("name"))
    for name in ("inlineData", "fileData"):
        inner = as_map(part.get(name))
        if inner is not None:
            return _media(as_text(member(inner, "mimeType")) or ""), None
    if part.keys() <= {"thoughtSignature", "thought"} and "thoughtSignature" in part:
        return Kind.redacted_thinking, None
    return Kind.opaque, None


def _media(mime: str) -> Kind:
    match mime.partition("/")[0].lower():
        case "image":
            return Kind.image
        case "audio":
            return Kind.audio
        case _:
            return Kind.document
