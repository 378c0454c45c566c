"""How long find_edits takes, case by case: `.venv/bin/python bench/edit.py`.

Ratios are to comparing the encoded texts with memcmp and to difflib on lines, measured in the same
run.
"""

from __future__ import annotations

import difflib
import json
import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from whycold.core.edit import apply_edits, classify, find_edits, similarity

T = TypeVar("T")

_MEGABYTE = 1_000_000
# fmt: off
_WORDS = [
    "cache", "prefix", "tool", "of", "the", "a", "message", "reads", "every", "time", "when",
    "model", "asks", "for", "more", "context", "and", "then", "stops", "because", "its", "budget",
]
# fmt: on
# Quadratic on repeated lines: one such case takes difflib many minutes.
_DIFFLIB_UP_TO_LINES = 30_000


def prose(size: int, rng: random.Random) -> str:
    parts: list[str] = []
    length = 0
    while length < size:
        line = f"{' '.join(rng.choices(_WORDS, k=rng.randrange(4, 16)))} {rng.randrange(10**6)}.\n"
        parts.append(line)
        length += len(line)
    return "".join(parts)


def minified(size: int, rng: random.Random) -> str:
    items = [
        {
            "id": rng.randrange(10**9),
            "name": rng.choice(_WORDS),
            "text": " ".join(rng.choices(_WORDS, k=8)),
        }
        for _ in range(size // 90)
    ]
    return json.dumps(items, separators=(",", ":"))


def scattered(text: str, count: int, rng: random.Random) -> str:
    """Words replaced, put in and taken out at random places."""
    places = sorted(rng.sample(range(len(text)), count), reverse=True)
    for at in places:
        kind = rng.randrange(3)
        text = text[:at] + ("XYZ " * (kind != 2)) + text[at + (5 if kind != 1 else 0) :]
    return text


def cases(rng: random.Random) -> Iterator[tuple[str, str, str]]:
    text, other = prose(_MEGABYTE, rng), prose(_MEGABYTE, rng)
    line = minified(_MEGABYTE, rng)
    big = prose(4 * _MEGABYTE, rng)
    blob = "".join(
        rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", k=_MEGABYTE)
    )
    same = "the same line again\n" * (_MEGABYTE // 20)
    lines = text.splitlines(keepends=True)
    numbered = "".join(f"{n:6}\t{row}" for n, row in enumerate(lines[:6000]))
    shifted = "".join(f"{n:6}\t{row}" for n, row in enumerate(["a new line\n", *lines[:6000]]))
    moved = "".join(lines[5000:9000] + lines[:5000] + lines[9000:])
    shuffled = rng.sample(lines, len(lines))
    every_line = "".join(row[:10] + "!" + row[11:] for row in lines)
    yield "1 MB lines, one character", text, text[:500_000] + "#" + text[500_001:]
    yield "1 MB lines, 20 edits", text, scattered(text, 20, rng)
    yield "1 MB one-line JSON, 20 edits", line, scattered(line, 20, rng)
    yield "1 MB base64, 20 edits", blob, scattered(blob, 20, rng)
    yield "4 MB lines, 20 edits", big, scattered(big, 20, rng)
    yield "1 MB lines, 20 edits, one emoji", text, scattered(text, 19, rng)[:-1] + "😀"
    yield "1 MB lines, 200 edits", text, scattered(text, 200, rng)
    yield "1 MB lines, 10,000 edits", text, scattered(text, 10_000, rng)
    yield "1 MB JSON, 10,000 edits", line, scattered(line, 10_000, rng)
    yield "1 MB, every line edited", text, every_line
    yield "1 MB wholly different", text, other
    yield "1 MB JSON against lines", line, text
    yield "1 MB base64 wholly different", blob, "".join(rng.sample(blob, len(blob)))
    yield "1 MB same line, 20 edits", same, scattered(same, 20, rng)
    yield "1 MB same line, 1,000 edits", same, scattered(same, 1000, rng)
    yield "1 MB same line, 10,000 edits", same, scattered(same, 10_000, rng)
    yield "1 MB same character, 20 edits", "a" * _MEGABYTE, scattered("a" * _MEGABYTE, 20, rng)
    coins = ["".join(rng.choices("ab", k=_MEGABYTE)) for _ in range(2)]
    yield "1 MB of two characters, random", coins[0], coins[1]
    yield "200 KB block moved", text, moved
    yield "1 MB lines shuffled", text, "".join(shuffled)
    yield (
        "100 KB put in, 20 edits",
        text,
        scattered(text[:400_000] + other[:100_000] + text[400_000:], 20, rng),
    )
    yield "cat -n, one line put in", numbered, shifted
    yield "2 KB description, 2 edits", text[:2000], scattered(text[:2000], 2, rng)


def best(run: Callable[[], T], repeats: int) -> tuple[float, T]:
    """Seconds of the fastest run, and its result."""
    fastest, result = float("inf"), None
    for _ in range(repeats):
        start = time.perf_counter()
        result = run()
        fastest = min(fastest, time.perf_counter() - start)
    assert result is not None
    return fastest, result


def row(name: str, before: str, after: str) -> str:
    encoded, copy = before.encode(), before.encode()
    compared, _ = best(lambda: encoded == copy, 20)
    seconds, edits = best(lambda: find_edits(before, after), 5)
    assert apply_edits(before, after, edits) == after
    judged, kind = best(lambda: classify(before, after, edits), 3)
    alike, _ = best(lambda: similarity(before, after), 3)
    return (
        f"{name:34}{len(edits):6}{kind:>12}{seconds * 1000:9.2f}{seconds / compared:10.1f}"
        f"{against_difflib(seconds, before, after):>11}{judged * 1000:10.2f}{alike * 1000:12.2f}"
    )


def against_difflib(seconds: float, before: str, after: str) -> str:
    old, new = before.splitlines(), after.splitlines()
    if not 10 < len(old) < _DIFFLIB_UP_TO_LINES or len(set(old)) < len(old) / 2:
        return "-"
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    reference, _ = best(matcher.get_opcodes, 1)
    return f"{seconds / reference:.3f}"


def main() -> None:
    rng = random.Random(7)
    print(
        f"{'case':34}{'edits':>6}{'kind':>12}{'ms':>9}{'x memcmp':>10}{'x difflib':>11}"
        f"{'classify':>10}{'similarity':>12}"
    )
    for name, before, after in cases(rng):
        print(row(name, before, after), flush=True)


if __name__ == "__main__":
    main()
