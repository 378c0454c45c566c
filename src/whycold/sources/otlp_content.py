"""What telemetry records of a conversation, in the shapes of Anthropic's Messages.

Shapes: OpenTelemetry GenAI conventions (messages of parts; events), OpenLLMetry 0.33 to 0.62
(``gen_ai.prompt.N``, ``llm.prompts.N``), OpenInference 0.1.42 (``llm.input_messages.N``), Anthropic
SDK 2.8 (parts); sources of these packages, read 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.sources.otlp_attributes import HIDDEN, indexed, listed, parsed
from whycold.sources.otlp_telemetry import Telemetry

__all__ = ["Content", "read_content", "read_pieces"]

_SYSTEM_ROLES = frozenset({"system", "developer"})
_TEXTS = ("message_content.text", "message.content")
_NEVER = datetime.min.replace(tzinfo=UTC)
_SDK = "com.anthropic.sdk"
_WHOLE_SCOPES = (
    "opentelemetry.instrumentation.anthropic",
    "opentelemetry.instrumentation.openai",
    "opentelemetry.instrumentation.genai",
    "opentelemetry.util.genai",
    "openinference.instrumentation.anthropic",
    "openinference.instrumentation.openai",
)
"""Instrumentations that record tools and system wherever they record messages: none is none."""


@dataclass(frozen=True, slots=True)
class Content:
    """System blocks, tools, messages and the reply; None: not recorded."""

    system: Sequence[Json] | None = None
    tools: Sequence[Json] | None = None
    messages: Sequence[Json] | None = None
    reply: Sequence[Json] | None = None

    @property
    def rank(self) -> int:
        """How much of a request is there, to choose between two records of one call."""
        if self.messages is None:
            return 0
        return 1 + (self.system is not None) + (self.tools is not None)


def read_content(record: Telemetry) -> Content:
    """What one span, or one event that stands for a whole call, holds."""
    attributes = record.attributes
    if attributes.get("anthropic.content.truncated") is True:
        # parts are dropped from the beginning on, the system's first
        return Content()
    found = _by_parts(attributes)
    if found.messages is None and record.whole:
        found = _by_number(attributes) or found
    for event in record.events:
        if found.messages is None:
            found = _of_event(event.attributes)
    return _completed(found, record.scope)


def _completed(found: Content, scope: str) -> Content:
    """With the system taken out of the messages, and nothing where that is known to be all."""
    if found.messages is None:
        return Content(reply=found.reply)
    leading, rest = _split_system(found.messages)
    system = [*(found.system or ()), *leading]
    whole = any(scope == name or scope.startswith(f"{name}.") for name in _WHOLE_SCOPES)
    known = whole or scope.startswith(_SDK)
    return replace(
        found,
        messages=rest,
        system=system if system or found.system is not None or known else None,
        tools=() if found.tools is None and whole else _described(found.tools),
    )


def _described(tools: Sequence[Json] | None) -> Sequence[Json] | None:
    """Tools with what is said of them; of names alone it is not known whether they are the same."""
    if tools is None or not tools:
        return tools
    known = [as_map(tool) or {} for tool in tools]
    said = ("description", "parameters", "input_schema", "function", "inputSchema")
    return tools if any(name in tool for tool in known for name in said) else None


def _split_system(messages: Sequence[Json]) -> tuple[list[Json], list[Json]]:
    """The blocks of the system messages that come first, and the messages behind them."""
    blocks: list[Json] = []
    for at, message in enumerate(messages):
        whole = as_map(message) or {}
        if as_text(whole.get("role")) not in _SYSTEM_ROLES:
            return blocks, list(messages[at:])
        content = whole.get("content")
        blocks += [content] if isinstance(content, str) else as_list(content) or ()
    return blocks, []


def _by_parts(attributes: JsonMap) -> Content:
    """Messages of parts, as the conventions have them since 1.37."""
    messages = as_list(parsed(attributes.get("gen_ai.input.messages")))
    system = as_list(parsed(attributes.get("gen_ai.system_instructions")))
    output = as_list(parsed(attributes.get("gen_ai.output.messages")))
    return Content(
        system=None if system is None else [_block(part) for part in system],
        tools=as_list(parsed(attributes.get("gen_ai.tool.definitions"))),
        messages=None if messages is None else [_message(message) for message in messages],
        reply=None if not output else (as_list((_message(output[0])).get("content")) or ()),
    )


def _message(message: Json) -> dict[str, Json]:
    whole = as_map(message) or {}
    parts = as_list(whole.get("parts"))
    if parts is None:
        return _plain(whole)
    return {"role": whole.get("role"), "content": [_block(part) for part in parts]}


def _block(part: Json) -> Json:
    """A part as a content block; one of another kind stays as it is."""
    whole = as_map(part)
    if whole is None:
        return part
    match whole.get("type"):
        case "text" if "content" in whole:
            return {"type": "text", "text": whole["content"]}
        case "reasoning":
            return {"type": "thinking", "thinking": whole.get("content")}
        case "tool_call":
            return _tool_use(whole.get("id"), whole.get("name"), whole.get("arguments"))
        case "tool_call_response":
            given = whole.get("response", whole.get("result"))
            return _tool_result(whole.get("id"), given)
        case "blob" | "uri" | "file" if whole.get("modality") == "image":
            return {"type": "image", "source": _source(whole)}
        case _:
            return whole


def _source(part: JsonMap) -> Json:
    if part.get("type") == "uri":
        return {"type": "url", "url": part.get("uri")}
    if part.get("type") == "file":
        return {"type": "file", "file_id": part.get("file_id")}
    data, mime = part.get("content", part.get("data")), part.get("mime_type")
    return {"type": "base64", "media_type": mime, "data": data}


def _tool_use(id: Json, name: Json, arguments: Json) -> Json:
    given = parsed(arguments)
    return {
        "type": "tool_use",
        "id": id,
        "name": name,
        "input": arguments if given is None else given,
    }


def _tool_result(id: Json, content: Json) -> Json:
    # other shapes than text and blocks are JSON that the model saw as text
    return {"type": "tool_result", "tool_use_id": id, "content": content}


def _by_number(attributes: JsonMap) -> Content | None:
    """Messages whose places are part of the attributes' names."""
    for prompt, completion in (
        ("gen_ai.prompt", "gen_ai.completion"),
        ("llm.prompts", "llm.completions"),
    ):
        if (messages := indexed(attributes, prompt)) is not None:
            replies = indexed(attributes, completion)
            tools = indexed(attributes, "llm.request.functions")
            return Content(
                tools=None if tools is None else [_function(tool) for tool in tools],
                messages=[_plain(message) for message in messages],
                reply=_blocks_of(_plain(replies[0])) if replies else None,
            )
    if (messages := indexed(attributes, "llm.input_messages")) is not None:
        if any(value == HIDDEN and name.endswith(_TEXTS) for name, value in attributes.items()):
            return None
        replies = indexed(attributes, "llm.output_messages")
        tools = indexed(attributes, "llm.tools")
        return Content(
            tools=None if tools is None else [_schema(tool) for tool in tools],
            messages=[_inferred(message) for message in messages],
            reply=_blocks_of(_inferred(replies[0])) if replies else None,
        )
    return None


