"""Items of the Responses API as blocks: those of an input, and those that come back.

Facts: PyPI openai 3.54.0, types/responses/response_input_item_param.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.prompt import Kind, Section
from whycold.providers.openai_content import Reading, in_order, read_parts, read_tools
from whycold.providers.openai_images import image_tokens

__all__ = ["is_message", "read_item"]

_BOOKKEEPING = frozenset({"id", "status", "created_by"})
"""What the API fills in when it returns an item; clients send it back or leave it out."""

_KINDS: Mapping[str, Kind] = {
    "apply_patch_call": Kind.tool_use,
    "apply_patch_call_output": Kind.tool_result,
    "code_interpreter_call": Kind.tool_use,
    "compaction": Kind.text,
    "compaction_trigger": Kind.text,
    "computer_call": Kind.tool_use,
    "computer_call_output": Kind.tool_result,
    "configuration_update": Kind.text,
    "custom_tool_call": Kind.tool_use,
    "file_search_call": Kind.tool_use,
    "function_call": Kind.tool_use,
    "image_generation_call": Kind.tool_use,
    "local_shell_call": Kind.tool_use,
    "local_shell_call_output": Kind.tool_result,
    "mcp_approval_request": Kind.tool_use,
    "mcp_approval_response": Kind.tool_result,
    "mcp_call": Kind.tool_use,
    "mcp_list_tools": Kind.tool,
    "program": Kind.tool_use,
    "program_output": Kind.tool_result,
    "shell_call": Kind.tool_use,
    "shell_call_output": Kind.tool_result,
    "tool_search_call": Kind.tool_use,
    "tool_search_output": Kind.tool_result,
    "web_search_call": Kind.tool_use,
}
"""Kinds by type; a type that is not here, or a bare reference to an item, is opaque."""

_ROLES: Mapping[Kind, str] = {Kind.tool_result: "tool", Kind.tool: "tool", Kind.text: "developer"}
_OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})


def is_message(item: JsonMap) -> bool:
    """Whether the item is a message; the type may be left out."""
    return item.get("type") == "message" or ("type" not in item and "role" in item)


def read_item(raw: Json, reading: Reading, index: int, called: dict[str, str]) -> None:
    """Take the item at ``index``. ``called`` maps call ids to tool names, for the results."""
    at = f"messages[{index}]"
    item = as_map(raw)
    if item is None:
        reading.add(at, Kind.opaque, raw, message=index)
        return
    item, mark = reading.unmarked(item)
    since = len(reading.blocks)
    type_ = as_text(item.get("type"))
    if is_message(item):
        _message(item, reading, at, index)
    elif type_ == "reasoning":
        _reasoning(item, reading, at, index)
    elif type_ in _OUTPUTS:
        _output(item, reading, at, index, called)
    elif type_ == "additional_tools" and as_list(item.get("tools")):
        read_tools(item["tools"], reading, f"{at}.tools", section=Section.messages, message=index)
    else:
        _other(item, reading, at, index, called)
    if mark is not None:
        reading.mark_last(mark, since)


def _message(item: JsonMap, reading: Reading, at: str, index: int) -> None:
    role = as_text(item.get("role"))
    phase = item.get("phase")
    if phase is not None:
        reading.add(at, Kind.text, {"phase": phase}, role=role, message=index)
    parts = read_parts(item.get("content"), reading)
    for number, part in enumerate(parts):
        reading.add(
            f"{at}.content[{number}]",
            part.kind,
            part.value,
            role=role,
            message=index,
            mark=part.mark,
            tokens=part.tokens,
        )
    if not parts:
        reading.add(f"{at}.content[0]", Kind.text, "", role=role, message=index)


def _reasoning(item: JsonMap, reading: Reading, at: str, index: int) -> None:
    """Thoughts: in the clear, as a summary, or encrypted; else the id is all that names them."""
    value: dict[str, Json] = {
        k: v for k, v in item.items() if k not in _BOOKKEEPING and k != "type" and v
    }
    kind = Kind.thinking if value.keys() & {"summary", "content"} else Kind.redacted_thinking
    if not value.keys() & {"content", "encrypted_content"}:
        value["id"] = item.get("id")
    reading.add(at, kind, value, role="assistant", message=index)


def _output(
    item: JsonMap, reading: Reading, at: str, index: int, called: Mapping[str, str]
) -> None:
    name = as_text(item.get("name")) or called.get(as_text(item.get("call_id")) or "")
    parts = read_parts(item.get("output"), reading)
    for number, part in enumerate(parts):
        reading.add(
            f"{at}.output[{number}]",
            Kind.tool_result if part.kind is Kind.text else part.kind,
            part.value,
            role="tool",
            name=name,
            message=index,
            mark=part.mark,
            tokens=part.tokens,
        )
    if not parts:
        reading.add(f"{at}.output[0]", Kind.tool_result, "", role="tool", name=name, message=index)


def _other(item: JsonMap, reading: Reading, at: str, index: int, called: dict[str, str]) -> None:
    type_ = as_text(item.get("type")) or ""
    kind = _KINDS.get(type_, Kind.opaque)
    # what is not known may be named by its id alone, as a reference is
    hidden = frozenset[str]() if kind is Kind.opaque else _BOOKKEEPING
    value = in_order({k: v for k, v in item.items() if k not in hidden})
    name = as_text(item.get("name"))
    if kind is Kind.tool_use:
        called[as_text(item.get("call_id")) or ""] = name or type_
        name = name or type_
    if type_ == "function_call":
        del value["type"]
    role = "assistant" if kind is Kind.tool_use else _ROLES.get(kind)
    tokens = _picture(item, reading.model)
    reading.add(at, kind, value, role=role, name=name, message=index, tokens=tokens)


def _picture(item: JsonMap, model: str | None) -> int | None:
    """Tokens of the image that a call made or a result shows, None where there is none."""
    shown = as_map(item.get("output"))
    if shown is not None and shown.get("type") == "computer_screenshot":
        return image_tokens(shown, model)
    made = as_text(item.get("result")) if item.get("type") == "image_generation_call" else None
    return None if made is None else image_tokens({"image_url": f"data:,{made}"}, model)
