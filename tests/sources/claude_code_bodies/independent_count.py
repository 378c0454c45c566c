"""Counts the calls and tokens of a folder of bodies from its raw JSON: each response is a call.

`python tests/sources/claude_code_bodies/independent_count.py FOLDER` prints them; the tests hold
the importer's totals against them. It shares no code with the importer.
"""

import json
import sys
from collections import Counter
from pathlib import Path


def totals(folder: Path) -> Counter[str]:
    sums: Counter[str] = Counter()
    for path in folder.rglob("*.response.json"):
        try:
            usage = json.loads(path.read_bytes())["usage"]
        except (ValueError, TypeError, KeyError):
            continue
        read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
        sums["calls"] += 1
        sums["input"] += usage["input_tokens"] + read + written
        sums["read"] += read
        sums["written"] += written
        sums["output"] += usage["output_tokens"]
    return sums


if __name__ == "__main__":
    print(dict(totals(Path(sys.argv[1]))))