def _blocks_of(message: JsonMap) -> Sequence[Json]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return as_list(content) or ()


def _function(tool: JsonMap) -> Json:
    schema = ("parameters", "input_schema")
    return {name: parsed(v) or v if name in schema else v for name, v in tool.items()}


def _schema(tool: JsonMap) -> Json:
    return parsed((as_map(tool.get("tool")) or {}).get("json_schema"))


def _plain(message: JsonMap) -> dict[str, Json]:
    """A message with text or blocks as content, and tool calls as OpenAI's chat has them."""
    role, content = as_text(message.get("role")), message.get("content")
    if isinstance(content, str) and content[:2] == "[{":
        content = _blocks_in(content)
    if role == "tool":
        called = message.get("tool_call_id", message.get("id"))
        return {"role": role, "content": [_tool_result(called, content)]}
    blocks: list[Json] = list(as_list(content) or ())
    if isinstance(content, str) and content:
        blocks = [{"type": "text", "text": content}]
    calls = [as_map(call) or {} for call in listed(message.get("tool_calls"))]
    return {"role": role, "content": [*blocks, *map(_called, calls)]}


def _blocks_in(text: str) -> Json:
    """Content blocks that were written as text; a text that only looks like them stays one."""
    items = as_list(parsed(text))
    if items is not None and all("type" in (as_map(item) or {}) for item in items):
        return items
    return text


