"""Much of anything: bodies of 50 MB, ten thousand blocks, names of a megabyte. Each is answered."""

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.frontends.command import write

WORDS = ("alder", "basin", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "joist")
SCHEMA = {"type": "object"}
GOOD: dict[str, Any] = {
    "model": "claude-opus-4-8",
    "max_tokens": 100,
    "system": "You are careful.",
    "messages": [{"role": "user", "content": "Hello"}],
}


def text(seed: int, words: int) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def asks(*messages: str) -> dict[str, Any]:
    return {**GOOD, "messages": [{"role": "user", "content": message} for message in messages]}


def offers(*tools: tuple[str, str]) -> dict[str, Any]:
    listed = [{"name": n, "description": d, "input_schema": SCHEMA} for n, d in tools]
    return {**GOOD, "tools": listed}


def holds(schema: Any) -> dict[str, Any]:
    return {**GOOD, "tools": [{"name": "t", "description": "d", "input_schema": schema}]}


def uses(ids: range, result: str) -> dict[str, Any]:
    """A conversation of tool calls and their results."""
    messages: list[Any] = [{"role": "user", "content": "Hello"}]
    for n in ids:
        use = {"type": "tool_use", "id": f"t{n}", "name": "read", "input": {"path": str(n)}}
        done = {"type": "tool_result", "tool_use_id": f"t{n}", "content": f"{result} {n}"}
        messages.append({"role": "assistant", "content": [use]})
        messages.append({"role": "user", "content": [done]})
    return {**GOOD, "messages": messages}


def shuffled(items: list[Any]) -> list[Any]:
    return random.Random(7).sample(items, len(items))


def other_in_gaps(texts: list[str]) -> list[str]:
    """Every fortieth text is left, all between are others."""
    return [t if n % 40 == 39 else text(-n, t.count(" ")) for n, t in enumerate(texts)]


def many() -> list[str]:
    return [f"{number} {text(number, 40)}" for number in range(10_000)]


def tiny() -> list[str]:
    return [str(number) for number in range(100_000)]


def tools() -> list[tuple[str, str]]:
    return [(f"t{number}", text(number, 10)) for number in range(10_000)]


def one_edit() -> tuple[Any, Any]:
    long = text(1, 8_500_000)
    return asks(long), asks(long[:25_000_000] + "!" + long[25_000_000:])


def nested(leaf: Any) -> Any:
    for _ in range(180):
        leaf = {"properties": leaf, "type": "object"}
    return leaf


KEY = "k" * 10_000_000
BIG = {str(n): "v" * 10_000 for n in range(100)}
REMINDERS = [
    f"<system-reminder>\nThe file number {n} changed.\n</system-reminder>" for n in range(3000)
]

PAIRS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "50 MB, one edit": one_edit,
    "50 MB, another text": lambda: (asks(text(1, 8_500_000)), asks(text(2, 8_500_000))),
    "50 MB, then little": lambda: (asks(text(1, 8_500_000)), asks("Hello")),
    "10 MB of lines, shuffled": lambda: (
        asks("\n".join(many() * 4)),
        asks("\n".join(shuffled(many() * 4))),
    ),
    "10 MB of one letter": lambda: (
        asks("a" * 10_000_000),
        asks("a" * 5_000_000 + "b" * 5_000_000),
    ),
    "10 MB of digits and dashes": lambda: (asks("1-" * 5_000_000), asks("1-" * 4_999_999 + "2-")),
    "10,000 blocks, all other": lambda: (asks(*many()), asks(*(f"{m[::-1]} x" for m in many()))),
    "10,000 blocks, some dropped": lambda: (asks(*many()), asks(*many()[5:])),
    "10,000 blocks, each edited": lambda: (asks(*many()), asks(*(f"{m}!" for m in many()))),
    "10,000 blocks, shuffled": lambda: (asks(*many()), asks(*shuffled(many()))),
    "10,000 blocks, others in gaps": lambda: (asks(*many()), asks(*other_in_gaps(many()))),
    "400 large blocks, others in gaps": lambda: (
        asks(*(text(n, 8_000) for n in range(400))),
        asks(*other_in_gaps([text(n, 8_000) for n in range(400)])),
    ),
    "100,000 tiny messages, none left": lambda: (asks(*tiny()), asks(*(f"k{t}" for t in tiny()))),
    "100,000 tiny messages, all alike": lambda: (asks(*"x" * 100_000), asks(*"y" * 100_000)),
    "100,000 tiny messages, shuffled": lambda: (asks(*tiny()), asks(*shuffled(tiny()))),
    "5,000 tool calls, the first dropped": lambda: (
        uses(range(5000), "done"),
        uses(range(100, 5000), "done"),
    ),
    "5,000 tool results, cleared": lambda: (
        uses(range(5000), text(1, 40)),
        uses(range(5000), "[cleared]"),
    ),
    "3,000 reminders, dropped": lambda: (
        asks(*(f"{m}\n{r}" for m, r in zip(many(), REMINDERS, strict=False))),
        asks(*many()[:3000]),
    ),
    "10,000 tools, reversed": lambda: (offers(*tools()), offers(*tools()[::-1])),
    "10,000 tools, half of them": lambda: (offers(*tools()), offers(*tools()[::2])),
    "10,000 tools, twice as many": lambda: (offers(*tools()[::2]), offers(*tools())),
    "10,000 tools, all renamed": lambda: (
        offers(*tools()),
        offers(*((f"x{n}", d) for n, d in tools())),
    ),
    "10,000 tools of one name": lambda: (
        offers(*(("t", d) for _, d in tools())),
        offers(*(("t", d) for _, d in tools()[1:])),
    ),
    "10,000 tools and 10,000 blocks": lambda: (
        {**offers(*tools()), "messages": asks(*many())["messages"]},
        {**offers(*tools()[::2]), "messages": asks(*many()[::2])["messages"]},
    ),
    "10,000 system blocks": lambda: (
        GOOD,
        {**GOOD, "system": [{"type": "text", "text": m} for m in many()]},
    ),
    "a key of 10 MB": lambda: (holds({KEY: 1}), holds({KEY: 2})),
    "keys of 10 MB": lambda: (holds({KEY: 1}), holds({f"{KEY}2": 1})),
    "a tool's name of 1 MB": lambda: (
        offers(("t" * 1_000_000, "a")),
        offers(("t" * 1_000_000, "b")),
    ),
    "a model's name of 1 MB": lambda: (GOOD, {**GOOD, "model": "m" * 1_000_000}),
    "300,000 keys": lambda: (
        holds({str(n): n for n in range(300_000)}),
        holds({str(n): n + 1 for n in range(300_000)}),
    ),
    "a list of 200,000 items": lambda: (
        holds({"enum": tiny() * 2}),
        holds({"enum": tiny()[1:] * 2}),
    ),
    "180 levels around 1 MB": lambda: (
        holds(nested({**BIG, "x": 1})),
        holds(nested({**BIG, "x": 2})),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_much_input_is_answered(tmp_path: Path, name: str):
    before, after = PAIRS[name]()
    files = write(tmp_path, "before.json", before), write(tmp_path, "after.json", after)
    command = [sys.executable, "-m", "whycold", "diff", *map(str, files)]
    ran = subprocess.run(command, capture_output=True, timeout=120, check=True)
    assert ran.stderr == b""
    assert len(ran.stdout) < 40_000
