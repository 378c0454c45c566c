"""Request logs as LiteLLM's clients write them: one JSON file per call, messages and response."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.recordings import Recording, Source

__all__ = ["read_log"]

_ESCAPE = re.compile(r'\\(["\\/bfnrtu])?')


def read_log(path: Path, source: Source) -> None:
    """Add the call of a log file to the source; ``timestamp`` is when its answer was there."""
    log, mended = _load(path.read_text("utf-8", "surrogateescape"))
    if not isinstance(log, dict) or "messages" not in log or "response" not in log:
        source.notes.append(f"{path.name}: holds no request with its response")
        return
    if mended:
        source.notes.append(f"{path.name}: {mended} broken escape(s) taken literally")
    response: Any = log["response"]
    settings = {k: v for k, v in (log.get("kwargs") or {}).items() if k not in _NOT_SENT}
    tools = {"tools": log["tools"]} if log.get("tools") else {}
    came = datetime.fromtimestamp(float(log["timestamp"]), UTC)
    source.add(
        Recording(
            id=str(response.get("id") or path.name),
            file=path.name,
            request={
                "model": response.get("model"),
                "messages": log["messages"],
                **tools,
                **settings,
            },
            response=response,
            at=came - timedelta(seconds=float(log.get("latency_sec") or 0)),
            began=came,
            provider="litellm",
        )
    )


_NOT_SENT = frozenset({"extra_body", "metadata", "tools", "messages", "model"})
"""Arguments that the model's API does not get, and what stands elsewhere in the log."""


def _load(text: str) -> tuple[Any, int]:
    """The JSON value, and how many backslashes that escape nothing were doubled to read it.

    Whoever publishes a log replaces names in its text and can cut an escape in two.
    """
    try:
        return json.loads(text), 0
    except ValueError:
        pass
    count = 0

    def doubled(match: re.Match[str]) -> str:
        nonlocal count
        count += match[1] is None
        return match[0] if match[1] is not None else "\\\\"

    try:
        return json.loads(_ESCAPE.sub(doubled, text)), count
    except ValueError:
        return None, 0
