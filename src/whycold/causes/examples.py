"""Request bodies and usages for the examples of the causes: small builders, so that an example
shows what differs.

All bodies are plain JSON values. Names of parameters follow the Messages API; ``chat`` and
``responses`` build the two OpenAI formats.
"""

from __future__ import annotations

from collections.abc import Sequence

from whycold.core.call import Usage
from whycold.core.cause import Example
from whycold.core.content import Json, JsonMap

__all__ = [
    "MARKED",
    "MODEL",
    "TASK",
    "agent",
    "asks",
    "body",
    "chat",
    "function",
    "history_pair",
    "note",
    "opening_pair",
    "read",
    "responses",
    "result",
    "said",
    "system_pair",
    "text",
    "tool",
    "use",
    "without_reads",
    "wrote",
]

MODEL = "claude-sonnet-5"
MARKED: JsonMap = {"type": "ephemeral"}
TASK = "The tests of the billing module fail since yesterday. Find out why and repair them, please."
_ROLE = "You are a careful programmer. You read before you write, and you run the tests."


def text(value: str, *, mark: bool = False, ttl: str | None = None) -> JsonMap:
    """A text block, for system or for a message; ``mark`` asks for a cache entry up to it."""
    return _marked({"type": "text", "text": value}, mark=mark or ttl is not None, ttl=ttl)


def tool(
    name: str,
    description: str | None = None,
    properties: JsonMap | None = None,
    *,
    mark: bool = False,
    ttl: str | None = None,
) -> JsonMap:
    """A tool definition; ``properties`` are those of its input schema, a path by default."""
    schema: JsonMap = {"type": "object", "properties": properties or {"path": {"type": "string"}}}
    return _marked(
        {"name": name, "description": description or f"{name} a file.", "input_schema": schema},
        mark=mark or ttl is not None,
        ttl=ttl,
    )


def asks(*content: Json) -> JsonMap:
    """A user message: one string as it is, anything else as a list of blocks."""
    return {"role": "user", "content": _content(content)}


def said(*content: Json) -> JsonMap:
    """An assistant message, likewise."""
    return {"role": "assistant", "content": _content(content)}


def use(identity: str, name: str = "Read", **arguments: Json) -> JsonMap:
    """A tool_use block."""
    return {"type": "tool_use", "id": identity, "name": name, "input": arguments}


def result(identity: str, content: Json, *, mark: bool = False) -> JsonMap:
    """A tool_result block."""
    return _marked(
        {"type": "tool_result", "tool_use_id": identity, "content": content}, mark=mark, ttl=None
    )


def body(
    *messages: JsonMap,
    system: Json = None,
    tools: Sequence[JsonMap] | None = None,
    model: str = MODEL,
    **more: Json,
) -> JsonMap:
    """A Messages API request: a marked system prompt, two tools and the task unless told otherwise.

    ``system`` or ``tools`` given as an empty list are left out."""
    request: dict[str, Json] = {"model": model, "max_tokens": 1024}
    if tools is None:
        tools = (tool("Read"), tool("Write"))
    if tools:
        request["tools"] = list(tools)
    system = [text(_ROLE, mark=True)] if system is None else system
    if system:
        request["system"] = system
    request["messages"] = list(messages) or [asks(TASK)]
    return {**request, **more}


def agent(*more: JsonMap, first: Json = TASK, answer: Json = None, **request: Json) -> JsonMap:
    """A conversation of an agent: the task, a tool call, its result, then ``more``.

    The last block carries a marker by the request's own ``cache_control``."""
    messages = [
        asks(first) if not isinstance(first, list) else {"role": "user", "content": first},
        said(text("I look at the tests first."), use("toolu_01", path="tests/test_billing.py")),
        asks(result("toolu_01", answer if answer is not None else _FILE)),
    ]
    return body(*messages, *more, **{"cache_control": MARKED, **request})  # type: ignore[arg-type]


_FILE = """def test_total():
    assert total([1, 2]) == 3

def test_empty():
    assert total([]) == 0
"""


def chat(
    *messages: JsonMap,
    system: str = _ROLE,
    tools: Sequence[JsonMap] = (),
    model: str = "gpt-5.6",
    **more: Json,
) -> JsonMap:
    """A Chat Completions request; ``tools`` as ``function`` builds them."""
    opening: list[Json] = [{"role": "system", "content": system}] if system else []
    request: dict[str, Json] = {
        "model": model,
        "messages": [*opening, *(messages or [asks(TASK)])],
    }
    if tools:
        request["tools"] = list(tools)
    return {**request, **more}


def function(
    name: str, description: str | None = None, properties: JsonMap | None = None
) -> JsonMap:
    """A tool definition of Chat Completions."""
    inner = tool(name, description, properties)
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": inner["description"],
            "parameters": inner["input_schema"],
        },
    }


def responses(
    *items: Json, instructions: str | None = _ROLE, model: str = "gpt-5.6", **more: Json
) -> JsonMap:
    """A Responses API request; items are messages or the API's other input items."""
    request: dict[str, Json] = {"model": model, "input": list(items) or [asks(TASK)]}
    if instructions:
        request["instructions"] = instructions
    return {**request, **more}


def wrote(tokens: int, *, read: int = 0, output: int = 200) -> Usage:
    """A prompt of ``tokens`` that was put into the cache, but for what was ``read`` from it."""
    return Usage(
        input=tokens, cache_read=read, cache_write=tokens - read, uncached=0, output=output
    )


def read(tokens: int, *, of: int, output: int = 200) -> Usage:
    """A prompt ``of`` so many tokens, some read; the provider charges nothing for writing."""
    return Usage(input=of, cache_read=tokens, uncached=of - tokens, output=output)


def without_reads(tokens: int, *, output: int = 200) -> Usage:
    """A prompt whose cache reads and writes are not reported."""
    return Usage(input=tokens, output=output)


def note(value: str) -> JsonMap:
    """A text block as Claude Code puts notes for the model into a message."""
    return text(f"<system-reminder>\n{value}\n</system-reminder>")


def system_pair(name: str, before: str, after: str, *, provider: str = "anthropic") -> Example:
    """One turn of an agent and the next one, with another text at the end of the system prompt."""
    return Example(
        name,
        agent(system=[text(f"{_ROLE}\n\n{before}", mark=True)]),
        agent(*_NEXT, system=[text(f"{_ROLE}\n\n{after}", mark=True)]),
        was=wrote(12_000),
        now=wrote(12_400),
        provider=provider,
    )


def opening_pair(name: str, before: Json, after: Json) -> Example:
    """One turn of an agent and the next one, with another first message (a text or its blocks)."""
    return Example(name, agent(first=before), agent(*_NEXT, first=after))


def history_pair(name: str, before: Sequence[JsonMap], after: Sequence[JsonMap]) -> Example:
    """One turn of an agent and the next one, with other messages behind its first tool result."""
    return Example(name, agent(*before), agent(*after, *_NEXT))


def _content(content: Sequence[Json]) -> Json:
    return content[0] if len(content) == 1 and isinstance(content[0], str) else list(content)


def _marked(block: JsonMap, *, mark: bool, ttl: str | None) -> JsonMap:
    if not mark:
        return block
    return {**block, "cache_control": {**MARKED, "ttl": ttl} if ttl else MARKED}


_NEXT = (said("Both tests pass now."), asks("Good. Now look at the tests of the invoices."))
