"""Random agent conversations, rendered as requests of every API, with every place's name."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# fmt: off
WORDS: list[str] = [
    "alder", "basin", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "joist",
    "kelp", "larch", "marsh", "nacre", "orchid", "pebble", "quartz", "ridge", "slate",
    "thorn", "umber", "vale", "willow", "yarrow", "zinc", "anvil", "birch", "cliff", "dune",
    "estuary", "fern", "gully", "heron", "inlet", "jetty", "kiln", "ledge", "moss", "nettle",
    "otter", "perch", "quill", "reed", "spruce", "tarn",
]
# fmt: on
SHAPES = ("anthropic", "openai-chat", "openai-responses", "gemini", "bedrock")


@dataclass
class Tool:
    name: str
    description: str
    properties: dict[str, Any]
    required: list[str]


@dataclass
class Part:
    """``kind`` is text, use or result."""

    kind: str
    text: str = ""
    id: str = ""
    name: str = ""
    input: dict[str, Any] = field(default_factory=dict)


@dataclass
class Turn:
    role: str
    parts: list[Part]


@dataclass
class Talk:
    """A request without the API: what every renderer below turns into a body."""

    tools: list[Tool]
    system: list[str]
    turns: list[Turn]
    model: str = "m"
    choice: str | None = None
    as_strings: bool = True
    marked: tuple[int, ...] = ()

    def copy(self) -> Talk:
        return copy.deepcopy(self)


@dataclass
class Rendered:
    """A body and the paths of its places: tool index, system index, (turn, part)."""

    body: dict[str, Any]
    provider: str
    tools: list[str]
    system: list[str]
    parts: dict[tuple[int, int], str]


class Author:
    """Writes random talks: no sentence comes twice, none looks like a time, an id or a path."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._count = 0

    def word(self) -> str:
        return self.random.choice(WORDS)

    def text(self, words: int) -> str:
        self._count += 1
        rest = [self.word() for _ in range(words)]
        lines, at = [], 0
        while at < len(rest):
            step = self.random.randint(4, 12)
            lines.append(" ".join(rest[at : at + step]))
            at += step
        return f"{self._unique()} " + "\n".join(lines)

    def _unique(self) -> str:
        left, out = self._count, []
        while left:
            left, digit = divmod(left, len(WORDS))
            out.append(WORDS[digit].upper())
        return "".join(out) + self.random.choice(WORDS).title()

    def tool(self, place: int) -> Tool:
        names = self.random.sample(WORDS, self.random.randint(2, 4))
        properties = {n: {"type": "string", "description": self.text(4)} for n in names}
        name = f"{self._unique()}_{WORDS[place]}"
        return Tool(name, self.text(self.random.randint(8, 20)), properties, names[:2])

    def talk(self) -> Talk:
        tools = [self.tool(i) for i in range(self.random.randint(2, 5))]
        system = [self.text(self.random.randint(30, 80)) for _ in range(self.random.randint(1, 3))]
        turns = [Turn("user", [Part("text", self.text(12))])]
        for _ in range(self.random.randint(1, 4)):
            self.step(turns, tools)
        return Talk(tools, system, turns, as_strings=self.random.random() < 0.5)

    def step(self, turns: list[Turn], tools: list[Tool]) -> None:
        """An answer, with or without tool calls, and what follows it."""
        if self.random.random() < 0.6:
            uses = []
            for _ in range(self.random.randint(1, 3)):
                used = self.random.choice(tools)
                self._count += 1
                given = {key: self.text(5) for key in used.properties}
                uses.append(Part("use", id=f"call_{self._unique()}", name=used.name, input=given))
            said = [Part("text", self.text(8))] if self.random.random() < 0.7 else []
            turns.append(Turn("assistant", said + uses))
            results = [Part("result", self.text(15), id=use.id, name=use.name) for use in uses]
            turns.append(Turn("user", results))
        else:
            turns.append(Turn("assistant", [Part("text", self.text(10))]))
            turns.append(Turn("user", [Part("text", self.text(9))]))


