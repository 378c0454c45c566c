"""Counts the calls and tokens of Codex rollouts from their raw JSON, by rules of its own.

`python tests/sources/codex/independent_count.py FOLDER` prints them; the tests hold the importer's
totals against them. It shares no code with the importer: a call is where the thread's sums move,
and copies hold the same sums behind the same words of the user or call of a tool.
"""

import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COUNTED = {
    "input_tokens": "input",
    "cached_input_tokens": "read",
    "cache_write_input_tokens": "written",
    "output_tokens": "output",
}


def lines(path: Path) -> Iterator[Any]:
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    for line in raw.split(b"\n"):
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _said(payload: Any) -> str | None:
    """What the user says."""
    return json.dumps(payload["content"]) if payload.get("role") == "user" else None


def usages(path: Path) -> dict[Any, Any]:
    """The counts of each call of one file, by what names it in copies, too."""
    found: dict[Any, Any] = {}
    sums: Any = None
    asked, roots = "", [str(path)]
    for line in lines(path):
        payload = line.get("payload") or {}
        if line.get("type") == "session_meta" and not found:
            roots.append(str(payload.get("id")))
        asked = payload.get("call_id") or _said(payload) or asked
        if line.get("type") == "token_usage_record":
            now, used = payload["thread_token_usage"], payload["usage"]
        elif payload.get("type") == "token_count" and payload.get("info"):
            now, used = payload["info"]["total_token_usage"], payload["info"]["last_token_usage"]
        else:
            continue
        if now != sums and (used["input_tokens"] or used["output_tokens"]):
            found[roots[-1], json.dumps(now), asked] = used
        sums = now
    return found


def totals(folder: Path) -> Counter[str]:
    """Calls and tokens of one rollout or a folder of them; what is in several counts once."""
    found: dict[Any, Any] = {}
    for path in [folder] if folder.is_file() else sorted(folder.rglob("rollout-*.jsonl*")):
        for name, used in usages(path).items():
            found.setdefault(name, used)
    sums: Counter[str] = Counter(calls=len(found))
    for used in found.values():
        for key, name in COUNTED.items():
            sums[name] += used.get(key) or 0
    return sums


if __name__ == "__main__":
    print(dict(totals(Path(sys.argv[1]))))
