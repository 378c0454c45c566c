"""Messages of Chat Completions as blocks: those of a request, and the one that comes back."""

from __future__ import annotations

from collections.abc import Mapping

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Kind
from whycold.providers.openai_content import Reading, in_order, listed, read_parts, read_system

__all__ = [
    "ATTRIBUTION",
    "SYSTEM_ROLES",
    "read_message",
    "read_system_message",
    "without_attribution",
]

ATTRIBUTION = "x-anthropic-billing-header"
SYSTEM_ROLES = frozenset({"system", "developer"})

_RESULT_ROLES = frozenset({"tool", "function"})
_ASIDE = ("name", "prefix", "partial")
"""Fields beside the content that are rendered, too: who speaks, a turn to be continued."""

_REASONING = ("reasoning_content", "reasoning")
"""One text under two names: DeepSeek's and OpenRouter's."""

_RARE = frozenset({*_ASIDE, *_REASONING, "reasoning_details", "refusal", "audio", "function_call"})


def read_system_message(message: JsonMap, reading: Reading, index: int) -> None:
    """Take a leading system or developer message."""
    message, whole = reading.unmarked(message)
    since = len(reading.blocks)
    read_system(message.get("content"), reading, as_text(message.get("role")), index)
    if whole is not None:
        reading.mark_last(whole, since)


def without_attribution(message: JsonMap) -> tuple[JsonMap, bool]:
    """A system message without the attribution line at its start, and whether there was one.

    vLLM 0.32.0 drops the first line of such a text, the whole text when it has one line only.
    """
    content = message.get("content")
    parts = as_list(content)
    first = as_map(parts[0]) if parts else None
    text = as_text(first.get("text")) if first is not None else as_text(content)
    if text is None or not text.startswith(ATTRIBUTION):
        return message, False
    rest = text.partition("\n")[2]
    if first is None or parts is None:
        return {**message, "content": rest}, True
    kept: list[Json] = [{**first, "text": rest}] if rest else []
    return {**message, "content": [*kept, *parts[1:]]}, True


def read_message(
    message: JsonMap, reading: Reading, index: int, called: dict[str, str] | None = None
) -> None:
    """Take a message: what was thought, what was said, what was called.

    ``called`` maps ids of tool calls to the tools' names, so that a result can say whose it is.
    """
    message, whole = reading.unmarked(message)
    called = {} if called is None else called
    at, since = f"messages[{index}]", len(reading.blocks)
    role = as_text(message.get("role"))
    is_result = role in _RESULT_ROLES
    rare = bool(message.keys() & _RARE)
    if rare:
        _before(message, reading, at, role, index)
    name = None
    if is_result:
        name = as_text(message.get("name")) or called.get(
            as_text(message.get("tool_call_id")) or ""
        )
    for number, part in enumerate(read_parts(message.get("content"), reading)):
        reading.add(
            f"{at}.content[{number}]",
            Kind.tool_result if is_result and part.kind is Kind.text else part.kind,
            part.value,
            role=role,
            name=name,
            message=index,
            mark=part.mark,
            tokens=part.tokens,
        )
    if rare:
        _after(message, reading, at, role, index)
    if message.get("tool_calls") is not None:
        _calls(message, reading, at, role, index, called)
    if len(reading.blocks) == since:
        kind = Kind.tool_result if is_result else Kind.text
        reading.add(f"{at}.content[0]", kind, "", role=role, name=name, message=index)
    if whole is not None:
        reading.mark_last(whole, since)


def _before(message: JsonMap, reading: Reading, at: str, role: str | None, index: int) -> None:
    """What stands ahead of the content: who speaks, and what was thought.

    OpenRouter's details hold the plain text of the reasoning, too: it counts once.
    """
    aside = {k: message[k] for k in _ASIDE if message.get(k) and role not in _RESULT_ROLES}
    if aside:
        reading.add(at, Kind.text, aside, role=role, message=index)
    details = [d for d in map(as_map, as_list(message.get("reasoning_details")) or ()) if d]
    for number, detail in enumerate(details):
        hidden = detail.get("type") == "reasoning.encrypted"
        kind = Kind.redacted_thinking if hidden else Kind.thinking
        path = f"{at}.reasoning_details[{number}]"
        value = {k: v for k, v in detail.items() if k != "index" and v is not None}
        reading.add(path, kind, value, role=role, message=index)
    for field in () if details else _REASONING:
        if message.get(field):
            reading.add(f"{at}.{field}", Kind.thinking, message[field], role=role, message=index)
            return


def _after(message: JsonMap, reading: Reading, at: str, role: str | None, index: int) -> None:
    """What stands behind the content: a refusal, spoken words, a call of the older kind."""
    for field, kind in (("refusal", Kind.text), ("audio", Kind.audio)):
        if message.get(field):
            reading.add(f"{at}.{field}", kind, message[field], role=role, message=index)
    call = as_map(message.get("function_call"))
    if call is not None:
        name = as_text(call.get("name"))
        path = f"{at}.function_call"
        reading.add(path, Kind.tool_use, in_order(call), role=role, name=name, message=index)


def _calls(
    message: JsonMap,
    reading: Reading,
    at: str,
    role: str | None,
    index: int,
    called: dict[str, str],
) -> None:
    for number, item in enumerate(listed(message.get("tool_calls"))):
        path = f"{at}.tool_calls[{number}]"
        call = as_map(item)
        if call is None:
            reading.add(path, Kind.opaque, item, role=role, message=index)
            continue
        value = _call(call)
        name = as_text(value.get("name"))
        if name:
            called[as_text(call.get("id")) or ""] = name
        reading.add(path, Kind.tool_use, value, role=role, name=name, message=index)


def _call(call: JsonMap) -> dict[str, Json]:
    """A tool call without its wrapper: id, name and arguments (a custom tool's input) as sent.

    In one order, whichever the client sends: templates take the fields by name.
    """
    bare = {
        k: v
        for k, v in call.items()
        if k not in ("function", "custom", "index") and (k, v) != ("type", "function")
    }
    inner: Mapping[str, Json] = as_map(call.get("function")) or as_map(call.get("custom")) or {}
    return in_order({**bare, **inner})