def _schema(tool: Tool) -> dict[str, Any]:
    return {"type": "object", "properties": tool.properties, "required": tool.required}


def anthropic(talk: Talk) -> Rendered:
    parts: dict[tuple[int, int], str] = {}
    messages = []
    for t, turn in enumerate(talk.turns):
        content: list[Any] = []
        for p, part in enumerate(turn.parts):
            parts[t, p] = f"messages[{t}].content[{p}]"
            content.append(
                {"type": "text", "text": part.text}
                if part.kind == "text"
                else {"type": "tool_use", "id": part.id, "name": part.name, "input": part.input}
                if part.kind == "use"
                else {"type": "tool_result", "tool_use_id": part.id, "content": part.text}
            )
        for p in talk.marked:
            if t == p:
                content[-1]["cache_control"] = {"type": "ephemeral"}
        plain = len(content) == 1 and set(content[0]) == {"type", "text"} and talk.as_strings
        messages.append({"role": turn.role, "content": turn.parts[0].text if plain else content})
    one = len(talk.system) == 1 and talk.as_strings
    body: dict[str, Any] = {
        "model": "claude-sonnet-5" if talk.model == "m" else "claude-opus-5",
        "max_tokens": 100,
        "tools": [
            {"name": t.name, "description": t.description, "input_schema": _schema(t)}
            for t in talk.tools
        ],
        "system": talk.system[0] if one else [{"type": "text", "text": s} for s in talk.system],
        "messages": messages,
    }
    if talk.choice:
        body["tool_choice"] = {"type": talk.choice}
    return Rendered(
        body,
        "anthropic",
        [f"tools[{t.name}]" for t in talk.tools],
        [f"system[{i}]" for i in range(len(talk.system))],
        parts,
    )


def openai_chat(talk: Talk) -> Rendered:
    messages: list[Any] = [{"role": "system", "content": s} for s in talk.system]
    parts: dict[tuple[int, int], str] = {}
    for t, turn in enumerate(talk.turns):
        texts = [(p, part) for p, part in enumerate(turn.parts) if part.kind == "text"]
        uses = [(p, part) for p, part in enumerate(turn.parts) if part.kind == "use"]
        if texts or uses:
            at = len(messages)
            message: dict[str, Any] = {"role": turn.role, "content": None}
            if texts:
                plain = talk.as_strings and len(texts) == 1
                message["content"] = (
                    texts[0][1].text
                    if plain
                    else [{"type": "text", "text": part.text} for _, part in texts]
                )
            for k, (p, _) in enumerate(texts):
                parts[t, p] = f"messages[{at}].content[{k}]"
            if uses:
                message["tool_calls"] = [
                    {
                        "id": part.id,
                        "type": "function",
                        "function": {"name": part.name, "arguments": json.dumps(part.input)},
                    }
                    for _, part in uses
                ]
            for k, (p, _) in enumerate(uses):
                parts[t, p] = f"messages[{at}].tool_calls[{k}]"
            messages.append(message)
        for p, part in enumerate(turn.parts):
            if part.kind == "result":
                parts[t, p] = f"messages[{len(messages)}].content[0]"
                messages.append({"role": "tool", "tool_call_id": part.id, "content": part.text})
    body: dict[str, Any] = {
        "model": "gpt-5.5" if talk.model == "m" else "gpt-5.4",
        "messages": messages,
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": t.name,
                    "description": t.description,
                    "parameters": _schema(t),
                },
            }
            for t in talk.tools
        ],
    }
    return _with_system(talk, Rendered(body, "openai", [], [], parts))


