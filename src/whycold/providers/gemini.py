"""Gemini generateContent and streamGenerateContent (Gemini API and Vertex AI).

Paths speak of messages, as for every provider: ``contents[i].parts[j]`` is
``messages[i].content[j]``, and the role ``model`` is ``assistant``.

A request that names an explicit cache (``cachedContent``) leaves the cache's own tools, system
instruction and contents on the server. One block stands for them, ``system[cachedContent]``, with
the cache's name as its value: another name is another prefix. It comes first, since the API refuses
tools and a system instruction beside it (googleapis/python-genai#348, read 2026-11-23). How large
it is only the response tells (``cachedContentTokenCount``). The name is no setting as well: one
change would be told twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Block, Breakpoint, Kind, Prompt, Section, Setting
from whycold.core.rules import OptIn
from whycold.providers.base import Dialect, Wire
from whycold.providers.gemini_parts import camel, many, member, part_block, parts_of
from whycold.providers.gemini_reply import GeminiStream, read_reply, unwrapped

__all__ = ["GEMINI_GENERATE"]

_SETTINGS = (
    ("toolConfig", "functionCallingConfig"),
    ("generationConfig", "responseMimeType"),
    ("generationConfig", "responseSchema"),
    ("generationConfig", "responseJsonSchema"),
    ("generationConfig", "thinkingConfig"),
    ("generationConfig", "mediaResolution"),
)
"""What may be part of the prefix. Safety settings and sampling are not rendered into it."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.:/-]+")
_ROLES = {"model": "assistant", "": "user"}


def _looks_like(body: JsonMap) -> int:
    body = unwrapped(body, "request")
    if "messages" in body or "contents" not in body:
        return 0
    contents = [as_map(content) for content in many(body["contents"])]
    grade = 1
    if any(content is not None and "parts" in content for content in contents):
        grade += 4
    known = ("systemInstruction", "generationConfig", "safetySettings", "cachedContent")
    return grade + sum(member(body, name) is not None for name in known)


def _answers(body: JsonMap) -> int:
    body = unwrapped(body, "response")
    if as_list(body.get("candidates")) is not None:
        return 4 + (member(body, "usageMetadata") is not None)
    if member(body, "usageMetadata") is not None or member(body, "promptFeedback") is not None:
        return 3
    error = as_map(body.get("error"))
    if error is None or not isinstance(error.get("code"), int):
        return 0
    return 2 if as_text(error.get("status")) is not None else 0


def _model(body: JsonMap) -> str | None:
    """The model that the caller added from the URL, or that the body names itself."""
    name = as_text(body.get("model")) or as_text(unwrapped(body, "request").get("model"))
    if not name:
        return None
    return name.rpartition("models/")[2].partition(":")[0] or name


def _read_request(body: JsonMap, dialect: Dialect, headers: Mapping[str, str]) -> Prompt:
    model = _model(body)
    body = unwrapped(body, "request")
    cached = as_text(member(body, "cachedContent"))
    blocks = (*_tools(body), *_system(body, cached, model), *_messages(body, model))
    explicit_only = dialect.rules(GEMINI_GENERATE.name, model).opt_in is OptIn.explicit
    return Prompt(
        blocks=blocks,
        settings=tuple(_settings(body, model)),
        opaque=sum(block.kind is Kind.opaque for block in blocks),
        asks=True if cached else (False if explicit_only else None),
    )


def _tools(body: JsonMap) -> Iterator[Block]:
    """A block for each function declaration, and for each tool that the server itself brings."""
    seen: dict[str, int] = {}
    for position, tool in enumerate(many(body.get("tools"))):
        found = as_map(tool)
        if found is None:
            yield Block(Section.tools, f"tools[{position}]", Kind.opaque, tool)
            continue
        for key, value in found.items():
            if key in ("functionDeclarations", "function_declarations"):
                for declared in many(value):
                    name = as_text((as_map(declared) or {}).get("name")) or f"{position}"
                    yield _tool(name, declared, seen)
            else:
                yield _tool(camel(key), {camel(key): value}, seen)


def _tool(name: str, value: Json, seen: dict[str, int]) -> Block:
    seen[name] = count = seen.get(name, 0) + 1
    shown = name if _PLAIN_NAME.fullmatch(name) else json.dumps(name)
    path = f"tools[{shown}]" if count == 1 else f"tools[{shown}#{count}]"
    kind = Kind.tool if as_map(value) is not None else Kind.opaque
    return Block(Section.tools, path, kind, value, name=name)


def _system(body: JsonMap, cached: str | None, model: str | None) -> Iterator[Block]:
    if cached is not None:
        # what the explicit cache holds ends here: that is where its entry ends
        mark = Breakpoint()
        path = "system[cachedContent]"
        yield Block(Section.system, path, Kind.cached_content, cached, name=cached, breakpoint=mark)
    for j, part in enumerate(parts_of(member(body, "systemInstruction"))):
        yield part_block(part, Section.system, f"system[{j}]", model=model)


def _messages(body: JsonMap, model: str | None) -> Iterator[Block]:
    for i, content in enumerate(many(body.get("contents"))):
        role = as_text((as_map(content) or {}).get("role")) or ""
        for j, part in enumerate(parts_of(content)):
            yield part_block(
                part,
                Section.messages,
                f"messages[{i}].content[{j}]",
                role=_ROLES.get(role, role),
                message=i,
                opens=j == 0,
                model=model,
            )


def _settings(body: JsonMap, model: str | None) -> Iterator[Setting]:
    if model is not None:
        yield Setting("model", model)
    for group, name in _SETTINGS:
        value = member(as_map(member(body, group)), name)
        if value is not None:
            yield Setting(f"{group}.{name}", value)


GEMINI_GENERATE = Wire(
    name="gemini.generate",
    looks_like=_looks_like,
    answers=_answers,
    read_request=_read_request,
    read_reply=read_reply,
    stream=GeminiStream,
    model=_model,
)
