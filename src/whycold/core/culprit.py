"""Which misses are the same culprit: a fingerprint that stays the same while volatile parts
change.
"""

from __future__ import annotations

import re

from whycold.core.content import digest
from whycold.core.divergence import Change, Divergence
from whycold.core.prompt import Section
from whycold.core.volatile import template, template_at

__all__ = ["fingerprint", "place"]

_ORDERS = frozenset({Change.reordered, Change.keys_reordered, Change.items_reordered})
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
        parts.append(place(divergence.path))
        if _is_written(divergence):
            parts += _templates(divergence)
    return digest(*(part.encode("utf-8", "surrogatepass") for part in parts)).hex()[:16]


def _is_written(divergence: Divergence) -> bool:
    """Whether the text is one that somebody wrote, the same each time: not the order in which
    things happen to come, nor what a conversation holds.
    """
    if divergence.change in _ORDERS:
        return False
    return divergence.section is not Section.messages or divergence.change is Change.edited


def _templates(divergence: Divergence) -> tuple[str, str]:
    """The text before and after without what changes by itself.

    Taken around the whole value that was edited: an excerpt begins elsewhere when the seconds of a
    time change and when its minutes do.
    """
    old, new = divergence.old_text, divergence.new_text
    if old is None or new is None or not divergence.edits:
        return template(divergence.before), template(divergence.after)
    edit = divergence.edits[0]
    return (
        template_at(old, edit.before_start, edit.before_end),
        template_at(new, edit.after_start, edit.after_end),
    )