def openai_responses(talk: Talk) -> Rendered:
    items: list[Any] = [{"role": "developer", "content": s} for s in talk.system[1:]]
    parts: dict[tuple[int, int], str] = {}
    for t, turn in enumerate(talk.turns):
        kind = "output_text" if turn.role == "assistant" else "input_text"
        for p, part in enumerate(turn.parts):
            if part.kind == "text":
                parts[t, p] = f"messages[{len(items)}].content[0]"
                text: Any = [{"type": kind, "text": part.text}]
                if talk.as_strings and turn.role == "user":
                    text = part.text
                items.append({"type": "message", "role": turn.role, "content": text})
                continue
            parts[t, p] = f"messages[{len(items)}]"
            items.append(
                {
                    "type": "function_call",
                    "call_id": part.id,
                    "name": part.name,
                    "arguments": json.dumps(part.input),
                }
                if part.kind == "use"
                else {"type": "function_call_output", "call_id": part.id, "output": part.text}
            )
    body: dict[str, Any] = {
        "model": "gpt-5.6" if talk.model == "m" else "gpt-5.5",
        "instructions": talk.system[0],
        "input": items,
        "tools": [
            {
                "type": "function",
                "name": t.name,
                "description": t.description,
                "parameters": _schema(t),
            }
            for t in talk.tools
        ],
    }
    return _with_system(talk, Rendered(body, "openai", [], [], parts))


def gemini(talk: Talk) -> Rendered:
    parts: dict[tuple[int, int], str] = {}
    contents: list[Any] = []
    for t, turn in enumerate(talk.turns):
        made: list[Any] = []
        for p, part in enumerate(turn.parts):
            parts[t, p] = f"messages[{t}].content[{p}]"
            made.append(
                {"text": part.text}
                if part.kind == "text"
                else {"functionCall": {"name": part.name, "args": part.input}}
                if part.kind == "use"
                else {"functionResponse": {"name": part.name, "response": {"output": part.text}}}
            )
        contents.append({"role": "model" if turn.role == "assistant" else "user", "parts": made})
    body: dict[str, Any] = {
        "model": "gemini-2.5-pro" if talk.model == "m" else "gemini-2.5-flash",
        "systemInstruction": {"parts": [{"text": s} for s in talk.system]},
        "contents": contents,
        "tools": [
            {
                "functionDeclarations": [
                    {"name": t.name, "description": t.description, "parameters": _schema(t)}
                    for t in talk.tools
                ]
            }
        ],
    }
    return _with_system(talk, Rendered(body, "gemini", [], [], parts))


def bedrock(talk: Talk) -> Rendered:
    parts: dict[tuple[int, int], str] = {}
    messages: list[Any] = []
    for t, turn in enumerate(talk.turns):
        made: list[Any] = []
        for p, part in enumerate(turn.parts):
            parts[t, p] = f"messages[{t}].content[{p}]"
            made.append(
                {"text": part.text}
                if part.kind == "text"
                else {"toolUse": {"toolUseId": part.id, "name": part.name, "input": part.input}}
                if part.kind == "use"
                else {"toolResult": {"toolUseId": part.id, "content": [{"text": part.text}]}}
            )
        messages.append({"role": turn.role, "content": made})
    body: dict[str, Any] = {
        "modelId": "amazon.nova-pro-v1:0" if talk.model == "m" else "amazon.nova-lite-v1:0",
        "system": [{"text": s} for s in talk.system],
        "messages": messages,
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": t.name,
                        "description": t.description,
                        "inputSchema": {"json": _schema(t)},
                    }
                }
                for t in talk.tools
            ]
        },
    }
    return _with_system(talk, Rendered(body, "bedrock", [], [], parts))


def _with_system(talk: Talk, rendered: Rendered) -> Rendered:
    rendered.tools = [f"tools[{t.name}]" for t in talk.tools]
    rendered.system = [f"system[{i}]" for i in range(len(talk.system))]
    return rendered


RENDER: dict[str, Callable[[Talk], Rendered]] = {
    "anthropic": anthropic,
    "openai-chat": openai_chat,
    "openai-responses": openai_responses,
    "gemini": gemini,
    "bedrock": bedrock,
}
SCHEMA_KEY = {
    "anthropic": ".input_schema",
    "openai-chat": ".parameters",
    "openai-responses": ".parameters",
    "gemini": ".parameters",
    "bedrock": ".inputSchema.json",
}
