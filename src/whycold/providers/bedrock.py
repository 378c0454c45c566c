"""Amazon Bedrock Converse and ConverseStream: the request to a prompt.

Facts: PyPI botocore 1.44.5, bedrock-runtime service model; AWS docs, Prompt caching (read
2026-11-23).

A ``cachePoint`` is no content: it marks the block before it, in render order. One with nothing
before it marks nothing; it is passed over and not counted, though the request did ask for caching.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Block, Breakpoint, Kind, Prompt, Section, Setting
from whycold.core.rules import OptIn
from whycold.providers.base import Dialect, Wire
from whycold.providers.bedrock_content import Place, content_block, images_in
from whycold.providers.bedrock_reply import ConverseStream, answers, read_reply
from whycold.providers.bedrock_rules import NAME

__all__ = ["BEDROCK_CONVERSE"]

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.:/-]+")
_ARN_MODEL = re.compile(r":(?:inference-profile|foundation-model)/(.+)$")
_MODEL_FIELDS = "additionalModelRequestFields"


def model_of(body: JsonMap) -> str | None:
    """The model id that the caller added from the URL; from an ARN that names it, its end."""
    name = as_text(body.get("modelId")) or as_text(body.get("model"))
    if not name:
        return None
    named = _ARN_MODEL.search(name)
    return named[1] if named else name


def read_request(body: JsonMap, dialect: Dialect, headers: Mapping[str, str]) -> Prompt:
    """The request as the cache sees it: tools, system, messages, in this order."""
    model = model_of(body)
    blocks: list[Block] = []
    asked = False
    for block in (*_tools(body), *_system(body), *_messages(body, model)):
        if isinstance(block, Block):
            blocks.append(block)
            continue
        asked = True
        if blocks and blocks[-1].breakpoint is None:
            blocks[-1] = replace(blocks[-1], breakpoint=block)
    explicit = dialect.rules(NAME, model).opt_in is OptIn.explicit
    return Prompt(
        blocks=tuple(blocks),
        settings=tuple(_settings(body, blocks)),
        opaque=sum(block.kind is Kind.opaque for block in blocks),
        asks=True if asked else (False if explicit else None),
    )


def _listed(value: Json) -> Sequence[Json]:
    """The items of a list; anything else but null is one item, so that it is seen and compared."""
    if value is None:
        return ()
    items = as_list(value)
    return (value,) if items is None else items


def _cache_point(item: Json) -> Breakpoint | None:
    """The marker, if that is what an entry of a list is."""
    entry = as_map(item)
    if entry is None or "cachePoint" not in entry:
        return None
    return Breakpoint(as_text((as_map(entry["cachePoint"]) or {}).get("ttl")))


def _tools(body: JsonMap) -> Iterator[Block | Breakpoint]:
    seen: dict[str, int] = {}
    config = as_map(body.get("toolConfig")) or {}
    for index, item in enumerate(_listed(config.get("tools"))):
        mark = _cache_point(item)
        if mark is not None:
            yield mark
            continue
        tool = as_map(item) or {}
        spec = as_map(tool.get("toolSpec"))
        name = as_text((spec or as_map(tool.get("systemTool")) or {}).get("name")) or ""
        seen[name] = seen.get(name, 0) + 1
        shown = name if _PLAIN_NAME.fullmatch(name) else json.dumps(name or str(index))
        path = f"tools[{shown}{f'#{seen[name]}' * (seen[name] > 1)}]"
        kind = Kind.tool if name else Kind.opaque
        yield Block(Section.tools, path, kind, item if spec is None else spec, name=name or None)


def _system(body: JsonMap) -> Iterator[Block | Breakpoint]:
    for index, item in enumerate(_listed(body.get("system"))):
        place = Place(Section.system, f"system[{index}]")
        yield _cache_point(item) or content_block(item, place, {})


def _messages(body: JsonMap, model: str | None) -> Iterator[Block | Breakpoint]:
    called: dict[str, str] = {}
    for index, item in enumerate(_listed(body.get("messages"))):
        message = as_map(item)
        path = f"messages[{index}]"
        if message is None:
            yield Block(Section.messages, path, Kind.opaque, item, message=index, opens=True)
            continue
        opens = True
        for number, part in enumerate(_listed(message.get("content"))):
            mark = _cache_point(part)
            if mark is not None:
                yield mark
                continue
            role = as_text(message.get("role"))
            place = Place(Section.messages, f"{path}.content[{number}]", role, index, opens, model)
            yield content_block(part, place, called)
            opens = False


def _settings(body: JsonMap, blocks: Sequence[Block]) -> Iterator[Setting]:
    model = model_of(body)
    if model is not None:
        yield Setting("model", model)
    for group, name in (("toolConfig", "toolChoice"), ("outputConfig", "textFormat")):
        value = (as_map(body.get(group)) or {}).get(name)
        if value is not None:
            yield Setting(f"{group}.{name}", value)
    for name, value in (as_map(body.get(_MODEL_FIELDS)) or {}).items():
        yield Setting(f"{_MODEL_FIELDS}.{name}", value)
    if any(next(images_in(block.value), None) is not None for block in blocks):
        yield Setting("images", True)


_OWN_FIELDS = (
    "inferenceConfig",
    "toolConfig",
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "modelId",
)
_OWN_PARTS = frozenset(
    {
        "cachePoint", "citationsContent", "document", "guardContent", "image", "reasoningContent",
        "searchResult", "text", "toolResult", "toolUse", "video",
    }
)  # fmt: skip


def looks_like(body: JsonMap) -> int:
    """How much a request body looks like this wire format; 0: not at all."""
    if "messages" not in body or "anthropic_version" in body or "max_tokens" in body:
        return 0
    grade = 8 * sum(body.get(name) is not None for name in _OWN_FIELDS)
    parts = [*_listed(body.get("system"))]
    for message in _listed(body["messages"])[:50]:
        parts += _listed((as_map(message) or {}).get("content"))
    for part in map(as_map, parts):
        # the content of every other format says its type; here the one key does
        if part is not None and len(part) == 1 and part.keys() <= _OWN_PARTS:
            grade += 4
        elif part is not None and "type" in part:
            grade -= 8
    return max(0, grade)


BEDROCK_CONVERSE = Wire(
    name=NAME,
    looks_like=looks_like,
    answers=answers,
    read_request=read_request,
    read_reply=read_reply,
    stream=ConverseStream,
    model=model_of,
)
