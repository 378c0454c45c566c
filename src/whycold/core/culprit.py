"""Which misses are the same culprit: a fingerprint that stays the same while volatile parts
change.
"""

from __future__ import annotations

import re

from whycold.core.content import digest
from whycold.core.divergence import Divergence
from whycold.core.volatile import template

__all__ = ["fingerprint", "place"]

_INDEX = re.compile(r"(messages)\[\d+\]|(content|tool_calls)\[\d+\]")


def place(path: str) -> str:
    """The path with the indexes that differ from call to call taken out:
    ``messages[].content[].text``.
    """
    return _INDEX.sub(lambda found: f"{found[1] or found[2]}[]", path)


def fingerprint(project: str | None, cause: str, divergence: Divergence | None) -> str:
    """16 hex digits for (project, cause, place, template of the text before and after)."""
    parts = [project or "", cause]
    if divergence is not None:
        parts += [place(divergence.path), template(divergence.before), template(divergence.after)]
    return digest(*(part.encode("utf-8", "surrogatepass") for part in parts)).hex()[:16]
