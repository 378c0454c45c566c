"""Asks a git repository, and runs nothing that stands in it."""

from __future__ import annotations

import os
import selectors
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from whycold.errors import UserError

__all__ = ["Repository"]

_SAFE = (
    "--no-pager",
    "--no-replace-objects",
    "--no-optional-locks",
    "--literal-pathspecs",
    # A repository's own configuration may name programs; each of these is one that git would run.
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.attributesFile="),
    *("-c", "diff.external="),
    *("-c", "log.showSignature=false"),
    *("-c", "gpg.program=false"),
    *("-c", "protocol.allow=never"),
    *("-c", "color.ui=false"),
    *("-c", "core.quotePath=false"),
    *("-c", "log.mailmap=false"),
    *("-c", "grep.threads=1"),
)
_VARIABLES = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ASKPASS": "false",
    "LC_ALL": "C.UTF-8",
}
_MOST_BYTES = 8 << 20
_CHUNK = 1 << 16


@dataclass(slots=True)
class Repository:
    """A git repository, read-only. ``clock`` gives seconds; every question ends by ``deadline``.

    ``cut_off`` says that some answer was not read to its end, for its length or for want of time.
    """

    folder: Path
    clock: Callable[[], float]
    deadline: float
    path: str
    cut_off: bool = False
    _head: str | None = field(default=None, init=False)

    @classmethod
    def at(cls, folder: Path, clock: Callable[[], float], seconds: float, path: str) -> Repository:
        """The repository that a folder stands in; ``path`` is where programs are looked for.

        Raises UserError when there is none, or no git.
        """
        if not folder.is_dir():
            raise UserError(f"{folder} is no folder: name one of a git repository with --repo")
        found = cls(folder, clock, clock() + seconds, path)
        if not found.lines("rev-parse", "--git-dir"):
            raise UserError(
                f"{folder} is in no git repository that git will read: name one with --repo"
            )
        return found

    @property
    def is_late(self) -> bool:
        """Whether the time is up."""
        return self.clock() >= self.deadline

    @property
    def head(self) -> str | None:
        """The commit that is checked out; None before the first one."""
        if self._head is None:
            found = self.lines("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
            self._head = found[0] if found else None
        return self._head

    def lines(self, *words: str) -> list[str]:
        """The lines of an answer; none where git fails."""
        return self.text(*words).splitlines()

    def text(self, *words: str) -> str:
        """What git prints, as far as there is time and room for it."""
        return self.bytes(words).decode("utf-8", "replace")

    def bytes(self, words: Sequence[str]) -> bytes:
        """The same as it stands. Raises UserError without git."""
        if self.is_late:
            self.cut_off = True
            return b""
        command = ["git", *_SAFE, "-C", str(self.folder), *words]
        try:
            running = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PATH": self.path, **_VARIABLES},
            )
        except FileNotFoundError:
            raise UserError("there is no git on this machine: blame needs it") from None
        return self._read(running)

    def _read(self, running: subprocess.Popen[bytes]) -> bytes:
        out = running.stdout
        assert out is not None
        parts: list[bytes] = []
        size = 0
        with running, selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            while True:
                if not selector.select(max(0.0, self.deadline - self.clock())):
                    break
                part = os.read(out.fileno(), _CHUNK)
                if not part:
                    return b"".join(parts)
                parts.append(part)
                size += len(part)
                if size > _MOST_BYTES:
                    break
            self.cut_off = True
            running.kill()
        return b"".join(parts)
