"""Counts the calls and tokens of opencode's data from its raw JSON, by rules of its own.

`python tests/sources/opencode/independent_count.py FOLDER` prints them; the tests hold the
importer's totals against them. It shares no code with the importer: a call is a ``step-finish``
part, and copies of one stand in messages of the same times and counts.
"""

import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any


def messages(folder: Path) -> Iterator[tuple[Any, list[Any]]]:
    """Every message with its parts in order, of all databases and files under a folder."""
    for path in sorted(folder.rglob("opencode*.db")):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            for id, data in db.execute("select id, data from message").fetchall():
                asked = "select data from part where message_id = ? order by id"
                yield json.loads(data), [json.loads(row[0]) for row in db.execute(asked, (id,))]
    for place in sorted(folder.rglob("storage/message")):
        for path in sorted(place.rglob("*.json")):
            parts = sorted((place.parent / "part" / path.stem).glob("*.json"))
            yield json.loads(path.read_text()), [json.loads(part.read_text()) for part in parts]


def totals(folder: Path) -> Counter[str]:
    """Calls and tokens of a folder; what is there several times counts once."""
    found: dict[str, Any] = {}
    for info, parts in messages(folder):
        ends = [part["tokens"] for part in parts if part["type"] == "step-finish"]
        for number, tokens in enumerate(ends):
            found[json.dumps((info["time"], info["tokens"], number), sort_keys=True)] = tokens
    sums: Counter[str] = Counter(calls=len(found))
    for tokens in found.values():
        read, written = tokens["cache"]["read"], tokens["cache"]["write"]
        sums["input"] += tokens["input"] + read + written
        sums["read"] += read
        sums["written"] += written
        sums["output"] += tokens["total"] - tokens["input"] - read - written
    return sums


if __name__ == "__main__":
    print(dict(totals(Path(sys.argv[1]))))
