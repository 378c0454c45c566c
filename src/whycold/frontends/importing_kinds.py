"""What ``whycold import`` can read: every kind of recording, and where it is when nobody says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from whycold.sources.blocks import Blocks
from whycold.sources.claude_code import ClaudeCode
from whycold.sources.claude_code_bodies import ClaudeCodeBodies
from whycold.sources.codex import Codex
from whycold.sources.har import Har
from whycold.sources.jsonl import Jsonl
from whycold.sources.litellm import LiteLlm
from whycold.sources.opencode import Opencode
from whycold.sources.otlp import Otlp
from whycold.sources.recorded import Source
from whycold.sources.vcr import Vcr

__all__ = ["KINDS", "Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of recording.

    ``title`` is for people, ``read`` finds what files and folders hold, ``places`` says from the
    variables of the environment where a machine keeps it; a kind without a place has to be named.
    """

    title: str
    read: Callable[[Sequence[Path]], Source]
    places: Callable[[Mapping[str, str]], list[Path]]


def _claude_code(variables: Mapping[str, str]) -> list[Path]:
    """Where Claude Code keeps transcripts; either of two folders has been its default."""
    named = [part.strip() for part in variables.get("CLAUDE_CONFIG_DIR", "").split(",")]
    folders = [Path(name) for name in named if name]
    if not folders:
        config = variables.get("XDG_CONFIG_HOME") or "~/.config"
        folders = [Path("~/.claude"), Path(config) / "claude"]
    return [_expanded(folder) / "projects" for folder in folders]


def _claude_code_bodies(variables: Mapping[str, str]) -> list[Path]:
    """Where Claude Code was told to write whole requests."""
    kind, _, folder = variables.get("OTEL_LOG_RAW_API_BODIES", "").partition(":")
    return [Path(folder)] if kind == "file" and folder else []


def _codex(variables: Mapping[str, str]) -> list[Path]:
    """Where Codex CLI keeps rollouts, and those that were archived."""
    home = _expanded(Path(variables.get("CODEX_HOME") or "~/.codex"))
    return [home / "sessions", home / "archived_sessions"]


def _nowhere(_: Mapping[str, str]) -> list[Path]:
    """What has no place of its own is found where somebody says."""
    return []


def _opencode(variables: Mapping[str, str]) -> list[Path]:
    """Where opencode keeps its data, on every system."""
    return [_expanded(Path(variables.get("XDG_DATA_HOME") or "~/.local/share")) / "opencode"]


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        return path


KINDS: Mapping[str, Kind] = {
    "claude-code": Kind("Claude Code transcripts", ClaudeCode, _claude_code),
    "claude-code-bodies": Kind("Claude Code bodies", ClaudeCodeBodies, _claude_code_bodies),
    "codex": Kind("Codex CLI rollouts", Codex, _codex),
    "opencode": Kind("opencode sessions", Opencode, _opencode),
    "otlp": Kind("OTLP files", Otlp, _nowhere),
    "vcr": Kind("VCR cassettes", Vcr, _nowhere),
    "har": Kind("HTTP archives", Har, _nowhere),
    "litellm": Kind("LiteLLM logs", LiteLlm, _nowhere),
    "jsonl": Kind("Recorded exchanges", Jsonl, _nowhere),
    "blocks": Kind("Traces of blocks", Blocks, _nowhere),
}
