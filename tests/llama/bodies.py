"""The request bodies that say a prompt over each of the three APIs.

llama-server makes the very same tokens of all three.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.llama.engine.answer import Api
from tests.llama.prompt import Message, Part, Prompt, Text, ToolResult, ToolUse

__all__ = ["Body", "body", "message_index"]

Body = dict[str, Any]

_MODEL = "tiny"
_REPLY_TOKENS = 8


def body(api: Api, prompt: Prompt) -> Body:
    """The prompt as a request body for this API, asking for a reply of 8 tokens."""
    match api:
        case Api.messages:
            return _messages_body(prompt)
        case Api.chat:
            return _chat_body(prompt)
        case Api.responses:
            return _responses_body(prompt)


def message_index(api: Api, prompt: Prompt, message: int) -> int:
    """Where a message of the prompt begins in the API's own list, ``messages`` or ``input``."""
    before = replace(prompt, messages=prompt.messages[:message], marker=None)
    return len(body(api, before)["input" if api is Api.responses else "messages"])


def _texts(message: Message) -> list[Text]:
    return [part for part in message.parts if isinstance(part, Text)]


def _content(prompt: Prompt, texts: Sequence[Text], kind: str) -> str | list[Body]:
    """Texts as the APIs of OpenAI take them; a block's ``type`` is ``kind``."""
    if prompt.strings and len(texts) == 1:
        return texts[0].text
    return [{"type": kind, "text": text.text} for text in texts]


def _compact(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


# --- Messages --------------------------------------------------------------------------------


def _messages_body(prompt: Prompt) -> Body:
    marker = {"cache_control": {"type": "ephemeral"}}
    system: str | list[Body] = prompt.system
    if prompt.header:
        system = [_block(Text(prompt.header)), _block(Text(prompt.system))]
    if prompt.marker == "system":
        system = [_block(Text(prompt.system)) | marker]
    messages = [
        {"role": message.role, "content": _messages_content(prompt, message)}
        for message in prompt.messages
    ]
    if prompt.marker == "last message":
        blocks = [_block(part) for part in prompt.messages[-1].parts]
        messages[-1]["content"] = [*blocks[:-1], blocks[-1] | marker]
    tools = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.schema}
        for tool in prompt.tools
    ]
    sections = {"tools": tools, "system": system, "messages": messages}
    return {"model": _MODEL, "max_tokens": _REPLY_TOKENS} | sections


def _messages_content(prompt: Prompt, message: Message) -> str | list[Body]:
    match message.parts:
        case (Text(text),) if prompt.strings:
            return text
        case parts:
            return [_block(part) for part in parts]


def _block(part: Part) -> Body:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case ToolUse(id, name, arguments):
            return {"type": "tool_use", "id": id, "name": name, "input": arguments}
        case ToolResult(id, text):
            return {"type": "tool_result", "tool_use_id": id, "content": text}


# --- Chat Completions ------------------------------------------------------------------------


def _chat_body(prompt: Prompt) -> Body:
    functions = [
        {"name": tool.name, "description": tool.description, "parameters": tool.schema}
        for tool in prompt.tools
    ]
    messages = [item for message in prompt.messages for item in _chat_messages(prompt, message)]
    return {
        "model": _MODEL,
        "max_tokens": _REPLY_TOKENS,
        "messages": [{"role": "system", "content": prompt.header + prompt.system}, *messages],
        "tools": [{"type": "function", "function": function} for function in functions],
    }


def _chat_messages(prompt: Prompt, message: Message) -> Iterator[Body]:
    for part in message.parts:
        if isinstance(part, ToolResult):
            yield {"role": "tool", "tool_call_id": part.id, "content": part.text}
    texts = _texts(message)
    calls = [_chat_call(part) for part in message.parts if isinstance(part, ToolUse)]
    if texts or calls:
        content = _content(prompt, texts, "text") if texts else None
        yield {"role": message.role, "content": content} | ({"tool_calls": calls} if calls else {})


def _chat_call(use: ToolUse) -> Body:
    function = {"name": use.name, "arguments": _compact(use.arguments)}
    return {"id": use.id, "type": "function", "function": function}


# --- Responses -------------------------------------------------------------------------------


def _responses_body(prompt: Prompt) -> Body:
    return {
        "model": _MODEL,
        "max_output_tokens": _REPLY_TOKENS,
        "instructions": prompt.header + prompt.system,
        "input": [item for message in prompt.messages for item in _items(prompt, message)],
        "tools": [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.schema,
            }
            for tool in prompt.tools
        ],
    }


def _items(prompt: Prompt, message: Message) -> Iterator[Body]:
    texts = _texts(message)
    if texts and message.role == "assistant":
        # llama-server takes an assistant's words in this long form only.
        blocks = [{"type": "output_text", "text": text.text} for text in texts]
        yield {"type": "message", "role": "assistant", "content": blocks}
    elif texts:
        yield {"role": "user", "content": _content(prompt, texts, "input_text")}
    for part in message.parts:
        match part:
            case ToolUse(id, name, arguments):
                said = {"call_id": id, "name": name, "arguments": _compact(arguments)}
                yield {"type": "function_call"} | said
            case ToolResult(id, text):
                yield {"type": "function_call_output", "call_id": id, "output": text}
            case Text():
                pass
