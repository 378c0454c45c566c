"""Anthropic Messages: the request to a prompt; other hosts take bodies of this format too.

Facts: Claude docs, Prompt caching (text of 2026-08-22); PyPI anthropic 2.12.0, type files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Block, Breakpoint, Kind, Links, Prompt, Section, Setting
from whycold.core.rules import OptIn
from whycold.providers.anthropic_blocks import Place, bare, marker, nested, read_block
from whycold.providers.anthropic_reply import MessagesStream, answers, read_reply
from whycold.providers.anthropic_rules import NAME, is_sharp
from whycold.providers.base import Dialect, Wire

__all__ = ["ANTHROPIC_MESSAGES"]

_ATTRIBUTION = "x-anthropic-billing-header"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.:/-]+")
_UNMARKABLE = frozenset({Kind.thinking, Kind.redacted_thinking})


def read_request(body: JsonMap, dialect: Dialect, headers: Mapping[str, str]) -> Prompt:
    """The request as the cache sees it: tools, system, messages, in this order."""
    model = as_text(body.get("model"))
    tools, deferred = _tools(body.get("tools"), dialect)
    system, stripped = _system(body.get("system"), dialect)
    blocks = [*tools, *system, *_messages(body.get("messages"), sharp=is_sharp(model))]
    automatic = marker(body)
    if automatic is not None:
        _mark_last(blocks, automatic)
    continued = _continued(body)
    return Prompt(
        blocks=tuple(blocks),
        settings=tuple(_settings(body, headers, blocks)),
        links=_links(body, continued),
        inherits=frozenset({Section.tools, Section.system, Section.messages} if continued else ()),
        opaque=sum(block.kind is Kind.opaque for block in blocks),
        stripped=deferred + stripped,
        asks=_asks(blocks, dialect.rules(NAME, model).opt_in),
    )


def _tools(raw: Json, dialect: Dialect) -> tuple[list[Block], int]:
    """The tools, and how many are left out of the prompt until a search finds them."""
    blocks: list[Block] = []
    deferred = 0
    seen: dict[str, int] = {}
    for index, item in enumerate(_listed(raw)):
        tool = as_map(item)
        if tool is None:
            blocks.append(Block(Section.tools, f"tools[{index}]", Kind.opaque, item))
            continue
        name = _tool_name(tool)
        label = name or str(index)
        seen[label] = seen.get(label, 0) + 1
        path = f"tools[{_quoted(label)}{f'#{seen[label]}' * (seen[label] > 1)}]"
        if dialect.defers_tools and tool.get("defer_loading") is True:
            deferred += 1
            continue
        value, mark = bare(tool)
        kind = Kind.tool if name else Kind.opaque
        blocks.append(Block(Section.tools, path, kind, value, name=name or None, breakpoint=mark))
    return blocks, deferred


def _tool_name(tool: JsonMap) -> str:
    if tool.get("type") == "mcp_toolset":
        return f"mcp_toolset:{as_text(tool.get('mcp_server_name')) or ''}"
    return as_text(tool.get("name")) or as_text(tool.get("type")) or ""


def _quoted(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else json.dumps(name)


def _system(raw: Json, dialect: Dialect) -> tuple[list[Block], int]:
    """The system blocks, and how many the provider takes out of its cache key."""
    blocks: list[Block] = []
    items = () if raw in (None, "") else _listed(raw)
    for index, item in enumerate(items):
        block = _content(item, Place(Section.system, f"system[{index}]"), {})
        text = block.value
        if isinstance(text, str) and text.startswith(_ATTRIBUTION):
            if dialect.attribution == "stripped" and "\n" not in text:
                continue
            if dialect.attribution == "masked":
                block = replace(block, value=_masked(text))
        blocks.append(block)
    return blocks, len(items) - len(blocks)


def _masked(text: str) -> str:
    """The attribution header as llama.cpp keys it: five characters of ``cch`` overwritten.

    llama.cpp, tools/server/server-chat.cpp (pull request 21793, build 11669): only a ``cch`` whose
    sixth character is ``;`` is touched, and only in a text that starts with the header and a colon.
    """
    at = text.find("cch=") + 4
    if at < 4 or not text.startswith(f"{_ATTRIBUTION}:") or text[at + 5 : at + 6] != ";":
        return text
    return f"{text[:at]}fffff{text[at + 5 :]}"


def _messages(raw: Json, *, sharp: bool) -> Iterator[Block]:
    called: dict[str, str] = {}
    for index, item in enumerate(_listed(raw)):
        message = as_map(item)
        path = f"messages[{index}]"
        if message is None:
            yield Block(Section.messages, path, Kind.opaque, item, message=index, opens=True)
            continue
        role = as_text(message.get("role"))
        parts = _listed(message.get("content")) or ("",)
        for number, part in enumerate(parts):
            place = Place(
                Section.messages, f"{path}.content[{number}]", role, index, number == 0, sharp
            )
            block = _content(part, place, called)
            if block.kind is Kind.tool_use and block.name is not None:
                called[as_text((as_map(block.value) or {}).get("id")) or ""] = block.name
            yield block


def _content(raw: Json, place: Place, tools: Mapping[str, str]) -> Block:
    """A content block; a bare string stands for a text block."""
    return read_block({"type": "text", "text": raw} if isinstance(raw, str) else raw, place, tools)


def _listed(raw: Json) -> Sequence[Json]:
    """The items of a list; anything else but null is one item, so that it is seen and compared."""
    if raw is None:
        return ()
    items = as_list(raw)
    return (raw,) if items is None else items


def _mark_last(blocks: list[Block], mark: Breakpoint) -> None:
    """Automatic caching: the marker goes on the last block that can carry one."""
    for index in range(len(blocks) - 1, -1, -1):
        block = blocks[index]
        if block.kind not in _UNMARKABLE and block.value != "":
            if block.breakpoint is None:
                automatic = Breakpoint(mark.ttl, automatic=True)
                blocks[index] = replace(block, breakpoint=automatic)
            return


def _asks(blocks: Sequence[Block], opt_in: OptIn) -> bool | None:
    marked = any(block.breakpoint is not None for block in blocks)
    if opt_in is OptIn.explicit:
        return marked
    return True if marked and opt_in is OptIn.both else None


def _settings(
    body: JsonMap, headers: Mapping[str, str], blocks: Sequence[Block]
) -> Iterator[Setting]:
    for name in ("model", "speed"):
        yield from _setting(name, body.get(name))
    choice = as_map(body.get("tool_choice"))
    if choice is None:
        yield from _setting("tool_choice", body.get("tool_choice"))
    else:
        serial = "disable_parallel_tool_use"
        yield Setting("tool_choice", {k: v for k, v in choice.items() if k != serial})
        yield from _setting(serial, choice.get(serial))
    yield from _setting("thinking", body.get("thinking"))
    for name, value in (as_map(body.get("output_config")) or {}).items():
        yield from _setting(f"output_config.{name}", value)
    for name in ("output_format", "context_management", "container"):
        yield from _setting(name, body.get(name))
    servers = [_without_secret(server) for server in _listed(body.get("mcp_servers"))]
    yield from _setting("mcp_servers", servers or None)
    yield from _setting("betas", _betas(body, headers) or None)
    whole = [value for block in blocks if (value := as_map(block.value)) is not None]
    inside = [part for value in whole for part in nested(value)]
    if any((as_map(part.get("citations")) or {}).get("enabled") is True for part in inside):
        yield Setting("citations", True)
    if any(part.get("type") == "image" for part in inside):
        yield Setting("images", True)


def _setting(name: str, value: Json) -> Iterator[Setting]:
    if value is not None:
        yield Setting(name, value)


def _without_secret(server: Json) -> Json:
    whole = as_map(server)
    if whole is None:
        return server
    return {k: v for k, v in whole.items() if k != "authorization_token"}


def _betas(body: JsonMap, headers: Mapping[str, str]) -> list[Json]:
    """The beta features that were asked for, wherever they were named, sorted."""
    named = headers.get("anthropic-beta", "").split(",")
    for name in ("betas", "anthropic_beta"):
        named += [as_text(item) or "" for item in _listed(body.get(name))]
    return [*sorted({beta.strip() for beta in named} - {""})]


def _continued(body: JsonMap) -> str | None:
    thread = as_map(body.get("thread")) or {}
    if thread.get("type") != "continue":
        return None
    return as_text(thread.get("previous_message_id"))


def _links(body: JsonMap, continued: str | None) -> Links:
    diagnostics = as_map(body.get("diagnostics"))
    compares = as_text((diagnostics or {}).get("previous_message_id"))
    return Links(continues=continued, compares=compares, asked=diagnostics is not None)


_KEYS: Mapping[str, int] = {
    "anthropic_version": 10,
    "anthropic_beta": 10,
    "thread": 4,
    "diagnostics": 4,
    "cache_control": 3,
    "mcp_servers": 3,
    "context_management": 3,
    "output_config": 3,
    "system": 3,
    "stop_sequences": 3,
    "thinking": 1,
    "max_tokens": 1,
    "frequency_penalty": -5,
    "logprobs": -5,
    "n": -5,
    "parallel_tool_calls": -5,
    "presence_penalty": -5,
    "reasoning_effort": -5,
    "stop": -5,
    "stream_options": -5,
    "functions": -20,
    "inferenceConfig": -20,
    "max_completion_tokens": -20,
    "response_format": -20,
    "toolConfig": -20,
}
_PARTS: Mapping[str | None, int] = {
    "tool_use": 5,
    "tool_result": 5,
    "thinking": 5,
    "redacted_thinking": 5,
    "image": 5,
    "server_tool_use": 5,
    "image_url": -20,
    "input_audio": -20,
    "file": -20,
    "input_text": -20,
    "output_text": -20,
    "refusal": -20,
    None: -20,
}
_ROLES_ELSEWHERE = frozenset({"tool", "developer", "function"})
_SAMPLE = 50
"""Messages that are looked at to tell the format."""


def looks_like(body: JsonMap) -> int:
    """How much a request body looks like this wire format; 0: not at all."""
    messages = as_list(body.get("messages"))
    if messages is None:
        return 0
    grade = 1 + sum(weight for name, weight in _KEYS.items() if body.get(name) is not None)
    grade += 2 * (as_text(body.get("model")) or "").startswith("claude")
    grade -= 5 * isinstance(body.get("tool_choice"), str)
    for tool in map(as_map, _listed(body.get("tools"))):
        if tool is not None:
            grade += -20 if "function" in tool or "custom" in tool else 5
    for message in map(as_map, messages[:_SAMPLE]):
        if message is None:
            continue
        if as_text(message.get("role")) in _ROLES_ELSEWHERE or "tool_calls" in message:
            grade -= 20
        for part in map(as_map, as_list(message.get("content")) or ()):
            grade += 0 if part is None else _PARTS.get(as_text(part.get("type")), 0)
            grade += 2 * (part is not None and "cache_control" in part)
    return max(0, grade)


def _model(body: JsonMap) -> str | None:
    return as_text(body.get("model"))


ANTHROPIC_MESSAGES = Wire(
    name=NAME,
    looks_like=looks_like,
    answers=answers,
    read_request=read_request,
    read_reply=read_reply,
    stream=MessagesStream,
    model=_model,
)
