"""What Claude Code's attachments put into the prompt, as far as a transcript tells.

A version that writes ``rendered`` gives the very text; of others the content is known, not the
words around it. Types: transcripts of 2.1.119, and readers of later ones on GitHub (2026-11-23).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from whycold.core.content import Json, as_list, as_map, as_text

__all__ = ["Note", "noted"]

_NOT_SENT = frozenset(
    {
        "already_read_file",
        "command_permissions",
        "deferred_tools_record",
        "hook_cancelled",
        "hook_error_during_execution",
        "hook_non_blocking_error",
        "hook_permission_decision",
        "hook_system_message",
        "prompt_snapshot",
        "remote_session_change",
        "structured_output",
    }
)
"""Kept for the client, told to the user alone, or sent in a section that a transcript does not
show.
"""
_ABOUT_HOOKS = frozenset(
    {"command", "durationMs", "exitCode", "hookEvent", "stderr", "stdout", "toolUseID"}
)


class Note(NamedTuple):
    """An attachment that enters the prompt: its type, and content blocks or texts for it."""

    kind: str
    parts: Sequence[Json]


def noted(attachment: Json, rendered: Json) -> Note | None:
    """What an attachment puts into the prompt, None when that is nothing."""
    whole = as_map(attachment) or {}
    kind = as_text(whole.get("type"))
    if not kind:
        return None
    exact = [_content(item) for item in as_list(rendered) or ()]
    if sent := [text for text in exact if text]:
        return Note(kind, sent)
    if kind in _NOT_SENT or (kind.startswith("hook_") and not whole.get("content")):
        return None
    return Note(kind, [{k: v for k, v in whole.items() if k not in _ABOUT_HOOKS}])


def _content(rendered: Json) -> Json:
    return (as_map(rendered) or {}).get("content")
