"""What a commit changed, from git's own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Hunk", "read_hunks"]

_AT = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_MOST_LINE = 20_000


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines of one file that went and came; ``line`` is the number of the first one that came."""

    path: str
    line: int
    gone: tuple[str, ...]
    came: tuple[str, ...]


def read_hunks(patch: str) -> Iterator[Hunk]:
    """The hunks of a patch without context lines (``git show -U0``)."""
    path, line = "", 0
    gone: list[str] = []
    came: list[str] = []
    inside = False

    def ended() -> Iterator[Hunk]:
        if gone or came:
            yield Hunk(path, line, tuple(gone), tuple(came))
        gone.clear()
        came.clear()

    # not splitlines: a line of code may hold a form feed
    for text in patch.split("\n"):
        if text.startswith("diff --git "):
            yield from ended()
            path, inside = "", False
        elif not inside and text.startswith(("--- ", "+++ ")):
            # the new name, unless the file went; a deleted one keeps its old name
            name = text[4:].removesuffix("\t").strip('"')
            if name != "/dev/null":
                path = name.partition("/")[2]
        elif found := _AT.match(text):
            yield from ended()
            line, inside = int(found[1]), True
        elif inside and text.startswith("-"):
            gone.append(text[1:_MOST_LINE])
        elif inside and text.startswith("+"):
            came.append(text[1:_MOST_LINE])
    yield from ended()
