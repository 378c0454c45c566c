"""What a provider's prompt cache would report, for the two ways of caching that clients meet.

A token is four characters here. Only what an earlier request holds from its beginning on can be
read, so the counts are true of the bodies that really came.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Body", "Counts", "MarkedCache", "PrefixCache"]

Body = Mapping[str, Any]

MINIMUM = 1024
"""Tokens below which neither provider caches (for the models that are named here)."""
STEP = 128
"""OpenAI, Prompt caching guide: hits come in steps of 128 tokens."""
LOOKBACK = 20
"""Claude docs, Prompt caching: a read looks back 20 blocks from a breakpoint."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of a prompt: all, read from the cache, written to it."""

    total: int
    read: int
    written: int = 0


@dataclass
class PrefixCache:
    """The longest common prefix with any earlier request to the same model, as OpenAI does it."""

    seen: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def take(self, body: Body) -> Counts:
        """The counts of a request, which is there for later ones from now on."""
        text = "".join(_openai(body))
        earlier = self.seen.setdefault(str(body["model"]), [])
        shared = max((_shared(text, other) for other in earlier), default=0)
        earlier.append(text)
        read = shared // 4 // STEP * STEP
        return Counts(len(text) // 4, read if read >= MINIMUM else 0)


@dataclass
class MarkedCache:
    """Entries at breakpoints, read by looking back from breakpoints, as Anthropic does it."""

    kept: set[str] = field(default_factory=set[str])

    def take(self, body: Body) -> Counts:
        """The counts of a request, whose entries are there for later ones from now on."""
        text, names, marks = str(body["model"]), list[str](), list[int]()
        for number, (part, marked) in enumerate(_anthropic(body)):
            text += part
            names.append(text)
            if marked:
                marks.append(number)
        read = max((self._behind(names, mark) for mark in marks), default=0)
        written = max((len(names[mark]) // 4 for mark in marks), default=0)
        self.kept.update(names[mark] for mark in marks if len(names[mark]) // 4 >= MINIMUM)
        return Counts(len(text) // 4, read, max(written - read, 0) if written >= MINIMUM else 0)

    def _behind(self, names: Sequence[str], mark: int) -> int:
        near = names[max(mark - LOOKBACK + 1, 0) : mark + 1]
        return max((len(name) // 4 for name in near if name in self.kept), default=0)


def _shared(one: str, other: str) -> int:
    """Characters that two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _openai(body: Body) -> Iterator[str]:
    yield from map(_text, body.get("tools") or ())
    yield str(body.get("instructions") or "")
    prompt = body.get("messages") or body.get("input") or ()
    yield from [prompt] if isinstance(prompt, str) else map(_text, prompt)


def _anthropic(body: Body) -> Iterator[tuple[str, bool]]:
    for tool in body.get("tools") or ():
        yield _part(tool)
    for block in _blocks(body.get("system") or ()):
        yield _part(block)
    for message in body["messages"]:
        for block in _blocks(message["content"]):
            yield _part({**block, "role": message["role"]})


def _blocks(content: str | Sequence[Body]) -> Sequence[Body]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _part(block: Body) -> tuple[str, bool]:
    kept = {name: value for name, value in block.items() if name != "cache_control"}
    return _text(kept), "cache_control" in block


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