def _called(call: JsonMap) -> Json:
    function = as_map(call.get("function")) or call
    return _tool_use(call.get("id"), function.get("name"), function.get("arguments"))


def _inferred(message: JsonMap) -> dict[str, Json]:
    """A message of OpenInference."""
    whole = as_map(message.get("message")) or {}
    calls = [
        as_map((as_map(c) or {}).get("tool_call")) or {} for c in listed(whole.get("tool_calls"))
    ]
    parts = [as_map(part) or {} for part in listed(whole.get("contents"))]
    if not parts:
        return _plain({**whole, "tool_calls": calls})
    blocks = [_inferred_block(part) for part in parts]
    if not any("tool_call" in part for part in parts):
        blocks += map(_called, calls)
    if whole.get("role") == "tool" and "tool_call_id" in whole:
        blocks = [_tool_result(whole["tool_call_id"], whole.get("content") or blocks)]
    return {"role": whole.get("role"), "content": blocks}


def _inferred_block(part: JsonMap) -> Json:
    if (call := as_map(part.get("tool_call"))) is not None:
        return _called(call)
    content = as_map(part.get("message_content")) or {}
    match content.get("type"):
        case "text":
            return {"type": "text", "text": content.get("text")}
        case "reasoning":
            kept = {k: v for k, v in content.items() if k in ("signature", "data")}
            return {"type": "thinking", "thinking": content.get("text"), **kept}
        case "image":
            url = (as_map((as_map(content.get("image")) or {}).get("image")) or {}).get("url")
            return {"type": "image", "source": {"type": "url", "url": url}}
        case _:
            return content


def _of_event(attributes: JsonMap) -> Content:
    """A span's event that holds the messages (conventions up to 1.27)."""
    found = _by_parts(attributes)
    if found.messages is None and (given := as_list(parsed(attributes.get("gen_ai.prompt")))):
        return Content(messages=[_plain(as_map(message) or {}) for message in given])
    return found


def read_pieces(pieces: Iterable[Telemetry]) -> Content:
    """What the events of one call say together, each of which holds a message (conventions 1.28 to
    1.36: ``gen_ai.system.message`` and its like, ``gen_ai.choice``).
    """
    messages: list[Json] = []
    tools: list[Json] | None = None
    reply: list[Json] = []
    for piece in sorted(pieces, key=lambda piece: piece.start or _NEVER):
        body = as_map(piece.body) or {}
        content = as_map(body.get("content")) or {}
        if piece.name == "gen_ai.choice":
            reply += _blocks_of(_plain(as_map(body.get("message")) or body))
        elif (offered := as_list(content.get("tools"))) is not None:
            tools = [*(tools or ()), *offered]
        else:
            role = as_text(body.get("role")) or piece.name.split(".")[1]
            messages.append(_plain({**body, "role": role}))
    if not messages:
        return Content(reply=reply or None)
    # of no scope: the event that holds the tools may still be on its way
    return _completed(Content(tools=tools, messages=messages, reply=reply or None), "")
