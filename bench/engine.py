"""One diagnosis of two requests, as a ratio to parsing the same bytes: `python bench/engine.py`.

The bodies are a coding agent's: tools, a system text, hundreds of messages with tool calls and
files of Python's own library as their results. The second request goes on; or edits one tool's
description as well; or a word in each of twenty results.
"""

from __future__ import annotations

import argparse
import inspect
import json
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson

from whycold.diagnose import diagnose_pair
from whycold.providers.exchange import read_exchange
from whycold.providers.registry import rules_for

WORDS = [
    "read",
    "write",
    "test",
    "module",
    "function",
    "return",
    "value",
    "error",
    "trace",
    "build",
    "index",
    "cache",
    "token",
]
SOURCE = inspect.getsource(argparse) + inspect.getsource(random) + inspect.getsource(inspect)
RUNS = 9


def body(size: int) -> dict[str, Any]:
    rng = random.Random(size)

    def prose(length: int) -> str:
        return " ".join(rng.choices(WORDS, k=length // 6)) + f" {rng.random()}"

    def source(length: int) -> str:
        start = rng.randrange(len(SOURCE) - length)
        return SOURCE[start : start + length]

    tools = [
        {
            "name": f"tool_{i}",
            "description": prose(1500),
            "input_schema": {
                "type": "object",
                "properties": {w: {"type": "string", "description": prose(60)} for w in WORDS[:6]},
                "required": WORDS[:2],
            },
        }
        for i in range(20)
    ]
    messages: list[dict[str, Any]] = [{"role": "user", "content": prose(500)}]
    used = 60_000
    while used < size:
        call = f"toolu_{len(messages)}"
        messages.append(
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": prose(200)},
                    {
                        "type": "tool_use",
                        "id": call,
                        "name": "tool_1",
                        "input": {"path": prose(80)},
                    },
                ],
            }
        )
        result = source(rng.randrange(200, size // 50))
        messages.append(
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": call, "content": result}],
            }
        )
        used += len(result) + 600
    return {
        "model": "claude-sonnet-5",
        "max_tokens": 1000,
        "tools": tools,
        "system": [{"type": "text", "text": prose(12_000), "cache_control": {"type": "ephemeral"}}],
        "messages": messages,
    }


def appended(request: dict[str, Any]) -> dict[str, Any]:
    answer = {"role": "assistant", "content": "Done."}
    return request | {
        "messages": [*request["messages"], answer, {"role": "user", "content": "Go on."}]
    }


def edited(request: dict[str, Any]) -> dict[str, Any]:
    tools = [dict(tool) for tool in request["tools"]]
    tools[7]["description"] = tools[7]["description"].replace("cache", "store", 1)
    return appended(request) | {"tools": tools}


def rewritten(request: dict[str, Any]) -> dict[str, Any]:
    """A word exchanged in twenty tool results."""
    new = json.loads(json.dumps(appended(request)))
    results = [m for m in new["messages"] if isinstance(m["content"], list)][1::2]
    for message in results[:: max(1, len(results) // 20)][:20]:
        part = message["content"][0]
        part["content"] = part["content"].replace("self", "this", 1)
    return new


def diagnosed(before: bytes, after: bytes) -> None:
    start = datetime(2026, 11, 23, tzinfo=UTC)
    first = read_exchange(before).call("before", start)
    second = read_exchange(after).call("after", start + timedelta(seconds=9))
    diagnose_pair(first, second, rules_for)


def parsed(before: bytes, after: bytes) -> None:
    orjson.loads(before)
    orjson.loads(after)


def cpu(work: Callable[[], object]) -> float:
    """Milliseconds of CPU time, median of several runs."""
    spent = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        spent.append((time.process_time() - start) * 1000)
    return statistics.median(spent)


def main() -> None:
    print("| bodies | second request | orjson.loads of both, ms | diagnosis, ms | ratio |")
    print("|---|---|---:|---:|---:|")
    for size, name in ((400_000, "400 KB"), (4_000_000, "4 MB")):
        request = body(size)
        before = json.dumps(request).encode()
        for change in (appended, edited, rewritten):
            after = json.dumps(change(request)).encode()
            parse = cpu(partial(parsed, before, after))
            whole = cpu(partial(diagnosed, before, after))
            print(
                f"| {name} | {change.__name__} | {parse:.2f} | {whole:.2f} | {whole / parse:.2f} |"
            )


if __name__ == "__main__":
    main()
