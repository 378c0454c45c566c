"""Counts the calls and tokens of Claude Code transcripts from their raw JSON, by rules of its own.

`python tests/sources/claude_code/independent_count.py FOLDER` prints them; the tests hold the
importer's totals against them. It shares no code with the importer: a call is what shares a
`requestId` (without one, a message id; without that, it is its record alone); its last record's
counts hold; API errors and what the client made up itself are none.
"""

import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COUNTED = {
    "input_tokens": "uncached",
    "cache_read_input_tokens": "read",
    "cache_creation_input_tokens": "written",
    "output_tokens": "output",
}
SPLIT = {"ephemeral_5m_input_tokens": "written_5m", "ephemeral_1h_input_tokens": "written_1h"}


def records(path: Path) -> Iterator[Any]:
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    for line in raw.split(b"\n"):
        try:
            yield json.loads(line)
        except ValueError:
            continue


def calls(path: Path) -> dict[str, Any]:
    """The usage of each call of one file, by what names it."""
    found: dict[str, Any] = {}
    for record in records(path):
        message = record.get("message") if isinstance(record, dict) else None
        if record.get("type") != "assistant" or not isinstance(message, dict):
            continue
        if record.get("isApiErrorMessage") or message.get("model") == "<synthetic>":
            continue
        if isinstance(message.get("usage"), dict):
            name = record.get("requestId") or message.get("id") or record.get("uuid")
            found[f"{name} {message.get('id')}"] = message["usage"]
    return found


def totals(folder: Path) -> Counter[str]:
    """Calls and tokens of one transcript or a folder of them; what is in several counts once."""
    found: dict[str, Any] = {}
    paths = (
        [folder] if folder.is_file() else [*folder.rglob("*.jsonl"), *folder.rglob("*.jsonl.gz")]
    )
    for path in sorted(paths):
        for name, usage in calls(path).items():
            found.setdefault(name, usage)
    sums: Counter[str] = Counter(calls=len(found))
    for usage in found.values():
        for key, name in COUNTED.items():
            sums[name] += usage.get(key) or 0
        for key, name in SPLIT.items():
            sums[name] += (usage.get("cache_creation") or {}).get(key) or 0
    return sums


if __name__ == "__main__":
    for file in sorted(Path(sys.argv[1]).rglob("*.jsonl")):
        print(file.name, len(calls(file)))
    print(dict(totals(Path(sys.argv[1]))))
