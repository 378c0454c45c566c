"""``whycold statusline``: how a session's cache does, in one line and a few milliseconds.

Facts: Claude Code, status line (code.claude.com/docs, read 2026-11-23): the command gets a JSON
object with ``session_id`` on standard input, its first line is shown, and a failing command leaves
the line empty. tmux 3.5a, manual: ``#(command)`` in a status line shows the last line of a command,
in which ``#[…]`` is a style.
"""

from __future__ import annotations

import os
import sys
from typing import cast

import apsw

from whycold.errors import UserError
from whycold.frontends.config_places import store_url
from whycold.store.glance import Glance, LastMiss, glance

__all__ = ["line", "quick"]

_SQLITE = "sqlite:///"
_PATIENCE_S = 0.5
"""For the rest of the standard input."""
_LONGEST_INPUT = 1 << 20
_PATH = 40
_NOTHING = "whycold: nothing recorded yet"
_OPTIONS = ("--session", "--project", "--store")
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def quick(arguments: list[str]) -> bool:
    """Print the line for arguments as they were typed; false when they ask for something else
    (``--help``, a mistake), which the whole command then answers.
    """
    given: dict[str, str | None] = dict.fromkeys(_OPTIONS)
    rest = iter(arguments)
    for word in rest:
        name, equals, value = word.partition("=")
        if name not in given:
            return False
        given[name] = value if equals else next(rest, None)
        if given[name] is None:
            return False
    text = line(given["--session"], given["--project"], given["--store"])
    sys.stdout.buffer.write(f"{text}\n".encode())
    sys.stdout.buffer.flush()
    return True


def line(session: str | None, project: str | None, store: str | None) -> str:
    """The line, of a session or of the last 24 hours of a project; without either what standard
    input names, or else of all. Whatever is wrong, it is one short line.
    """
    try:
        if session is None and project is None:
            session = _session_of(_input())
        url = store or store_url()
        if not url.startswith(_SQLITE):
            return "whycold: the status line reads SQLite stores only"
        found = glance(os.path.expanduser(url.removeprefix(_SQLITE)), session, project)
    except (UserError, apsw.Error, OSError, ValueError, RecursionError):
        return "whycold: the store cannot be read now"
    return _shown(_told(found)) if found is not None else _NOTHING


def _input() -> bytes:
    """What stands on standard input; nothing from a terminal, nor from whom leaves it open and
    silent.
    """
    stream = sys.stdin
    if stream is None or stream.closed or stream.isatty():
        return b""
    if sys.platform == "win32":
        return stream.buffer.read(_LONGEST_INPUT)
    import select

    data = b""
    while len(data) < _LONGEST_INPUT and select.select([stream.fileno()], [], [], _PATIENCE_S)[0]:
        part = os.read(stream.fileno(), 1 << 16)
        if not part:
            break
        data += part
    return data


def _session_of(data: bytes) -> str | None:
    """The session that Claude Code's object names. Raises ValueError for what is no JSON."""
    if not data.strip():
        return None
    import json

    told: object = json.loads(data)
    session = cast("dict[str, object]", told).get("session_id") if isinstance(told, dict) else None
    return session if isinstance(session, str) and session else None


def _told(found: Glance) -> str:
    ratio = f"{100 * found.read / found.input:.1f}%" if found.input else "not reported"
    if found.last is None:
        misses = "no miss" if found.misses == 0 else f"{found.misses:,} misses"
        return f"cache {ratio} · {misses}"
    count = "1 miss" if found.misses == 1 else f"{found.misses:,} misses"
    return f"cache {ratio} · {count}, last {_ago(found.last.seconds)} ago: {_why(found.last)}"


def _why(last: LastMiss) -> str:
    cause = last.cause or "unexplained"
    path = last.path or ""
    if len(path) > _PATH:
        path = f"{path[:_PATH]}…"
    cost = f" ${last.cost / 1e12:.2g}" if last.cost else ""
    return f"{f'{path} ' if path else ''}{cause}, {_short(last.missed)} tokens{cost}"


def _ago(seconds: int) -> str:
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (1, "s"))
    return f"{max(0, seconds) // size} {unit}"


def _short(tokens: int) -> str:
    if tokens < 1_000:
        return str(tokens)
    return f"{tokens / 1_000:.1f}k" if tokens < 1_000_000 else f"{tokens / 1_000_000:.1f}M"


def _shown(text: str) -> str:
    """Without what steers a terminal or is a style to tmux: paths come out of prompts."""
    return "".join(char if char.isprintable() else "·" for char in text).replace("#[", "# [")
